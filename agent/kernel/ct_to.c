/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries to some addresses: the kernel is asked for each, or the table is listed. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/ct.h"

/* Looking for one destination takes the kernel a sixth of listing all: with more of them the
 * table is listed once. */
#define DUMPS_MAX 4

/* So many entries are listed in some tens of milliseconds. */
#define CHEAP_MAX 16384

struct dump_to {
	const struct addrset *to;
	const struct addr *one; /* the one that was asked for; may be NULL */
	bool others;		/* had entries, too */
	bool *no_filter;
	conn_sink sink;
	void *ud;
};

static int dump_to_take(void *ud, const struct conn_record *record)
{
	struct dump_to *d = ud;
	struct addr dst = tuple_dst(&record->conn->key.orig, record->conn->key.family);

	d->others = d->others || (d->one && !addr_equal(&dst, d->one));
	return addrset_has(d->to, &dst) ? d->sink(d->ud, record) : 0;
}

/* Ask for each one. What does not filter shows all of them at once. */
static int dump_to_each(struct ct *ct, struct dump_to *d)
{
	struct tuple t;
	size_t i;
	int r = 0;

	memset(&t, 0, sizeof(t));
	for (i = 0; i < d->to->n && r == 0 && !*d->no_filter; i++) {
		d->one = &d->to->addrs[i];
		if (d->one->family != AF_INET)
			continue;
		memcpy(t.dst, d->one->bytes, sizeof(t.dst));
		r = ct_dump_filtered(ct, AF_INET, &t, dump_to_take, d);
		*d->no_filter = d->others;
	}
	d->one = NULL;
	return r;
}

static size_t count_family(const struct addrset *to, uint8_t family)
{
	size_t i, n = 0;

	for (i = 0; i < to->n; i++)
		n += to->addrs[i].family == family;
	return n;
}

int ct_dump_to(struct ct *ct, bool *no_filter, const struct addrset *to, bool cheaply,
	       conn_sink sink, void *ud)
{
	struct dump_to d = { .to = to, .no_filter = no_filter, .sink = sink, .ud = ud };
	size_t v4 = count_family(to, AF_INET), v6 = to->n - v4;
	bool each = v4 && v4 <= DUMPS_MAX && !*no_filter;
	uint32_t count, max;
	int r = 0;

	if (cheaply && (v6 || !each) && ct_usage(&count, &max) == 0 && count > CHEAP_MAX)
		return -EOPNOTSUPP;
	if (each)
		r = dump_to_each(ct, &d);
	if (r == 0 && v4 && !each)
		r = ct_dump(ct, v6 ? AF_UNSPEC : AF_INET, dump_to_take, &d);
	else if (r == 0 && v6)
		r = ct_dump(ct, AF_INET6, dump_to_take, &d);
	return r;
}
