/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/report_json.h"

#include "base/report.h"
#include "base/text.h"
#include "show/report_text.h"

/* jansson fails if object or value is NULL, and takes over the reference nevertheless. */
static void object_check(json_t **o, int failed)
{
	if (!failed)
		return;
	json_decref(*o);
	*o = NULL;
}

void object_put(json_t **o, const char *key, json_t *value)
{
	object_check(o, json_object_set_new(*o, key, value));
}

void object_put_text(json_t **o, const char *key, const char *text)
{
	object_put(o, key, object_string(text));
}

void object_put_number(json_t **o, const char *key, uint64_t n)
{
	object_put(o, key, json_integer((json_int_t)n));
}

void object_put_bool(json_t **o, const char *key, bool value)
{
	object_put(o, key, json_boolean(value));
}

void object_append(json_t **list, json_t *value)
{
	object_check(list, json_array_append_new(*list, value));
}

json_t *object_string(const char *text)
{
	char escaped[4 * REPORT_TEXT_MAX];
	json_t *s = json_string(text);

	return s || !text ? s : json_string(text_escape(text, escaped, sizeof(escaped)));
}

const char *object_text(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

uint64_t object_number(json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

char *object_line(json_t *value)
{
	char *line;

	if (!value)
		return NULL;
	line = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER);
	json_decref(value);
	return line;
}

static json_t *report_json_addresses(const struct report *r)
{
	json_t *list = json_array();
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < r->n_addresses; i++)
		object_append(&list, json_string(prefix_format(&r->addresses[i], text)));
	return list;
}

static json_t *address_detail(const struct report *r, size_t i)
{
	const struct vip_extra *x = &r->extra[i];
	json_t *o = json_object();
	char text[PREFIX_TEXT_MAX];

	object_put_text(&o, "address", prefix_format(&r->addresses[i], text));
	object_put_text(&o, "outcome", vip_outcome_name(r->outcomes[i]));
	if (x->peer.family)
		object_put_text(&o, "peer", addr_format(&x->peer, text));
	if (x->proto)
		object_put_number(&o, "proto", x->proto);
	if (x->home)
		object_put_bool(&o, "home", true);
	if (x->autojoin)
		object_put_bool(&o, "autojoin", true);
	return o;
}

static json_t *addresses_detail(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n_addresses; i++)
		object_append(&list, address_detail(r, i));
	return list;
}

static json_t *report_json_rows(const struct report *r, const struct report_row *row)
{
	json_t *o = json_object();

	for (; row->key; row++)
		object_put_number(&o, row->key, report_row_value(r, row));
	return o;
}

static json_t *entries(const struct report *r)
{
	json_t *o = report_json_rows(r, report_counts), *reasons = json_object();
	int i;

	for (i = SKIP_NONE + 1; i < SKIP_REASON_COUNT; i++)
		object_put_number(&reasons, skip_reason_name((enum skip_reason)i),
				  r->entries.reasons[i]);
	object_put(&o, "reasons", reasons);
	return o;
}

static json_t *lost_tuples(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n_lost; i++)
		object_append(&list, object_string(r->lost[i]));
	return list;
}

json_t *report_json_warnings(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n_warnings; i++) {
		const struct report_warning *w = &r->warnings[i];
		json_t *o = json_object();

		object_put_text(&o, "code", w->code);
		object_put_text(&o, "text", w->text);
		object_put_text(&o, "fix", w->fix);
		object_append(&list, o);
	}
	return list;
}

static json_t *report_json_vip_flows(const struct report *r)
{
	json_t *o = json_object();

	object_put_text(&o, "policy", vip_flows_name(r->vip_flows.policy));
	object_put_number(&o, "removed", r->vip_flows.removed);
	object_put_number(&o, "tickled", r->vip_flows.tickled);
	object_put_number(&o, "reset", r->vip_flows.reset);
	return o;
}

static json_t *report_json_arrivals(const struct report *r)
{
	json_t *o = json_object(), *reasons = json_object();
	int i;

	object_put_number(&o, "found", r->arrivals.found);
	object_put_number(&o, "removed", r->arrivals.removed);
	object_put_number(&o, "left", r->arrivals.left);
	for (i = 0; i < ARRIVAL_COUNT; i++)
		object_put_number(&reasons, arrival_name((enum arrival)i), r->arrivals.reasons[i]);
	object_put(&o, "reasons", reasons);
	return o;
}

static json_t *report_json_committed(const struct report *r)
{
	json_t *o = json_object();

	object_put_number(&o, "read", r->committed.read);
	object_put_number(&o, "bare", r->committed.bare);
	object_put_number(&o, "mended", r->committed.mended);
	object_put_number(&o, "lost", r->committed.lost);
	return o;
}

static json_t *asker(const struct asker *a)
{
	json_t *o = json_object();

	object_put_number(&o, "uid", a->uid);
	object_put_number(&o, "pid", a->pid);
	object_put_text(&o, "command", a->command);
	if (!*a->instance)
		return o;
	object_put_text(&o, "instance", a->instance);
	object_put_text(&o, "source", a->source);
	return o;
}

static void report_json_put_preview(json_t **o, const struct report *r)
{
	object_put_bool(o, "would_change", report_would_change(r));
	object_put_text(o, "no_hold", r->hold == HOLD_OFF ? r->hold_why : "");
	object_put_number(o, "lost_with_none", r->preview.exposed);
	object_put_number(o, "expected_gap_us", r->timing.expected_gap);
}

/* jansson's functions accept a NULL, the result of an earlier failure, and fail in turn: one
 * check at the end is enough. */
json_t *report_json_new(const struct report *r)
{
	json_t *o = json_object();

	object_put_text(&o, "id", r->id);
	object_put_text(&o, "op", op_name(r->op));
	object_put_bool(&o, "plan", r->plan);
	object_put_bool(&o, "recovered", r->recovered);
	object_put(&o, "addresses", report_json_addresses(r));
	object_put(&o, "addresses_detail", addresses_detail(r));
	object_put_text(&o, "device", r->device);
	if (r->by.is_known)
		object_put(&o, "by", asker(&r->by));
	object_put_bool(&o, "changed", r->changed);
	object_put_text(&o, "result", result_name(r->result));
	object_put_number(&o, "exit_code", r->exit_code);
	object_put_text(&o, "error", r->error);
	object_put_text(&o, "kernel", kernel_kind_name(r->kernel));
	object_put_text(&o, "strategy", strategy_name(r->strategy));
	object_put_text(&o, "hold", hold_choice_name(r->hold));
	object_put_text(&o, "hold_why", r->hold_why);
	object_put_text(&o, "before", before_name(r->before));
	object_put(&o, "entries", entries(r));
	object_put(&o, "vip_flows", report_json_vip_flows(r));
	object_put(&o, "arrivals", report_json_arrivals(r));
	object_put(&o, "committed", report_json_committed(r));
	object_put(&o, "timing_us", report_json_rows(r, report_times));
	if (r->plan)
		report_json_put_preview(&o, r);
	object_put(&o, "lost_tuples", lost_tuples(r));
	object_put(&o, "warnings", report_json_warnings(r));
	object_put_number(&o, "warnings_dropped", r->warnings_dropped);
	return o;
}
