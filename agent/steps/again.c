/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "steps/again.h"

#include <errno.h>

/* Which addresses of a report are on the device right now. */
struct presence {
	const struct report *report;
	int ifindex;
	bool there[VIPS_MAX];
};

static int note_address(void *ud, const struct ifaddr *a)
{
	struct presence *p = ud;
	size_t i;

	if (a->ifindex != p->ifindex || (a->flags & (IFADDR_TENTATIVE | IFADDR_DADFAILED)))
		return 0;
	for (i = 0; i < p->report->n_addresses; i++) {
		if (p->report->outcomes[i] == VIP_CHANGED &&
		    prefix_equal(&p->report->addresses[i], &a->prefix))
			p->there[i] = true;
	}
	return 0;
}

static bool any_added(const struct report *r)
{
	size_t i;

	for (i = 0; i < r->n_addresses; i++) {
		if (r->outcomes[i] == VIP_CHANGED)
			return true;
	}
	return false;
}

bool again_wanted(const struct announce_settings *settings, const struct report *report)
{
	return settings->again && !report->plan && report->op == OP_ADD && any_added(report);
}

void again_round(const struct kernel *k, const struct report *report)
{
	struct presence p = { .report = report };
	struct link link;
	size_t i;

	/* Meanwhile the address may have moved on: announcing it then would
	 * steal it from its new owner. */
	if (k->ops->link_get(k->ctx, report->device, &link) < 0)
		return;
	p.ifindex = link.ifindex;
	if (k->ops->addr_list(k->ctx, note_address, &p) < 0)
		return;
	for (i = 0; i < report->n_addresses; i++) {
		if (p.there[i])
			k->ops->announce(k->ctx, &link, &report->addresses[i].addr);
	}
}

void again_all(const struct kernel *k, const struct announce_settings *settings,
	       const struct report *report)
{
	unsigned n;

	if (!again_wanted(settings, report))
		return;
	k->ops->sleep(k->ctx, settings->again_after);
	for (n = 0; n < settings->again; n++) {
		if (n && settings->interval)
			k->ops->sleep(k->ctx, settings->interval);
		again_round(k, report);
	}
}

#define CLEAN_LOOK (10 * USEC_PER_MSEC)

void again_clean_resets(const struct kernel *k, const struct report *report)
{
	if (!report->has_resets)
		return;
	k->ops->sleep(k->ctx, RESET_CLEAN_AFTER);
	if (k->ops->reset_clean_begin(k->ctx, RESET_CLEAN_BUDGET) < 0)
		return;
	while (k->ops->reset_clean_end(k->ctx) == -EAGAIN)
		k->ops->sleep(k->ctx, CLEAN_LOOK);
}
