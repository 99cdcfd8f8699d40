/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/history_line.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "show/report_json.h"

static const char *const history_op_words[] = {
	[HISTORY_FOREIGN_DELETE] = "foreign-delete",
	[HISTORY_REPAIR] = "repair",
	[HISTORY_LINGER] = "linger",
	[HISTORY_QUARANTINE] = "quarantine",
	[HISTORY_COLLISION] = "collision",
	[HISTORY_OP_COUNT] = NULL,
};

const char *history_op_name(unsigned op)
{
	return op < HISTORY_OP_COUNT ? history_op_words[op] : NULL;
}

static void history_line_put_time(json_t **o, struct history_time t)
{
	char text[WHEN_TEXT_MAX];

	object_put_text(o, "when", when_format(t.wall, text));
	object_put_number(o, "wall_us", t.wall);
	object_put_number(o, "at_us", t.at);
}

char *history_line(const struct report *r, struct history_time t)
{
	json_t *o = report_json_new(r);

	history_line_put_time(&o, t);
	return object_line(o);
}

static json_t *note_addresses(const struct history_note *n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n->n_addresses; i++)
		object_append(&list, object_string(n->addresses[i]));
	return list;
}

static json_t *note_entries(const struct history_note *n)
{
	json_t *o = json_object();

	object_put_number(&o, "candidates", n->candidates);
	object_put_number(&o, "pinned", n->pinned);
	object_put_number(&o, "restored", n->restored);
	object_put_number(&o, "superseded", n->superseded);
	object_put_number(&o, "lost", n->lost);
	object_put_number(&o, "removed", n->removed);
	return o;
}

static json_t *note_by(const struct history_note *n)
{
	json_t *o = json_object();

	object_put_bool(&o, "foreign", n->foreign);
	if (n->ended)
		object_put_bool(&o, "ended", true);
	if (!n->by.is_known)
		return o;
	if (n->likely)
		object_put_bool(&o, "likely", true);
	object_put_number(&o, "pid", n->by.pid);
	object_put_text(&o, "command", n->by.command);
	return o;
}

static void note_put_text(json_t **o, const char *key, const char *text)
{
	if (text && *text)
		object_put_text(o, key, text);
}

char *history_note_line(const struct history_note *n, struct history_time t)
{
	json_t *o = json_object(), *timing = json_object();

	object_put_number(&timing, "total", n->took);
	object_put_text(&o, "id", n->id);
	object_put_text(&o, "op", history_op_name(n->op));
	object_put(&o, "addresses", note_addresses(n));
	object_put_text(&o, "device", n->device ? n->device : "");
	object_put(&o, "by", note_by(n));
	object_put_text(&o, "result", n->result);
	note_put_text(&o, "text", n->text);
	object_put(&o, "entries", note_entries(n));
	object_put(&o, "timing_us", timing);
	object_put_number(&o, "times", MAX(n->times, (uint64_t)1));
	history_line_put_time(&o, t);
	return object_line(o);
}

static bool history_line_has(const char *text, size_t len, const char *part)
{
	return memmem(text, len, part, strlen(part)) != NULL;
}

/* Quotes within a string are escaped: what is found here is a key with its value. */
bool history_line_is_change(const char *text, size_t len)
{
	return history_line_has(text, len, "\"changed\":true") &&
	       (history_line_has(text, len, "\"op\":\"add\"") ||
		history_line_has(text, len, "\"op\":\"del\""));
}
