/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/report_json.h"

#include "base/text.h"
#include "show/report_rows.h"

json_t *report_json_string(const char *text)
{
	char escaped[4 * REPORT_TEXT_MAX];
	json_t *s = json_string(text);

	return s ? s : json_string(text_escape(text, escaped, sizeof(escaped)));
}

static json_t *report_json_number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *report_json_addresses(const struct report *r)
{
	json_t *list = json_array();
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < r->n_addresses; i++)
		json_array_append_new(list, json_string(prefix_format(&r->addresses[i], text)));
	return list;
}

static json_t *addresses_detail(const struct report *r)
{
	json_t *list = json_array();
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < r->n_addresses; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "address",
						      prefix_format(&r->addresses[i], text),
						      "outcome", vip_outcome_name(r->outcomes[i])));
	return list;
}

static json_t *report_json_rows(const struct report *r, const struct report_row *row)
{
	json_t *o = json_object();

	for (; row->key; row++)
		json_object_set_new(o, row->key, report_json_number(report_row_value(r, row)));
	return o;
}

static json_t *entries(const struct report *r)
{
	json_t *o = report_json_rows(r, report_counts), *reasons = json_object();
	int i;

	for (i = SKIP_NONE + 1; i < SKIP_REASON_COUNT; i++)
		json_object_set_new(reasons, skip_reason_name((enum skip_reason)i),
				    report_json_number(r->entries.reasons[i]));
	json_object_set_new(o, "reasons", reasons);
	return o;
}

static json_t *lost_tuples(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n_lost; i++)
		json_array_append_new(list, report_json_string(r->lost[i]));
	return list;
}

static json_t *report_json_warnings(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n_warnings; i++) {
		const struct report_warning *w = &r->warnings[i];
		json_t *o = json_object();

		json_object_set_new(o, "code", report_json_string(w->code));
		json_object_set_new(o, "text", report_json_string(w->text));
		json_object_set_new(o, "fix", report_json_string(w->fix));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *report_json_vip_flows(const struct report *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "policy", json_string(vip_flows_name(r->vip_flows.policy)));
	json_object_set_new(o, "removed", report_json_number(r->vip_flows.removed));
	return o;
}

static json_t *asker(const struct asker *a)
{
	json_t *o = json_object();

	json_object_set_new(o, "uid", json_integer((json_int_t)a->uid));
	json_object_set_new(o, "pid", json_integer((json_int_t)a->pid));
	json_object_set_new(o, "command", report_json_string(a->command));
	return o;
}

/* jansson's functions accept a NULL, the result of an earlier failure, and fail in turn: one
 * check at the end is enough. */
json_t *report_json_new(const struct report *r)
{
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "id", report_json_string(r->id));
	failed |= json_object_set_new(o, "op", json_string(op_name(r->op)));
	failed |= json_object_set_new(o, "plan", json_boolean(r->plan));
	failed |= json_object_set_new(o, "recovered", json_boolean(r->recovered));
	failed |= json_object_set_new(o, "addresses", report_json_addresses(r));
	failed |= json_object_set_new(o, "addresses_detail", addresses_detail(r));
	failed |= json_object_set_new(o, "device", report_json_string(r->device));
	if (r->by.is_known)
		failed |= json_object_set_new(o, "by", asker(&r->by));
	failed |= json_object_set_new(o, "changed", json_boolean(r->changed));
	failed |= json_object_set_new(o, "result", json_string(result_name(r->result)));
	failed |= json_object_set_new(o, "exit_code", json_integer(r->exit_code));
	failed |= json_object_set_new(o, "error", report_json_string(r->error));
	failed |= json_object_set_new(o, "kernel", json_string(kernel_kind_name(r->kernel)));
	failed |= json_object_set_new(o, "strategy", json_string(strategy_name(r->strategy)));
	failed |= json_object_set_new(o, "hold", json_string(hold_choice_name(r->hold)));
	failed |= json_object_set_new(o, "before", json_string(before_name(r->before)));
	failed |= json_object_set_new(o, "entries", entries(r));
	failed |= json_object_set_new(o, "vip_flows", report_json_vip_flows(r));
	failed |= json_object_set_new(o, "timing_us", report_json_rows(r, report_times));
	if (r->plan)
		failed |= json_object_set_new(o, "expected_gap_us",
					      report_json_number(r->timing.expected_gap));
	failed |= json_object_set_new(o, "lost_tuples", lost_tuples(r));
	failed |= json_object_set_new(o, "warnings", report_json_warnings(r));
	failed |= json_object_set_new(o, "warnings_dropped", json_integer(r->warnings_dropped));
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

char *report_json_line(json_t *value)
{
	char *line;

	if (!value)
		return NULL;
	line = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER);
	json_decref(value);
	return line;
}
