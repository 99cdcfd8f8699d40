/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include <vipsafe/base.h>

#include "base/logfmt.h"
#include "base/os.h"
#include "daemon/loop.h"
#include "show/history_file.h"
#include "show/history_line.h"
#include "show/wire.h"

#define IDENT "vipsafed"
#define LINE_MAX_SIZE 2048

/* How often to try to log the number of dropped lines. */
#define TELL_EVERY USEC_PER_SEC

/* One per process, like stderr: any function may log without being given a
 * logger. */
struct logger *log_logger(void)
{
	static struct logger logger = { .fd = -1 };

	return &logger;
}

/* The line is cut to what a pipe takes in one write. */
int log_to_stderr(const char *ident, const char *line, bool journal)
{
	char text[PIPE_BUF];
	int n;

	if (journal && !isatty(STDERR_FILENO))
		return 0;
	n = snprintf(text, sizeof(text), "%s[%ld]: %s\n", ident, (long)getpid(), line);
	if (n < 0)
		return -EINVAL;
	if ((size_t)n >= sizeof(text))
		text[sizeof(text) - 2] = '\n';
	return descriptor_write(STDERR_FILENO, text, MIN((size_t)n, sizeof(text) - 1), 0);
}

static int log_send_line(int priority, const char *line)
{
	struct logger *l = log_logger();
	struct log_record m;
	bool journal;
	int r;

	log_record_init(&m, IDENT, priority, line);
	r = logger_send(l, &m, &journal);
	if (log_to_stderr(IDENT, line, journal) != -EAGAIN)
		return r == -EAGAIN ? r : 0;
	if (r != -EAGAIN) /* a message counts as dropped only once */
		logger_dropped(l);
	return -EAGAIN;
}

/* Log how many lines were dropped; if this line is dropped, too, it does not
 * count. */
static int log_note_dropped(void)
{
	struct logger *l = log_logger();
	uint64_t n = l->unreported;
	char line[128];
	int r;

	if (!n)
		return 0;
	snprintf(line, sizeof(line), "msg=\"messages were dropped: nobody took them\" dropped=%llu",
		 (unsigned long long)n);
	r = log_send_line(LOG_WARNING, line);
	if (r < 0) {
		l->dropped--;
		l->unreported--;
	} else {
		l->unreported = 0;
	}
	return r;
}

void log_line(int priority, const char *fmt, ...)
{
	char line[LINE_MAX_SIZE] = "";
	struct logfmt l = { .buf = line, .size = sizeof(line) };
	va_list ap;

	va_start(ap, fmt);
	logfmt_add_va(&l, fmt, ap);
	va_end(ap);
	log_formatted(priority, line);
}

void log_formatted(int priority, const char *line)
{
	if (log_note_dropped() < 0)
		logger_dropped(log_logger()); /* no room here either */
	else
		(void)log_send_line(priority, line);
}

usec_t log_tick(usec_t now)
{
	if (!log_logger()->unreported)
		return USEC_NEVER;
	return log_note_dropped() < 0 ? now + TELL_EVERY : USEC_NEVER;
}

/* Send an event to watchers only. */
static void publish_event(struct publisher *t, const struct event *e)
{
	_cleanup_free_ char *line = NULL;

	if (!t || !t->publish || !t->is_watched(t->ud))
		return;
	line = wire_answer_event(e);
	if (line && strlen(line) <= WIRE_PIECE_MAX)
		t->publish(t->ud, line);
}

void publish_report(struct publisher *t, const struct report *r)
{
	struct event e = { .kind = EVENT_MOVE,
			   .severity = r->result == RESULT_OK ? SEVERITY_NOTE : SEVERITY_WARNING,
			   .at = os_now(),
			   .wall = os_wall(),
			   .report = r };
	_cleanup_free_ char *line = NULL;
	size_t i;

	if (r->plan)
		return;
	metrics_count(&t->metrics, r);
	if (oplog_write(&t->log, r, e.at))
		line = history_line(r, (struct history_time){ e.at, e.wall });
	if (line)
		(void)history_append(t->env->settings->run_dir, t->env->boot_id, line);
	memcpy(e.device, r->device, sizeof(e.device));
	publish_event(t, &e);
	for (i = 0; i < r->n_lost; i++)
		publish_lost(t, r->device, r->lost[i]);
}

void publish_guard(struct publisher *t, enum event_kind kind, bool is_bad, const char *device,
		   uint64_t restored, uint64_t lost, const char *fmt, ...)
{
	struct event e = { .kind = kind,
			   .severity = is_bad ? SEVERITY_WARNING : SEVERITY_NOTE,
			   .at = os_now(),
			   .wall = os_wall(),
			   .restored = restored,
			   .lost = lost,
			   .removed = restored };
	va_list ap;

	snprintf(e.device, sizeof(e.device), "%s", device);
	va_start(ap, fmt);
	if (vsnprintf(e.text, sizeof(e.text), fmt, ap) < 0)
		e.text[0] = '\0';
	va_end(ap);
	publish_event(t, &e);
}

void publish_lost(struct publisher *t, const char *device, const char *line)
{
	publish_guard(t, EVENT_LOST, true, device, 0, 0, "%s", line);
}

void publish_config(struct publisher *t, const char *error)
{
	publish_guard(t, EVENT_CONFIG, error != NULL, "", 0, 0, "%s%s",
		      error ? "not reloaded: " : "reloaded", error ? error : "");
}

/* The collector reads NAME.prom only, so the temporary file has another
 * ending. No other process writes under this name: an existing one was left
 * by a kill. */
int textfile_write(const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	char aside[PATH_MAX];

	if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside))
		return -ENAMETOOLONG;
	fd = os_open_aside(AT_FDCWD, aside, 0644);
	if (fd < 0)
		return fd;
	return os_replace(AT_FDCWD, aside, path, os_write_all(fd, text, strlen(text)));
}
