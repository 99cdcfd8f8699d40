/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/conntrackd_calls.h"

#include <string.h>

#include "keepalived/script.h"

/* "-f" empties both caches, "-f internal" and "-f external" one of them; a word may be cut. */
static void calls_take_flush(struct conntrackd_calls *c, const struct script_order *order)
{
	bool external = order->value[0] == 'e', internal = order->value[0] == 'i';

	c->flush = order->line;
	if (!internal && !c->commit && !c->flush_early)
		c->flush_early = order->line;
	if (!external)
		c->flush_last = order->line;
}

void conntrackd_calls_take(struct conntrackd_calls *c, const struct script_order *order)
{
	switch (order->option) {
	case 'c':
		c->commit = order->line;
		break;
	case 'R':
		c->resync = order->line;
		c->flush_last = 0;
		break;
	case 'B':
		c->bulk = order->line;
		break;
	case 'n':
		c->request = order->line;
		c->flush_early = 0; /* what was lost is asked for anew */
		break;
	case 't':
		c->purge = order->line;
		break;
	case 'f':
		calls_take_flush(c, order);
		break;
	default: /* any other letter: asks only, or has a finding of its own */
		break;
	}
}

void conntrackd_calls_add(struct conntrackd_calls *all, const struct conntrackd_calls *one)
{
	/* a script that commits nothing may flush what another one wants to commit */
	unsigned early = one->commit ? one->flush_early : 0;

	all->commit = all->commit ? all->commit : one->commit;
	all->resync = all->resync ? all->resync : one->resync;
	all->bulk = all->bulk ? all->bulk : one->bulk;
	all->request = all->request ? all->request : one->request;
	all->purge = all->purge ? all->purge : one->purge;
	all->flush = all->flush ? all->flush : one->flush;
	all->flush_early = all->flush_early ? all->flush_early : early;
	all->flush_last = all->flush_last ? all->flush_last : one->flush_last;
}

bool conntrackd_calls_drive(const struct conntrackd_calls *c)
{
	return c->commit || c->resync || c->bulk || c->purge || c->flush;
}
