/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service map as configured: from the INI sections, files, and this node's own IPVS. */
#pragma once

#include "base/ipvs.h"
#include "base/kernel.h"
#include "lvs/map.h"
#include "lvs/settings.h"

/* Read all of S in its order, and index it. CONFIG: the path S was read from. K: to ask for this
 * node's own IPVS; NULL: it has none. 0 or -ENOMEM; whatever else goes wrong is in the sources of
 * the map. */
int lvs_load(const struct lvs_settings *s, const char *config, const struct kernel *k,
	     struct lvs_map **ret);

/* A node's own IPVS as a source of the service map. */

struct lvs_ipvs {
	struct lvs_map *map;
	uint32_t source;  /* of the map, of kind LVS_FROM_IPVS */
	uint32_t service; /* the one that was added last, LVS_NONE: it was refused */
};

/* Take over what ipvs_list() lists: an ipvs_sink for a struct lvs_ipvs. What
 * does not fit, or makes no sense, is counted in the source and does not end
 * the listing. -ENOMEM. */
int lvs_ipvs_take(void *ud, const struct ipvs_service *service, const struct ipvs_dest *dest);
