/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/decoy.h"

#include <errno.h>
#include <string.h>

/* Ignores prefix lengths: adding or deleting one of the two may affect the other. */
static bool decoy_is_same(const struct instance_address *a, const struct instance_address *b)
{
	return addr_equal(&a->vip.prefix.addr, &b->vip.prefix.addr) &&
	       !strcmp(a->device, b->device);
}

/* Whether the decoy is also an address of S, on any device: keepalived would then delete that
 * address. */
static bool has_address(const struct instance_settings *s, const struct instance_address *decoy)
{
	size_t i;

	for (i = 0; i < s->n_addresses; i++)
		if (addr_equal(&decoy->vip.prefix.addr, &s->addresses[i].vip.prefix.addr))
			return true;
	return false;
}

static bool decoy_is_on(const struct instance_settings *s, const char *device)
{
	size_t i;

	for (i = 0; i < s->n_addresses; i++)
		if (!strcmp(s->addresses[i].device, device))
			return true;
	return !strcmp(s->device, device);
}

/* Whether DEVICE is guarded. No decoy may be there: keepalived deletes the decoy, and deleting an
 * address of a device breaks the connections that are masqueraded to it. */
static bool decoy_is_guarded(const struct settings *s, const char *device)
{
	size_t i;

	for (i = 0; i < s->n_devices; i++)
		if (!strcmp(s->devices[i].name, device))
			return true;
	/* nothing is masqueraded to the loopback device */
	for (i = 0; i < s->n_instances && strcmp(device, "lo") != 0; i++)
		if (decoy_is_on(&s->instances[i], device))
			return true;
	return false;
}

/* Check the decoy of instance N against those of the instances before it, and against all
 * addresses. */
static int check_decoy(const struct settings *s, size_t n, struct request_error *e)
{
	const struct instance_settings *one = &s->instances[n];
	char text[PREFIX_TEXT_MAX];
	size_t i;

	prefix_format(&one->decoy.vip.prefix, text);
	for (i = 0; i < s->n_instances; i++) {
		const struct instance_settings *other = &s->instances[i];

		if (has_address(other, &one->decoy))
			return request_error_set(e,
						 "section [instance %.48s]: the decoy %s is an "
						 "address of [instance %.48s]",
						 one->name, text, other->name);
		if (i < n && other->has_decoy && decoy_is_same(&one->decoy, &other->decoy))
			return request_error_set(e,
						 "section [instance %.48s]: the decoy %s is that "
						 "of [instance %.48s], too: it could not show "
						 "which of them is MASTER",
						 one->name, text, other->name);
	}
	if (decoy_is_guarded(s, one->decoy.device))
		return request_error_set(
			e,
			"section [instance %.48s]: the decoy %s is on %.48s, whose "
			"connections break when keepalived deletes it: give it "
			"\"dev lo\" or \"dev " DECOY_DEVICE "\"",
			one->name, text, one->decoy.device);
	return 0;
}

int decoys_check(const struct settings *s, struct request_error *ret_error)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++) {
		int r = s->instances[i].has_decoy ? check_decoy(s, i, ret_error) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

bool decoys_need_device(const struct settings *s)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++)
		if (s->instances[i].has_decoy &&
		    !strcmp(s->instances[i].decoy.device, DECOY_DEVICE))
			return true;
	return false;
}

struct search {
	const struct prefix *prefix;
	int ifindex;
	bool found;
	struct ifaddr address;
};

static int stale_decoy_note_address(void *ud, const struct ifaddr *a)
{
	struct search *q = ud;

	if (a->ifindex == q->ifindex && prefix_equal(&a->prefix, q->prefix)) {
		q->found = true;
		q->address = *a;
	}
	return 0;
}

/* Whether A is exactly what keepalived sets as the decoy. */
static bool is_as_configured(const struct ifaddr *a, const struct instance_address *decoy)
{
	const struct vip *v = &decoy->vip;
	const char *label = v->label[0] ? v->label : decoy->device;

	return a->flags & IFADDR_PERMANENT && !a->peer.family &&
	       (v->scope < 0 || a->scope == (uint8_t)v->scope) &&
	       (!a->label[0] || !strcmp(a->label, label));
}

int stale_decoy_remove(const struct kernel *k, const struct instance_address *decoy)
{
	const struct prefix *p = &decoy->vip.prefix;
	struct search q = { .prefix = p };
	struct link link;
	int r;

	if (strcmp(decoy->device, "lo") != 0 && strcmp(decoy->device, DECOY_DEVICE) != 0)
		return -EPERM;
	if (p->len != 8 * addr_size(p->addr.family))
		return -EPERM;
	r = k->ops->link_get(k->ctx, decoy->device, &link);
	if (r < 0)
		return r == -ENODEV ? -ENOENT : r;
	q.ifindex = link.ifindex;
	r = k->ops->addr_list(k->ctx, stale_decoy_note_address, &q);
	if (r < 0)
		return r;
	if (!q.found)
		return -ENOENT;
	if (!is_as_configured(&q.address, decoy))
		return -EPERM;
	r = k->ops->addr_del(k->ctx, &q.address);
	return r == -EADDRNOTAVAIL ? -ENOENT : r;
}
