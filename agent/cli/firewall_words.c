/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/firewall_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct word word_next(const char **at, const char *alone)
{
	const char *p = *at + strspn(*at, " \t");
	struct word w = { .p = p };

	if (*p == '"') {
		p++;
		w = (struct word){ .p = p, .quoted = true };
		while (*p && *p != '"')
			p += *p == '\\' && p[1] ? 2 : 1;
		w.len = (size_t)(p - w.p);
		*at = *p ? p + 1 : p;
		return w;
	}
	if (*p && strchr(alone, *p))
		w.len = 1;
	else
		while (p[w.len] && !strchr(" \t", p[w.len]) && !strchr(alone, p[w.len]))
			w.len++;
	*at = p + w.len;
	return w;
}

struct word word_peek(const char *at, const char *alone)
{
	return word_next(&at, alone);
}

bool word_is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && !memcmp(w->p, text, w->len);
}

bool word_number(const struct word *w, uint32_t *ret)
{
	char copy[16], *end;
	unsigned long n;

	if (!w->len || w->len >= sizeof(copy) || !isdigit((unsigned char)w->p[0]))
		return false;
	memcpy(copy, w->p, w->len);
	copy[w->len] = '\0';
	n = strtoul(copy, &end, 0);
	*ret = (uint32_t)n;
	return !*end && n <= UINT32_MAX;
}
