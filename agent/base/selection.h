/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections are selected: those that a filter "only" matches, or all if there is none of
 * these, but none that a filter "except" matches. */
#pragma once

#include "base/pattern.h"

#define SELECTION_MAX 16 /* filters */

/* Initially zero: everything is selected. */
struct selection {
	struct selection_filter {
		struct pattern pattern;
		bool except;
	} filters[SELECTION_MAX];
	size_t n;
};

/* Whether WORD is "only", "except" or a filter word of pattern_words(). */
bool selection_is_word(const char *word);

/* The words that begin a filter, the I-th; NULL after the last. */
const char *selection_word(size_t i);

/* Take up a WORD of a command line and, if it has one, its VALUE (NULL: the line is over).
 * "only" and "except" begin a filter; filter words before either are one of "only".
 * *RET_USED: how many words it took. 0 or -EINVAL. */
int selection_take(struct selection *s, const char *word, const char *value, int *ret_used,
		   struct request_error *ret_error);

/* Take up filters of "only" or of "except", separated by semicolons:
 * "proto tcp dport 443; dst 10.0.0.0/8". 0 or -EINVAL. */
int selection_add(struct selection *s, bool except, const char *text,
		  struct request_error *ret_error);

/* Whether each filter of S has words, and they go together: 0 or -EINVAL. */
int selection_check(const struct selection *s, struct request_error *ret_error);

/* Whether C, which has MARK, is selected; whether that depends on the mark. */
bool selection_has(const struct selection *s, const struct conn *c, uint32_t mark);
bool selection_needs_mark(const struct selection *s);
