/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/scan.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/source.h"

struct collide_node lvs_scan_node(const struct kernel *k, const struct lvs_map *map)
{
	struct collide_node node = { .director = false };
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(map, &sources);

	for (i = 0; i < n; i++)
		node.director |= sources[i].kind == LVS_FROM_IPVS && !sources[i].failed;
	if (node.director)
		node.tracks = k->ops->ipvs_tracks(k->ctx) > 0;
	return node;
}

/* A source that this kernel does not have is not reported as unseen. */
static void scan_note(struct lvs_scan *s, const char *what, int error)
{
	if (error >= 0 || error == -EOPNOTSUPP || error == -EPROTONOSUPPORT ||
	    s->n_unseen == LVS_UNSEEN_MAX)
		return;
	s->unseen[s->n_unseen++] = (struct lvs_unseen){ what, error };
}

static int scan_take_socket(void *ud, const struct flow *f)
{
	struct lvs_scan *s = ud;

	lvs_ports_use(&s->own_ports, f);
	return s->extent == LVS_SCAN_ALL && f->dport ? collide_add(s->flows, f) : 0;
}

static int take_row(void *ud, const struct flow *f)
{
	struct lvs_scan *s = ud;

	return collide_add(s->flows, f);
}

static int take_conn(void *ud, const struct conn_record *record)
{
	struct lvs_scan *s = ud;

	return collide_add_conn(s->flows, record->conn, FLOW_CONNTRACK, 0);
}

static int take_addr(void *ud, const struct ifaddr *a)
{
	return addrset_add(ud, &a->prefix.addr);
}

/* The ports of our own services that connect() may choose. */
static int find_ports(const struct kernel *k, const struct lvs_map *map,
		      const struct addrset *coming, struct lvs_scan *s)
{
	size_t i;
	int r;

	r = k->ops->local_ports(k->ctx, &s->ports);
	scan_note(s, "local ports", r);
	if (r < 0) /* what most kernels have */
		ports_read_range(&s->ports, "32768 60999");
	r = k->ops->addr_list(k->ctx, take_addr, &s->local);
	scan_note(s, "addresses", r);
	for (i = 0; coming && i < coming->n && r != -ENOMEM; i++)
		r = addrset_add(&s->local, &coming->addrs[i]);
	if (r != -ENOMEM)
		r = lvs_ports_find(map, &s->local, &s->ports, &s->own_ports);
	return r;
}

int lvs_scan_run(const struct kernel *k, const struct lvs_map *map, enum lvs_scan_extent extent,
		 const struct addrset *coming, uint64_t seed, struct lvs_scan *ret)
{
	struct collide_node node = lvs_scan_node(k, map);
	struct lvs_scan s = { .at = k->ops->now(k->ctx), .extent = extent };
	uint32_t count, max;
	int r;

	s.flows = collide_new(map, node, seed);
	r = s.flows ? find_ports(k, map, coming, &s) : -ENOMEM;
	/* room for as many as conntrack has, so that the table grows once */
	if (r != -ENOMEM && lvs_map_summary(map).visible &&
	    k->ops->ct_usage(k->ctx, &count, &max) == 0)
		r = collide_expect(s.flows, MIN(count, 1U << 20));
	/* sockets first: collide_add_conn() */
	if (r != -ENOMEM) {
		r = k->ops->sock_list(k->ctx, SOCK_LISTENERS, scan_take_socket, &s);
		scan_note(&s, "sockets", r);
		lvs_ports_settle(&s.own_ports);
	}
	if (r != -ENOMEM && node.director) {
		r = k->ops->ipvs_conns(k->ctx, take_row, &s);
		scan_note(&s, "connections of IPVS", r);
	}
	if (r != -ENOMEM && lvs_map_summary(map).visible) {
		r = k->ops->ct_dump(k->ctx, AF_UNSPEC, take_conn, &s);
		scan_note(&s, "conntrack", r);
	}
	if (r == -ENOMEM) {
		lvs_scan_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void lvs_scan_done(struct lvs_scan *s)
{
	collide_free(s->flows);
	s->flows = NULL;
	lvs_ports_done(&s->own_ports);
	addrset_done(&s->local);
}
