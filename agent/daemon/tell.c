/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/tell.h"

#include "daemon/loop.h"
#include "front/history.h"
#include "front/oplog.h"
#include "steps/history.h"

void tell_report(struct tell *t, const struct report *r)
{
	_cleanup_free_ char *line = NULL;

	if (r->plan)
		return;
	oplog_write(&t->log, r, loop_now());
	line = history_line(r, loop_now());
	if (line)
		(void)history_append(t->env->settings->run_dir, t->env->boot_id, line);
}
