/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes text that came from outside fit for a terminal or a log. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
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

/* What is wrong with a request, a setting, or whatever else people have written. */
#define REQUEST_ERROR_MAX 256
struct request_error {
	char text[REQUEST_ERROR_MAX]; /* one printable line, names the offending word */
};

/* Fill E; characters that are not printable are escaped. Returns -EINVAL. */
int request_error_set(struct request_error *e, const char *fmt, ...) _printf_(2, 3);

/* Parse a whole decimal number of digits only. Returns 0, -EINVAL, or -ERANGE
 * when it is below MIN or above MAX. */
int text_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* Durations as text. */
/* Parse "500ms", "2s", "1min", "250us": a whole number with a unit, no space. Returns 0, -EINVAL
 * (malformed, unit missing) or -ERANGE. */
int duration_parse(const char *text, usec_t *ret);

#define DURATION_TEXT_MAX 32

/* Format D with the largest unit that is exact. Returns BUF. */
const char *duration_format(usec_t d, char buf[DURATION_TEXT_MAX]);

/* The words of an enum: a table in the order of its members, ended by NULL. One table serves for
 * reading and writing, and for a key of the configuration (SETTING_WORD). */
/* The word of VALUE; "?" if it has none. */
const char *word_of(const char *const *words, unsigned value);

/* The value of WORD, or -EINVAL. */
int word_find(const char *const *words, const char *word);

/* All words, separated by BETWEEN, as far as they fit. Returns BUF. */
const char *word_list(const char *const *words, const char *between, char *buf, size_t size);

/* Read a number without sign or leading zero, at most INT_MAX, between PREFIX and SUFFIX; false if
 * there is anything else. */
bool text_number_between(const char *text, const char *prefix, const char *suffix, int *ret);

/* The likeliest of several words for one that was mistyped. */
struct text_guess {
	const char *word;
	const char *best; /* NULL: none is like it */
	size_t distance;  /* of BEST */
};

void text_guess_begin(struct text_guess *g, const char *word);

/* Of two that are equally like it the first is kept. Words of more than 31 characters are like
 * none. */
void text_guess_try(struct text_guess *g, const char *candidate);
