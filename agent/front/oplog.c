/* SPDX-License-Identifier: GPL-2.0-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "front/oplog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "core/text.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define IDENT "vipsafe"

typedef unsigned long long ull;

/* A line that grows to the end of its buffer and no further. */
struct line {
	char *buf;
	size_t n;
};

static void line_add(struct line *l, const char *fmt, ...) _printf_(2, 3);

static void line_add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->n, OPLOG_LINE_MAX - l->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->n = MIN(l->n + (size_t)n, (size_t)OPLOG_LINE_MAX - 1);
}

/* " key=value"; quotes inside a value that needs quoting become \x22. */
static void line_add_text(struct line *l, const char *key, const char *value)
{
	char text[4 * REPORT_TEXT_MAX];
	const char *p;

	text_escape(value, text, sizeof(text));
	if (*text && !strpbrk(text, " \"=")) {
		line_add(l, " %s=%s", key, text);
		return;
	}
	line_add(l, " %s=\"", key);
	for (p = text; *p; p++)
		line_add(l, *p == '"' ? "\\x22" : "%c", *p);
	line_add(l, "\"");
}

static void line_add_addresses(struct line *l, const struct report *r)
{
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < r->n_addresses; i++)
		line_add(l, "%s%s", i ? "," : "", prefix_format(&r->addresses[i], text));
}

static void line_add_lost(struct line *l, const struct report *r)
{
	char key[32];
	size_t i;

	for (i = 0; i < r->n_lost; i++) {
		snprintf(key, sizeof(key), "lost%zu", i + 1);
		line_add_text(l, key, r->lost[i]);
	}
	if (r->entries.lost > r->n_lost)
		line_add(l, " more_lost=%llu", (ull)(r->entries.lost - r->n_lost));
}

const char *oplog_format(const struct report *r, char buf[OPLOG_LINE_MAX])
{
	struct line l = { .buf = buf };

	line_add(&l, "op=%s vip=", op_name(r->op));
	line_add_addresses(&l, r);
	line_add_text(&l, "dev", r->device);
	line_add(&l, " result=%s changed=%s kernel=%s strategy=%s hold=%s", result_name(r->result),
		 r->changed ? "yes" : "no", kernel_verdict_name(r->kernel),
		 strategy_name(r->strategy), hold_choice_name(r->hold));
	line_add(&l,
		 " snap=%llu candidates=%llu pinned=%llu flushed=%llu restored=%llu"
		 " superseded=%llu mismatch=%llu failed=%llu",
		 (ull)r->entries.snapshot, (ull)r->entries.candidates, (ull)r->entries.pinned,
		 (ull)r->entries.flushed, (ull)r->entries.restored, (ull)r->entries.superseded,
		 (ull)r->entries.mismatch, (ull)r->entries.lost);
	line_add(&l, " hold_us=%llu total_us=%llu warnings=%zu", (ull)r->timing.hold,
		 (ull)r->timing.total, r->n_warnings + r->warnings_dropped);
	line_add_text(&l, "id", r->id);
	if (*r->error)
		line_add_text(&l, "error", r->error);
	line_add_lost(&l, r);
	return buf;
}

int oplog_priority(const struct report *r)
{
	switch (r->result) {
	case RESULT_OK:
		return LOG_INFO;
	case RESULT_PARTIAL:
	case RESULT_UNPROTECTED:
		return LOG_WARNING;
	case RESULT_REFUSED: /* the VIP is not where it was asked to be */
	case RESULT_FAILED:
		return LOG_ERR;
	}
	return LOG_ERR;
}

static int send_to_journal(const struct report *r, const char *line)
{
	char device[4 * DEVICE_NAME_MAX], id[4 * sizeof(r->id)];
	struct stat st;

	/* sd_journal_send() says 0 when nobody listens */
	if (stat(JOURNAL_SOCKET, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -1;
	return sd_journal_send(
		"MESSAGE=%s", line, "PRIORITY=%d", oplog_priority(r), "SYSLOG_IDENTIFIER=" IDENT,
		"SYSLOG_FACILITY=%d", LOG_DAEMON >> 3, "VIPSAFE_ID=%s",
		text_escape(r->id, id, sizeof(id)), "VIPSAFE_OP=%s", op_name(r->op),
		"VIPSAFE_DEVICE=%s", text_escape(r->device, device, sizeof(device)),
		"VIPSAFE_RESULT=%s", result_name(r->result), "VIPSAFE_KERNEL=%s",
		kernel_verdict_name(r->kernel), "VIPSAFE_STRATEGY=%s", strategy_name(r->strategy),
		"VIPSAFE_SNAPSHOT=%llu", (ull)r->entries.snapshot, "VIPSAFE_FLUSHED=%llu",
		(ull)r->entries.flushed, "VIPSAFE_RESTORED=%llu", (ull)r->entries.restored,
		"VIPSAFE_LOST=%llu", (ull)r->entries.lost, "VIPSAFE_TOTAL_USEC=%llu",
		(ull)r->timing.total, NULL);
}

void oplog_write(const struct report *r)
{
	char line[OPLOG_LINE_MAX];

	if (r->plan)
		return;
	oplog_format(r, line);
	if (send_to_journal(r, line) >= 0)
		return;
	openlog(IDENT, LOG_PID, LOG_DAEMON);
	syslog(oplog_priority(r), "%s", line);
	closelog();
}
