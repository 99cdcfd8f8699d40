/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pinning.h"

#include <errno.h>

#include "kernel/kernel_real.h"

int pinning_apart(struct bench *b, int (*work)(struct bench *b))
{
	struct kernel before = b->env.kernel;
	struct kernel_real *k = NULL;
	int r = kernel_real_new(&k);

	if (r == 0) {
		b->env.kernel = kernel_real_get(k);
		r = work(b);
		b->env.kernel = before;
	}
	kernel_real_free(k);
	return r;
}

int pinning_begin(struct bench *b, struct run *run, struct report *report)
{
	int r;

	b->settings.pin_deadline = 600 * USEC_PER_SEC;
	r = snapshot_run(b, run, report);
	if (r < 0)
		return r;
	run->deadline = run_now(run) + 600 * USEC_PER_SEC;
	report->strategy = STRATEGY_PIN;
	/* What the hold stage does in a real run. Where nobody watches, the
	 * stage would list the whole table again to find what was born. */
	r = run->env->kernel.ops->ct_watch(run->env->kernel.ctx, run->family);
	run->watching = r == 0;
	if (r < 0)
		return r;
	stage_snapshot(run);
	return snapshot_check(b, run);
}

static int perform(struct run *run)
{
	size_t i, n = connset_count(run->set), pinned = 0;

	stage_pin(run);
	for (i = 0; i < n; i++)
		pinned += run->entries[i].pinned && run->entries[i].state == ENTRY_CREATED;
	if (pinned == n && run->report->strategy == STRATEGY_PIN)
		return 0;
	fprintf(stderr, "bench: %zu entries pinned instead of %zu\n", pinned, n);
	return -EBADMSG;
}

int pinning_rehearse(struct run *run, struct tape *t)
{
	size_t i, n = connset_count(run->set);
	int r;

	tape_rehearse(t);
	r = perform(run);
	tape_rehearse(NULL);
	for (i = 0; i < n; i++) {
		run->entries[i].pinned = false;
		run->entries[i].state = ENTRY_THERE;
	}
	return r < 0 ? r : t->error;
}

int pinning_perform(struct run *run)
{
	return perform(run);
}
