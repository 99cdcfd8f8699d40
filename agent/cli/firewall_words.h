/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a line that a firewall's program prints. Private to cli/firewall*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word of the line: not ended by a NUL. LEN 0: the line has no more. */
struct word {
	const char *p; /* without the quotes */
	size_t len;
	bool quoted;
};

/* The next word from *AT on, which then stands behind it. Words are parted by blanks
 * and by each of ALONE, which are words by themselves; within "quotes" neither counts,
 * and a backslash takes the next character as it is. */
struct word word_next(const char **at, const char *alone);

/* The same without going on. */
struct word word_peek(const char *at, const char *alone);

bool word_is(const struct word *w, const char *text);

/* A whole number, 0x or decimal. */
bool word_number(const struct word *w, uint32_t *ret);
