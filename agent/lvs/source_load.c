/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/source_load.h"

#include <errno.h>

#include "lvs/source_keepalived.h"
#include "lvs/source_save.h"

/* A node without IPVS is no director: not even a source that is empty. */
static int load_own(struct lvs_map *m, lvs_own_ipvs own, void *ud)
{
	int source, r;

	source = lvs_map_add_source(m, LVS_FROM_IPVS, "", 0);
	if (source < 0)
		return 0;
	r = own ? own(ud, m, (uint32_t)source) : -EOPNOTSUPP;
	if (r == -EOPNOTSUPP)
		lvs_map_drop_source(m, (uint32_t)source);
	else if (r < 0)
		lvs_map_source_of(m, (uint32_t)source)->failed = true;
	return r == -ENOMEM ? r : 0;
}

static int load_source(struct lvs_map *m, const struct lvs_source_settings *s, lvs_own_ipvs own,
		       void *ud)
{
	switch (s->kind) {
	case LVS_FROM_INI:
		break;
	case LVS_FROM_IPVS:
		return load_own(m, own, ud);
	case LVS_FROM_SAVE:
		return lvs_save_read(s->path, m);
	case LVS_FROM_KEEPALIVED:
		return lvs_keepalived_read(s->path, m);
	}
	return 0;
}

int lvs_load(const struct lvs_settings *s, const char *config, lvs_own_ipvs own, void *ud,
	     const struct lvs_map *old, usec_t now, struct lvs_map **ret)
{
	static const struct lvs_source_settings own_alone = { .kind = LVS_FROM_IPVS };
	const struct lvs_source_settings *sources = s->n_sources ? s->sources : &own_alone;
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	size_t i, n = s->n_sources ? s->n_sources : 1;
	int r;

	if (!m)
		return -ENOMEM;
	r = lvs_settings_add(s, config, m);
	for (i = 0; i < n && r >= 0; i++)
		r = load_source(m, &sources[i], own, ud);
	if (r >= 0 && old)
		r = lvs_map_inherit(m, old, now, s->gone_rs_hold);
	if (r >= 0)
		r = lvs_map_finish(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}
