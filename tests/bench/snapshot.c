/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "bare.h"

int snapshot_run(struct bench *b, struct run *run, struct report *report)
{
	static const bool goes[VIPS_MAX] = { true };
	const struct kernel *k = &b->env.kernel;
	int r;

	run_begin(run, &b->env, &b->request, report);
	run->family = AF_INET;
	report->strategy = STRATEGY_RESTORE;
	r = k->ops->link_get(k->ctx, b->request.device, &run->link);
	if (r == 0)
		r = addr_table_read(k, &run->before);
	if (r == 0) {
		run->targets[0].ifindex = run->link.ifindex;
		run->targets[0].prefix = b->request.vips[0].prefix;
		r = run_sort_addresses(run, &run->before, goes);
	}
	return r;
}

int snapshot_check(const struct bench *b, const struct run *run)
{
	if (run->set && run->report->entries.candidates == b->entries)
		return 0;
	fprintf(stderr, "bench: the snapshot has %zu candidates instead of %zu\n",
		run->set ? (size_t)run->report->entries.candidates : 0, b->entries);
	return -EBADMSG;
}

static int ours(struct bench *b, double *ret_seconds)
{
	struct report report;
	struct run run;
	int r = snapshot_run(b, &run, &report);

	if (r == 0) {
		stopwatch_start(&b->watch);
		snapshot_entries(&run);
		*ret_seconds = stopwatch_lap(&b->watch);
		r = snapshot_check(b, &run);
	}
	run_end(&run);
	return r;
}

static int theirs(struct bench *b, int fd, double *ret_seconds)
{
	size_t count = 0;
	int r;

	stopwatch_start(&b->watch);
	r = bare_dump(fd, AF_INET, &count);
	*ret_seconds = stopwatch_lap(&b->watch);
	return r == 0 && count != b->entries ? -EBADMSG : r;
}

int measure_snapshot(struct bench *b)
{
	struct score *score = scores_add(b->scores, &(struct score){
							    .what = "snapshot",
							    .peer = "dump that only counts",
							    .unit = "ns/entry",
							    .entries = b->entries,
							    .bound = BOUND_AT_MOST,
							    .limit = 1.3,
						    });
	_cleanup_close_ int fd = bare_open();
	double scale = 1e9 / (double)b->entries, x = 0, y = 0;
	unsigned round;
	int r = fd < 0 ? fd : 0;

	/* The first round warms caches up and does not count. */
	for (round = 0; round <= b->rounds && r == 0; round++) {
		r = round % 2 ? ours(b, &x) : theirs(b, fd, &y);
		if (r == 0)
			r = round % 2 ? theirs(b, fd, &y) : ours(b, &x);
		if (r == 0 && round)
			sample_add(&score->sample, x * scale, y * scale);
	}
	return r;
}
