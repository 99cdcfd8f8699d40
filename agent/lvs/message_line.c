/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/message_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"

static const char *const level_words[] = {
	[SEVERITY_NOTE] = "INFO",
	[SEVERITY_UNSEEN] = "WARNING",
	[SEVERITY_WARNING] = "WARNING",
	[SEVERITY_CRITICAL] = "ERROR",
	NULL,
};

void lvs_line_init(struct lvs_line *l, enum severity level, const char *topic)
{
	l->level = level;
	l->topic = topic;
	l->word = NULL;
	l->n = 0;
	l->used = 0;
}

static void _printf_(4, 0)
	add(struct lvs_line *l, const char *key, bool is_number, const char *fmt, va_list ap)
{
	size_t room = sizeof(l->values) - l->used;
	char raw[LVS_VALUES_MAX];

	if (l->n == LVS_FIELDS_MAX || room < 16 || vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		return;
	text_escape(raw, l->values + l->used, room);
	l->fields[l->n++] = (struct lvs_field){ key, l->values + l->used, is_number };
	l->used += strlen(l->values + l->used) + 1;
}

void lvs_line_add(struct lvs_line *l, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, key, false, fmt, ap);
	va_end(ap);
}

void lvs_line_number(struct lvs_line *l, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, key, true, fmt, ap);
	va_end(ap);
}

const char *lvs_line_value(const struct lvs_line *l, const char *key)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (!strcmp(l->fields[i].key, key))
			return l->fields[i].value;
	}
	return NULL;
}

static bool is_remedy(const char *key)
{
	return !strcmp(key, "fix") || !strcmp(key, "prevent") || !strcmp(key, "see");
}

/* Which quotes VALUE is put in. A command is to be pasted as it is, so one that has
 * double quotes of its own gets single ones. */
static const char *quote_of(const char *value)
{
	/* brackets hold a value together */
	if (*value == '[' || !strpbrk(value, " ;"))
		return "";
	return strchr(value, '"') ? "'" : "\"";
}

static const char *render(const struct lvs_line *l, bool remedy, size_t n,
			  char buf[LVS_LINE_TEXT_MAX])
{
	size_t i;

	for (i = 0; i < l->n && n < LVS_LINE_TEXT_MAX; i++) {
		const struct lvs_field *f = &l->fields[i];
		const char *quote = quote_of(f->value);

		if (is_remedy(f->key) != remedy)
			continue;
		n += (size_t)snprintf(buf + n, LVS_LINE_TEXT_MAX - n, "%s%s=%s%s%s", n ? " " : "",
				      f->key, quote, f->value, quote);
	}
	return buf;
}

const char *lvs_line_text(const struct lvs_line *l, char buf[LVS_LINE_TEXT_MAX])
{
	int n = snprintf(buf, LVS_LINE_TEXT_MAX, "%s %s%s%s", word_of(level_words, l->level),
			 l->topic, l->word ? " " : "", l->word ? l->word : "");

	return render(l, false, n < 0 ? 0 : (size_t)n, buf);
}

const char *lvs_line_remedy(const struct lvs_line *l, char buf[LVS_LINE_TEXT_MAX])
{
	*buf = '\0';
	return render(l, true, 0, buf);
}

static json_t *line_number(const char *text)
{
	json_error_t e;

	return json_loads(text, JSON_DECODE_ANY, &e);
}

json_t *lvs_line_json(const struct lvs_line *l)
{
	json_t *o = json_object();
	int failed = 0;
	size_t i;

	failed |= json_object_set_new(o, "level", json_string(word_of(level_words, l->level)));
	failed |= json_object_set_new(o, "topic", json_string(l->topic));
	if (l->word)
		failed |= json_object_set_new(o, "state", json_string(l->word));
	for (i = 0; i < l->n; i++) {
		const struct lvs_field *f = &l->fields[i];
		json_t *value = f->is_number ? line_number(f->value) : NULL;

		failed |= json_object_set_new(o, f->key, value ? value : json_string(f->value));
	}
	if (failed) {
		json_decref(o);
		o = NULL;
	}
	return o;
}
