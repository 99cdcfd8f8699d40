/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/status_lvs.h"

#include "show/status_part.h"

typedef unsigned long long ull;

json_t *status_lvs_json(const struct status *s)
{
	const struct status_lvs *l = &s->lvs;

	return json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "active", l->active,
			 "stale", l->stale, "services", (json_int_t)l->services, "client_visible",
			 (json_int_t)l->visible, "incomplete_sources", (json_int_t)l->incomplete,
			 "flows", (json_int_t)l->flows, "events", (json_int_t)l->events,
			 "collisions", (json_int_t)l->collisions, "warnings", (json_int_t)l->told,
			 "overruns", (json_int_t)l->overruns);
}

void status_lvs_print(const struct status *s, bool verbose, FILE *out)
{
	const struct status_lvs *l = &s->lvs;

	if (!l->services && !l->incomplete)
		return;
	fprintf(out, "LVS: %u services, collisions %s, %llu found\n", l->services,
		l->stale    ? "about to be looked for again"
		: l->active ? "looked for"
			    : "not looked for",
		(ull)l->collisions);
	if (l->incomplete)
		fprintf(out, "  %u sources of the map are incomplete (vipsafe lvs map)\n",
			l->incomplete);
	if (verbose)
		fprintf(out, "  flows %llu, events %llu, warnings %llu, overruns %llu\n",
			(ull)l->flows, (ull)l->events, (ull)l->told, (ull)l->overruns);
}
