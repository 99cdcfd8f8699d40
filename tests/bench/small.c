/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "script.h"

#include <string.h>

#include <vipsafe/base.h>

#define FLOWS 61
#define ROUNDS 7

static void small_killed(struct bench *b, const char *unit, const struct way *way)
{
	script_add(b,
		   (struct score){ .what = "small killed", .unit = unit, .bound = BOUND_AT_MOST },
		   "killed", way, NULL, 1);
}

int measure_small(struct bench *b)
{
	static struct way ways[3];
	const struct way *del = &ways[0], *alone = &ways[1], *daemon = &ways[2];
	struct score item = { .what = "small del", .unit = "ms", .bound = BOUND_AT_MOST };
	int r;

	if (!script_is_here(b, "small deletes and scripts"))
		return 0;
	memset(ways, 0, sizeof(ways));
	ways[0].name = "del";
	ways[1].name = "alone";
	ways[2].name = "daemon";
	b->entries = FLOWS;
	fprintf(stderr, "bench: deletes with %d flows …\n", FLOWS);
	r = script_run(b, "small.sh", ROUNDS, ways, ARRAY_SIZE(ways));
	if (r < 0)
		return r;
	item.limit = 30;
	script_add(b, item, "total", del, NULL, 1e3);
	script_add(b, (struct score){ .what = "small del", .unit = "ms: inside" }, "inside", del,
		   NULL, 1e3);
	script_add(b, (struct score){ .what = "small del", .unit = "ms: hold" }, "hold", del, NULL,
		   1e3);
	script_add(b, (struct score){ .what = "small del", .unit = "ms: pin" }, "pin", del, NULL,
		   1e3);
	script_add(b, (struct score){ .what = "small del", .unit = "ms: verify" }, "verify", del,
		   NULL, 1e3);
	item.what = "script";
	item.unit = "ms: alone";
	item.limit = 25;
	script_add(b, item, "total", alone, NULL, 1e3);
	item.unit = "ms: daemon";
	item.limit = 5;
	script_add(b, item, "total", daemon, NULL, 1e3);
	small_killed(b, "of 61: del", del);
	small_killed(b, "of 61: alone", alone);
	small_killed(b, "of 61: daemon", daemon);
	return 0;
}
