/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address with its options, as it passes over the control socket. */
#include "show/wire_row.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "show/report_json.h"

/* An address with each option and its value. */
#define WORDS_MAX 16

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

int wire_vip_read(json_t *o, enum op op, struct vip *ret, struct request_error *e)
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

json_t *wire_vip_write(const struct vip *v)
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
