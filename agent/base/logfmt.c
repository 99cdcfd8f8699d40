/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/logfmt.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The longest value, escaped. */
#define LOGFMT_VALUE_MAX 8192

void logfmt_add(struct logfmt *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->n, l->size - l->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->n = MIN(l->n + (size_t)n, l->size - 1);
}

static void logfmt_put(struct logfmt *l, char c)
{
	if (l->n + 1 >= l->size)
		return;
	l->buf[l->n++] = c;
	l->buf[l->n] = '\0';
}

static void logfmt_value(struct logfmt *l, const char *value)
{
	char text[LOGFMT_VALUE_MAX];
	const char *p;

	text_escape(value, text, sizeof(text));
	if (*text && !strpbrk(text, " \"=")) {
		logfmt_add(l, "%s", text);
		return;
	}
	logfmt_put(l, '"');
	for (p = text; *p; p++)
		logfmt_add(l, *p == '"' ? "\\x22" : "%c", *p);
	logfmt_put(l, '"');
}

void logfmt_add_text(struct logfmt *l, const char *key, const char *value)
{
	logfmt_add(l, " %s=", key);
	logfmt_value(l, value);
}

/* Take back the " key=" that the line ends with. */
static void logfmt_drop_key(struct logfmt *l)
{
	while (l->n && l->buf[l->n] != ' ')
		l->n--;
	l->buf[l->n] = '\0';
}

/* The next argument, of SIZE (as in "%lld": 2, "%zu": 'z'). */
#define LOGFMT_NUMBER(ap, size, type)                          \
	((size) == 'z' ? (long long)va_arg(ap, size_t)         \
	 : (size) == 2 ? (long long)va_arg(ap, type long long) \
	 : (size) == 1 ? (long long)va_arg(ap, type long)      \
		       : (long long)va_arg(ap, type int))

void logfmt_add_va(struct logfmt *l, const char *fmt, va_list ap)
{
	const char *p, *value;
	int size;

	for (p = fmt; *p; p++) {
		if (*p != '%') {
			logfmt_put(l, *p);
			continue;
		}
		size = 0;
		for (p++; *p == 'l' || *p == 'z'; p++)
			size = *p == 'z' ? 'z' : size + 1;
		if (*p == 's') {
			value = va_arg(ap, const char *);
			if (*value)
				logfmt_value(l, value);
			else
				logfmt_drop_key(l);
		} else if (*p == 'u') {
			logfmt_add(l, "%llu",
				   (unsigned long long)LOGFMT_NUMBER(ap, size, unsigned));
		} else {
			logfmt_add(l, "%lld", LOGFMT_NUMBER(ap, size, signed));
		}
	}
}
