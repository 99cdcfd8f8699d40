/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/explain.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/text.h"

struct ipvs_looking {
	const struct conn *alive;
	bool is_service, has_row; /* it is one's of IPVS; and IPVS remembers it */
};

static int explain_on_service(void *ud, const struct ipvs_service *s, const struct ipvs_dest *dest)
{
	struct ipvs_looking *l = ud;
	const struct conn *c = l->alive;
	const struct addr dst = tuple_dst(&c->key.orig, c->key.family);

	if (!dest && !s->fwmark && s->proto == c->key.l4proto && addr_equal(&s->addr, &dst) &&
	    (!s->port || s->port == ntohs(c->key.orig.dport)))
		l->is_service = true;
	return 0;
}

static int explain_on_row(void *ud, const struct flow *f)
{
	struct ipvs_looking *l = ud;
	const struct conn c = flow_conn(f);

	l->has_row |= !f->pin && tuple_equal(&c.key.orig, &l->alive->key.orig) &&
		      c.key.family == l->alive->key.family &&
		      c.key.l4proto == l->alive->key.l4proto;
	return 0;
}

void explain_look_forgotten(const struct kernel *k, const struct conn *alive, uint32_t timeout,
			    char ret[REPORT_TEXT_MAX])
{
	struct ipvs_looking l = { .alive = alive };

	*ret = '\0';
	if (alive->key.l4proto != IPPROTO_TCP || alive->tcp_state != CONN_TCP_ESTABLISHED ||
	    k->ops->ipvs_list(k->ctx, explain_on_service, &l) < 0 || !l.is_service ||
	    k->ops->ipvs_conns(k->ctx, explain_on_row, &l) < 0 || l.has_row)
		return;
	text_line(ret, REPORT_TEXT_MAX,
		  "/proc/net/ip_vs_conn has no row of it, and nothing was sent on it for %u s",
		  timeout > alive->timeout ? timeout - alive->timeout : 0);
}

/* What an IPVS waits for a packet of a TCP connection, unless told otherwise. */
#define IPVS_TCP_TIMEOUT 900

void explain_look_idle(const struct lvs_map *map, const struct conn *alive, uint32_t timeout,
		       char ret[REPORT_TEXT_MAX])
{
	const struct addr dst = tuple_dst(&alive->key.orig, alive->key.family);
	const uint16_t port = ntohs(alive->key.orig.dport);
	const uint32_t idle = timeout > alive->timeout ? timeout - alive->timeout : 0;
	char text[PREFIX_TEXT_MAX];
	struct lvs_dest d;

	*ret = '\0';
	if (alive->key.l4proto != IPPROTO_TCP || alive->tcp_state != CONN_TCP_ESTABLISHED ||
	    idle <= IPVS_TCP_TIMEOUT ||
	    !lvs_map_lookup(map, IPPROTO_TCP, dst.family, dst.bytes, port, &d) ||
	    d.service == LVS_NONE)
		return;
	text_line(ret, REPORT_TEXT_MAX,
		  "nothing was sent on it for %u s, and %s port %u is the LVS "
		  "service %s",
		  idle, addr_format(&dst, text), port,
		  *lvs_map_service(map, d.service)->name ? lvs_map_service(map, d.service)->name
							 : "of the map");
}
