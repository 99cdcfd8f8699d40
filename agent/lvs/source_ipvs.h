/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node's own IPVS as a source of the service map. */
#pragma once

#include "base/ipvs.h"
#include "lvs/map.h"

struct lvs_ipvs {
	struct lvs_map *map;
	uint32_t source;  /* of the map, of kind LVS_FROM_IPVS */
	uint32_t service; /* the one that was added last, LVS_NONE: it was refused */
};

/* Take over what ipvs_list() lists: an ipvs_sink for a struct lvs_ipvs. What
 * does not fit, or makes no sense, is counted in the source and does not end
 * the listing. -ENOMEM. */
int lvs_ipvs_take(void *ud, const struct ipvs_service *service, const struct ipvs_dest *dest);
