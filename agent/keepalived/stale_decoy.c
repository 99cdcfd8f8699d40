/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/stale_decoy.h"

#include <errno.h>
#include <string.h>

#include "keepalived/decoy.h"

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
