/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a command in a script. Private to keepalived/script*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Those that are still to be looked at. */
struct script_words {
	char *const *at;
	size_t n;
};

/* The first one, which is none of them any more; NULL: there is none. */
const char *script_word_next(struct script_words *w);

/* Whether one of them is WANTED. */
bool script_words_have(struct script_words w, const char *wanted);

bool script_word_is_option(const char *word);

/* Whether WORD, which may be NULL, is a beginning of WHOLE, of LEAST letters or more: as
 * iproute2 and nmcli take words. */
bool script_word_begins(const char *word, const char *whole, size_t least);

/* Whether WORD, in a command's first place, calls PROGRAM. */
bool script_word_calls(const char *word, const char *program);

/* What ip's own options say. */
struct script_ip {
	struct script_words words; /* behind them */
	const char *batch;	   /* where it reads its commands; NULL: they are its words */
	bool is_elsewhere;	   /* in another network namespace */
};

void script_ip_read(struct script_words w, struct script_ip *ret);
