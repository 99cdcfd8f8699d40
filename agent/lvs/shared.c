/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct shares {
	uint32_t total;
	struct lvs_shared *list; /* owned */
	size_t n, cap;
};

static int dest_compare(const struct addr *a, uint16_t a_port, const struct addr *b,
			uint16_t b_port)
{
	int r;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	r = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	return r ? r : (int)a_port - (int)b_port;
}

static int by_dests(const void *va, const void *vb)
{
	const struct lvs_shared *x = va, *y = vb;
	int r = dest_compare(&x->a, x->a_port, &y->a, y->a_port);

	return r ? r : dest_compare(&x->b, x->b_port, &y->b, y->b_port);
}

static int by_ports(const void *va, const void *vb)
{
	const struct lvs_shared *x = va, *y = vb;

	if (x->ports != y->ports)
		return x->ports > y->ports ? -1 : 1;
	return by_dests(x, y);
}

static int shares_put(void *ud, const struct flow *x, const struct flow *y, bool is_first)
{
	struct shares *s = ud;
	struct lvs_shared one = { .a = addr_make(x->family, x->dest),
				  .b = addr_make(y->family, y->dest),
				  .a_port = x->dport,
				  .b_port = y->dport,
				  .ports = 1 };

	if (dest_compare(&one.a, one.a_port, &one.b, one.b_port) > 0)
		one = (struct lvs_shared){ one.b, one.a, one.b_port, one.a_port, 1 };
	s->total += is_first;
	/* what does not fit is in the total */
	if (array_reserve(&s->list, &s->cap, s->n + 1, sizeof(*s->list)) == 0)
		s->list[s->n++] = one;
	return 0;
}

/* Those that are equal become one. */
static void shares_sum(struct shares *s)
{
	size_t i, n = 0;

	if (!s->n)
		return;
	qsort(s->list, s->n, sizeof(*s->list), by_dests);
	for (i = 1; i < s->n; i++) {
		if (!by_dests(&s->list[n], &s->list[i]))
			s->list[n].ports += s->list[i].ports;
		else
			s->list[++n] = s->list[i];
	}
	s->n = n + 1;
	qsort(s->list, s->n, sizeof(*s->list), by_ports);
}

uint32_t lvs_shared_count(const struct lvs_evidence *e, struct lvs_shared *ret, size_t max,
			  size_t *ret_n)
{
	struct shares s = { .n = 0 };

	lvs_evidence_each_shared(e, shares_put, &s);
	shares_sum(&s);
	*ret_n = MIN(s.n, max);
	if (*ret_n)
		memcpy(ret, s.list, *ret_n * sizeof(*ret));
	free(s.list);
	return s.total;
}
