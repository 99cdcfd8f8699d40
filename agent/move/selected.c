/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections a run protects: those that both its request and the settings of its device
 * select. */
#include "move/stage.h"

void run_select_device(struct run *run)
{
	if (!run->selected && !run->source.ctx)
		run->selected =
			settings_selection(run->env->settings, run->req->device, run->link.name);
}

bool run_selects(const struct run *run, size_t i)
{
	const struct kernel *k = &run->env->kernel;
	struct conn_record record = { .conn = connset_get(run->set, i) };

	record.payload = connset_payload(run->set, i, &record.payload_len);
	return kernel_selects(k, &run->req->selection, &record) &&
	       kernel_selects(k, run->selected, &record);
}

bool run_is_selective(const struct run *run)
{
	return run->req->selection.n || (run->selected && run->selected->n);
}
