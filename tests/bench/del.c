/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

/* Each sets a scene up of its own, which takes longer than what is measured. */
#define ROUNDS 5

#define PEERS "save, ip addr del, load"

/* What del.sh prints of one way, one array element per round. */
struct way {
	const char *name;
	char lines[ROUNDS][1024];
	size_t n;
};

static const char *const steps[] = { "snapshot", "hold", "pin", "move", "verify", "restore" };

/* KEY=NUMBER in LINE. -1: not there. */
static double value(const char *line, const char *key)
{
	size_t len = strlen(key);
	const char *p = line;

	while ((p = strchr(p, ' '))) {
		p++;
		if (strncmp(p, key, len) == 0 && p[len] == '=')
			return strtod(p + len + 1, NULL);
	}
	return -1;
}

static int run_script(struct bench *b, struct way *ways, size_t n)
{
	const char *src = getenv("VIPSAFE_SRC");
	char command[4096], line[sizeof(ways->lines[0])];
	size_t i;
	FILE *f;

	snprintf(command, sizeof(command), "exec bash '%s/tests/bench/del.sh' %zu %d", src,
		 b->entries, ROUNDS);
	f = popen(command, "r");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		size_t len = strcspn(line, " ");

		for (i = 0; i < n &&
			    (strlen(ways[i].name) != len || strncmp(line, ways[i].name, len) != 0);)
			i++;
		if (i < n && ways[i].n < ROUNDS)
			strcpy(ways[i].lines[ways[i].n++], line);
		else
			fprintf(stderr, "bench: del.sh: %s", line);
	}
	return pclose(f) == 0 ? 0 : -EIO;
}

/* A row with KEY of each round, beside the peers' where they have it. */
static void add(struct bench *b, struct score item, const char *key, const struct way *ours,
		const struct way *peers, double scale)
{
	struct score *score;
	size_t i;

	item.entries = b->entries;
	item.peer = peers && value(peers->lines[0], key) > 0 && value(ours->lines[0], key) > 0
			    ? PEERS
			    : NULL;
	score = scores_add(b->scores, &item);
	for (i = 0; i < ours->n; i++)
		sample_add(&score->sample, value(ours->lines[i], key) / scale,
			   item.peer ? value(peers->lines[i], key) / scale : 0);
}

/* The rest is finding out what would be flushed, the journal, the remembered
 * entries, and starting the program. */
static void add_rest(struct bench *b, const char *what, const struct way *ours)
{
	struct score *score = scores_add(
		b->scores,
		&(struct score){ .what = what, .unit = "ms: rest", .entries = b->entries });
	size_t i, j;

	for (i = 0; i < ours->n; i++) {
		double rest = value(ours->lines[i], "total");

		for (j = 0; j < ARRAY_SIZE(steps); j++)
			rest -= MAX(value(ours->lines[i], steps[j]), 0.0);
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

	add(b, (struct score){ .what = what, .unit = "ms", .bound = BOUND_AT_MOST, .limit = 0.5 },
	    "total", ours, peers, 1e3);
	add(b,
	    (struct score){ .what = what,
			    .unit = "ms: gone",
			    .bound = BOUND_AT_MOST,
			    .limit = gone_limit(b->entries) },
	    "until_moved", ours, NULL, 1e3);
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		add(b, (struct score){ .what = what, .unit = units[i] }, steps[i], ours, peers,
		    1e3);
	add_rest(b, what, ours);
}

static int complete(const struct way *ways, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ways[i].n != ROUNDS)
			return -EBADMSG;
	return 0;
}

int measure_del(struct bench *b)
{
	static struct way ways[3];
	const struct way *pin = &ways[0], *restore = &ways[1], *peers = &ways[2];
	int r;

	if (!getenv("VIPSAFE_SRC") || !getenv("VIPSAFE_BUILD") || !b->has_conntrack) {
		fprintf(stderr, "bench: SKIP whole deletes: started by make bench, and with the "
				"conntrack program, they are measured\n");
		return 0;
	}
	memset(ways, 0, sizeof(ways));
	ways[0].name = "pin";
	ways[1].name = "restore";
	ways[2].name = "peers";
	r = run_script(b, ways, ARRAY_SIZE(ways));
	if (r == 0)
		r = complete(ways, ARRAY_SIZE(ways));
	if (r < 0) {
		fprintf(stderr, "bench: del.sh was not done\n");
		return r;
	}
	add_times(b, "del pin", pin, peers);
	add_times(b, "del rest.", restore, peers);
	add(b, (struct score){ .what = "away", .unit = "ms, restored" }, "median_us", restore,
	    peers, 1e3);
	add(b, (struct score){ .what = "killed", .unit = "of 200: pin", .bound = BOUND_AT_MOST },
	    "killed", pin, NULL, 1);
	add(b, (struct score){ .what = "killed", .unit = "of 200: rest." }, "killed", restore, NULL,
	    1);
	add(b, (struct score){ .what = "killed", .unit = "of 200: peers" }, "killed", peers, NULL,
	    1);
	return 0;
}
