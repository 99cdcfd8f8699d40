/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Splits a line of a firewall's program into words. Private to cli/firewall*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word of the line, without a NUL at its end. LEN 0 without QUOTED: the line has no more
 * words. */
struct word {
	const char *p; /* without the quotes */
	size_t len;
	bool quoted;
};

/* The next word from *AT on, which is moved behind it. Words are separated by blanks; each
 * character of ALONE is a word of its own. In "quotes" neither applies, and a backslash escapes
 * the next character. */
struct word word_next(const char **at, const char *alone);

/* The same, without moving on. */
struct word word_peek(const char *at, const char *alone);

bool word_is(const struct word *w, const char *text);

/* Parse a whole number, decimal or 0x…. */
bool word_number(const struct word *w, uint32_t *ret);
