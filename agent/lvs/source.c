/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/source.h"

#include <errno.h>

#include "lvs/source_file.h"

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
		.method = LVS_UNKNOWN,
		.persistent = from->flags & IPVS_PERSISTENT,
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
		.addr = from->addr,
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

/* A node without IPVS is no director: not even a source that is empty. */
static int load_own(struct lvs_map *m, const struct kernel *k)
{
	struct lvs_ipvs take = { .map = m, .service = LVS_NONE };
	int source, r;

	source = lvs_map_add_source(m, LVS_FROM_IPVS, "", 0);
	if (source < 0)
		return 0;
	take.source = (uint32_t)source;
	r = k ? k->ops->ipvs_list(k->ctx, lvs_ipvs_take, &take) : -EOPNOTSUPP;
	if (r == -EOPNOTSUPP)
		lvs_map_drop_source(m, take.source);
	else if (r < 0)
		lvs_map_source_of(m, take.source)->failed = true;
	return r == -ENOMEM ? r : 0;
}

static int load_source(struct lvs_map *m, const struct lvs_source_settings *s,
		       const struct kernel *k)
{
	switch (s->kind) {
	case LVS_FROM_INI:
		break;
	case LVS_FROM_IPVS:
		return load_own(m, k);
	case LVS_FROM_SAVE:
		return lvs_save_read(s->path, m);
	case LVS_FROM_KEEPALIVED:
		return lvs_keepalived_read(s->path, m);
	}
	return 0;
}

int lvs_load(const struct lvs_settings *s, const char *config, const struct kernel *k,
	     struct lvs_map **ret)
{
	static const struct lvs_source_settings own_alone = { .kind = LVS_FROM_IPVS };
	const struct lvs_source_settings *sources = s->n_sources ? s->sources : &own_alone;
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	size_t i, n = s->n_sources ? s->n_sources : 1;
	int r;

	if (!m)
		return -ENOMEM;
	r = s->n_services ? lvs_settings_add(s, config, m) : 0;
	for (i = 0; i < n && r >= 0; i++)
		r = load_source(m, &sources[i], k);
	if (r >= 0)
		r = lvs_map_finish(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}
