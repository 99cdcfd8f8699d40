/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of connections that ended here with the node that had the address (--vip-flows reset).
 * Who is silent learns nothing until its keepalive, two hours later. So each is asked by a segment
 * that it has to answer, and this node's kernel resets what it has no socket for: that is what
 * decides, and a connection that lives, here or behind this node, takes no notice. The entries are
 * those of the node's own table, where conntrackd has committed what it knew. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/array.h"
#include "base/shape.h"
#include "move/arrive.h"
#include "move/stage.h"

#define TICKLE_MAX 65536U
#define CHUNK 64

/* After the first ones: a neighbour that is not known yet queues few packets. */
#define RESOLVE_TIME (5 * USEC_PER_MSEC)

/* Who has not answered by then is asked once more. */
#define ANSWER_TIME (20 * USEC_PER_MSEC)
#define ROUNDS 2

struct tickle {
	struct run *run;
	struct addrset to;	/* owned */
	struct arrivals ending; /* owned; ARRIVAL_PLAIN: to be asked */
};

/* Whether C is an open connection that leads to the node itself. */
static bool tickle_is_meant(const struct conn *c)
{
	const uint32_t open = CONN_SEEN_REPLY | CONN_ASSURED;
	struct tuple inverse = tuple_invert(&c->key.orig, c->key.l4proto);

	return c->key.l4proto == IPPROTO_TCP && c->tcp_state == CONN_TCP_ESTABLISHED &&
	       (c->status & open) == open && !(c->status & CONN_DYING) &&
	       arrive_judge(c) == ARRIVAL_PLAIN && tuple_equal(&c->reply, &inverse);
}

static int tickle_on_listed(void *ud, const struct conn_record *record)
{
	struct tickle *t = ud;
	struct arrival_item *item;

	if (run_now(t->run) >= t->run->deadline)
		return -ETIME;
	if (!tickle_is_meant(record->conn))
		return 0;
	if (t->ending.n == TICKLE_MAX)
		return -ECANCELED;
	item = array_append(&t->ending.items, &t->ending.n, sizeof(*item));
	if (!item)
		return -ENOMEM;
	*item = (struct arrival_item){ .conn = *record->conn, .what = ARRIVAL_PLAIN };
	return 0;
}

/* What a director has is at a real server. A service by mark may be any. */
static int tickle_on_service(void *ud, const struct ipvs_service *s,
			     const struct ipvs_dest *d _unused_)
{
	struct tickle *t = ud;
	size_t i;

	for (i = 0; i < t->ending.n; i++) {
		struct arrival_item *item = &t->ending.items[i];
		struct addr own = tuple_dst(&item->conn.key.orig, item->conn.key.family);

		if (s->fwmark || (addr_equal(&s->addr, &own) &&
				  (!s->port || s->port == ntohs(item->conn.key.orig.dport))))
			item->what = ARRIVAL_ALTERED;
	}
	return 0;
}

/* The connections that nobody here has. 0 or a negative errno: they are not known. */
static int tickle_find(struct tickle *t)
{
	const struct kernel *k = &t->run->env->kernel;
	int r = arrive_addresses(t->run, &t->to);

	if (r == 0 && t->to.n)
		r = k->ops->ct_dump_to(k->ctx, &t->to, false, tickle_on_listed, t);
	if (r == -EINTR || r == -ECANCELED) /* those that were found are */
		r = 0;
	if (r == 0 && t->ending.n)
		r = arrive_find_sockets(k, &t->ending);
	if (r < 0 || !t->ending.n)
		return r;
	r = k->ops->ipvs_list(k->ctx, tickle_on_service, t);
	return r == -EOPNOTSUPP ? 0 : r; /* no director */
}

/* Ask one chunk after the other. */
static int tickle_ask(struct tickle *t, const struct conn *flows, size_t n, bool first)
{
	const struct kernel *k = &t->run->env->kernel;
	uint64_t sent = 0, some;
	size_t at;
	int r = 0;

	for (at = 0; at < n && r == 0; at += CHUNK) {
		r = k->ops->sock_tickle(k->ctx, flows + at, MIN(n - at, (size_t)CHUNK), &some);
		sent += r == 0 ? some : 0;
		if (at == 0 && first && n > CHUNK)
			run_sleep(t->run, RESOLVE_TIME);
	}
	if (first)
		t->run->report->vip_flows.tickled = sent;
	return r;
}

/* Keep those of the N flows that are still open, and return how many. */
static size_t tickle_left(const struct tickle *t, struct conn *flows, size_t n)
{
	const struct kernel *k = &t->run->env->kernel;
	struct conn found[CHUNK];
	struct ct_op ops[CHUNK];
	size_t at, i, left = 0;

	for (at = 0; at < n; at += CHUNK) {
		size_t m = MIN(n - at, (size_t)CHUNK);

		for (i = 0; i < m; i++)
			ops[i] = (struct ct_op){ .verb = CT_GET,
						 .conn = &flows[at + i],
						 .found = &found[i] };
		memset(found, 0, sizeof(found)); /* who is not answered about is open */
		(void)k->ops->ct_batch(k->ctx, ops, m);
		for (i = 0; i < m; i++)
			if (ops[i].result != -ENOENT && found[i].tcp_state != CONN_TCP_CLOSE)
				flows[left++] = flows[at + i];
	}
	return left;
}

static int tickle_all(struct tickle *t)
{
	_cleanup_free_ struct conn *flows = malloc((t->ending.n + 1) * sizeof(*flows));
	size_t i, n = 0, left;
	unsigned round;
	int r = 0;

	if (!flows)
		return -ENOMEM;
	for (i = 0; i < t->ending.n; i++)
		if (t->ending.items[i].what == ARRIVAL_PLAIN)
			flows[n++] = t->ending.items[i].conn;
	for (round = 0, left = n; round < ROUNDS && left && r == 0; round++) {
		if (run_now(t->run) + RESOLVE_TIME + ANSWER_TIME >= t->run->deadline)
			return -ETIME;
		r = tickle_ask(t, flows, left, round == 0);
		run_sleep(t->run, ANSWER_TIME);
		left = tickle_left(t, flows, left);
	}
	t->run->report->vip_flows.reset = n - left;
	return r;
}

void tickle_clients(struct run *run)
{
	struct tickle t = { .run = run };
	int r = tickle_find(&t);

	if (r == 0)
		r = tickle_all(&t);
	if (r < 0 && r != -EPROTONOSUPPORT)
		report_warn(run->report, "clients-not-reset", "",
			    "clients of connections that ended where the added addresses were "
			    "are not told: %s",
			    r == -ETIME ? "the deadline has passed" : strerror(-r));
	arrivals_done(&t.ending);
	addrset_done(&t.to);
}
