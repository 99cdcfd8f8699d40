/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a dry run says beyond what a run would count: which entries a delete without protection
 * would take. */
#include <string.h>

#include "move/marks.h"
#include "move/stage.h"

/* What guards have pinned, also when none runs now. */
struct pins {
	struct marks marks;
	struct markset set;
};

static void plan_read_pins(const struct run *run, struct pins *ret)
{
	*ret = (struct pins){ .marks = { .fd = -1 } };
	if (run->run_dir >= 0)
		(void)marks_look(run->run_dir, run->link.name, run->env->boot_id, &ret->marks,
				 &ret->set);
}

/* Whether one of the addresses that go is what AS is: a fixed kernel flushes what is translated to
 * it, even where the same address stays with another length. */
static bool plan_takes(const struct run *run, const struct addr *as)
{
	size_t v;

	for (v = 0; v < run->req->n_vips; v++)
		if (addr_equal(&run->req->vips[v].prefix.addr, as))
			return true;
	return false;
}

/* Whether a delete without protection would flush C, as far as the table shows it: an entry's
 * device does not. */
static bool plan_is_exposed(const struct run *run, const struct reach *reach, const struct conn *c)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);

	return run->report->kernel == KERNEL_FIXED ? plan_takes(run, &as) : reach_has(reach, c);
}

void plan_weigh(struct run *run)
{
	struct report *report = run->report;
	size_t i, n = run->set ? connset_count(run->set) : 0;
	struct reach reach;
	struct pins pins;

	plan_read_pins(run, &pins);
	if (reach_read(run, &reach) < 0)
		n = 0;
	for (i = 0; i < n; i++) {
		const struct conn *c = connset_get(run->set, i);
		struct addr as = tuple_dst(&c->reply, c->key.family);
		uint8_t skip = run->entries[i].skip;

		if (skip == SKIP_NONE &&
		    markset_has(&pins.set, marks_of(&pins.marks, &c->key, c->id, &as))) {
			report->entries.pinned++;
			report->entries.untouched--;
		} else if (skip == SKIP_NONE || skip == SKIP_ALTERED || skip == SKIP_UNSELECTED) {
			report->preview.exposed += plan_is_exposed(run, &reach, c);
		}
	}
	reach_done(&reach);
	markset_done(&pins.set);
}
