/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instance as a line of the file that outlives the daemon:
 *   STATE SOURCE STAMP FIFO-STAMP SINCE [DECOY-SINCE SAID BY STAMP DUE] FLAGS NAME
 * The part in brackets is present only if a decoy was seen. */
#include "keepalived/instance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

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
