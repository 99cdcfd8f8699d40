/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instance as a line of the file that outlives the daemon:
 *   STATE SOURCE STAMP FIFO-STAMP SINCE FLAGS NAME */
#include "core/instance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

enum field { FIELD_STATE, FIELD_SOURCE, FIELD_STAMP, FIELD_FIFO, FIELD_SINCE, FIELD_FLAGS };

#define FIELDS 6
#define FIELD_MAX 24

static const struct flag {
	char letter;
	size_t offset;
} flags[] = {
	{ 's', offsetof(struct instance, settled) },
	{ 'a', offsetof(struct instance, active) },
	{ 'd', offsetof(struct instance, decoy_seen) },
	{ 't', offsetof(struct instance, decoy_there) },
};

static bool *flag_of(struct instance *i, const struct flag *f)
{
	return (bool *)((char *)i + f->offset);
}

const char *instance_format(const struct instance *i, const char *name, char buf[INSTANCE_TEXT_MAX])
{
	char escaped[4 * INSTANCE_NAME_MAX], letters[ARRAY_SIZE(flags) + 2] = "-";
	struct instance copy = *i;
	size_t k, n = 1;

	for (k = 0; k < ARRAY_SIZE(flags); k++)
		if (*flag_of(&copy, &flags[k]))
			letters[n++] = flags[k].letter;
	snprintf(buf, INSTANCE_TEXT_MAX, "%s %s %llu %llu %llu %s %s",
		 instance_state_name(i->state), instance_source_name(i->source),
		 (unsigned long long)i->stamp, (unsigned long long)i->fifo_stamp,
		 (unsigned long long)i->since, letters,
		 text_escape(name, escaped, sizeof(escaped)));
	return buf;
}

static int take_field(const char **line, char ret[FIELD_MAX])
{
	size_t n = strcspn(*line, " ");

	if (!n || n >= FIELD_MAX || (*line)[n] != ' ')
		return -EINVAL;
	memcpy(ret, *line, n);
	ret[n] = '\0';
	*line += n + 1;
	return 0;
}

static int take_flags(struct instance *i, const char *letters)
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

int instance_parse(struct instance *ret, const char *line, const char *name, usec_t now)
{
	char fields[FIELDS][FIELD_MAX], escaped[4 * INSTANCE_NAME_MAX];
	struct instance i = { .state = INSTANCE_UNKNOWN };
	uint64_t stamp, fifo, since;
	size_t k;

	for (k = 0; k < FIELDS; k++)
		if (take_field(&line, fields[k]) < 0)
			return -EINVAL;
	if (instance_state_parse(fields[FIELD_STATE], &i.state) < 0 ||
	    instance_source_parse(fields[FIELD_SOURCE], &i.source) < 0 ||
	    text_number(fields[FIELD_STAMP], 0, UINT64_MAX, &stamp) < 0 ||
	    text_number(fields[FIELD_FIFO], 0, UINT64_MAX, &fifo) < 0 ||
	    text_number(fields[FIELD_SINCE], 0, UINT64_MAX, &since) < 0 ||
	    take_flags(&i, fields[FIELD_FLAGS]) < 0 || !*line)
		return -EINVAL;
	if (strcmp(line, text_escape(name, escaped, sizeof(escaped))) != 0)
		return -ENOENT;
	i.stamp = MIN(stamp, now);
	i.fifo_stamp = MIN(fifo, now);
	i.since = MIN(since, now);
	*ret = i;
	return 0;
}
