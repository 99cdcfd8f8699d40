/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "front/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "core/option.h"
#include "core/settings.h"
#include "front/report_json.h"

/* As long as the command line allows. */
#define DEADLINE_MAX_MS (3600 * (json_int_t)1000)

/* An address with each option and its value. */
#define WORDS_MAX 16

static const char *const text_names[] = { "none", "short", "verbose" };
static const char *const refusal_names[] = { "bad-request",   "too-large", "unknown-op",
					     "not-permitted", "too-late",  "internal" };

const char *wire_refusal_name(enum wire_refusal why)
{
	return refusal_names[why];
}

/* ---- options of an address ---------------------------------------------------- */

/* Each key is the word of the command line, and so is its value; the same
 * parser judges both. */
enum value_kind { KIND_TEXT, KIND_NUMBER, KIND_FLAG };

static const struct vip_key {
	const char *name;
	enum value_kind kind;
} vip_keys[] = {
	{ "address", KIND_TEXT },  { "label", KIND_TEXT },	     { "scope", KIND_NUMBER },
	{ "brd", KIND_TEXT },	   { "noprefixroute", KIND_FLAG },   { "dad", KIND_FLAG },
	{ "metric", KIND_NUMBER }, { "preferred_lft", KIND_NUMBER },
};

/* Words of one address as they are put together. */
struct words {
	char *argv[WORDS_MAX];
	char numbers[ARRAY_SIZE(vip_keys)][24];
	int n;
};

static int vip_word(struct words *w, size_t k, json_t *value, struct request_error *e)
{
	const struct vip_key *key = &vip_keys[k];

	switch (key->kind) {
	case KIND_TEXT:
		if (!json_is_string(value))
			break;
		if (k)
			w->argv[w->n++] = (char *)key->name;
		w->argv[w->n++] = (char *)json_string_value(value);
		return 0;
	case KIND_NUMBER:
		if (!json_is_integer(value))
			break;
		snprintf(w->numbers[k], sizeof(w->numbers[k]), "%lld",
			 (long long)json_integer_value(value));
		w->argv[w->n++] = (char *)key->name;
		w->argv[w->n++] = w->numbers[k];
		return 0;
	case KIND_FLAG:
		if (!json_is_boolean(value))
			break;
		if (json_is_true(value))
			w->argv[w->n++] = (char *)key->name;
		return 0;
	}
	return request_error_set(e, "key " QUOTED " of an address is of the wrong type", key->name);
}

static int vip_read(json_t *o, enum op op, struct vip *ret, struct request_error *e)
{
	struct words w = { .n = 0 };
	const char *name;
	size_t k, seen = 0;
	json_t *value;

	/* vip_parse() takes a lone address without length, and "forever" is no
	 * number: these two are settled here. */
	name = json_string_value(json_object_get(o, "address"));
	if (!name || !strchr(name, '/'))
		return request_error_set(e, "an address without \"address\": \"ADDR/LEN\"");
	for (k = 0; k < ARRAY_SIZE(vip_keys); k++) {
		value = json_object_get(o, vip_keys[k].name);
		if (!value)
			continue;
		seen++;
		if (!strcmp(vip_keys[k].name, "preferred_lft") && json_is_null(value)) {
			w.argv[w.n++] = (char *)vip_keys[k].name;
			w.argv[w.n++] = (char *)"forever";
			continue;
		}
		if (vip_word(&w, k, value, e) < 0)
			return -EINVAL;
	}
	json_object_foreach(o, name, value)
	{
		for (k = 0; k < ARRAY_SIZE(vip_keys) && strcmp(vip_keys[k].name, name); k++)
			;
		if (k == ARRAY_SIZE(vip_keys))
			return request_error_set(e, "unknown key " QUOTED " of an address", name);
	}
	if (op == OP_DEL && seen > 1)
		return request_error_set(e, "an address to be deleted takes no options");
	/* a word in the address's place is no address */
	if (strpbrk(w.argv[0], " \t"))
		return request_error_set(e, QUOTED " is not an address", w.argv[0]);
	return vip_parse(ret, w.n, w.argv, e);
}

static json_t *vip_write(const struct vip *v)
{
	char text[PREFIX_TEXT_MAX];
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "address", json_string(prefix_format(&v->prefix, text)));
	if (*v->label)
		failed |= json_object_set_new(o, "label", report_json_string(v->label));
	if (v->scope >= 0)
		failed |= json_object_set_new(o, "scope", json_integer(v->scope));
	if (v->broadcast_mode != BROADCAST_NONE)
		failed |= json_object_set_new(
			o, "brd",
			json_string(v->broadcast_mode == BROADCAST_AUTO
					    ? "+"
					    : addr_format(&v->broadcast, text)));
	if (v->noprefixroute)
		failed |= json_object_set_new(o, "noprefixroute", json_true());
	if (v->dad)
		failed |= json_object_set_new(o, "dad", json_true());
	if (v->has_preferred_lft)
		failed |= json_object_set_new(o, "preferred_lft",
					      v->preferred_lft == UINT32_MAX
						      ? json_null()
						      : json_integer(v->preferred_lft));
	if (v->metric)
		failed |= json_object_set_new(o, "metric", json_integer(v->metric));
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* ---- requests ------------------------------------------------------------------ */

static int wrong(const char *key, struct request_error *e)
{
	return request_error_set(e, "key " QUOTED " is missing, of the wrong type or out of range",
				 key);
}

/* A string, or OTHERWISE when the key is absent (NULL: it has to be there). */
static int get_text(json_t *o, const char *key, const char *otherwise, const char **ret,
		    struct request_error *e)
{
	json_t *v = json_object_get(o, key);

	*ret = v ? json_string_value(v) : otherwise;
	return *ret ? 0 : wrong(key, e);
}

static int get_flag(json_t *o, const char *key, bool *ret, struct request_error *e)
{
	json_t *v = json_object_get(o, key);

	*ret = json_is_true(v);
	return !v || json_is_boolean(v) ? 0 : wrong(key, e);
}

static int read_addresses(json_t *o, struct request *req, struct request_error *e)
{
	json_t *list = json_object_get(o, "addresses");
	size_t i, j, n = json_array_size(list);

	if (!json_is_array(list) || !n || n > VIPS_MAX)
		return wrong("addresses", e);
	for (i = 0; i < n; i++) {
		const struct prefix *p = &req->vips[i].prefix;

		if (vip_read(json_array_get(list, i), req->op, &req->vips[i], e) < 0)
			return -EINVAL;
		for (j = 0; j < i; j++) {
			const struct prefix *q = &req->vips[j].prefix;

			/* IPv6 keeps an address once per device, whatever the length. */
			if (prefix_equal(p, q) ||
			    (addr_size(p->addr.family) == 16 && addr_equal(&p->addr, &q->addr)))
				return request_error_set(e, "an address is given twice");
		}
	}
	req->n_vips = n;
	return 0;
}

static int read_choices(json_t *o, struct request *req, struct request_error *e)
{
	const char *text;

	if (get_text(o, "strategy", "auto", &text, e) < 0)
		return -EINVAL;
	if (strategy_parse(text, &req->strategy) < 0)
		return wrong("strategy", e);
	if (get_text(o, "hold", "auto", &text, e) < 0)
		return -EINVAL;
	if (hold_choice_parse(text, &req->hold) < 0)
		return wrong("hold", e);
	if (get_text(o, "vip_flows", "drop", &text, e) < 0)
		return -EINVAL;
	if (vip_flows_parse(text, &req->vip_flows) < 0)
		return wrong("vip_flows", e);
	if (get_flag(o, "force", &req->force, e) < 0)
		return -EINVAL;
	if (req->force && req->op == OP_ADD)
		return request_error_set(e, "key \"force\" only goes with del");
	return 0;
}

static int read_move(json_t *o, const char *op, struct request *req, struct request_error *e)
{
	bool plan = !strcmp(op, "plan");
	const char *text;

	if (plan && get_text(o, "of", NULL, &op, e) < 0)
		return -EINVAL;
	if (strcmp(op, "add") && strcmp(op, "del"))
		return wrong("of", e);
	request_init(req, strcmp(op, "del") ? OP_ADD : OP_DEL);
	req->plan = plan;
	if (get_text(o, "device", NULL, &text, e) < 0 || device_name_check(text, e) < 0)
		return -EINVAL;
	memcpy(req->device, text, strlen(text) + 1);
	return read_addresses(o, req, e) < 0 ? -EINVAL : read_choices(o, req, e);
}

static int check_keys(json_t *o, const struct wire_request *r, struct request_error *e)
{
	static const char *const any[] = { "v", "op", "deadline_ms", "text" };
	static const char *const move[] = { "device",	"addresses", "force",
					    "strategy", "hold",	     "vip_flows" };
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach(o, name, value)
	{
		bool known = r->op == WIRE_MOVE && r->move.plan && !strcmp(name, "of");

		for (i = 0; i < ARRAY_SIZE(any); i++)
			known |= !strcmp(name, any[i]);
		for (i = 0; i < ARRAY_SIZE(move) && r->op == WIRE_MOVE; i++)
			known |= !strcmp(name, move[i]);
		if (!known)
			return request_error_set(e, "unknown key " QUOTED, name);
	}
	return 0;
}

static int read_common(json_t *o, struct wire_request *r, struct request_error *e)
{
	json_t *deadline = json_object_get(o, "deadline_ms");
	json_int_t ms = json_integer_value(deadline);
	const char *text;
	size_t i;

	if (deadline && (!json_is_integer(deadline) || ms < 0 || ms > DEADLINE_MAX_MS))
		return wrong("deadline_ms", e);
	r->move.deadline = (usec_t)ms * USEC_PER_MSEC;
	if (get_text(o, "text", "none", &text, e) < 0)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(text_names) && strcmp(text_names[i], text); i++)
		;
	if (i == ARRAY_SIZE(text_names))
		return wrong("text", e);
	r->text = (enum wire_text)i;
	return 0;
}

static int read_request(json_t *o, struct wire_request *ret, enum wire_refusal *ret_refusal,
			struct request_error *e)
{
	struct wire_request r = { .op = WIRE_MOVE };
	json_t *version = json_object_get(o, "v");
	const char *op;

	*ret_refusal = WIRE_BAD_REQUEST;
	if (!json_is_integer(version) || json_integer_value(version) != WIRE_VERSION)
		return request_error_set(e, "key \"v\" is not %d", WIRE_VERSION);
	if (get_text(o, "op", NULL, &op, e) < 0)
		return -EINVAL;
	if (!strcmp(op, "add") || !strcmp(op, "del") || !strcmp(op, "plan")) {
		if (read_move(o, op, &r.move, e) < 0)
			return -EINVAL;
	} else if (!strcmp(op, "status")) {
		r.op = WIRE_STATUS;
	} else if (!strcmp(op, "reload")) {
		r.op = WIRE_RELOAD;
	} else {
		*ret_refusal = WIRE_UNKNOWN_OP;
		return request_error_set(e, "unknown op " QUOTED, op);
	}
	if (read_common(o, &r, e) < 0 || check_keys(o, &r, e) < 0)
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

const char *wire_op_name(const struct wire_request *r)
{
	switch (r->op) {
	case WIRE_MOVE:
		return r->move.plan ? "plan" : op_name(r->move.op);
	case WIRE_STATUS:
		return "status";
	case WIRE_RELOAD:
		return "reload";
	}
	return "?";
}

static int write_move(json_t *o, const struct request *req)
{
	json_t *list = json_array();
	int failed = 0;
	size_t i;

	for (i = 0; i < req->n_vips; i++)
		failed |= json_array_append_new(list, vip_write(&req->vips[i]));
	if (req->plan)
		failed |= json_object_set_new(o, "of", json_string(op_name(req->op)));
	failed |= json_object_set_new(o, "device", json_string(req->device));
	failed |= json_object_set_new(o, "addresses", list);
	failed |= json_object_set_new(o, "force", json_boolean(req->force));
	failed |= json_object_set_new(o, "strategy", json_string(strategy_name(req->strategy)));
	failed |= json_object_set_new(o, "hold", json_string(hold_choice_name(req->hold)));
	failed |= json_object_set_new(o, "vip_flows", json_string(vip_flows_name(req->vip_flows)));
	return failed;
}

char *wire_request_line(const struct wire_request *r)
{
	usec_t ms = (r->move.deadline + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "v", json_integer(WIRE_VERSION));
	failed |= json_object_set_new(o, "op", json_string(wire_op_name(r)));
	failed |= json_object_set_new(o, "deadline_ms", json_integer((json_int_t)ms));
	failed |= json_object_set_new(o, "text", json_string(text_names[r->text]));
	if (r->op == WIRE_MOVE)
		failed |= write_move(o, &r->move);
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return report_json_line(o);
}
