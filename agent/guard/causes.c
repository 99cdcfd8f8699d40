/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why the kernel has removed an entry, as far as it tells and as what happened around it says. What
 * is not certain is said to be so. */
#include "guard/ending.h"

#include <netinet/in.h>
#include <string.h>

#include "base/shape.h"
#include "guard/parts.h"

/* How long after a deed the kernel may still be at work on it (flush.c). */
#define FLUSHING_MAX (5 * USEC_PER_SEC)

/* A link that goes down takes the IPv6 addresses along: they go within this time. */
#define WITH_LINK USEC_PER_SEC

/* What the kernel dropped by then was not counted lately enough to prove anything. */
#define DROPS_MAX (2 * USEC_PER_SEC)

/* From so full a table on, its count of drops is watched; in percent. */
#define WATCHED_FILL 75

/* ---- what the kernel may have done ---- */

static bool flushing_is_of(const struct guard *g, const struct guard_flushing *f,
			   const struct addr *as)
{
	if (f->deed.what == DEED_LINK || addr_equal(&f->deed.address.addr, as))
		return true;
	return f->deed.address.addr.family == as->family &&
	       probe_result_for(&g->probe_result, as->family) != KERNEL_FIXED;
}

/* How likely it is, of several. */
static int flushing_rank(const struct guard_flushing *f, const struct addr *as)
{
	if (addr_equal(&f->deed.address.addr, as))
		return f->deed.port || f->deed.by == BY_US ? 3 : 1;
	return f->deed.what == DEED_LINK ? 2 : 0;
}

const struct guard_flushing *guard_cause_flushing(const struct guard *g, const struct addr *as)
{
	const struct guard_ending *x = &g->ending;
	const struct guard_flushing *best = NULL;
	size_t i;

	for (i = 0; i < x->n_flushing; i++) {
		const struct guard_flushing *f = &x->flushing[i];
		int better;

		if (g->batch_at >= f->deed.at + FLUSHING_MAX || !flushing_is_of(g, f, as))
			continue;
		better = best ? flushing_rank(f, as) - flushing_rank(best, as) : 1;
		/* a link that went down long before an address has nothing to do with it */
		if (best && f->deed.at > best->deed.at + WITH_LINK)
			better = 1;
		if (better > 0 || (better == 0 && f->deed.at >= best->deed.at))
			best = f;
	}
	return best;
}

enum end_cause guard_cause_flushed(const struct guard_flushing *f, const struct addr *as)
{
	if (f->deed.what == DEED_LINK)
		return END_LINK;
	return addr_equal(&f->deed.address.addr, as) ? END_ADDRESS : END_FLUSH;
}

/* Whether the table is nearly full, asked once for a batch of events. */
static bool table_is_full(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct guard_ending *x = &g->ending;

	if (x->usage_at == g->batch_at && x->usage_at)
		return x->is_full;
	x->usage_at = g->batch_at;
	if (k->ops->ct_usage(k->ctx, &x->count, &x->max) < 0)
		x->max = 0;
	x->is_full = x->max &&
		     (uint64_t)x->count * 100 >= (uint64_t)x->max * g->env.settings->pin_max_fill;
	return x->is_full;
}

/* Whether the kernel has dropped entries since that was last counted. *RET_KNOWN: it tells. */
static bool drops_rose(struct guard *g, bool *ret_known)
{
	const struct kernel *k = &g->env.kernel;
	struct guard_ending *x = &g->ending;
	bool known = x->drops_at && g->batch_at - MIN(x->drops_at, g->batch_at) < DROPS_MAX;
	uint64_t drops;

	if (x->judged_at == g->batch_at && x->judged_at) {
		*ret_known = x->judged_known;
		return x->rose;
	}
	if (k->ops->ct_early_drops(k->ctx, &drops) < 0) {
		known = false;
		drops = x->drops;
	}
	x->judged_at = g->batch_at;
	x->judged_known = *ret_known = known;
	x->rose = known && drops != x->drops;
	x->drops = drops;
	x->drops_at = g->batch_at;
	x->full_deed = guard_deed_full(g, x->count, x->max);
	return x->rose;
}

void guard_cause_watch(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct guard_ending *x = &g->ending;
	uint32_t count, max;

	if (k->ops->ct_usage(k->ctx, &count, &max) < 0 ||
	    (uint64_t)count * 100 < (uint64_t)max * WATCHED_FILL)
		return;
	if (k->ops->ct_early_drops(k->ctx, &x->drops) == 0)
		x->drops_at = guard_now(g);
}

/* ---- the judgement ---- */

void guard_cause_set(struct end *e, enum end_cause cause, enum end_doubt doubt, uint16_t deed)
{
	e->cause = (uint8_t)cause;
	e->doubt = (uint8_t)doubt;
	e->deed = deed;
}

/* TCP that had ended by itself, whatever removed the entry. */
static bool end_is_by_itself(const struct guard_death *d, struct end *e)
{
	switch ((enum conn_tcp_state)d->state) {
	case CONN_TCP_LAST_ACK:
	case CONN_TCP_TIME_WAIT:
		guard_cause_set(e, END_FINISHED, DOUBT_NONE, 0);
		return true;
	case CONN_TCP_CLOSE:
		/* the kernel removes an entry at once whose only answer is a reset */
		if (!(d->dead->status & CONN_SEEN_REPLY))
			guard_cause_set(e, END_RESET_SERVER, DOUBT_SIDE, 0);
		else if (!(d->dead->status &
			   CONN_ASSURED)) /* a server does not take back its SYN/ACK */
			guard_cause_set(e, END_RESET_CLIENT, DOUBT_SIDE, 0);
		else
			guard_cause_set(e, END_RESET, DOUBT_NONE, 0);
		return true;
	case CONN_TCP_NONE:
	case CONN_TCP_SYN_SENT:
	case CONN_TCP_SYN_RECV:
	case CONN_TCP_ESTABLISHED:
	case CONN_TCP_FIN_WAIT:
	case CONN_TCP_CLOSE_WAIT:
	case CONN_TCP_SYN_SENT2:
		break;
	}
	return false;
}

/* From a full table the kernel drops what is not assured or has begun to close. */
static bool is_droppable(const struct guard_death *d)
{
	return !(d->dead->status & CONN_ASSURED) ||
	       (d->dead->key.l4proto == IPPROTO_TCP && d->state != CONN_TCP_ESTABLISHED);
}

static bool end_is_flush(struct guard *g, const struct guard_death *d, struct end *e)
{
	struct addr as = tuple_dst(&d->dead->reply, d->dead->key.family);
	const struct guard_flushing *f = d->pinned ? NULL : guard_cause_flushing(g, &as);
	enum end_doubt doubt = DOUBT_NONE;
	enum end_cause cause;

	if (!f)
		return false;
	cause = guard_cause_flushed(f, &as);
	if (!g->ending.tells &&
	    !(d->dead->key.l4proto == IPPROTO_TCP && d->state == CONN_TCP_ESTABLISHED &&
	      d->dead->status & CONN_ASSURED))
		doubt = DOUBT_KERNEL;
	else if ((is_droppable(d) && table_is_full(g)) ||
		 (cause == END_FLUSH &&
		  probe_result_for(&g->probe_result, as.family) != KERNEL_AFFECTED))
		doubt = DOUBT_MOMENT;
	guard_cause_set(e, cause, doubt, f->number);
	return true;
}

static bool end_is_drop(struct guard *g, const struct guard_death *d, struct end *e)
{
	bool known, rose;

	if (!is_droppable(d) || !table_is_full(g))
		return false;
	rose = drops_rose(g, &known);
	if (known && !rose && !g->ending.tells)
		return false;
	guard_cause_set(e, END_EARLY_DROP,
			!g->ending.tells ? DOUBT_KERNEL
			: rose		 ? DOUBT_NONE
					 : DOUBT_FULL,
			g->ending.full_deed);
	return true;
}

void guard_cause_of(struct guard *g, const struct guard_death *d, struct end *e)
{
	const struct conn *altered = d->known ? d->known : d->dead;
	const bool told = g->ending.tells;

	if (d->dead->key.l4proto == IPPROTO_TCP && end_is_by_itself(d, e))
		return;
	if (told && !d->dead->timeout)
		guard_cause_set(e, END_TIMEOUT, DOUBT_NONE, 0);
	else if (end_is_flush(g, d, e) || end_is_drop(g, d, e))
		return;
	else if (!told)
		guard_cause_set(e, END_TIMEOUT, DOUBT_KERNEL, 0);
	else if (conn_alteration(altered) != ALTERATION_NONE)
		guard_cause_set(e, END_IPVS, DOUBT_MOMENT, 0);
	else
		guard_cause_set(e, END_UNKNOWN, DOUBT_NONE, 0);
}
