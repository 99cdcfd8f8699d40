/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "script.h"

#include <string.h>

#include <vipsafe/base.h>

/* Each sets a scene up of its own, which takes longer than what is measured. */
#define ROUNDS 5

static const char *const steps[] = { "snapshot", "hold", "pin", "move", "verify", "restore" };

/* The rest is finding out what would be flushed, the journal, the remembered
 * entries, and starting the program. */
static void add_rest(struct bench *b, const char *what, const struct way *ours)
{
	struct score *score = scores_add(
		b->scores,
		&(struct score){ .what = what, .unit = "ms: rest", .entries = b->entries });
	size_t i, j;

	for (i = 0; i < ours->n; i++) {
		double rest = script_value(ours->lines[i], "total");

		for (j = 0; j < ARRAY_SIZE(steps); j++)
			rest -= MAX(script_value(ours->lines[i], steps[j]), 0.0);
		sample_add(&score->sample, rest / 1e3, 0);
	}
}

/* Until the address is gone, in ms: 60 for 10 000 entries, 300 for 100 000. */
static double gone_limit(size_t entries)
{
	return entries <= 10000 ? 60 : entries <= 100000 ? 300 : 600;
}

static void add_times(struct bench *b, const char *what, const struct way *ours,
		      const struct way *peers)
{
	static const char *const units[] = { "ms: snapshot", "ms: hold",   "ms: pin",
					     "ms: move",     "ms: verify", "ms: restore" };
	size_t i;

	script_add(
		b,
		(struct score){ .what = what, .unit = "ms", .bound = BOUND_AT_MOST, .limit = 0.5 },
		"total", ours, peers, 1e3);
	script_add(b,
		   (struct score){ .what = what,
				   .unit = "ms: gone",
				   .bound = BOUND_AT_MOST,
				   .limit = gone_limit(b->entries) },
		   "until_moved", ours, NULL, 1e3);
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		script_add(b, (struct score){ .what = what, .unit = units[i] }, steps[i], ours,
			   peers, 1e3);
	add_rest(b, what, ours);
}

int measure_del(struct bench *b)
{
	static struct way ways[3];
	const struct way *pin = &ways[0], *restore = &ways[1], *peers = &ways[2];
	int r;

	if (!script_is_here(b, "whole deletes"))
		return 0;
	memset(ways, 0, sizeof(ways));
	ways[0].name = "pin";
	ways[1].name = "restore";
	ways[2] = (struct way){ .name = "peers", .label = "save, ip addr del, load" };
	r = script_run(b, "del.sh", ROUNDS, ways, ARRAY_SIZE(ways));
	if (r < 0)
		return r;
	add_times(b, "del pin", pin, peers);
	add_times(b, "del rest.", restore, peers);
	script_add(b, (struct score){ .what = "away", .unit = "ms, restored" }, "median_us",
		   restore, peers, 1e3);
	script_add(
		b,
		(struct score){ .what = "killed", .unit = "of 200: pin", .bound = BOUND_AT_MOST },
		"killed", pin, NULL, 1);
	script_add(b, (struct score){ .what = "killed", .unit = "of 200: rest." }, "killed",
		   restore, NULL, 1);
	script_add(b, (struct score){ .what = "killed", .unit = "of 200: peers" }, "killed", peers,
		   NULL, 1);
	return 0;
}
