/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes text that came from outside fit for a terminal or a log. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

/* Copy IN to BUF with every byte that is not printable ASCII written as \xNN.
 * Never splits an escape; cuts with "..." when SIZE (at least 8) is too small.
 * Applying it twice changes nothing more. Returns BUF. */
const char *text_escape(const char *in, char *buf, size_t size);

/* printf() into BUF, cut to SIZE, then escaped in place: one printable line, whatever the
 * arguments contain. */
void text_line(char *buf, size_t size, const char *fmt, ...) _printf_(3, 4);
void text_line_va(char *buf, size_t size, const char *fmt, va_list ap) _printf_(3, 0);

/* Parse a whole decimal number of digits only. Returns 0, -EINVAL, or -ERANGE
 * when it is below MIN or above MAX. */
int text_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
