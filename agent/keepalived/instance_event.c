/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance_event.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"
#include "base/words.h"

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

int instance_state_parse(const char *word, enum instance_state *ret)
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

int instance_source_parse(const char *word, enum instance_source *ret)
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
