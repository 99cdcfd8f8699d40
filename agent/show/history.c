/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/history.h"

#include <pwd.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "show/history_line.h"
#include "show/report_json.h"

typedef unsigned long long ull;

static bool is_operation(json_t *o)
{
	return json_is_integer(json_object_get(o, "at_us")) && *object_text(o, "id") &&
	       *object_text(o, "op") && json_is_array(json_object_get(o, "addresses")) &&
	       json_is_object(json_object_get(o, "entries"));
}

bool history_is_move(json_t *one)
{
	const char *op = object_text(one, "op");

	return !strcmp(op, op_name(OP_ADD)) || !strcmp(op, op_name(OP_DEL));
}

/* The name of UID in the node's own list, which is read without asking anybody else: the daemon
 * waits for nobody. Returns BUF. */
static const char *user_of(ull uid, char *buf, size_t size)
{
	FILE *f = uid ? fopen("/etc/passwd", "re") : NULL;
	const struct passwd *p;

	snprintf(buf, size, uid ? "uid %llu" : "root", uid);
	while (f && (p = fgetpwent(f)) != NULL)
		if (p->pw_uid == uid) {
			snprintf(buf, size, "%s", p->pw_name);
			break;
		}
	if (f)
		fclose(f);
	return buf;
}

static const char *source_text(const char *source)
{
	if (!strcmp(source, "hook"))
		return "notify script";
	return strcmp(source, "fifo") ? source : "FIFO";
}

/* Who it was, in a few words. Returns BUF. */
static const char *by_text(json_t *one, char *buf, size_t size)
{
	json_t *by = json_object_get(one, "by");
	const char *command = object_text(by, "command");
	const char *instance = object_text(by, "instance");
	ull pid = object_number(by, "pid");
	char user[64];

	if (*instance)
		snprintf(buf, size, "%s (%s)", instance, source_text(object_text(by, "source")));
	else if (!history_is_move(one) && !json_is_true(json_object_get(by, "foreign")))
		snprintf(buf, size, "vipsafed");
	else if (!history_is_move(one) && *command)
		snprintf(buf, size, "not vipsafe: %s%s[%llu]",
			 json_is_true(json_object_get(by, "likely")) ? "probably " : "", command,
			 pid);
	else if (!history_is_move(one) && json_is_true(json_object_get(by, "ended")))
		snprintf(buf, size, "not vipsafe: a program that has ended");
	else if (!history_is_move(one))
		snprintf(buf, size, "not vipsafe");
	else if (by)
		snprintf(buf, size, "%s: %s %s",
			 user_of(object_number(by, "uid"), user, sizeof(user)),
			 *command ? command : "?", object_text(one, "op"));
	else
		snprintf(buf, size, "-");
	return buf;
}

/* Add what is not written. False: out of memory. */
static bool history_complete(json_t *one, struct history_now now)
{
	usec_t wall = object_number(one, "wall_us");
	char text[WHEN_TEXT_MAX], by[REPORT_TEXT_MAX];
	int failed = 0;

	if (!wall) {
		wall = when_of(object_number(one, "at_us"), now.wall, now.mono);
		failed |= json_object_set_new(one, "wall_us", json_integer((json_int_t)wall));
		failed |= json_object_set_new(one, "when", json_string(when_format(wall, text)));
		failed |= json_object_set_new(one, "when_computed", json_true());
	}
	failed |= json_object_set_new(one, "by_text", object_string(by_text(one, by, sizeof(by))));
	return !failed;
}

/* Insert ONE, taken over, in its place in LIST, newest first. Lines are written shortly after what
 * they tell of, so that place is near the end. */
static bool history_insert(json_t *list, json_t *one)
{
	usec_t at = object_number(one, "at_us");
	size_t i = json_array_size(list);

	while (i && object_number(json_array_get(list, i - 1), "at_us") < at)
		i--;
	return json_array_insert_new(list, i, one) == 0;
}

json_t *history_parse(const char *text, size_t max, struct history_now now)
{
	const char *end = strrchr(text, '\n'), *p;
	json_t *list = json_array();

	/* a last line without its newline is not complete */
	for (; end && list && max; end = p > text ? p - 1 : NULL) {
		json_t *o;

		for (p = end; p > text && p[-1] != '\n'; p--)
			;
		o = json_loadb(p, (size_t)(end - p), 0, NULL);
		if (!is_operation(o)) {
			json_decref(o);
			continue;
		}
		max -= history_is_move(o);
		if (!history_complete(o, now)) {
			json_decref(o);
			json_decref(list);
			return NULL;
		}
		if (!history_insert(list, o)) {
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

		if (strncmp(object_text(one, "id"), id, strlen(id)))
			continue;
		if (found)
			return NULL;
		found = one;
	}
	return found;
}

json_t *history_between(json_t *list, usec_t since, usec_t until)
{
	json_t *found = json_array();
	size_t i;

	for (i = 0; i < json_array_size(list) && found; i++) {
		json_t *one = json_array_get(list, i);
		usec_t wall = object_number(one, "wall_us");

		if (wall < since || wall > until)
			continue;
		if (json_array_append(found, one) < 0) {
			json_decref(found);
			return NULL;
		}
	}
	return found;
}

json_t *history_last_move(json_t *list)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (history_is_move(json_array_get(list, i)))
			return json_array_get(list, i);
	return NULL;
}
