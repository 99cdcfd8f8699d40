/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/untracked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Sockets conntrack is asked about at a time. */
#define ASK_MAX 256

struct lvs_untracked {
	struct collide *known; /* of the last look; owned; NULL: there was none */
	/* while a look is taken: */
	struct collide *flows, *next;
	const struct lvs_map *map;
	usec_t now, hold;
	struct flow *news; /* owned: not known yet */
	size_t n_news, cap_news;
};

struct lvs_untracked *lvs_untracked_new(void)
{
	return calloc(1, sizeof(struct lvs_untracked));
}

struct lvs_untracked *lvs_untracked_free(struct lvs_untracked *u)
{
	if (!u)
		return NULL;
	lvs_untracked_forget(u);
	free(u->news);
	free(u);
	return NULL;
}

void lvs_untracked_forget(struct lvs_untracked *u)
{
	u->known = collide_free(u->known);
}

/* F is not tracked. Only its client's kernel is in TIME_WAIT: it has ended. */
static int untracked_put(struct lvs_untracked *u, const struct flow *f)
{
	int r;

	if (!flow_is_over(f))
		return collide_add(u->flows, f);
	r = collide_has(u->flows, f) ? 0 : collide_add(u->flows, f);
	if (r >= 0)
		collide_end(u->flows, f, u->now, u->hold);
	return r;
}

static int untracked_take(void *ud, const struct flow *f)
{
	struct lvs_untracked *u = ud;
	struct flow n = *f;
	struct lvs_dest d;
	uint8_t origin;
	int r;

	flow_normalise(&n);
	n.times = NULL;
	if (!n.dport || !lvs_map_lookup(u->map, n.l4proto, n.family, n.dest, n.dport, &d))
		return 0;
	if (u->known && collide_has(u->known, &n)) {
		r = n.state == FLOW_CLOSED ? 0 : collide_add(u->next, &n);
		return r < 0 ? r : untracked_put(u, &n);
	}
	origin = collide_origin(u->flows, &n);
	if (origin & FLOW_CONNTRACK && !(origin & FLOW_HELD))
		return 0;
	r = array_reserve(&u->news, &u->cap_news, u->n_news + 1, sizeof(n));
	if (r == 0)
		u->news[u->n_news++] = n;
	return r;
}

/* ---- what conntrack knows ---- */

/* Which of N flows it has an entry of. If it does not answer, there is none. */
static void untracked_ask(const struct kernel *k, const struct flow *flows, size_t n, bool *ret)
{
	struct conn conns[ASK_MAX], found[ASK_MAX];
	struct ct_op ops[ASK_MAX];
	size_t i;

	for (i = 0; i < n; i++) {
		conns[i] = flow_conn(&flows[i]);
		ops[i] = (struct ct_op){ .verb = CT_GET,
					 .conn = &conns[i],
					 .found = &found[i],
					 .result = -EINPROGRESS };
	}
	if (k->ops->ct_batch(k->ctx, ops, n) < 0)
		n = 0;
	for (i = 0; i < ASK_MAX; i++)
		ret[i] = i < n && ops[i].result == 0;
}

/* ---- a look ---- */

static int take_news(struct lvs_untracked *u, const struct kernel *k, flow_sink sink, void *ud)
{
	bool tracked[ASK_MAX];
	uint32_t count, max;
	bool ask = k->ops->ct_usage(k->ctx, &count, &max) == 0 && count;
	size_t i;
	int r = 0;

	memset(tracked, 0, sizeof(tracked));
	for (i = 0; i < u->n_news && r >= 0; i++) {
		const struct flow *f = &u->news[i];

		if (ask && i % ASK_MAX == 0)
			untracked_ask(k, f, MIN(u->n_news - i, (size_t)ASK_MAX), tracked);
		if (tracked[i % ASK_MAX])
			continue;
		if (sink && !collide_origin(u->flows, f))
			r = sink(ud, f);
		if (r >= 0 && f->state != FLOW_CLOSED)
			r = collide_add(u->next, f);
		if (r >= 0)
			r = untracked_put(u, f);
	}
	return r;
}

/* One that was known and is not there any more. */
static int untracked_sweep(void *ud, const struct flow *f, const struct lvs_side *side _unused_)
{
	struct lvs_untracked *u = ud;

	if (!collide_has(u->next, f))
		collide_end(u->flows, f, u->now, u->hold);
	return 0;
}

int lvs_untracked_look(struct lvs_untracked *u, const struct kernel *k, const struct lvs_map *map,
		       struct collide *flows, usec_t hold, flow_sink sink, void *ud)
{
	int r;

	u->map = map;
	u->flows = flows;
	u->now = k->ops->now(k->ctx);
	u->hold = hold;
	u->n_news = 0;
	u->next = collide_new(map, (struct collide_node){ .director = false }, (uintptr_t)u);
	if (!u->next)
		return -ENOMEM;
	r = k->ops->sock_list(k->ctx, SOCK_PEERS, untracked_take, u);
	/* after the list: what ends while it is made is told of in both */
	if (r >= 0)
		r = k->ops->sock_ends(k->ctx, untracked_take, u);
	if (r == -ENOBUFS)
		r = 0;
	if (r >= 0)
		r = take_news(u, k, sink, ud);
	if (r >= 0 && u->known)
		r = collide_flows(u->known, untracked_sweep, u);
	if (r >= 0) {
		collide_free(u->known);
		u->known = TAKE_PTR(u->next);
	}
	u->next = collide_free(u->next);
	return r;
}
