/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/tell.h"

#include <time.h>

#include "front/history.h"
#include "front/oplog.h"
#include "steps/history.h"

usec_t cli_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

void cli_tell(const struct cli *cli, const struct report *r, FILE *err)
{
	_cleanup_free_ char *line = NULL;
	struct logger logger = { .fd = -1 };
	struct oplog log = { .to = &logger };

	if (r->plan)
		return;
	(void)oplog_write(&log, r, cli_now());
	if (logger.dropped)
		fputs("vipsafe: note: the log is not read: this run is not in it\n", err);
	logger_done(&logger);
	line = history_line(r, cli_now());
	if (line)
		(void)history_append(cli->settings.run_dir, cli->boot_id, line);
}
