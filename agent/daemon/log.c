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

/* How often it is tried to tell of what was dropped. */
#define TELL_EVERY USEC_PER_SEC

/* One for the process, as stderr is: whoever has a line to tell has it whatever
 * it was called with. */
struct logger *log_logger(void)
{
	static struct logger logger = { .fd = -1 };

	return &logger;
}

/* In the journal it is there already, unless somebody looks on. Cut to what goes
 * into a pipe in one piece. */
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
	if (r != -EAGAIN) /* not one message twice */
		logger_dropped(l);
	return -EAGAIN;
}

/* Those who tell of it may be dropped themselves; then it is one more. */
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
		logger_dropped(log_logger()); /* no room for one is none for two */
	else
		(void)log_send_line(priority, line);
}

usec_t log_tick(usec_t now)
{
	if (!log_logger()->untold)
		return USEC_NEVER;
	return log_note_dropped() < 0 ? now + TELL_EVERY : USEC_NEVER;
}
