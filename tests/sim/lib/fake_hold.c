/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hold and the resets of the fake kernel. */
#include "fake_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool fake_is_held(const struct fake *f)
{
	return f->held_open && !f->hold_is_sham && f->clock < f->held_until;
}

/* A hold whose programs hang costs all the time there is. */
int fake_hold_open(void *ctx, enum hold_choice choice, const struct link *link, usec_t deadline,
		   enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	struct fake *f = ctx;

	f->held_budget = deadline > f->clock ? deadline - f->clock : 0;
	if (f->hold_hangs) {
		f->clock += f->held_budget;
		snprintf(reason, REPORT_TEXT_MAX, "the fake did not finish in time");
		return -EOPNOTSUPP;
	}

	if (f->no_hold) {
		snprintf(reason, REPORT_TEXT_MAX, "the fake has no firewall");
		return -EOPNOTSUPP;
	}
	if (f->hold_fails) {
		f->held_open = true;
		snprintf(reason, REPORT_TEXT_MAX, "the fake failed half way");
		return -EOPNOTSUPP;
	}
	f->held_open = true;
	f->held_on = link->ifindex;
	f->held_opened++;
	*ret_used = f->held_by = fake_hold_look(f, choice, reason);
	return 0;
}

/* Beside the run: it takes none of its time. */
int fake_hold_open_begin(void *ctx, enum hold_choice choice, const struct link *link,
			 usec_t timeout)
{
	struct fake *f = ctx;

	f->opening = choice;
	f->opening_on = link->ifindex;
	f->opening_until = f->clock + (f->hold_hangs ? timeout : f->hold_takes);
	return 0;
}

int fake_hold_open_end(void *ctx, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	const struct link link = { .ifindex = ((struct fake *)ctx)->opening_on };
	struct fake *f = ctx;

	if (f->clock < f->opening_until)
		return -EAGAIN;
	return fake_hold_open(ctx, f->opening, &link, f->clock, ret_used, reason);
}

int fake_hold_disarm(void *ctx)
{
	struct fake *f = ctx;

	f->held_for += f->clock - MIN(f->armed_at, f->clock);
	f->held_until = 0;
	return 0;
}

int fake_hold_check(void *ctx)
{
	return ((struct fake *)ctx)->held_open ? 0 : -ENOENT;
}

enum hold_choice fake_hold_look(void *ctx, enum hold_choice choice, char reason[REPORT_TEXT_MAX])
{
	const struct fake *f = ctx;
	bool no_nft = f->hooks_are_global || f->no_nft_hold;

	if (f->hold_lacks) {
		snprintf(reason, REPORT_TEXT_MAX, "%s", f->hold_lacks);
		return HOLD_OFF;
	}
	snprintf(reason, REPORT_TEXT_MAX, "%s",
		 !no_nft || choice == HOLD_IPTABLES ? ""
		 : !f->hooks_are_global		    ? "nft: not in the fake"
		 : choice == HOLD_NFT		    ? "nft: the fake's hooks are global"
						    : "");
	return no_nft || choice == HOLD_IPTABLES ? HOLD_IPTABLES : HOLD_NFT;
}

int fake_hold_arm(void *ctx, usec_t duration)
{
	struct fake *f = ctx;

	if (!f->held_open)
		return -ENOENT;
	/* ipset counts whole seconds */
	if (f->held_by == HOLD_IPTABLES)
		duration = (duration + USEC_PER_SEC - 1) / USEC_PER_SEC * USEC_PER_SEC;
	f->held_armed++;
	if (!fake_is_held(f))
		f->armed_at = f->clock;
	f->held_until = f->clock + duration;
	return 0;
}

void fake_take_hold(struct fake *f)
{
	f->held_open = false;
	f->held_until = 0;
}

int fake_hold_close(void *ctx, usec_t deadline _unused_)
{
	struct fake *f = ctx;

	f->held_closed++;
	f->held_until = 0;
	if (f->hold_stays)
		return -ETIMEDOUT;
	f->held_open = false;
	return 0;
}

/* A killed run's hold stays in place, and only such a one. */
int fake_hold_clean(void *ctx, const struct rule_cleaning *c, usec_t deadline)
{
	struct fake *f = ctx;
	bool left = f->held_open && !c->busy(c->ud, f->held_on);

	f->held_cleaned++;
	if (left)
		(void)fake_hold_close(f, deadline);
	if (left && c->removed)
		c->removed(c->ud, "table inet vipsafe_hold_1");
	return left;
}

int fake_sock_destroy(void *ctx, const struct addr *a, uint64_t *ret_closed)
{
	struct fake *f = ctx;

	if (f->no_sock_destroy)
		return -EOPNOTSUPP;
	if (f->n_closed == FAKE_CLOSED_MAX)
		abort();
	f->deletes_before_close = f->addr_del.calls;
	f->closed[f->n_closed++] = *a;
	*ret_closed = 1;
	return 0;
}

int fake_sock_tickle(void *ctx, const struct conn *flows, size_t n, uint64_t *ret_sent)
{
	struct fake *f = ctx;

	f->tickles++;
	for (size_t i = 0; i < n; i++) {
		struct fake_entry *e = fake_entry_find(f, &flows[i].key);

		if (e && (i % 2 || f->tickles > f->tickles_lost))
			e->conn.tcp_state = CONN_TCP_CLOSE;
	}
	*ret_sent = n;
	return f->tickle_error;
}

int fake_reset_flows(void *ctx, enum hold_choice choice, const struct link *link _unused_,
		     const struct conn *const *flows, size_t n, usec_t duration,
		     usec_t deadline _unused_, char reason[REPORT_TEXT_MAX])
{
	struct fake *f = ctx;

	if (f->no_hold || choice == HOLD_OFF) {
		snprintf(reason, REPORT_TEXT_MAX, "the fake has no firewall");
		return -EOPNOTSUPP;
	}
	f->reset = realloc(f->reset, (f->n_reset + n) * sizeof(*f->reset));
	if (!f->reset)
		abort();
	for (size_t i = 0; i < n; i++)
		f->reset[f->n_reset++] = flows[i]->key;
	f->reset_for = duration;
	f->deletes_before_reset = f->addr_del.calls;
	return 0;
}

int fake_reset_clean_begin(void *ctx, usec_t timeout _unused_)
{
	struct fake *f = ctx;

	f->n_reset = 0;
	return 0;
}

int fake_reset_clean_end(void *ctx _unused_)
{
	return 0;
}
