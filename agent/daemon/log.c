/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "base/text.h"
#include "base/descriptors.h"

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

/* If the journal has the line, stderr gets it only if it is a terminal. The
 * line is cut to what a pipe takes in one write. */
static int send_to_stderr(const char *line, bool journal)
{
	char text[LINE_MAX_SIZE + 64];
	int n;

	if (journal && !isatty(STDERR_FILENO))
		return 0;
	n = snprintf(text, sizeof(text), IDENT "[%ld]: %s\n", (long)getpid(), line);
	if (n < 0)
		return -EINVAL;
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
	if (send_to_stderr(line, journal) != -EAGAIN)
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
	uint64_t n = l->untold;
	char line[128];
	int r;

	if (!n)
		return 0;
	snprintf(line, sizeof(line), "%llu messages were dropped: nobody took them",
		 (unsigned long long)n);
	r = log_send_line(LOG_WARNING, line);
	if (r < 0) {
		l->dropped--;
		l->untold--;
	} else {
		l->untold = 0;
	}
	return r;
}

void log_line(int priority, const char *fmt, ...)
{
	char line[LINE_MAX_SIZE];
	va_list ap;

	va_start(ap, fmt);
	text_line_va(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (log_note_dropped() < 0)
		logger_dropped(log_logger()); /* no room here either */
	else
		(void)log_send_line(priority, line);
}

usec_t log_tick(usec_t now)
{
	if (!log_logger()->untold)
		return USEC_NEVER;
	return log_note_dropped() < 0 ? now + TELL_EVERY : USEC_NEVER;
}
