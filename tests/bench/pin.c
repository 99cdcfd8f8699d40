/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "bare.h"
#include "pinning.h"
#include "scene.h"

/* A pair can be sent once: entries have other ids afterwards. So each has its
 * own snapshot, and the loop the messages the stage would have sent. */
static int once(struct bench *b, int fd, double *ret_seconds)
{
	const struct kernel *k = &b->env.kernel;
	struct report report;
	struct tape t = { 0 };
	struct run run;
	int r = pinning_begin(b, &run, &report);

	if (r == 0 && fd >= 0)
		r = pinning_rehearse(&run, &t);
	if (r == 0) {
		stopwatch_start(&b->watch);
		r = fd >= 0 ? bare_replay(fd, &t) : pinning_perform(&run);
		*ret_seconds = stopwatch_lap(&b->watch);
	}
	if (r == 0)
		r = scene_expect(k, b->entries, fd >= 0 ? "the bare loop" : "the pin");
	tape_done(&t);
	run_end(&run);
	return r;
}

static int rounds(struct bench *b)
{
	struct score *score = scores_add(b->scores, &(struct score){
							    .what = "pin",
							    .peer = "bare loop, same messages",
							    .unit = "ns/entry",
							    .entries = b->entries,
							    .bound = BOUND_AT_LEAST,
							    .limit = 0.9,
						    });
	_cleanup_close_ int fd = bare_open();
	double scale = 1e9 / (double)b->entries, x = 0, y = 0;
	unsigned round;
	int r = fd < 0 ? fd : 0;

	for (round = 0; round <= b->rounds && r == 0; round++) {
		r = once(b, round % 2 ? -1 : fd, round % 2 ? &x : &y);
		if (r == 0)
			r = once(b, round % 2 ? fd : -1, round % 2 ? &y : &x);
		if (r == 0 && round)
			sample_add(&score->sample, x * scale, y * scale);
	}
	return r;
}

int measure_pin(struct bench *b)
{
	return pinning_apart(b, rounds);
}
