/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define SHARED_KEY (offsetof(struct lvs_shared, b_port) + sizeof(uint16_t))

struct shares {
	uint32_t total;
	struct keyed list; /* struct lvs_shared */
};

static int by_ports(const void *va, const void *vb)
{
	const struct lvs_shared *x = va, *y = vb;

	if (x->ports != y->ports)
		return x->ports > y->ports ? -1 : 1;
	return memcmp(x, y, SHARED_KEY);
}

static int shares_put(void *ud, const struct flow *x, const struct flow *y, bool is_first)
{
	struct shares *s = ud;
	struct lvs_shared key = { .a = addr_make(x->family, x->dest),
				  .b = addr_make(y->family, y->dest),
				  .a_port = x->dport,
				  .b_port = y->dport };
	int order = memcmp(&key.a, &key.b, sizeof(key.a));
	struct lvs_shared *one;

	if (order > 0 || (!order && key.a_port > key.b_port))
		key = (struct lvs_shared){ key.b, key.a, key.b_port, key.a_port, 0 };
	s->total += is_first;
	/* what does not fit is in the total */
	if (keyed_get(&s->list, &key, &one) >= 0)
		one->ports++;
	return 0;
}

uint32_t lvs_shared_count(const struct lvs_evidence *e, struct lvs_shared *ret, size_t max,
			  size_t *ret_n)
{
	struct shares s = { .list = { .size = sizeof(*ret), .key = SHARED_KEY } };

	lvs_evidence_each_shared(e, shares_put, &s);
	*ret_n = MIN(s.list.n, max);
	if (*ret_n) {
		qsort(s.list.items, s.list.n, sizeof(*ret), by_ports);
		memcpy(ret, s.list.items, *ret_n * sizeof(*ret));
	}
	keyed_done(&s.list);
	return s.total;
}
