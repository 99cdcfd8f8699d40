/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pinning.h"

#include <errno.h>
#include <string.h>

#include "kernel/kernel_real.h"

int pinning_begin(struct pinning *p, struct bench *b, bool listen)
{
	struct run *run = &p->run;
	int r;

	memset(p, 0, sizeof(*p));
	p->bench = b;
	p->before = b->env.kernel;
	r = kernel_real_new(&p->real);
	if (r < 0)
		return r;
	b->env.kernel = kernel_real_get(p->real);
	b->settings.pin_timeout = 600 * USEC_PER_SEC;
	r = snapshot_run(b, run, &p->report);
	if (r == 0 && listen)
		r = b->env.kernel.ops->ct_watch(b->env.kernel.ctx, run->family, false);
	if (r < 0)
		return r;
	/* Where nobody listens the stage would list the whole table again, to
	 * find what was born meanwhile. Nothing is, here. */
	run->watching = true;
	run->move_by = run->deadline = run_now(run) + 600 * USEC_PER_SEC;
	p->report.strategy = STRATEGY_PIN;
	snapshot_entries(run);
	return snapshot_check(b, run);
}

void pinning_end(struct pinning *p)
{
	if (p->real)
		run_end(&p->run);
	p->bench->env.kernel = p->before;
	kernel_real_free(p->real);
}

int pinning_perform(struct pinning *p)
{
	struct run *run = &p->run;
	size_t i, n = connset_count(run->set), pinned = 0;

	pin_entries(run);
	for (i = 0; i < n; i++)
		pinned += run->entries[i].pinned && (run->entries[i].state == ENTRY_CREATED ||
						     run->entries[i].state == ENTRY_RESTORED);
	if (pinned == n && p->report.strategy == STRATEGY_PIN)
		return 0;
	fprintf(stderr, "bench: %zu entries pinned instead of %zu\n", pinned, n);
	return -EBADMSG;
}

int pinning_rehearse(struct pinning *p, struct tape *t)
{
	struct run *run = &p->run;
	size_t i, n = connset_count(run->set);
	int r;

	tape_rehearse(t);
	r = pinning_perform(p);
	tape_rehearse(NULL);
	for (i = 0; i < n; i++) {
		run->entries[i].pinned = false;
		run->entries[i].state = ENTRY_THERE;
	}
	return r < 0 ? r : t->error;
}
