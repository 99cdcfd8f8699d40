/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/source_ipvs.h"

#include <errno.h>

static int source_ipvs_refuse(struct lvs_ipvs *s, int error)
{
	if (error == -ENOMEM)
		return error;
	lvs_map_source_of(s->map, s->source)->skipped++;
	return 0;
}

static int source_ipvs_take_service(struct lvs_ipvs *s, const struct ipvs_service *from)
{
	const struct lvs_service service = {
		.method = LVS_NAT,
		.persistent = from->flags & IPVS_PERSISTENT,
		.ops = from->flags & IPVS_ONE_PACKET,
		.source = s->source,
	};
	const struct lvs_match match = {
		.l4proto = from->proto,
		.port = from->port,
		.fwmark = from->fwmark,
		.first = from->addr,
		.last = from->addr,
	};
	int r;

	s->service = LVS_NONE;
	lvs_map_source_of(s->map, s->source)->blocks++;
	r = lvs_map_add_service(s->map, &service);
	if (r < 0)
		return source_ipvs_refuse(s, r);
	s->service = (uint32_t)r;
	r = lvs_map_add_match(s->map, s->service, &match);
	if (r < 0) {
		s->service = LVS_NONE;
		return source_ipvs_refuse(s, r);
	}
	return 0;
}

static enum lvs_method method_of(enum ipvs_forward forward)
{
	switch (forward) {
	case IPVS_MASQ:
		return LVS_NAT;
	case IPVS_LOCAL:
		return LVS_LOCAL;
	case IPVS_TUNNEL:
		return LVS_TUN;
	case IPVS_DIRECT:
		return LVS_DR;
	case IPVS_BYPASS:
		return LVS_BYPASS;
	}
	return LVS_NAT;
}

static int source_ipvs_take_dest(struct lvs_ipvs *s, const struct ipvs_service *of,
				 const struct ipvs_dest *from)
{
	const struct lvs_real real = {
		.addr = { from->addr, (uint8_t)(8 * addr_size(from->addr.family)) },
		/* Of a persistent service of all ports the port of the real server
		 * is never looked at (ip_vs_sched_persist()). */
		.port = of->flags & IPVS_PERSISTENT && !of->port ? 0 : from->port,
		.method = method_of((enum ipvs_forward)from->forward),
		.weight = from->weight,
	};
	int r;

	lvs_map_source_of(s->map, s->source)->blocks++;
	if (s->service == LVS_NONE)
		return source_ipvs_refuse(s, -EINVAL);
	r = lvs_map_add_real(s->map, s->service, &real);
	return r < 0 ? source_ipvs_refuse(s, r) : 0;
}

int lvs_ipvs_take(void *ud, const struct ipvs_service *service, const struct ipvs_dest *dest)
{
	return dest ? source_ipvs_take_dest(ud, service, dest)
		    : source_ipvs_take_service(ud, service);
}
