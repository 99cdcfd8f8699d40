/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/apart.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

int apart_dest_compare(const void *a, const void *b)
{
	const struct apart_dest *x = a, *y = b;
	int r = x->addr.family - y->addr.family;

	if (!r)
		r = memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes));
	return r ? r : x->port - y->port;
}

int apart_list_add(struct apart_list *l, const struct addr *addr, uint16_t port)
{
	struct apart_dest *d = array_append(&l->list, &l->n, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*d = (struct apart_dest){ *addr, port };
	return 0;
}

static bool apart_list_equal(const struct apart_list *a, const struct apart_list *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++)
		if (apart_dest_compare(&a->list[i], &b->list[i]))
			return false;
	return a->n == b->n;
}

bool apart_client_equal(const struct apart_client *a, const struct apart_client *b)
{
	return prefix_equal(&a->from, &b->from) && addr_equal(&a->to, &b->to);
}

bool apart_equal(const struct apart *a, const struct apart *b)
{
	size_t i;

	for (i = 0; i < APART_WINDOWS; i++) {
		const struct apart_window *x = &a->windows[i], *y = &b->windows[i];

		if (x->low != y->low || x->high != y->high ||
		    !apart_list_equal(&x->services, &y->services))
			return false;
	}
	for (i = 0; i < a->n_clients && i < b->n_clients; i++)
		if (!apart_client_equal(&a->clients[i], &b->clients[i]))
			return false;
	return a->n_clients == b->n_clients && a->n_windows == b->n_windows &&
	       a->rest_low == b->rest_low && a->rest_high == b->rest_high &&
	       apart_list_equal(&a->servers, &b->servers);
}

void apart_done(struct apart *a)
{
	size_t i;

	for (i = 0; i < APART_WINDOWS; i++)
		free(a->windows[i].services.list);
	free(a->servers.list);
	*a = (struct apart){ .n_windows = 0 };
}

size_t apart_groups(const struct apart *a, struct apart_group ret[APART_WINDOWS + 1])
{
	size_t i;

	for (i = 0; i < a->n_windows; i++)
		ret[i] = (struct apart_group){ &a->windows[i].services, a->windows[i].low,
					       a->windows[i].high };
	ret[i] = (struct apart_group){ &a->servers, a->rest_low, a->rest_high };
	return i + 1;
}

bool apart_has_family(const struct apart *a, uint8_t family)
{
	size_t i;

	for (i = 0; i < a->servers.n; i++)
		if (a->servers.list[i].addr.family == family)
			return true;
	return false;
}

bool apart_needs(const struct conn *conn)
{
	return conn->key.l4proto == IPPROTO_TCP && conn->key.orig.sport != conn->reply.dport &&
	       !memcmp(conn->key.orig.src, conn->reply.dst, sizeof(conn->reply.dst)) &&
	       conn->tcp_state >= CONN_TCP_SYN_RECV && conn->tcp_state <= CONN_TCP_LAST_ACK;
}
