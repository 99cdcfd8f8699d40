/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *word_of(const char *const *words, unsigned value)
{
	unsigned i;

	for (i = 0; i < value && words[i]; i++)
		;
	return words[i] ? words[i] : "?";
}

int word_find(const char *const *words, const char *word)
{
	int i;

	for (i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return i;
	return -EINVAL;
}

const char *word_list(const char *const *words, const char *between, char *buf, size_t size)
{
	size_t i, n = 0;

	*buf = '\0';
	for (i = 0; words[i] && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? between : "", words[i]);
	return buf;
}
