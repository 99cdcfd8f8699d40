/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "bare.h"
#include "pinning.h"
#include "scene.h"

static int ours(struct bench *b, bool listen, double *ret_seconds)
{
	struct pinning p;
	int r = pinning_begin(&p, b, listen);

	if (r == 0) {
		stopwatch_start(&b->watch);
		r = pinning_perform(&p);
		*ret_seconds = stopwatch_lap(&b->watch);
	}
	pinning_end(&p);
	return r < 0 ? r : scene_expect(&b->env.kernel, b->entries, "the pin");
}

/* A pair can be sent once: entries have other ids afterwards. So the loop gets
 * what the stage would have sent now. */
static int theirs(struct bench *b, bool listen, double *ret_seconds)
{
	_cleanup_close_ int fd = bare_open();
	_cleanup_close_ int listener = listen ? bare_listen() : -1;
	struct tape t = { 0 };
	struct pinning p;
	int r = pinning_begin(&p, b, false);

	if (r == 0)
		r = pinning_rehearse(&p, &t);
	if (r == 0)
		r = MIN(fd, listen ? listener : 0);
	if (r >= 0) {
		stopwatch_start(&b->watch);
		r = bare_replay(fd, &t);
		*ret_seconds = stopwatch_lap(&b->watch);
	}
	tape_done(&t);
	pinning_end(&p);
	return r < 0 ? r : scene_expect(&b->env.kernel, b->entries, "the bare loop");
}

/* Each takes a snapshot, and for the loop a rehearsal, besides. */
#define PIN_ROUNDS 7

static int rounds(struct bench *b, bool listen, struct score *score)
{
	double scale = 1e9 / (double)b->entries, x = 0, y = 0;
	unsigned round, n = MIN(b->rounds, (unsigned)PIN_ROUNDS);
	int r = 0;

	for (round = 0; round <= n && r == 0; round++) {
		r = round % 2 ? ours(b, listen, &x) : theirs(b, listen, &y);
		if (r == 0)
			r = round % 2 ? theirs(b, listen, &y) : ours(b, listen, &x);
		if (r == 0 && round)
			sample_add(&score->sample, x * scale, y * scale);
	}
	return r;
}

/* A real pin listens to events, to see what is born meanwhile, and the kernel
 * then makes one of each of our creates: that is a price of its own. So both
 * ways: with a listener beside the loop too, and without any. */
int measure_pin(struct bench *b)
{
	struct score item = {
		.what = "pin",
		.peer = "bare loop, same messages",
		.unit = "ns/entry",
		.entries = b->entries,
		.bound = BOUND_AT_LEAST,
		.limit = 0.95,
	};
	int r = rounds(b, true, scores_add(b->scores, &item));

	item.what = "pin, deaf";
	item.limit = 0.9;
	return r < 0 ? r : rounds(b, false, scores_add(b->scores, &item));
}
