/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addrset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/array.h"

void addrset_done(struct addrset *s)
{
	free(s->addrs);
	*s = (struct addrset){ 0 };
}

/* The index of A, or where it is to be inserted. */
static size_t addrset_place(const struct addrset *s, const struct addr *a)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(&s->addrs[mid], a, sizeof(*a)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool addrset_has(const struct addrset *s, const struct addr *a)
{
	size_t i = addrset_place(s, a);

	return i < s->n && !memcmp(&s->addrs[i], a, sizeof(*a));
}

int addrset_add(struct addrset *s, const struct addr *a)
{
	size_t i = addrset_place(s, a);

	if (i < s->n && !memcmp(&s->addrs[i], a, sizeof(*a)))
		return 0;
	if (!array_append(&s->addrs, &s->n, sizeof(*a)))
		return -ENOMEM;
	memmove(&s->addrs[i + 1], &s->addrs[i], (s->n - 1 - i) * sizeof(*a));
	s->addrs[i] = *a;
	return 0;
}

void addrset_remove(struct addrset *s, const struct addr *a)
{
	size_t i = addrset_place(s, a);

	if (i == s->n || memcmp(&s->addrs[i], a, sizeof(*a)))
		return;
	s->n--;
	memmove(&s->addrs[i], &s->addrs[i + 1], (s->n - i) * sizeof(*a));
}
