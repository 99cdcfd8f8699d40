/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel announces neither an added IPv4 address (arp_notify acts on
 * device events) nor a nodad IPv6 one, so this does (docs/kernel.md 8). The second
 * burst comes seconds later and is the caller's. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

void stage_announce(struct run *run)
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
