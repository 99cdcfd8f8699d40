/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of an enum: a table in the order of its members, ended by NULL. One table serves for
 * reading and writing, and for a key of the configuration (SETTING_WORD). */
#pragma once

#include <stddef.h>

/* The word of VALUE; "?" if it has none. */
const char *word_of(const char *const *words, unsigned value);

/* The value of WORD, or -EINVAL. */
int word_find(const char *const *words, const char *word);

/* All words, separated by BETWEEN, as far as they fit. Returns BUF. */
const char *word_list(const char *const *words, const char *between, char *buf, size_t size);
