/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance_set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keepalived/decoy.h"

static void instance_views_free(struct instance_view *list, size_t n)
{
	size_t i;

	for (i = 0; i < n && list; i++) {
		free(list[i].there);
		free(list[i].tried);
	}
	free(list);
}

/* One element for each of S->instances, with nothing there. NULL: out of memory. */
static struct instance_view *instance_views_new(const struct settings *s)
{
	struct instance_view *list = calloc(s->n_instances + 1, sizeof(*list));
	size_t i;

	for (i = 0; list && i < s->n_instances; i++) {
		size_t n = s->instances[i].n_addresses + 1;

		list[i].there = calloc(n, sizeof(*list[i].there));
		list[i].tried = calloc(n, sizeof(*list[i].tried));
		if (!list[i].there || !list[i].tried) {
			instance_views_free(list, s->n_instances);
			return NULL;
		}
	}
	return list;
}

/* ---- looking ------------------------------------------------------------------- */

/* An address to look for. */
struct wanted {
	struct prefix prefix;
	int ifindex; /* 0: there is no such device */
	bool *there;
};

struct search {
	struct wanted *list; /* owned */
	size_t n;
	/* the last device looked up: most are the same */
	char device[DEVICE_NAME_MAX];
	int ifindex;
};

static void search_add(struct search *q, const struct kernel *k, const struct instance_address *a,
		       bool *there)
{
	struct link link;

	if (!q->n || strcmp(q->device, a->device)) {
		memcpy(q->device, a->device, sizeof(q->device));
		q->ifindex = k->ops->link_get(k->ctx, a->device, &link) < 0 ? 0 : link.ifindex;
	}
	q->list[q->n++] = (struct wanted){ a->vip.prefix, q->ifindex, there };
}

static int instance_view_note_address(void *ud, const struct ifaddr *a)
{
	struct search *q = ud;
	size_t i;

	for (i = 0; i < q->n; i++)
		if (q->list[i].ifindex == a->ifindex &&
		    prefix_equal(&q->list[i].prefix, &a->prefix))
			*q->list[i].there = true;
	return 0;
}

static size_t count_wanted(const struct settings *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n_instances; i++)
		n += s->instances[i].n_addresses + 1;
	return n;
}

/* Read the addresses from the kernel. On failure LIST stays as it was. */
static int instance_views_look(const struct kernel *k, const struct settings *s,
			       struct instance_view *list)
{
	size_t n = count_wanted(s), i, j, at = 0, q_at = 0;
	_cleanup_free_ bool *found = calloc(n + 1, sizeof(*found));
	_cleanup_free_ struct wanted *wanted = calloc(n + 1, sizeof(*wanted));
	struct search q = { .list = wanted };
	int r;

	if (!found || !wanted)
		return -ENOMEM;
	for (i = 0; i < s->n_instances; i++) {
		const struct instance_settings *one = &s->instances[i];

		for (j = 0; j < one->n_addresses; j++)
			search_add(&q, k, &one->addresses[j], &found[at++]);
		if (one->has_decoy)
			search_add(&q, k, &one->decoy, &found[at]);
		at++;
	}
	r = k->ops->addr_list(k->ctx, instance_view_note_address, &q);
	if (r < 0)
		return r;
	for (i = 0, at = 0; i < s->n_instances; i++) {
		const struct instance_settings *one = &s->instances[i];

		list[i].n_there = list[i].n_possible = 0;
		for (j = 0; j < one->n_addresses; j++) {
			list[i].n_possible += wanted[q_at++].ifindex != 0;
			list[i].there[j] = found[at++];
			list[i].n_there += list[i].there[j];
		}
		q_at += one->has_decoy;
		list[i].decoy_there = found[at++];
	}
	return 0;
}

static enum instance_presence instance_view_presence(const struct instance_view *v,
						     const struct instance_settings *s)
{
	return v->n_there == s->n_addresses ? PRESENT_ALL
	       : v->n_there		    ? PRESENT_SOME
					    : PRESENT_NONE;
}

bool instance_views_meant(const struct settings *s, const struct ifaddr *a)
{
	size_t i, j;

	for (i = 0; i < s->n_instances; i++) {
		const struct instance_settings *one = &s->instances[i];

		if (one->has_decoy && prefix_equal(&one->decoy.vip.prefix, &a->prefix))
			return true;
		for (j = 0; j < one->n_addresses; j++)
			if (prefix_equal(&one->addresses[j].vip.prefix, &a->prefix))
				return true;
	}
	return false;
}

/* ---- requests ------------------------------------------------------------------- */

void instance_view_begin(struct instance_view *v, const struct instance_settings *s)
{
	memset(v->tried, 0, s->n_addresses * sizeof(*v->tried));
}

/* The parts of an address that a delete request carries. */
static struct vip instance_view_bare(const struct vip *v)
{
	return (struct vip){ .prefix = v->prefix, .scope = -1 };
}

static bool instance_view_request(struct instance_view *v, const struct instance_settings *s,
				  const struct settings *all, enum instance_action action,
				  struct request *ret)
{
	const char *device = NULL;
	size_t i;

	request_init(ret, action == ACTION_DEL ? OP_DEL : OP_ADD);
	ret->hold = all->hold;
	ret->any_label = true;
	ret->is_instance = true;
	ret->replicated = s->conntrackd;
	ret->vip_flows = s->vip_flows;
	ret->move_by = action == ACTION_DEL ? s->move_by : 0;
	if (ret->replicated && action == ACTION_DEL)
		ret->vip_flows = VIP_FLOWS_KEEP;
	for (i = 0; i < s->n_addresses && ret->n_vips < VIPS_MAX; i++) {
		const struct instance_address *a = &s->addresses[i];

		if (v->tried[i] || v->there[i] != (action == ACTION_DEL) ||
		    (device && strcmp(device, a->device)))
			continue;
		device = a->device;
		v->tried[i] = true;
		ret->vips[ret->n_vips++] =
			action == ACTION_DEL ? instance_view_bare(&a->vip) : a->vip;
	}
	if (!device)
		return false;
	memcpy(ret->device, device, sizeof(ret->device));
	return true;
}

void instance_view_announce(const struct kernel *k, const struct instance_view *v,
			    const struct instance_settings *s)
{
	struct link link;
	size_t i;

	for (i = 0; i < s->n_addresses; i++) {
		const struct instance_address *a = &s->addresses[i];

		if (v->there[i] && k->ops->link_get(k->ctx, a->device, &link) == 0)
			(void)k->ops->announce(k->ctx, &link, &a->vip.prefix.addr);
	}
}

const char *const *instance_conntrackd(size_t i)
{
	static const char *const runs[][3] = {
		[INSTANCE_COMMIT] = { "-c", NULL },
		{ "-f", "external", NULL },
		{ "-R", NULL },
		{ "-B", NULL },
	};

	return i < ARRAY_SIZE(runs) ? runs[i] : NULL;
}

size_t instance_conntrackd_next(size_t i, bool failed)
{
	return i == INSTANCE_COMMIT && failed ? i + 2 : i + 1;
}

int instance_set_init(struct instance_set *s, const struct settings *settings)
{
	*s = (struct instance_set){ .settings = settings, .n = settings->n_instances };
	s->states = calloc(s->n + 1, sizeof(*s->states));
	s->views = instance_views_new(settings);
	if (s->states && s->views)
		return 0;
	instance_set_done(s);
	return -ENOMEM;
}

void instance_set_done(struct instance_set *s)
{
	free(s->states);
	instance_views_free(s->views, s->n);
	*s = (struct instance_set){ .settings = s->settings };
}

bool instance_set_meant(const struct instance_set *s, size_t at, const struct instance_event *event)
{
	return instance_settings_meant(&s->settings->instances[at], event);
}

bool instance_set_receive(struct instance_set *s, const struct instance_event *event, usec_t now)
{
	bool meant = false;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct instance *one = &s->states[i];
		enum instance_state doubted = one->doubt.said;

		if (!instance_set_meant(s, i, event))
			continue;
		meant = true;
		s->dirty |= instance_receive(one, event, now) == EFFECT_CHANGE;
		s->dirty |= one->doubt.said != doubted;
	}
	return meant;
}

int instance_set_look(struct instance_set *s, const struct kernel *k, usec_t now)
{
	int r = instance_views_look(k, s->settings, s->views);
	size_t i;

	for (i = 0; i < s->n && r == 0; i++) {
		struct instance *one = &s->states[i];
		enum instance_state before = one->state;

		if (!s->settings->instances[i].has_decoy)
			continue;
		instance_see_decoy(one, s->views[i].decoy_there, now);
		s->dirty |= one->state != before;
	}
	return r;
}

enum instance_action instance_set_next(struct instance_set *s, size_t at, usec_t now,
				       usec_t *ret_when)
{
	const struct instance_settings *settings = &s->settings->instances[at];
	const struct instance_policy policy = instance_settings_policy(settings);
	struct instance *one = &s->states[at];
	const enum instance_state before = one->state;
	const bool settled = one->settled;
	enum instance_action action;

	action = instance_next(one, &policy, instance_view_presence(&s->views[at], settings), now,
			       ret_when);
	s->dirty |= settled != one->settled || before != one->state;
	return action;
}

enum instance_action instance_set_wants(const struct instance_set *s, size_t at)
{
	const struct instance_policy p = instance_settings_policy(&s->settings->instances[at]);

	return instance_wants(&s->states[at], &p);
}

void instance_set_begin(struct instance_set *s, size_t at, usec_t now)
{
	instance_begin(&s->states[at], now);
	instance_view_begin(&s->views[at], &s->settings->instances[at]);
	s->dirty = true;
}

bool instance_set_request(struct instance_set *s, size_t at, enum instance_action action,
			  struct request *ret)
{
	const struct instance_settings *one = &s->settings->instances[at];

	if (!instance_view_request(&s->views[at], one, s->settings, action, ret))
		return false;
	snprintf(ret->by.instance, sizeof(ret->by.instance), "%s", one->name);
	snprintf(ret->by.source, sizeof(ret->by.source), "%s",
		 instance_source_name(s->states[at].source));
	return true;
}

int instance_set_remove_decoy(struct instance_set *s, size_t at, const struct kernel *k)
{
	const struct instance_settings *settings = &s->settings->instances[at];
	int r = -EPERM;

	if (instance_settings_policy(settings).is_ours)
		r = stale_decoy_remove(k, &settings->decoy);
	if (r == 0 || r == -ENOENT) {
		instance_forget_decoy(&s->states[at]);
		s->dirty = true;
	}
	return r;
}
