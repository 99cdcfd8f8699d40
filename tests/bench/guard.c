/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guard costs: a delete with everything pinned, an event, and doing
 * nothing at all. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bare.h"
#include "resync.h"
#include "scene.h"

/* Deletes per round: of their times the 99th is looked at. */
#define DELETES 100
#define DELETE_ROUNDS 5

/* Events per round: they have to fit into the listeners' buffers. */
#define EVENTS 8000
#define EVENT_ROUNDS 7

#define IDLE (3 * USEC_PER_SEC)
#define IDLE_ROUNDS 5

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ---- a delete ------------------------------------------------------------------- */

/* The move alone: what is asked of the kernel, in between what makes it safe. */
struct laps {
	struct stopwatch *watch;
	bool moving;
	double move;
};

static int at_stage(void *ud, const char *stage)
{
	struct laps *l = ud;

	if (l->moving)
		l->move = stopwatch_lap(l->watch);
	l->moving = !strcmp(stage, "move");
	if (l->moving)
		stopwatch_start(l->watch);
	return 0;
}

static int ours_delete(struct guarding *g, struct laps *l, double *ret_seconds)
{
	struct request req = g->bench->request;
	struct run_env env = g->env;
	struct report report;
	struct stopwatch whole = { 0 };
	bool serves;

	req.strategy = STRATEGY_PIN; /* as on a kernel that flushes */
	env.at_stage = l->watch ? at_stage : NULL;
	env.at_stage_ud = l;
	stopwatch_start(&whole);
	serves = guard_serves(g->guard, &req);
	if (serves)
		env.source = guard_source(g->guard);
	run_move(&env, &req, &report);
	*ret_seconds = stopwatch_lap(&whole);
	if (serves && report.changed && report.exit_code == EXIT_DONE)
		return 0;
	fprintf(stderr, "bench: the delete was %sserved by the guard, exit code %d: %s\n",
		serves ? "" : "not ", report.exit_code, report.error);
	return -EBADMSG;
}

struct delete_times {
	double whole[DELETES], move[DELETES], theirs[DELETES];
};

static int theirs_delete(int fd, struct stopwatch *w, double *ret_seconds)
{
	int r;

	stopwatch_start(w);
	r = bare_address(fd, SCENE_BARE_DEVICE, SCENE_BARE_VIP, false);
	*ret_seconds = stopwatch_lap(w);
	return r;
}

/* The whole in one run, the move in another: looking at the clock takes time. */
static int ours_twice(struct guarding *g, int fd, double *whole, double *move)
{
	struct laps none = { NULL }, laps = { .watch = &g->bench->watch };
	double ignored;
	int r = ours_delete(g, &none, whole);

	if (r == 0)
		r = bare_address(fd, SCENE_DEVICE, SCENE_VIP, true);
	guarding_listen(g); /* what the daemon does in between */
	(void)guarding_rest(g);
	if (r == 0)
		r = ours_delete(g, &laps, &ignored);
	*move = laps.move;
	if (r == 0)
		r = bare_address(fd, SCENE_DEVICE, SCENE_VIP, true);
	return r;
}

/* In turns. The bare one is of a device that is not guarded: a foreign delete
 * would have the guard look for flushed entries for a while. */
static int delete_round(struct guarding *g, int fd, struct delete_times *t)
{
	struct stopwatch *w = &g->bench->watch;
	size_t i;
	int r = 0, turn;

	for (i = 0; i < DELETES && r == 0; i++) {
		for (turn = 0; turn < 2 && r == 0; turn++) {
			bool ours = (i + (size_t)turn) % 2;

			r = ours ? ours_twice(g, fd, &t->whole[i], &t->move[i])
				 : theirs_delete(fd, w, &t->theirs[i]);
			if (r == 0 && !ours)
				r = bare_address(fd, SCENE_BARE_DEVICE, SCENE_BARE_VIP, true);
			guarding_listen(g);
			(void)guarding_rest(g);
		}
	}
	qsort(t->whole, DELETES, sizeof(t->whole[0]), compare);
	qsort(t->move, DELETES, sizeof(t->move[0]), compare);
	qsort(t->theirs, DELETES, sizeof(t->theirs[0]), compare);
	return r;
}

static int measure_deletes(struct guarding *g)
{
	struct bench *b = g->bench;
	struct score item = { .what = "guard del",
			      .peer = "bare RTM_DELADDR",
			      .unit = "us, median",
			      .entries = b->entries };
	struct score *median = scores_add(b->scores, &item), *p99, *request;
	_cleanup_close_ int fd = bare_route();
	struct delete_times t;
	unsigned round;
	int r = MIN(fd, 0);

	item.unit = "us, p99: move";
	request = scores_add(b->scores, &item);
	item.unit = "us, p99";
	item.bound = BOUND_AT_MOST;
	item.limit = 2;
	p99 = scores_add(b->scores, &item);
	for (round = 0; round <= DELETE_ROUNDS && r == 0; round++) {
		r = delete_round(g, fd, &t);
		if (r < 0 || !round)
			continue;
		sample_add(&median->sample, t.whole[DELETES / 2] * 1e6,
			   t.theirs[DELETES / 2] * 1e6);
		sample_add(&p99->sample, t.whole[DELETES - 2] * 1e6, t.theirs[DELETES - 2] * 1e6);
		sample_add(&request->sample, t.move[DELETES - 2] * 1e6,
			   t.theirs[DELETES - 2] * 1e6);
	}
	return r;
}

/* ---- events --------------------------------------------------------------------- */

static int theirs_listen(int fd, struct stopwatch *w, double *seconds, size_t *counted)
{
	size_t n = 0;
	int r;

	stopwatch_start(w);
	r = bare_count(fd, &n);
	*seconds += stopwatch_lap(w);
	*counted += n;
	return r;
}

static void ours_listen(struct guarding *g, double *seconds)
{
	struct stopwatch *w = &g->bench->watch;

	stopwatch_start(w);
	guarding_listen(g);
	*seconds += stopwatch_lap(w);
}

/* Births, then deaths. Who comes first finds the messages cold. */
static int event_round(struct guarding *g, int fd, bool first, double *ours, double *theirs)
{
	struct bench *b = g->bench;
	size_t counted = 0;
	int turn, r = 0;

	*ours = *theirs = 0;
	for (turn = 0; turn < 2 && r == 0; turn++) {
		size_t pins;

		r = bare_count(fd, &pins); /* of the guard's own, in between */
		if (r == 0)
			r = guarding_others(g, !turn, EVENTS);
		if (r == 0 && first)
			ours_listen(g, ours);
		if (r == 0)
			r = theirs_listen(fd, &b->watch, theirs, &counted);
		if (r == 0 && !first)
			ours_listen(g, ours);
		(void)guarding_rest(g);
	}
	if (r == 0 && counted != (size_t)2 * EVENTS) {
		fprintf(stderr, "bench: %zu events instead of %d\n", counted, 2 * EVENTS);
		r = -EBADMSG;
	}
	return r;
}

static int measure_events(struct guarding *g)
{
	struct bench *b = g->bench;
	struct score *score = scores_add(b->scores, &(struct score){
							    .what = "event",
							    .peer = "receive and count",
							    .unit = "ns/event",
							    .entries = b->entries,
							    .bound = BOUND_AT_MOST,
							    .limit = 1.3,
						    });
	_cleanup_close_ int fd = bare_events();
	double scale = 1e9 / (2 * EVENTS), x, y;
	struct guard_status s;
	unsigned round;
	int r = MIN(fd, 0);

	if (r == 0) /* so many fewer, to be born in each round */
		r = guarding_others(g, false, EVENTS);
	guarding_listen(g);
	(void)bare_count(fd, &(size_t){ 0 });
	for (round = 0; round <= EVENT_ROUNDS && r == 0; round++) {
		r = event_round(g, fd, round % 2, &x, &y);
		if (r == 0 && round)
			sample_add(&score->sample, x * scale, y * scale);
	}
	guard_get_status(g->guard, &s);
	if (r == 0 && s.overruns) {
		fprintf(stderr, "bench: the guard has lost events\n");
		r = -EBADMSG;
	}
	return r < 0 ? r : scene_births(b->entries - EVENTS, b->entries);
}

/* ---- nothing -------------------------------------------------------------------- */

static int measure_idle(struct guarding *g)
{
	struct bench *b = g->bench;
	struct score *score = scores_add(b->scores, &(struct score){
							    .what = "idle",
							    .unit = "ppm of a core",
							    .entries = b->entries,
							    .bound = BOUND_AT_MOST,
							    .limit = 1000,
						    });
	const struct kernel *k = &g->env.kernel;
	struct stopwatch watch = { 0 }; /* what it sleeps is not taken by others */
	int i;

	for (i = 0; i < IDLE_ROUNDS; i++) {
		usec_t began = k->ops->now(k->ctx), t = began;

		stopwatch_start(&watch);
		while (t < began + IDLE) {
			usec_t next = guarding_rest(g);

			guarding_listen(g);
			t = k->ops->now(k->ctx);
			if (next > t)
				usleep((useconds_t)MIN(next - t, USEC_PER_SEC));
			t = k->ops->now(k->ctx);
		}
		sample_add(&score->sample,
			   1e6 * stopwatch_lap(&watch) * USEC_PER_SEC / (double)(t - began), 0);
	}
	return 0;
}

int measure_guard(struct bench *b)
{
	struct guarding g;
	int r = guarding_begin(&g, b);

	if (r == 0)
		r = measure_deletes(&g);
	if (r == 0)
		r = measure_idle(&g);
	if (r == 0)
		r = measure_events(&g);
	if (r == 0)
		r = resync_measure(&g);
	guarding_end(&g);
	return r;
}
