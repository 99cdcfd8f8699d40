/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many connections a node's clients open, per client and destination, and what that makes of
 * the risk of collisions (lvs/risk.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lvs/collide.h"
#include "lvs/risk.h"

/* Rates are of the last two of these, at least. There are none before a minute has passed, or, of
 * connections that are many, a few seconds. */
#define FORECAST_WINDOW (300 * USEC_PER_SEC)
#define FORECAST_AFTER (60 * USEC_PER_SEC)
#define FORECAST_MANY 50
#define FORECAST_MANY_AFTER (10 * USEC_PER_SEC)

struct forecast;

struct forecast *forecast_new(void); /* NULL: out of memory */
struct forecast *forecast_free(struct forecast *c);
DEFINE_CLEANUP(struct forecast, forecast_free)

/* Forget all; counting begins NOW, with P as what the kernel chooses from. To be called first, and
 * when the map has changed. */
void forecast_begin(struct forecast *c, usec_t now, const struct ports *p);

/* A connection was opened: a collide_flow_sink. */
int forecast_open(void *ud, const struct flow *f, const struct lvs_side *side);

/* Those of NEWS were that OLD lacks. 0 or -ENOMEM. */
int forecast_compare(struct forecast *c, const struct collide *old, const struct collide *news);

struct risk_row {
	enum collide_class class; /* A or A2 */
	uint8_t l4proto;
	struct addr client;
	struct lvs_side direct; /* A2: the one service */
	struct lvs_side via;
	uint8_t direct_origin, via_origin; /* of all of them: enum flow_origin */
	struct risk_input in;
	struct risk risk;
	enum port_choice choice;
	bool has_rates; /* enough were counted to tell what to expect per day */
	bool is_bound; /* each destination has its own counter: the expectation is an upper bound */
};

/* A negative return ends the listing with it. */
typedef int (*risk_sink)(void *ud, const struct risk_row *row);

/* Each client with each two destinations of FLOWS, a table of MAP, that may meet at one RS. HOLD:
 * for how long directors remember what has ended. Returns 0, -ENOMEM or what SINK did.
 * *RET_UNSEEN: pairs left out, of clients or destinations that are too many. */
int forecast_each(struct forecast *c, const struct lvs_map *map, const struct collide *flows,
		  usec_t hold, usec_t now, risk_sink sink, void *ud, uint64_t *ret_unseen);
