/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of a script do, told by their words. Private to keepalived/script*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "keepalived/script.h"

/* The words of a command in a script. Private to keepalived/script*.c. */

/* The words that are still to be looked at. */
struct script_words {
	char *const *at;
	size_t n;
};

/* Take off the first word; NULL: there is none. */
const char *script_word_next(struct script_words *w);

bool script_word_is_option(const char *word);

/* Whether WORD, which may be NULL, is an abbreviation of WHOLE with LEAST letters or more, as
 * iproute2 and nmcli accept it. */
bool script_word_begins(const char *word, const char *whole, size_t least);

/* Whether WORD, the first one of a command, calls PROGRAM. */
bool script_word_calls(const char *word, const char *program);

/* The meaning of ip's own options. */
struct script_ip {
	struct script_words words; /* after the options */
	const char *batch; /* the file it reads commands from; NULL: the command is in WORDS */
	bool is_elsewhere; /* another network namespace */
};

void script_ip_read(struct script_words w, struct script_ip *ret);

/* Take the next order from the words after "conntrackd"; false: there is none. The file after -C is
 * skipped. The line is left alone. */
bool script_order_next(struct script_words *w, struct script_order *ret);

/* What a program does when it is called with given arguments. Private to keepalived/script*.c. */
/* Whether PROGRAM with the arguments W breaks connections; *RET says how. */
bool script_deed_find(const char *program, struct script_words w, enum script_deed *ret);

/* The same for ip; W are its arguments after its own options. */
bool script_deed_of_ip(struct script_words w, enum script_deed *ret);
