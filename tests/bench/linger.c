/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What it costs a guard that an address vanishes while everything behind another one lingers,
 * and that the time of that one is up. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"
#include "guarding.h"
#include "scene.h"

#define EVENTS 7

/* After a delete the guard looks for what it has flushed, until no flush can come. */
#define REPAIRED USEC_PER_SEC

static void linger_pass(struct guarding *g, usec_t duration)
{
	const struct kernel *k = &g->env.kernel;
	usec_t until = k->ops->now(k->ctx) + duration;

	while (k->ops->now(k->ctx) < until) {
		guarding_listen(g);
		(void)guarding_rest(g);
		usleep(10000);
	}
}

static int linger_expect(const struct guarding *g, uint64_t wanted)
{
	struct guard_lingering list[GUARD_LINGERING_MAX];
	uint64_t entries;

	(void)guard_lingering(g->guard, list, &entries);
	if (entries == wanted)
		return 0;
	fprintf(stderr, "bench: %llu entries linger instead of %llu\n", (unsigned long long)entries,
		(unsigned long long)wanted);
	return -EBADMSG;
}

/* The VIP vanishes, again and again: from the event to the end of what follows at once. */
static int linger_events(struct guarding *g, int fd)
{
	struct stopwatch *w = &g->bench->watch;
	struct score *score =
		scores_add(g->bench->scores, &(struct score){
						     .what = "linger: an address vanishes",
						     .unit = "us",
						     .entries = g->bench->entries,
						     .bound = BOUND_AT_MOST,
						     .limit = 1000,
					     });
	int i, r = 0;

	for (i = 0; i < EVENTS && r == 0; i++) {
		r = bare_address(fd, SCENE_DEVICE, SCENE_VIP, false);
		stopwatch_start(w);
		guarding_listen(g);
		(void)guarding_rest(g);
		sample_add(&score->sample, stopwatch_lap(w) * 1e6, 0);
		if (r == 0)
			r = bare_address(fd, SCENE_DEVICE, SCENE_VIP, true);
		linger_pass(g, REPAIRED);
	}
	return r;
}

/* The time of all is up: what the guard sends, sent by itself, or by a bare loop. */
static int linger_sweep(struct guarding *g, bool bare, double *ret_seconds)
{
	_cleanup_close_ int fd = bare_open();
	struct stopwatch *w = &g->bench->watch;
	struct tape t = { 0 };
	struct addr a;
	int r = fd < 0 ? fd : addr_parse(SCENE_NODE, &a);

	if (r < 0)
		return r;
	guard_give_up(g->guard, &a, false);
	tape_rehearse(bare ? &t : NULL);
	stopwatch_start(w);
	(void)guarding_rest(g);
	*ret_seconds = stopwatch_lap(w);
	tape_rehearse(NULL);
	if (bare) {
		stopwatch_start(w);
		r = bare_replay(fd, &t);
		*ret_seconds = stopwatch_lap(w);
	}
	tape_done(&t);
	return r;
}

/* From a full table to an empty one. */
static int linger_round(struct bench *b, bool bare, bool first, double *ret_seconds)
{
	_cleanup_close_ int fd = bare_route();
	struct guarding g;
	int r = guarding_begin(&g, b);

	if (r == 0)
		r = MIN(fd, 0);
	if (r == 0)
		r = bare_address(fd, SCENE_DEVICE, SCENE_NODE "/24", false);
	if (r == 0) {
		linger_pass(&g, REPAIRED);
		r = linger_expect(&g, b->entries);
	}
	if (r == 0 && first)
		r = linger_events(&g, fd);
	if (r == 0)
		r = linger_sweep(&g, bare, ret_seconds);
	guarding_end(&g);
	if (r == 0)
		r = bare_address(fd, SCENE_DEVICE, SCENE_NODE "/24", true);
	return r < 0 ? r : scene_fill(b->entries);
}

#define LINGER_ROUNDS 3

int measure_linger(struct bench *b)
{
	struct score item = {
		.what = "linger: the time is up",
		.peer = "bare loop, same messages",
		.unit = "us/entry",
		.entries = b->entries,
		.bound = BOUND_AT_LEAST,
		.limit = 0.8,
	};
	double scale = 1e6 / (double)b->entries, x, y;
	struct score *score = scores_add(b->scores, &item);
	unsigned round;
	int r = 0;

	for (round = 0; round < LINGER_ROUNDS && r == 0; round++) {
		r = linger_round(b, false, !round, &x);
		if (r == 0)
			r = linger_round(b, true, false, &y);
		if (r == 0)
			sample_add(&score->sample, x * scale, y * scale);
	}
	return r;
}
