/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/service_port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* In the order of what comes before the service, which has no gaps. */
static int by_place(const void *va, const void *vb)
{
	return memcmp(va, vb, offsetof(struct lvs_port, service));
}

/* IPVS has no ranges of addresses. */
static void lvs_ports_put(struct lvs_ports *p, uint32_t service, const struct lvs_match *match,
			  const struct addrset *local, const struct ports *ports)
{
	if (!match->l4proto || !addr_equal(&match->first, &match->last) ||
	    !addrset_has(local, &match->first) || (match->port && !ports_has(ports, match->port)))
		return;
	if (p->n == LVS_PORTS_MAX) {
		p->left_out++;
		return;
	}
	p->list[p->n++] = (struct lvs_port){
		.local = match->first,
		.l4proto = match->l4proto,
		.port = match->port,
		.service = service,
	};
}

/* Whether this node's own IPVS has the service: another's takes no packets here. */
static bool is_own(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(m, &sources);

	for (i = 0; i < n; i++) {
		if (sources[i].kind == LVS_FROM_IPVS &&
		    lvs_map_service(m, service)->origins & 1U << i)
			return true;
	}
	return false;
}

int lvs_ports_find(const struct lvs_map *m, const struct addrset *local, const struct ports *p,
		   struct lvs_ports *ret)
{
	const struct lvs_service *s;
	size_t i, j;

	*ret = (struct lvs_ports){ .n = 0 };
	ret->list = malloc(LVS_PORTS_MAX * sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (i = 0; i < lvs_map_services(m); i++) {
		if (!is_own(m, (uint32_t)i))
			continue;
		s = lvs_map_service(m, (uint32_t)i);
		for (j = 0; j < s->n_matches; j++)
			lvs_ports_put(ret, (uint32_t)i, &s->matches[j], local, p);
	}
	qsort(ret->list, ret->n, sizeof(*ret->list), by_place);
	return 0;
}

void lvs_ports_done(struct lvs_ports *p)
{
	free(p->list);
	p->list = NULL;
	p->n = 0;
}

static bool addr_is_any(const struct addr *a)
{
	static const uint8_t any[sizeof(a->bytes)];

	return !memcmp(a->bytes, any, sizeof(any));
}

/* An IPv6 listener of any address has the port for IPv4 as well. */
static void listen_on(struct lvs_ports *p, const struct flow *f)
{
	struct addr a = addr_make(f->family, f->client);
	bool any = addr_is_any(&a);
	size_t i;

	for (i = 0; i < p->n; i++) {
		struct lvs_port *own = &p->list[i];

		if (own->l4proto == f->l4proto && own->port == f->cport &&
		    (any ? a.family == AF_INET6 || own->local.family == AF_INET
			 : addr_equal(&own->local, &a)))
			own->listened = true;
	}
}

void lvs_ports_use(struct lvs_ports *p, const struct flow *f)
{
	struct lvs_port key = { .l4proto = f->l4proto, .port = f->cport }, *found;
	struct flow n = *f;

	if (!p->n)
		return;
	flow_normalise(&n);
	if (n.state == FLOW_LISTENING) {
		listen_on(p, &n);
		return;
	}
	key.local = addr_make(n.family, n.client);
	found = bsearch(&key, p->list, p->n, sizeof(*p->list), by_place);
	if (!found || found->in_use)
		return;
	found->in_use = true;
	found->peer = addr_make(n.family, n.dest);
	found->peer_port = n.dport;
}

void lvs_ports_settle(struct lvs_ports *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->n; i++) {
		if (!p->list[i].listened)
			p->list[n++] = p->list[i];
	}
	p->n = n;
}
