/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flows of the table have a client side in common. */
#include "lvs/collide_table.h"

static struct party party_of(const struct collide *c, uint32_t at)
{
	return (struct party){ c->records[at], &c->targets[c->records[at].target] };
}

/* Those of record FIRST with all that come after it in its chain. */
static int each_after(const struct collide *c, uint64_t key, uint32_t first, unsigned *budget,
		      collision_sink sink, void *ud)
{
	struct party x = party_of(c, first), y;
	struct collision collision;
	uint32_t at;
	int r = 0;

	for (at = x.record.next; at != NO_RECORD && r >= 0 && *budget; at = y.record.next) {
		--*budget;
		y = party_of(c, at);
		if (collide_judge(c, key, &x, &y, false, &collision))
			r = sink(ud, &collision);
	}
	return r;
}

int collide_each(const struct collide *c, collision_sink sink, void *ud, uint64_t *ret_unseen)
{
	uint64_t unseen = 0;
	uint32_t i, at;
	int r = 0;

	for (i = 0; i < c->n_slots && r >= 0; i++) {
		unsigned budget = PAIRS_MAX;

		if (!c->slots[i].key)
			continue;
		for (at = c->slots[i].head; at != NO_RECORD && r >= 0; at = c->records[at].next)
			r = each_after(c, c->slots[i].key, at, &budget, sink, ud);
		unseen += !budget;
	}
	*ret_unseen = unseen;
	return r;
}

static int probe_flow(const struct collide *c, const struct flow *f, unsigned views, bool fresh,
		      collision_sink sink, void *ud)
{
	struct collision collision;
	struct target target;
	struct party own, other;
	unsigned budget = PAIRS_MAX;
	uint64_t key;
	uint32_t at;
	int r = 0;

	if (!collide_key_find(c, f->family, f->l4proto, f->client, f->cport, &key) ||
	    !collide_target_make(c, f, &target))
		return 0;
	own = (struct party){ collide_record_make(f, 0, views), &target };
	for (at = collide_head(c, key); at != NO_RECORD && r >= 0 && budget--;
	     at = other.record.next) {
		other = party_of(c, at);
		if (collide_judge(c, key, &own, &other, fresh, &collision))
			r = sink(ud, &collision);
	}
	return r;
}

int collide_probe_conn(const struct collide *c, const struct conn *conn, bool fresh,
		       collision_sink sink, void *ud)
{
	struct both_views v;
	int r;

	if (!collide_views_of(c, conn, FLOW_CONNTRACK, 0, &v))
		return 0;
	r = probe_flow(c, &v.rs, v.rs_views, fresh, sink, ud);
	if (r >= 0 && v.has_out)
		r = probe_flow(c, &v.out, VIEW_OUT, fresh, sink, ud);
	return r;
}

int collide_flows(const struct collide *c,
		  int (*sink)(void *ud, const struct flow *f, const struct lvs_side *side),
		  void *ud)
{
	uint32_t i, at;
	int r = 0;

	for (i = 0; i < c->n_slots && r >= 0; i++) {
		uint64_t key = c->slots[i].key;

		for (at = key ? c->slots[i].head : NO_RECORD; at != NO_RECORD && r >= 0;
		     at = c->records[at].next) {
			const struct record *x = &c->records[at];
			struct flow f;

			if (!(x->views & VIEW_RS))
				continue;
			f = collide_flow(c, key, x, &c->targets[x->target]);
			r = sink(ud, &f, &c->targets[x->target].side);
		}
	}
	return r;
}
