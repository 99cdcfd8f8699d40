/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_place(const void *va, const void *vb)
{
	const struct lvs_port *a = va, *b = vb;
	int r;

	if (a->local.family != b->local.family)
		return a->local.family < b->local.family ? -1 : 1;
	r = memcmp(a->local.bytes, b->local.bytes, sizeof(a->local.bytes));
	if (r)
		return r;
	if (a->l4proto != b->l4proto)
		return a->l4proto < b->l4proto ? -1 : 1;
	return a->port == b->port ? 0 : a->port < b->port ? -1 : 1;
}

static bool covers(const struct lvs_match *match, const struct addr *a)
{
	return match->first.family == a->family &&
	       memcmp(match->first.bytes, a->bytes, sizeof(a->bytes)) <= 0 &&
	       memcmp(match->last.bytes, a->bytes, sizeof(a->bytes)) >= 0;
}

static void lvs_ports_put(struct lvs_ports *p, uint32_t service, const struct lvs_match *match,
			  const struct addr *local)
{
	if (p->n == LVS_PORTS_MAX) {
		p->left_out++;
		return;
	}
	p->list[p->n++] = (struct lvs_port){
		.local = *local,
		.l4proto = match->l4proto,
		.port = match->port,
		.service = service,
	};
}

static void find_match(uint32_t service, const struct lvs_match *match, const struct addrset *local,
		       const struct ports *ports, struct lvs_ports *ret)
{
	size_t i;

	if (!match->l4proto || (match->port && !ports_has(ports, match->port)))
		return;
	if (addr_equal(&match->first, &match->last)) {
		if (addrset_has(local, &match->first))
			lvs_ports_put(ret, service, match, &match->first);
		return;
	}
	for (i = 0; i < local->n; i++) {
		if (covers(match, &local->addrs[i]))
			lvs_ports_put(ret, service, match, &local->addrs[i]);
	}
}

int lvs_ports_find(const struct lvs_map *m, const struct addrset *local, const struct ports *p,
		   struct lvs_ports *ret)
{
	const struct lvs_match *matches;
	size_t i, j, n;

	*ret = (struct lvs_ports){ .n = 0 };
	ret->list = malloc(LVS_PORTS_MAX * sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (i = 0; i < lvs_map_services(m); i++) {
		n = lvs_map_matches(m, (uint32_t)i, &matches);
		for (j = 0; j < n; j++)
			find_match((uint32_t)i, &matches[j], local, p, ret);
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

static void use(struct lvs_ports *p, const struct lvs_port *key, const struct flow *f)
{
	struct lvs_port *found = bsearch(key, p->list, p->n, sizeof(*p->list), by_place);

	if (!found || found->in_use)
		return;
	found->in_use = true;
	found->peer = addr_make(f->family, f->dest);
	found->peer_port = f->dport;
}

void lvs_ports_use(struct lvs_ports *p, const struct flow *f)
{
	struct lvs_port key = { .l4proto = f->l4proto, .port = f->cport };
	struct flow n = *f;

	if (!p->n)
		return;
	flow_normalise(&n);
	key.local = addr_make(n.family, n.client);
	use(p, &key, &n);
}
