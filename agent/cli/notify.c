/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe notify: called by keepalived's notify scripts. The work is done in a
 * child (worker.h), as keepalived lets the script run for a second at most. */
#include "cli/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "base/os.h"
#include "cli/client.h"
#include "cli/render.h"
#include "cli/worker.h"
#include "base/text.h"
#include "show/oplog.h"

/* A busy daemon answers after its current move. The caller has gone by then,
 * but the worker waits for the answer, to do the work itself if none comes. */
#define CALLER_PATIENCE (30 * USEC_PER_MSEC)
#define DAEMON_PATIENCE (30 * USEC_PER_SEC)

/* How long the caller waits: usually enough for the work to end or fail. */
#define WORK_PATIENCE (300 * USEC_PER_MSEC)

/* A process started longer ago was not started for this event. */
#define STARTED_MAX (30 * USEC_PER_SEC)

/* Index of the start time in /proc/self/stat, counted after the process name,
 * which may contain blanks. */
#define STARTTIME_FIELD 20

static usec_t clock_usec(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

/* Start time of this process in ticks since boot; 0: unknown. */
static uint64_t start_ticks(void)
{
	_cleanup_close_ int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	char text[1024], *p;
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int i;

	text[size > 0 ? size : 0] = '\0';
	p = strrchr(text, ')');
	for (i = 0; p && i < STARTTIME_FIELD; i++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p ? strtoull(p, NULL, 10) : 0;
}

/* When keepalived started this process: it starts hooks in the order of events,
 * whatever order they are scheduled in later. Precise to a tick; hooks started
 * in the same tick are ordered by when they get here. */
static usec_t event_stamp(void)
{
	usec_t now = os_now(), boot = clock_usec(CLOCK_BOOTTIME), tick, begun;
	long hz = sysconf(_SC_CLK_TCK);
	uint64_t ticks = start_ticks();

	if (!ticks || hz <= 0 || boot < now)
		return now;
	tick = USEC_PER_SEC / (usec_t)hz;
	begun = ticks * tick;
	if (begun < boot - now)
		return now;
	begun -= boot - now; /* CLOCK_MONOTONIC does not count suspended time */
	if (begun > now || now - begun > STARTED_MAX)
		return now;
	return begun + MIN(now - begun, tick - 1);
}

static int notify_work(void *ud, FILE *out _unused_, FILE *err)
{
	struct notify *n = ud;
	int code;

	n->err = err;
	if (!n->cli->options.local && notify_daemon(n, DAEMON_PATIENCE, &code))
		return code;
	return notify_local(n);
}

static void after(void *ud)
{
	notify_after(ud);
}

static int run_rejected(void *ud, FILE *out _unused_, FILE *err _unused_)
{
	const struct notify *n = ud;
	struct wire_answer a = { 0 };
	enum client_outcome outcome;

	client_ask(n->cli->settings.socket, &n->request, DAEMON_PATIENCE, &a, &outcome);
	wire_answer_done(&a);
	return EXIT_USAGE;
}

/* Also send words that cannot be understood to the daemon, which counts
 * them. */
static int rejected(struct notify *n)
{
	const struct worker_job job = { .run = run_rejected, .ud = n, .patience = WORK_PATIENCE };

	notify_complain(n, "%s", n->request.notify.why.text);
	if (!n->cli->options.local)
		(void)worker_run(&job);
	return EXIT_USAGE;
}

int command_notify(struct cli *cli, int argc, char *argv[])
{
	struct notify n = { .cli = cli, .request = { .op = WIRE_NOTIFY }, .err = stderr };
	const struct worker_job job = {
		.run = notify_work, .after = after, .ud = &n, .patience = WORK_PATIENCE
	};
	struct wire_notify *w = &n.request.notify;
	int code;

	n.request.words = argv;
	n.request.n_words = argc;
	w->is_bad = instance_event_words(&w->event, argc, argv, &w->why) < 0;
	w->event.stamp = event_stamp();
	w->event.source = SOURCE_HOOK;
	if (w->is_bad)
		return rejected(&n);
	if (!cli->options.local && notify_daemon(&n, CALLER_PATIENCE, &code))
		return code;
	return worker_run(&job);
}
