/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel announces neither an added IPv4 address (arp_notify acts on
 * device events) nor a nodad IPv6 one, so this does (docs/kernel.md 8). The second
 * burst comes seconds later and is the caller's. */
#include "move/announce.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "move/stage.h"

void announce_added(struct run *run)
{
	const struct announce_settings *s = &run->env->settings->announce;
	const struct kernel *k = &run->env->kernel;
	char text[PREFIX_TEXT_MAX];
	unsigned round;
	size_t v;
	int r;

	if (!run->link.up)
		return;
	for (round = 0; round < s->count; round++) {
		if (round && s->interval)
			run_sleep(run, s->interval);
		for (v = 0; v < run->req->n_vips; v++) {
			/* a killed run may have added it and not announced it */
			if (run->report->outcomes[v] != VIP_CHANGED &&
			    !(run->recovering && run->report->outcomes[v] == VIP_ALREADY))
				continue;
			r = k->ops->announce(k->ctx, &run->link, &run->targets[v].prefix.addr);
			if (r < 0 && r != -EOPNOTSUPP)
				report_warn(run->report, "not-announced", "",
					    "%s could not be announced: %s",
					    addr_format(&run->targets[v].prefix.addr, text),
					    strerror(-r));
		}
	}
}

/* Which addresses of a report are on the device right now. */
struct presence {
	const struct report *report;
	int ifindex;
	bool there[VIPS_MAX]; /* and may be announced */
	bool any;	      /* is there, if only tentatively */
};

/* How often a run that waits looks whether there is still something to wait for. */
#define LOOK_EVERY (250 * USEC_PER_MSEC)

static int again_note_address(void *ud, const struct ifaddr *a)
{
	struct presence *p = ud;
	size_t i;

	for (i = 0; i < p->report->n_addresses && a->ifindex == p->ifindex; i++) {
		if (p->report->outcomes[i] != VIP_CHANGED ||
		    !prefix_equal(&p->report->addresses[i], &a->prefix))
			continue;
		p->any = true;
		p->there[i] = !(a->flags & (IFADDR_TENTATIVE | IFADDR_DADFAILED));
	}
	return 0;
}

static int again_look(const struct kernel *k, const struct report *report, struct link *ret_link,
		      struct presence *ret)
{
	int r = k->ops->link_get(k->ctx, report->device, ret_link);

	*ret = (struct presence){ .report = report, .ifindex = r < 0 ? 0 : ret_link->ifindex };
	return r < 0 ? r : k->ops->addr_list(k->ctx, again_note_address, ret);
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
	struct presence p;
	struct link link;
	size_t i;

	/* Meanwhile the address may have moved on: announcing it then would
	 * steal it from its new owner. */
	if (again_look(k, report, &link, &p) < 0)
		return;
	for (i = 0; i < report->n_addresses; i++) {
		if (p.there[i])
			k->ops->announce(k->ctx, &link, &report->addresses[i].addr);
	}
}

/* Sleep for DURATION. False, and early, when none of the addresses is there any more. */
static bool wait_there(const struct kernel *k, const struct report *report, usec_t duration)
{
	struct presence p = { .any = true };
	struct link link;

	while (duration && p.any) {
		usec_t step = MIN(duration, LOOK_EVERY);

		k->ops->sleep(k->ctx, step);
		duration -= step;
		if (again_look(k, report, &link, &p) < 0)
			return false;
	}
	return p.any;
}

void again_all(const struct kernel *k, const struct announce_settings *settings,
	       const struct report *report)
{
	unsigned n;

	if (!again_wanted(settings, report) || !wait_there(k, report, settings->again_after))
		return;
	for (n = 0; n < settings->again; n++) {
		if (n && !wait_there(k, report, settings->interval))
			return;
		again_round(k, report);
	}
}

#define CLEAN_LOOK (10 * USEC_PER_MSEC)

void again_clean_resets(const struct kernel *k)
{
	k->ops->sleep(k->ctx, RESET_CLEAN_AFTER);
	if (k->ops->reset_clean_begin(k->ctx, RESET_CLEAN_TIMEOUT) < 0)
		return;
	while (k->ops->reset_clean_end(k->ctx) == -EAGAIN)
		k->ops->sleep(k->ctx, CLEAN_LOOK);
}
