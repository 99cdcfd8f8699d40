/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/oplog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/text.h"
#include "show/report_rows.h"

#define IDENT "vipsafe"

#define PROBLEMS_WINDOW (60 * USEC_PER_SEC)

#define ADDRESSES_MAX (VIPS_MAX * PREFIX_TEXT_MAX)

typedef unsigned long long ull;

/* A line that grows up to the end of its buffer. */
struct line {
	char *buf;
	size_t size, n;
};

static void line_add(struct line *l, const char *fmt, ...) _printf_(2, 3);

static void line_add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->n, l->size - l->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->n = MIN(l->n + (size_t)n, l->size - 1);
}

/* Add " key=value"; quotes inside a value that needs quoting become \x22. */
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

/* Add what both lines begin with. */
static void line_add_operation(struct line *l, const struct report *r)
{
	line_add(l, "op=%s vip=", op_name(r->op));
	line_add_addresses(l, r);
	line_add_text(l, "dev", r->device);
	line_add(l, " result=%s", result_name(r->result));
}

/* Add who asked for it. */
static void line_add_asker(struct line *l, const struct report *r)
{
	if (!r->by.is_known)
		return;
	line_add(l, " by_uid=%lu by_pid=%lld", (unsigned long)r->by.uid, (long long)r->by.pid);
	line_add_text(l, "by", r->by.command);
}

const char *oplog_format(const struct report *r, char buf[OPLOG_LINE_MAX])
{
	struct line l = { .buf = buf, .size = OPLOG_LINE_MAX };
	const struct report_row *row;

	line_add_operation(&l, r);
	line_add(&l, " changed=%s kernel=%s strategy=%s hold=%s", r->changed ? "yes" : "no",
		 kernel_kind_name(r->kernel), strategy_name(r->strategy),
		 hold_choice_name(r->hold));
	for (row = report_counts; row->key; row++)
		if (row->log)
			line_add(&l, " %s=%llu", row->log, (ull)report_row_value(r, row));
	line_add(&l, " failed=%llu", (ull)r->entries.lost);
	line_add(&l, " hold_us=%llu total_us=%llu warnings=%zu", (ull)r->timing.hold,
		 (ull)r->timing.total, r->n_warnings + r->warnings_dropped);
	line_add_asker(&l, r);
	line_add_text(&l, "id", r->id);
	return buf;
}

const char *oplog_format_problem(const struct report *r, uint64_t suppressed,
				 char buf[OPLOG_LINE_MAX])
{
	struct line l = { .buf = buf, .size = OPLOG_LINE_MAX };

	line_add_operation(&l, r);
	line_add_asker(&l, r);
	line_add_text(&l, "id", r->id);
	if (*r->error)
		line_add_text(&l, "error", r->error);
	else if (r->result == RESULT_UNPROTECTED && r->n_warnings)
		line_add_text(&l, "error", r->warnings[0].text);
	if (r->entries.lost)
		line_add(&l, " lost=%llu", (ull)r->entries.lost);
	line_add_lost(&l, r);
	if (suppressed)
		line_add(&l, " suppressed=%llu", (ull)suppressed);
	return buf;
}

/* The priority of the second line: LOG_WARNING or LOG_ERR, or LOG_INFO if no second line is
 * needed. */
static int oplog_priority(const struct report *r)
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

static void add_rows(struct log_record *m, const struct report *r, const struct report_row *row)
{
	for (; row->key; row++)
		if (row->journal)
			log_record_add(m, row->journal, "%llu", (ull)report_row_value(r, row));
}

static void add_fields(struct log_record *m, const struct report *r)
{
	char device[4 * DEVICE_NAME_MAX], id[4 * sizeof(r->id)], vips[ADDRESSES_MAX] = "";
	struct line l = { .buf = vips, .size = sizeof(vips) };

	line_add_addresses(&l, r);
	log_record_add(m, "VIPSAFE_ID", "%s", text_escape(r->id, id, sizeof(id)));
	log_record_add(m, "VIPSAFE_OP", "%s", op_name(r->op));
	log_record_add(m, "VIPSAFE_VIP", "%s", vips);
	log_record_add(m, "VIPSAFE_DEVICE", "%s", text_escape(r->device, device, sizeof(device)));
	log_record_add(m, "VIPSAFE_RESULT", "%s", result_name(r->result));
	log_record_add(m, "VIPSAFE_EXIT_CODE", "%d", (int)r->exit_code);
	log_record_add(m, "VIPSAFE_KERNEL", "%s", kernel_kind_name(r->kernel));
	log_record_add(m, "VIPSAFE_STRATEGY", "%s", strategy_name(r->strategy));
	log_record_add(m, "VIPSAFE_HOLD", "%s", hold_choice_name(r->hold));
	add_rows(m, r, report_counts);
	add_rows(m, r, report_times);
}

static void oplog_send_line(struct oplog *o, const struct report *r, int priority, const char *line)
{
	struct log_record m;

	log_record_init(&m, IDENT, priority, line);
	add_fields(&m, r);
	(void)logger_send(o->to, &m, NULL);
}

/* Moves that fail for the same reason are not all logged. */
static bool oplog_may_log(struct oplog *o, usec_t now)
{
	if (!o->told || now - o->since >= PROBLEMS_WINDOW) {
		o->since = now;
		o->told = 0;
	}
	if (o->told == OPLOG_PROBLEMS_MAX) {
		o->suppressed++;
		return false;
	}
	o->told++;
	return true;
}

/* Add how many lines were left out before LINE. */
static void line_add_left_out(char line[OPLOG_LINE_MAX], uint64_t n)
{
	struct line l = { .buf = line, .size = OPLOG_LINE_MAX, .n = strlen(line) };

	if (n)
		line_add(&l, " left_out=%llu", (ull)n);
}

bool oplog_write(struct oplog *o, const struct report *r, usec_t now)
{
	char line[OPLOG_LINE_MAX];

	if (r->plan)
		return true;
	if (!r->changed && !ratelimit_take(&o->idle, now, OPLOG_IDLE_BURST, OPLOG_IDLE_EVERY))
		return false;
	oplog_format(r, line);
	line_add_left_out(line, ratelimit_told(&o->idle));
	oplog_send_line(o, r, LOG_INFO, line);
	if (oplog_priority(r) == LOG_INFO || !oplog_may_log(o, now))
		return true;
	oplog_send_line(o, r, oplog_priority(r), oplog_format_problem(r, o->suppressed, line));
	o->suppressed = 0;
	return true;
}
