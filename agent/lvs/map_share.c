/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How likely two flows end at one real server. */
#include "lvs/map_store.h"

struct lvs_side lvs_side_make(const struct lvs_dest *d, uint8_t l4proto, const struct addr *addr,
			      uint16_t port)
{
	return (struct lvs_side){
		.service = d->service,
		.l4proto = l4proto,
		.any_port = d->any_port,
		.port = port,
		.dest = *addr,
	};
}

/* The share of R in its service. One that weighs nothing may have had any share before. */
static double share_of(const struct lvs_service *s, const struct lvs_real *r, bool fresh)
{
	double now, even = 1.0 / (double)s->n_reals;

	if (!lvs_real_is_visible(s, r))
		return 0;
	now = r->weight ? (double)r->weight / s->weights : 0;
	return fresh || s->all_weigh ? now : MAX(now, even);
}

/* The port on which real server R of a flow through SIDE is asked. */
static uint16_t port_of(const struct lvs_side *side, const struct lvs_real *r)
{
	return side->any_port || !r->port ? side->port : r->port;
}

/* The chance that SIDE is sent on to ADDR and PORT. */
static double reach(const struct lvs_map *m, const struct lvs_side *side, const struct addr *addr,
		    uint16_t port, bool fresh)
{
	const struct lvs_service *s;
	double sum = 0;
	size_t i;

	if (side->has_rs)
		return side->rport == port && addr_equal(&side->rs, addr);
	if (side->service == LVS_NONE)
		return 0;
	s = &m->services[side->service];
	for (i = 0; i < s->n_reals; i++) {
		if (addr_equal(&s->reals[i].addr, addr) && port_of(side, &s->reals[i]) == port)
			sum += share_of(s, &s->reals[i], fresh);
	}
	return sum;
}

/* The chance that A and B are sent on to one real server. */
static double meet(const struct lvs_map *m, const struct lvs_side *a, const struct lvs_side *b,
		   bool fresh)
{
	const struct lvs_service *s;
	double sum = 0;
	size_t i;

	if (a->has_rs)
		return reach(m, b, &a->rs, a->rport, fresh);
	if (a->service == LVS_NONE)
		return 0;
	s = &m->services[a->service];
	for (i = 0; i < s->n_reals; i++) {
		const struct lvs_real *r = &s->reals[i];
		double share = share_of(s, r, fresh);

		if (share > 0)
			sum += share * reach(m, b, &r->addr, port_of(a, r), fresh);
	}
	return sum;
}

double lvs_share(const struct lvs_map *m, const struct lvs_side *a, const struct lvs_side *b,
		 bool fresh)
{
	double sum = reach(m, a, &b->dest, b->port, fresh) + reach(m, b, &a->dest, a->port, fresh) +
		     meet(m, a, b, fresh);

	return MIN(sum, 1.0);
}
