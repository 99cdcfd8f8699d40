/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_RAW 4096

/* No byte above ASCII: a terminal that is not in UTF-8 takes 0x80-0x9f for control characters. */
static int text_is_printable(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

const char *text_escape(const char *in, char *buf, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0, cut = 0;

	for (; *in; in++) {
		unsigned char c = (unsigned char)*in;
		size_t need = text_is_printable(c) ? 1 : 4;

		if (n + need >= size) {
			memcpy(buf + cut, "...", 4);
			return buf;
		}
		if (text_is_printable(c)) {
			buf[n++] = (char)c;
		} else {
			buf[n++] = '\\';
			buf[n++] = 'x';
			buf[n++] = hex[c >> 4];
			buf[n++] = hex[c & 15];
		}
		if (n + 4 <= size)
			cut = n;
	}
	buf[n] = '\0';
	return buf;
}

void text_line_va(char *buf, size_t size, const char *fmt, va_list ap)
{
	char raw[LINE_MAX_RAW];

	if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		raw[0] = '\0';
	text_escape(raw, buf, size);
}

void text_line(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_line_va(buf, size, fmt, ap);
	va_end(ap);
}

int request_error_set(struct request_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_line_va(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int text_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	const char *p;

	if (!*text)
		return -EINVAL;
	for (p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
	}
	for (p = text; *p; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	if (n < min || n > max)
		return -ERANGE;
	*ret = n;
	return 0;
}

static const struct {
	const char *name;
	usec_t usec;
} units[] = {
	{ "us", 1 },
	{ "ms", USEC_PER_MSEC },
	{ "s", USEC_PER_SEC },
	{ "min", 60 * USEC_PER_SEC },
	{ "h", 3600 * USEC_PER_SEC },
};

int duration_parse(const char *text, usec_t *ret)
{
	size_t digits = strspn(text, "0123456789"), i;
	char number[24];
	uint64_t n;

	if (!digits)
		return -EINVAL;
	if (!strcmp(text, "0")) { /* of whatever unit */
		*ret = 0;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].name))
			continue;
		if (digits >= sizeof(number))
			return -ERANGE;
		memcpy(number, text, digits);
		number[digits] = '\0';
		/* USEC_NEVER is not a duration */
		if (text_number(number, 0, (USEC_NEVER - 1) / units[i].usec, &n) < 0)
			return -ERANGE;
		*ret = n * units[i].usec;
		return 0;
	}
	return -EINVAL;
}

const char *duration_format(usec_t d, char buf[DURATION_TEXT_MAX])
{
	size_t i = ARRAY_SIZE(units) - 1;

	while (i && (d < units[i].usec || d % units[i].usec))
		i--;
	if (!d) /* not "0us" */
		snprintf(buf, DURATION_TEXT_MAX, "0s");
	else
		snprintf(buf, DURATION_TEXT_MAX, "%llu%s", (unsigned long long)(d / units[i].usec),
			 units[i].name);
	return buf;
}

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

bool text_number_between(const char *text, const char *prefix, const char *suffix, int *ret)
{
	size_t len = strlen(prefix);
	int n = 0;

	if (strncmp(text, prefix, len) != 0 || text[len] < '1' || text[len] > '9')
		return false;
	for (text += len; *text >= '0' && *text <= '9'; text++) {
		int digit = *text - '0';

		if (n > (INT_MAX - digit) / 10)
			return false;
		n = 10 * n + digit;
	}
	if (strcmp(text, suffix) != 0)
		return false;
	*ret = n;
	return true;
}

#define GUESS_MAX 32
#define GUESS_DISTANCE 2 /* letters that may be wrong; a third of the word in short ones */

/* Letters to insert, remove, replace or swap with their neighbour to make B of A. */
static size_t text_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t d[GUESS_MAX][GUESS_MAX], i, j;

	for (i = 0; i <= n; i++)
		d[i][0] = i;
	for (j = 0; j <= m; j++)
		d[0][j] = j;
	for (i = 1; i <= n; i++) {
		for (j = 1; j <= m; j++) {
			size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, d[i - 1][j] + 1);
			best = MIN(best, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return d[n][m];
}

void text_guess_begin(struct text_guess *g, const char *word)
{
	*g = (struct text_guess){ .word = word, .distance = GUESS_DISTANCE + 1 };
}

void text_guess_try(struct text_guess *g, const char *candidate)
{
	size_t n = strlen(g->word), m = strlen(candidate), distance;

	if (n >= GUESS_MAX || m >= GUESS_MAX)
		return;
	distance = text_distance(g->word, n, candidate, m);
	if (distance >= g->distance || 3 * distance > MAX(n, m))
		return;
	g->distance = distance;
	g->best = candidate;
}
