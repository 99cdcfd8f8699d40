/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/survey.h"

#include <errno.h>
#include <stdio.h>

#include "base/array.h"
#include "move/probe.h"

void survey_done(struct survey *s)
{
	free(s->addresses);
	*s = (struct survey){ 0 };
}

/* Upper bound of the list, since the answer of a daemon has one; more are counted. */
#define ADDRESSES_MAX 8192

struct taking {
	struct survey *survey;
	const struct settings *settings;
	int *ifindex; /* of each configured device; 0: not there */
};

static bool survey_is_link_local(const struct addr *a)
{
	return addr_size(a->family) == 16 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static enum survey_usable usable(const struct ifaddr *a)
{
	if (a->flags & IFADDR_DADFAILED)
		return USABLE_DUPLICATE;
	return a->flags & IFADDR_TENTATIVE ? USABLE_TENTATIVE : USABLE_YES;
}

static int survey_add(struct taking *t, const char *device, const struct ifaddr *a)
{
	struct survey *s = t->survey;
	struct survey_address *one;

	if (s->n_addresses == ADDRESSES_MAX) {
		s->n_addresses_more++;
		return 0;
	}
	one = array_append(&s->addresses, &s->n_addresses, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = (struct survey_address){ .prefix = a->prefix, .usable = usable(a) };
	snprintf(one->device, sizeof(one->device), "%s", device);
	return 0;
}

static int survey_on_address(void *ud, const struct ifaddr *a)
{
	struct taking *t = ud;
	size_t i;

	for (i = 0; i < t->settings->n_devices; i++) {
		if (t->ifindex[i] == a->ifindex && !survey_is_link_local(&a->prefix.addr))
			return survey_add(t, t->settings->devices[i].name, a);
	}
	return 0;
}

static void survey_take_addresses(const struct run_env *env, struct survey *s)
{
	const struct kernel *k = &env->kernel;
	const struct settings *settings = env->settings;
	_cleanup_free_ int *ifindex = calloc(settings->n_devices + 1, sizeof(*ifindex));
	struct taking t = { .survey = s, .settings = settings, .ifindex = ifindex };
	struct link link;
	size_t i;

	for (i = 0; i < settings->n_devices && ifindex; i++) {
		if (k->ops->link_get(k->ctx, settings->devices[i].name, &link) == 0)
			ifindex[i] = link.ifindex;
	}
	s->addresses_known = ifindex && k->ops->addr_list(k->ctx, survey_on_address, &t) == 0;
}

void survey_take(const struct run_env *env, struct survey *ret)
{
	const struct kernel *k = &env->kernel;
	struct probe_result v;

	*ret = (struct survey){ .ipv4 = KERNEL_UNKNOWN, .ipv6 = KERNEL_UNKNOWN };
	survey_take_addresses(env, ret);
	ret->conntrack_known = k->ops->ct_usage(k->ctx, &ret->entries, &ret->entries_max) == 0;
	if (probe_result_load(env->settings->run_dir, env->boot_id, &v) == 0) {
		ret->ipv4 = v.ipv4;
		ret->ipv6 = v.ipv6;
	}
}
