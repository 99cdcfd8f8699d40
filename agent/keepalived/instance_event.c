/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance_event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"
#include "keepalived/instance.h"

#define PRIORITY_MAX 255 /* 8 bits on the wire */

static const char *const state_words[] = {
	[INSTANCE_UNKNOWN] = "unknown",
	[INSTANCE_MASTER] = "MASTER",
	[INSTANCE_BACKUP] = "BACKUP",
	[INSTANCE_FAULT] = "FAULT",
	[INSTANCE_STOP] = "STOP",
	[INSTANCE_DELETED] = "DELETED",
	NULL,
};

/* Reported while the state stays the same. */
static const char *const stateless_words[] = {
	"MASTER_RX_LOWER_PRI",
	"MASTER_PRIORITY",
	"BACKUP_PRIORITY",
	NULL,
};

static const char *const source_words[] = { "none", "hook", "fifo", "decoy", NULL };

const char *instance_state_name(enum instance_state s)
{
	return word_of(state_words, s);
}

static int instance_state_parse(const char *word, enum instance_state *ret)
{
	int v = word_find(state_words, word);

	if (v >= 0)
		*ret = (enum instance_state)v;
	return MIN(v, 0);
}

const char *instance_source_name(enum instance_source s)
{
	return word_of(source_words, s);
}

static int instance_source_parse(const char *word, enum instance_source *ret)
{
	int v = word_find(source_words, word);

	if (v >= 0)
		*ret = (enum instance_source)v;
	return MIN(v, 0);
}

static int take_name(struct instance_event *ret, const char *name, struct request_error *e)
{
	const char *p;

	if (!*name)
		return request_error_set(e, "the name is empty");
	if (strlen(name) >= sizeof(ret->name))
		return request_error_set(e, "the name " QUOTED "... is longer than %d characters",
					 name, INSTANCE_NAME_MAX - 1);
	for (p = name; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return request_error_set(e, "the name " QUOTED " holds a control character",
						 name);
	}
	memcpy(ret->name, name, strlen(name) + 1);
	return 0;
}

static int take_state(struct instance_event *ret, const char *word, struct request_error *e)
{
	int v = word_find(state_words, word);

	if (v <= INSTANCE_UNKNOWN && word_find(stateless_words, word) < 0)
		return request_error_set(e, QUOTED " is not a state of keepalived", word);
	ret->state = (enum instance_state)MAX(v, INSTANCE_UNKNOWN);
	return 0;
}

int instance_event_words(struct instance_event *ret, int argc, char *const argv[],
			 struct request_error *e)
{
	struct instance_event event = { .group = false };
	uint64_t priority = 0;

	if (argc < 3)
		return request_error_set(e, "%s is missing: INSTANCE|GROUP NAME STATE [PRIORITY]",
					 argc < 1   ? "the type"
					 : argc < 2 ? "the name"
						    : "the state");
	if (argc > 4)
		return request_error_set(e, "unknown word " QUOTED, argv[4]);
	event.group = !strcmp(argv[0], "GROUP");
	if (!event.group && strcmp(argv[0], "INSTANCE"))
		return request_error_set(e, QUOTED " is neither INSTANCE nor GROUP", argv[0]);
	if (take_name(&event, argv[1], e) < 0 || take_state(&event, argv[2], e) < 0)
		return -EINVAL;
	if (argc == 4 && text_number(argv[3], 0, PRIORITY_MAX, &priority) < 0)
		return request_error_set(e, QUOTED " is no priority from 0 to %d", argv[3],
					 PRIORITY_MAX);
	event.priority = (unsigned)priority;
	*ret = event;
	return 0;
}

/* Nothing in a name is escaped, so the name ends at the last quote of the line. */
static int split_line(char *text, char *argv[4], int *ret_argc, struct request_error *e)
{
	char *open = strchr(text, '"'), *close = strrchr(text, '"'), *priority;

	if (!open || open == close || open == text || open[-1] != ' ' || close[1] != ' ')
		return request_error_set(e, "the line " QUOTED " is not: TYPE \"NAME\" STATE",
					 text);
	open[-1] = '\0';
	*close = '\0';
	argv[0] = text;
	argv[1] = open + 1;
	argv[2] = close + 2;
	priority = strchr(argv[2], ' ');
	if (priority) {
		*priority = '\0';
		argv[3] = priority + 1;
	}
	*ret_argc = priority ? 4 : 3;
	return 0;
}

int instance_event_line(struct instance_event *ret, const char *line, size_t size,
			struct request_error *e)
{
	char text[INSTANCE_LINE_MAX + 1], *argv[4];
	int argc = 0;

	if (size > INSTANCE_LINE_MAX)
		return request_error_set(e, "the line is longer than %d bytes", INSTANCE_LINE_MAX);
	if (memchr(line, '\0', size))
		return request_error_set(e, "the line holds a NUL byte");
	memcpy(text, line, size);
	text[size] = '\0';
	if (!strncmp(text, "VS ", 3) || !strncmp(text, "RS ", 3))
		return -ENOMSG;
	if (split_line(text, argv, &argc, e) < 0)
		return -EINVAL;
	return instance_event_words(ret, argc, argv, e);
}

static void end_line(struct instance_lines *l, const struct instance_lines_sink *sink)
{
	struct request_error why = { "" };
	struct instance_event event;
	int r;

	if (l->too_long)
		r = request_error_set(&why, "a line is longer than %d bytes", INSTANCE_LINE_MAX);
	else
		r = instance_event_line(&event, l->text, l->size, &why);
	if (r == 0)
		sink->event(sink->ud, &event);
	else if (r != -ENOMSG)
		sink->bad(sink->ud, &why);
	l->size = 0;
	l->too_long = false;
}

void instance_lines_feed(struct instance_lines *l, const char *data, size_t size,
			 const struct instance_lines_sink *sink)
{
	while (size) {
		const char *nl = memchr(data, '\n', size);
		size_t piece = nl ? (size_t)(nl - data) : size;

		if (piece > sizeof(l->text) - l->size)
			l->too_long = true;
		if (!l->too_long) {
			memcpy(l->text + l->size, data, piece);
			l->size += piece;
		}
		if (nl)
			end_line(l, sink);
		piece += nl != NULL;
		data += piece;
		size -= piece;
	}
}

/* An instance as a line of the file that outlives the daemon:
 *   STATE SOURCE STAMP FIFO-STAMP SINCE [DECOY-SINCE SAID BY STAMP DUE] FLAGS NAME
 * The part in brackets is present only if a decoy was seen. */

enum field {
	FIELD_STATE,
	FIELD_SOURCE,
	FIELD_STAMP,
	FIELD_FIFO,
	FIELD_SINCE,
	FIELDS,

	FIELD_DECOY_SINCE = 0,
	FIELD_DOUBT_SAID,
	FIELD_DOUBT_BY,
	FIELD_DOUBT_STAMP,
	FIELD_DOUBT_DUE,
	FIELDS_DECOY,
};

#define FIELD_MAX 24

static const struct flag {
	char letter;
	size_t offset;
} flags[] = {
	{ 's', offsetof(struct instance, settled) },
	{ 'a', offsetof(struct instance, active) },
	{ 'd', offsetof(struct instance, decoy_seen) },
	{ 't', offsetof(struct instance, decoy_there) },
	{ 'x', offsetof(struct instance, decoy_stale) },
	{ 'l', offsetof(struct instance, decoy_looked) },
};

static bool *flag_of(struct instance *i, const struct flag *f)
{
	return (bool *)((char *)i + f->offset);
}

typedef unsigned long long ull;

static void format_decoy(const struct instance *i, char *buf, size_t size)
{
	*buf = '\0';
	if (i->decoy_seen || i->decoy_since)
		snprintf(buf, size, " %llu %s %s %llu %llu", (ull)i->decoy_since,
			 instance_state_name(i->doubt.said), instance_source_name(i->doubt.source),
			 (ull)i->doubt.stamp, (ull)i->doubt.due);
}

const char *instance_format(const struct instance *i, const char *name, char buf[INSTANCE_TEXT_MAX])
{
	char escaped[4 * INSTANCE_NAME_MAX], letters[ARRAY_SIZE(flags) + 2] = "-";
	char decoy[FIELDS_DECOY * FIELD_MAX];
	struct instance copy = *i;
	size_t k, n = 1;

	for (k = 0; k < ARRAY_SIZE(flags); k++)
		if (*flag_of(&copy, &flags[k]))
			letters[n++] = flags[k].letter;
	format_decoy(i, decoy, sizeof(decoy));
	snprintf(buf, INSTANCE_TEXT_MAX, "%s %s %llu %llu %llu%s %s %s",
		 instance_state_name(i->state), instance_source_name(i->source), (ull)i->stamp,
		 (ull)i->fifo_stamp, (ull)i->since, decoy, letters,
		 text_escape(name, escaped, sizeof(escaped)));
	return buf;
}

static int instance_text_take_field(const char **line, char ret[FIELD_MAX])
{
	size_t n = strcspn(*line, " ");

	if (!n || n >= FIELD_MAX || (*line)[n] != ' ')
		return -EINVAL;
	memcpy(ret, *line, n);
	ret[n] = '\0';
	*line += n + 1;
	return 0;
}

static int instance_text_take_flags(struct instance *i, const char *letters)
{
	size_t k;

	if (*letters++ != '-')
		return -EINVAL;
	for (; *letters; letters++) {
		for (k = 0; k < ARRAY_SIZE(flags) && flags[k].letter != *letters; k++)
			;
		if (k == ARRAY_SIZE(flags))
			return -EINVAL;
		*flag_of(i, &flags[k]) = true;
	}
	return 0;
}

static int take_time(const char *field, usec_t most, usec_t *ret)
{
	uint64_t n;

	if (text_number(field, 0, UINT64_MAX, &n) < 0)
		return -EINVAL;
	*ret = MIN((usec_t)n, most);
	return 0;
}

static int take_fields(const char **line, char fields[][FIELD_MAX], size_t n)
{
	size_t k;
	int r = 0;

	for (k = 0; k < n && r == 0; k++)
		r = instance_text_take_field(line, fields[k]);
	return r;
}

static int take_decoy(struct instance *i, const char **line, usec_t now)
{
	char fields[FIELDS_DECOY][FIELD_MAX];

	if (**line == '-')
		return 0;
	if (take_fields(line, fields, FIELDS_DECOY) < 0 ||
	    take_time(fields[FIELD_DECOY_SINCE], now, &i->decoy_since) < 0 ||
	    instance_state_parse(fields[FIELD_DOUBT_SAID], &i->doubt.said) < 0 ||
	    instance_source_parse(fields[FIELD_DOUBT_BY], &i->doubt.source) < 0 ||
	    take_time(fields[FIELD_DOUBT_STAMP], now, &i->doubt.stamp) < 0 ||
	    take_time(fields[FIELD_DOUBT_DUE], MAX(now, now + DOUBT_WAIT), &i->doubt.due) < 0)
		return -EINVAL;
	return 0;
}

int instance_parse(struct instance *ret, const char *line, const char *name, usec_t now)
{
	char fields[FIELDS][FIELD_MAX], letters[FIELD_MAX], escaped[4 * INSTANCE_NAME_MAX];
	struct instance i = { .state = INSTANCE_UNKNOWN };

	if (take_fields(&line, fields, FIELDS) < 0 ||
	    instance_state_parse(fields[FIELD_STATE], &i.state) < 0 ||
	    instance_source_parse(fields[FIELD_SOURCE], &i.source) < 0 ||
	    take_time(fields[FIELD_STAMP], now, &i.stamp) < 0 ||
	    take_time(fields[FIELD_FIFO], now, &i.fifo_stamp) < 0 ||
	    take_time(fields[FIELD_SINCE], now, &i.since) < 0 || take_decoy(&i, &line, now) < 0 ||
	    instance_text_take_field(&line, letters) < 0 ||
	    instance_text_take_flags(&i, letters) < 0 || !*line)
		return -EINVAL;
	if (strcmp(line, text_escape(name, escaped, sizeof(escaped))) != 0)
		return -ENOENT;
	*ret = i;
	return 0;
}
