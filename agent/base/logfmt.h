/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the log: key=value, separated by spaces. A value with spaces is quoted; a quote within
 * it becomes \x22, so that what reads the line need not know of escapes. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <vipsafe/base.h>

/* A line that grows up to the end of its buffer. To be initialised with BUF and SIZE (not 0). */
struct logfmt {
	char *buf;
	size_t size, n;
};

/* Add text as it is: it must be printable. */
void logfmt_add(struct logfmt *l, const char *fmt, ...) _printf_(2, 3);

/* Add " key=value" for any VALUE. */
void logfmt_add_text(struct logfmt *l, const char *key, const char *value);

/* Add FMT, like "msg=\"it was read again\" dev=%s lost=%llu", where each "%s" is a whole value,
 * which is escaped, and quoted if need be; of an empty one the key is left out, too. Known are %s
 * and whole numbers (%d %i %u, with l, ll or z). */
void logfmt_add_va(struct logfmt *l, const char *fmt, va_list ap) _printf_(2, 0);
