/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How operations are shown to people. */
#include "show/history.h"

#include <stdarg.h>
#include <string.h>

#include "base/report.h"
#include "base/text.h"
#include "base/when.h"
#include "show/history_line.h"
#include "show/report_json.h"
#include "show/report_text.h"
#include "show/table.h"

typedef unsigned long long ull;

/* A number of the object PART of ONE. */
static ull part_number(json_t *one, const char *part, const char *key)
{
	return object_number(json_object_get(one, part), key);
}

const char *history_age(usec_t age, char buf[32])
{
	ull s = age / USEC_PER_SEC;

	if (s < 120)
		snprintf(buf, 32, "%llu s", s);
	else if (s < 2 * 3600)
		snprintf(buf, 32, "%llu min", s / 60);
	else if (s < 2 * 86400)
		snprintf(buf, 32, "%llu h", s / 3600);
	else
		snprintf(buf, 32, "%llu d", s / 86400);
	return buf;
}

static usec_t show_history_age_of(json_t *one, struct history_now now)
{
	usec_t at = object_number(one, "at_us");

	return now.mono > at ? now.mono - at : 0;
}

/* Text that grows up to the end of its buffer. */
struct history_text {
	char buf[4 * REPORT_TEXT_MAX];
	size_t n;
};

static void _printf_(2, 3) history_text_add(struct history_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->n, sizeof(t->buf) - t->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->n = MIN(t->n + (size_t)n, sizeof(t->buf) - 1);
}

/* Add the addresses; unless WHOLE, the first one and how many more. */
static void add_addresses(json_t *one, bool whole, struct history_text *t)
{
	json_t *list = json_object_get(one, "addresses");
	size_t i, n = json_array_size(list);

	for (i = 0; i < n && (whole || !i); i++) {
		const char *a = json_string_value(json_array_get(list, i));

		history_text_add(t, " %s", a ? a : "-");
	}
	if (i < n)
		history_text_add(t, " +%zu", n - i);
}

/* Add how it ended. */
static void add_result(json_t *one, struct history_text *t)
{
	const char *result = object_text(one, "result");
	const char *error = object_text(one, "error");
	char took[32];

	if (!strcmp(result, result_name(RESULT_OK)) && history_is_move(one) &&
	    json_is_false(json_object_get(one, "changed")))
		result = "nothing to do";
	history_text_add(t, " %s%s%s", result, *error ? ": " : "", error);
	if (!strcmp(object_text(one, "op"), history_op_name(HISTORY_LINGER)))
		history_text_add(
			t, " after %s",
			report_text_duration(part_number(one, "timing_us", "total"), took));
	if (json_is_true(json_object_get(one, "recovered")))
		history_text_add(t, ", recovered");
	if (object_number(one, "times") > 1)
		history_text_add(t, ", %llu times", (ull)object_number(one, "times"));
}

/* "del 192.168.11.100/32 br-mgmt ok". Who it was is said elsewhere. */
static void did_text(json_t *one, bool whole, struct history_text *t)
{
	const char *device = object_text(one, "device"), *op = object_text(one, "op");

	if (!strcmp(op, history_op_name(HISTORY_FOREIGN_DELETE)))
		op = op_name(OP_DEL);
	history_text_add(t, "%s", op);
	add_addresses(one, whole, t);
	history_text_add(t, "%s%s", *device ? " " : "", device);
	add_result(one, t);
}

static void add_count(struct history_text *t, ull n, const char *what)
{
	if (n)
		history_text_add(t, "%s%llu %s", t->n ? ", " : "", n, what);
}

/* Whether connections of an address that had vanished were given up. */
static bool lingers_no_more(json_t *one)
{
	return !strcmp(object_text(one, "op"), history_op_name(HISTORY_LINGER)) &&
	       strcmp(object_text(one, "result"), "back") != 0;
}

/* "20 kept, 2 lost": what became of the connections that were at risk. */
static void connections_text(json_t *one, struct history_text *t)
{
	ull at_risk = part_number(one, "entries", "candidates");
	ull removed = part_number(one, "entries", "removed");
	ull lost = part_number(one, "entries", "lost");
	ull superseded = part_number(one, "entries", "superseded");

	if (!strcmp(object_text(one, "op"), history_op_name(HISTORY_COLLISION))) {
		add_count(t, at_risk, "collide");
		return;
	}
	if (lingers_no_more(one) && !removed) { /* as earlier versions wrote it */
		removed = at_risk;
		at_risk = 0;
	}
	add_count(t, at_risk > lost + superseded ? at_risk - lost - superseded : 0, "kept");
	if (!at_risk)
		add_count(t, part_number(one, "entries", "restored"), "restored");
	add_count(t, superseded, "superseded");
	add_count(t, removed, "removed");
	add_count(t, part_number(one, "entries", "led_away"), "led elsewhere");
	add_count(t, lost, "lost");
	if (!t->n)
		history_text_add(t, "0");
}

void history_print(json_t *list, struct history_now now, unsigned columns, bool whole, FILE *out)
{
	static const char *const heads[] = { "~WHEN", "~BY", "~DID", "~CONNECTIONS", "?ID", NULL };
	_cleanup_(table_freep) struct table *t = table_new(heads);
	char when[WHEN_TEXT_MAX];
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);
		struct history_text did = { .n = 0 }, connections = { .n = 0 };

		did_text(one, whole, &did);
		connections_text(one, &connections);
		when_format_short(object_number(one, "wall_us"), now.wall, when);
		table_cell(t, "%s", whole ? object_text(one, "when") : when);
		table_cell(t, "%s", object_text(one, "by_text"));
		table_cell(t, "%s", did.buf);
		table_cell(t, "%s", connections.buf);
		table_cell(t, "%s", object_text(one, "id"));
	}
	table_print(t, whole ? 0 : columns, out);
}

static void row(FILE *out, const char *name, const char *value)
{
	char text[4 * REPORT_TEXT_MAX];

	if (*value)
		fprintf(out, "  %-13s  %s\n", name, text_escape(value, text, sizeof(text)));
}

static void show_history_print_counts(json_t *one, FILE *out)
{
	json_t *entries = json_object_get(one, "entries");
	const struct report_row *row;

	for (row = report_counts; row->key; row++)
		if (history_is_move(one) || json_object_get(entries, row->key))
			fprintf(out, "  %-13s  %llu\n", row->key,
				part_number(one, "entries", row->key));
	if (json_object_get(entries, "removed"))
		fprintf(out, "  %-13s  %llu\n", "removed", part_number(one, "entries", "removed"));
}

static void print_times(json_t *one, FILE *out)
{
	json_t *timing = json_object_get(one, "timing_us");
	const struct report_row *at;
	char name[32], took[32];

	for (at = report_times; at->key; at++) {
		if (!history_is_move(one) && !json_object_get(timing, at->key))
			continue;
		snprintf(name, sizeof(name), "%s took", at->key);
		row(out, name, report_text_duration(part_number(one, "timing_us", at->key), took));
	}
}

static void print_list(json_t *list, const char *name, const char *key, FILE *out)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);

		if (json_is_object(item)) {
			row(out, name, object_text(item, key));
			row(out, "fix", object_text(item, "fix"));
		} else {
			row(out, name, json_is_string(item) ? json_string_value(item) : "");
		}
	}
}

static void print_asker(json_t *one, FILE *out)
{
	json_t *by = json_object_get(one, "by");
	char text[REPORT_TEXT_MAX];

	row(out, "by", object_text(one, "by_text"));
	if (!history_is_move(one) || !by)
		return;
	snprintf(text, sizeof(text), "%s (pid %llu, uid %llu)", object_text(by, "command"),
		 (ull)object_number(by, "pid"), (ull)object_number(by, "uid"));
	row(out, "asked by", text);
}

void history_print_one(json_t *one, struct history_now now, FILE *out)
{
	bool computed = json_is_true(json_object_get(one, "when_computed"));
	char age[32], text[160];

	snprintf(text, sizeof(text), "%.*s%s (%s ago)", WHEN_TEXT_MAX, object_text(one, "when"),
		 computed ? " by today's clock" : "",
		 history_age(show_history_age_of(one, now), age));
	fprintf(out, "operation %s\n", text_escape(object_text(one, "id"), age, sizeof(age)));
	row(out, "when", text);
	print_asker(one, out);
	row(out, "what", object_text(one, "op"));
	print_list(json_object_get(one, "addresses"), "address", "", out);
	row(out, "device", object_text(one, "device"));
	row(out, "result", object_text(one, "result"));
	row(out, "error", object_text(one, "error"));
	row(out, "more", object_text(one, "text"));
	row(out, "kernel", object_text(one, "kernel"));
	row(out, "strategy", object_text(one, "strategy"));
	row(out, "hold", object_text(one, "hold"));
	show_history_print_counts(one, out);
	print_times(one, out);
	if (object_number(one, "times") > 1)
		fprintf(out, "  %-13s  %llu\n", "times", (ull)object_number(one, "times"));
	print_list(json_object_get(one, "lost_tuples"), "lost", "", out);
	print_list(json_object_get(one, "warnings"), "warning", "text", out);
}
