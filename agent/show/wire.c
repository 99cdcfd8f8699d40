/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/wire.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "show/report_json.h"
#include "show/wire_row.h"

/* As long as the command line allows. */
#define DEADLINE_MAX_MS (3600 * (json_int_t)1000)

#define COLUMNS_MAX 10000

static const char *const text_names[] = { "none", "short", "verbose" };
static const char *const refusal_names[] = { "bad-request",   "too-large", "unknown-op",
					     "not-permitted", "too-late",  "too-many",
					     "bad-config",    "internal" };

const char *wire_refusal_name(enum wire_refusal why)
{
	return refusal_names[why];
}

/* ---- ops ------------------------------------------------------------------------ */

static const struct wire_row rows[] = {
	{ "add", WIRE_MOVE, wire_move_keys, wire_move_read, wire_move_write },
	{ "del", WIRE_MOVE, wire_move_keys, wire_move_read, wire_move_write },
	{ "plan", WIRE_MOVE, wire_plan_keys, wire_move_read, wire_move_write },
	{ "status", WIRE_STATUS, NULL, NULL, NULL },
	{ "reload", WIRE_RELOAD, NULL, NULL, NULL },
	{ "metrics", WIRE_METRICS, NULL, NULL, NULL },
	{ "watch", WIRE_WATCH, NULL, NULL, NULL },
	{ "notify", WIRE_NOTIFY, wire_notify_keys, wire_notify_read, wire_notify_write },
};

static const struct wire_row *row_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	}
	return NULL;
}

/* Three rows share WIRE_MOVE. */
static const struct wire_row *row_of(const struct wire_request *r)
{
	size_t i;

	if (r->op == WIRE_MOVE)
		return row_named(r->move.plan ? "plan" : op_name(r->move.op));
	for (i = 0; i < ARRAY_SIZE(rows) && rows[i].op != r->op; i++)
		;
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

const char *wire_op_name(const struct wire_request *r)
{
	const struct wire_row *row = row_of(r);

	return row ? row->name : "?";
}

/* ---- requests ------------------------------------------------------------------- */

int wire_wrong(const char *key, struct request_error *e)
{
	return request_error_set(e, "key " QUOTED " is missing, of the wrong type or out of range",
				 key);
}

int wire_get_text(json_t *o, const char *key, const char *otherwise, const char **ret,
		  struct request_error *e)
{
	json_t *v = json_object_get(o, key);

	*ret = v ? json_string_value(v) : otherwise;
	if (*ret)
		return 0;
	wire_wrong(key, e);
	return -EINVAL;
}

int wire_get_flag(json_t *o, const char *key, bool *ret, struct request_error *e)
{
	json_t *v = json_object_get(o, key);

	*ret = json_is_true(v);
	return !v || json_is_boolean(v) ? 0 : wire_wrong(key, e);
}

static bool is_listed(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (!strcmp(*names, name))
			return true;
	}
	return false;
}

static int check_keys(json_t *o, const struct wire_row *row, struct request_error *e)
{
	static const char *const any[] = { "v",	   "op",      "deadline_ms", "until_us",
					   "text", "columns", NULL };
	const char *name;
	json_t *value;

	json_object_foreach(o, name, value)
	{
		if (!is_listed(any, name) && !is_listed(row->keys, name))
			return request_error_set(e, "unknown key " QUOTED, name);
	}
	return 0;
}

static int read_common(json_t *o, struct wire_request *r, struct request_error *e)
{
	json_t *deadline = json_object_get(o, "deadline_ms");
	json_t *columns = json_object_get(o, "columns");
	json_t *until = json_object_get(o, "until_us");
	json_int_t ms = json_integer_value(deadline), width = json_integer_value(columns);
	const char *text;
	size_t i;

	if (deadline && (!json_is_integer(deadline) || ms < 0 || ms > DEADLINE_MAX_MS))
		return wire_wrong("deadline_ms", e);
	if (columns && (!json_is_integer(columns) || width < 0 || width > COLUMNS_MAX))
		return wire_wrong("columns", e);
	if (until && (!json_is_integer(until) || json_integer_value(until) <= 0))
		return wire_wrong("until_us", e);
	r->move.until = (usec_t)json_integer_value(until);
	r->columns = (unsigned)width;
	r->move.deadline = (usec_t)ms * USEC_PER_MSEC;
	if (wire_get_text(o, "text", "none", &text, e) < 0)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(text_names) && strcmp(text_names[i], text); i++)
		;
	if (i == ARRAY_SIZE(text_names))
		return wire_wrong("text", e);
	r->text = (enum wire_text)i;
	return 0;
}

static int read_request(json_t *o, struct wire_request *ret, enum wire_refusal *ret_refusal,
			struct request_error *e)
{
	struct wire_request r = { .op = WIRE_MOVE };
	json_t *version = json_object_get(o, "v");
	const struct wire_row *row;
	const char *op;

	*ret_refusal = WIRE_BAD_REQUEST;
	if (!json_is_integer(version) || json_integer_value(version) != WIRE_VERSION)
		return request_error_set(e, "key \"v\" is not %d", WIRE_VERSION);
	if (wire_get_text(o, "op", NULL, &op, e) < 0)
		return -EINVAL;
	row = row_named(op);
	if (!row) {
		*ret_refusal = WIRE_UNKNOWN_OP;
		return request_error_set(e, "unknown op " QUOTED, op);
	}
	r.op = row->op;
	if (row->read && row->read(o, op, &r, e) < 0)
		return -EINVAL;
	if (read_common(o, &r, e) < 0 || check_keys(o, row, e) < 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

int wire_request_parse(const char *data, size_t size, struct wire_request *ret,
		       enum wire_refusal *ret_refusal, struct request_error *ret_error)
{
	json_error_t error;
	json_t *o;
	int r;

	if (size > WIRE_REQUEST_MAX) {
		*ret_refusal = WIRE_TOO_LARGE;
		return request_error_set(ret_error, "the request is larger than %zu bytes",
					 WIRE_REQUEST_MAX);
	}
	*ret_refusal = WIRE_BAD_REQUEST;
	o = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(o)) {
		json_decref(o);
		return request_error_set(ret_error, "the request is no JSON object");
	}
	r = read_request(o, ret, ret_refusal, ret_error);
	json_decref(o);
	return r;
}

char *wire_request_line(const struct wire_request *r)
{
	const struct wire_row *row = row_of(r);
	usec_t ms = (r->move.deadline + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "v", json_integer(WIRE_VERSION));
	failed |= json_object_set_new(o, "op", json_string(row ? row->name : NULL));
	failed |= json_object_set_new(o, "deadline_ms", json_integer((json_int_t)ms));
	if (r->move.until)
		failed |=
			json_object_set_new(o, "until_us", json_integer((json_int_t)r->move.until));
	failed |= json_object_set_new(o, "text", json_string(text_names[r->text]));
	if (r->columns)
		failed |= json_object_set_new(o, "columns",
					      json_integer(MIN(r->columns, COLUMNS_MAX)));
	if (row && row->write)
		failed |= row->write(o, r);
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return report_json_line(o);
}
