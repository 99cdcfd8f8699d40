/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/history.h"

#include <string.h>

#include "base/text.h"
#include "show/object.h"
#include "show/report_json.h"
#include "show/report_rows.h"
#include "show/report_text.h"
#include "show/table.h"

typedef unsigned long long ull;

char *history_line(const struct report *r, usec_t now)
{
	json_t *o = report_json_new(r);

	if (json_object_set_new(o, "at_us", json_integer((json_int_t)now)) < 0) {
		json_decref(o);
		return NULL;
	}
	return object_line(o);
}

static const char *show_history_text_of(json_t *one, const char *key)
{
	const char *text = json_string_value(json_object_get(one, key));

	return text ? text : "";
}

/* A number of the operation ONE, or of its object OUTER. */
static ull number_of(json_t *one, const char *outer, const char *key)
{
	json_t *o = outer ? json_object_get(one, outer) : one;
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (ull)n : 0;
}

static bool is_operation(json_t *o)
{
	return json_is_integer(json_object_get(o, "at_us")) && *show_history_text_of(o, "id") &&
	       *show_history_text_of(o, "op") && json_is_array(json_object_get(o, "addresses")) &&
	       json_is_object(json_object_get(o, "entries"));
}

json_t *history_parse(const char *text, size_t max)
{
	const char *end = strrchr(text, '\n'), *p;
	json_t *list = json_array();
	size_t n = 0;

	/* a last line without its newline is not complete */
	for (; end && list && n<max; end = p> text ? p - 1 : NULL, n++) {
		json_t *o;

		for (p = end; p > text && p[-1] != '\n'; p--)
			;
		o = json_loadb(p, (size_t)(end - p), 0, NULL);
		if (!is_operation(o)) {
			json_decref(o);
			continue;
		}
		if (json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *history_find(json_t *list, const char *id)
{
	json_t *found = NULL;
	size_t i;

	for (i = 0; i < json_array_size(list) && *id; i++) {
		json_t *one = json_array_get(list, i);

		if (strncmp(show_history_text_of(one, "id"), id, strlen(id)))
			continue;
		if (found)
			return NULL;
		found = one;
	}
	return found;
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

static usec_t show_history_age_of(json_t *one, usec_t now)
{
	usec_t at = number_of(one, NULL, "at_us");

	return now > at ? now - at : 0;
}

/* "A" or "A +2" (two more addresses). Returns BUF. */
static const char *addresses_of(json_t *one, char *buf, size_t size)
{
	json_t *list = json_object_get(one, "addresses");
	size_t n = json_array_size(list);
	const char *first = json_string_value(json_array_get(list, 0));

	snprintf(buf, size, n > 1 ? "%s +%zu" : "%s", first ? first : "-", n - 1);
	return buf;
}

void history_print(json_t *list, usec_t now, unsigned columns, FILE *out)
{
	static const char *const heads[] = { "AGO",	  "OP",	   "ADDRESS", "DEVICE", "RESULT",
					     "?>AT RISK", ">LOST", "?>TOOK",  "ID",	NULL };
	_cleanup_(table_freep) struct table *t = table_new(heads);
	char age[32], took[32], addresses[PREFIX_TEXT_MAX + 32];
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);

		table_cell(t, "%s", history_age(show_history_age_of(one, now), age));
		table_cell(t, "%s", show_history_text_of(one, "op"));
		table_cell(t, "%s", addresses_of(one, addresses, sizeof(addresses)));
		table_cell(t, "%s", show_history_text_of(one, "device"));
		table_cell(t, "%s", show_history_text_of(one, "result"));
		table_cell(t, "%llu", number_of(one, "entries", "candidates"));
		table_cell(t, "%llu", number_of(one, "entries", "lost"));
		table_cell(t, "%s",
			   report_text_duration(number_of(one, "timing_us", "total"), took));
		table_cell(t, "%s", show_history_text_of(one, "id"));
	}
	table_print(t, columns, out);
}

static void row(FILE *out, const char *name, const char *value)
{
	char text[4 * REPORT_TEXT_MAX];

	if (*value)
		fprintf(out, "  %-13s  %s\n", name, text_escape(value, text, sizeof(text)));
}

static void show_history_print_counts(json_t *one, FILE *out)
{
	const struct report_row *row;

	for (row = report_counts; row->key; row++)
		fprintf(out, "  %-13s  %llu\n", row->key, number_of(one, "entries", row->key));
}

static void print_times(json_t *one, FILE *out)
{
	const struct report_row *at;
	char name[32], took[32];

	for (at = report_times; at->key; at++) {
		snprintf(name, sizeof(name), "%s took", at->key);
		row(out, name, report_text_duration(number_of(one, "timing_us", at->key), took));
	}
}

static void print_list(json_t *list, const char *name, const char *key, FILE *out)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);

		if (json_is_object(item)) {
			row(out, name, show_history_text_of(item, key));
			row(out, "fix", show_history_text_of(item, "fix"));
		} else {
			row(out, name, json_is_string(item) ? json_string_value(item) : "");
		}
	}
}

static void print_asker(json_t *by, FILE *out)
{
	char text[REPORT_TEXT_MAX];

	if (!by)
		return;
	snprintf(text, sizeof(text), "%s (pid %llu, uid %llu)", show_history_text_of(by, "command"),
		 number_of(by, NULL, "pid"), number_of(by, NULL, "uid"));
	row(out, "asked by", text);
}

void history_print_one(json_t *one, usec_t now, FILE *out)
{
	char age[32], text[64];

	snprintf(text, sizeof(text), "%s ago", history_age(show_history_age_of(one, now), age));
	fprintf(out, "operation %s\n",
		text_escape(show_history_text_of(one, "id"), age, sizeof(age)));
	row(out, "when", text);
	row(out, "what", show_history_text_of(one, "op"));
	print_list(json_object_get(one, "addresses"), "address", "", out);
	row(out, "device", show_history_text_of(one, "device"));
	print_asker(json_object_get(one, "by"), out);
	row(out, "result", show_history_text_of(one, "result"));
	row(out, "error", show_history_text_of(one, "error"));
	row(out, "kernel", show_history_text_of(one, "kernel"));
	row(out, "strategy", show_history_text_of(one, "strategy"));
	row(out, "hold", show_history_text_of(one, "hold"));
	show_history_print_counts(one, out);
	print_times(one, out);
	print_list(json_object_get(one, "lost_tuples"), "lost", "", out);
	print_list(json_object_get(one, "warnings"), "warning", "text", out);
}
