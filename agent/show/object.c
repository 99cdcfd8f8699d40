/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/object.h"

#include "base/report.h"
#include "base/text.h"

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

char *object_line(json_t *value)
{
	char *line;

	if (!value)
		return NULL;
	line = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER);
	json_decref(value);
	return line;
}
