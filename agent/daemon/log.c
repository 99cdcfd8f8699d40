/* SPDX-License-Identifier: GPL-2.0-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "core/text.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define IDENT "vipsafed"
#define LINE_MAX_SIZE 2048

static int send_to_journal(int priority, const char *line)
{
	struct stat st;

	/* sd_journal_send() says 0 when nobody listens */
	if (stat(JOURNAL_SOCKET, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -1;
	return sd_journal_send("MESSAGE=%s", line, "PRIORITY=%d", priority,
			       "SYSLOG_IDENTIFIER=" IDENT, "SYSLOG_FACILITY=%d", LOG_DAEMON >> 3,
			       NULL);
}

void log_line(int priority, const char *fmt, ...)
{
	char raw[LINE_MAX_SIZE], line[LINE_MAX_SIZE];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		raw[0] = '\0';
	va_end(ap);
	text_escape(raw, line, sizeof(line));
	if (send_to_journal(priority, line) >= 0) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, IDENT ": %s\n", line);
		return;
	}
	openlog(IDENT, LOG_PID | LOG_PERROR, LOG_DAEMON);
	syslog(priority, "%s", line);
	closelog();
}
