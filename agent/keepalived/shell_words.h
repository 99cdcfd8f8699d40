/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a shell script's reader keeps. Private to keepalived/shell*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "keepalived/shell.h"

#define SHELL_DEPTH_MAX 64

/* Text that grows. */
struct shell_text {
	char *p; /* owned; ends with a NUL once there is any */
	size_t n, cap;
};

struct shell_variable {
	char *name, *value; /* owned */
};

struct shell {
	const char *begin, *at;
	struct shell_variable *variables; /* owned */
	size_t n_variables;
	int error;	/* sticky */
	size_t work;	/* characters that were copied */
	unsigned depth; /* of what is within one another */
	char end;	/* of the commands that are read */
	bool is_trial;	/* nothing is handed out: only variables are looked for */
	/* the command that is read */
	char **words; /* owned, and so is each */
	size_t n;
	const char *from, *to; /* of its text */
	const char *to_before; /* without the last word */
	struct shell_text word;
	bool in_word;
	char *asked_for; /* owned: what "which" was asked for last, or NULL */
	shell_call_fn call;
	void *ud;
};

void shell_text_add(struct shell *s, struct shell_text *t, const char *p, size_t n);

/* The value of a variable, or NULL. */
const char *shell_variable(const struct shell *s, const char *name, size_t n);
void shell_assign(struct shell *s, const char *name, size_t n, const char *value);

/* End the word that is read, if one is. */
void shell_word_end(struct shell *s);

/* Read what stands up to the next blank or operator: one word, or several, or
 * none, where a variable is. */
void shell_word(struct shell *s);

/* Read commands up to END, which is taken: ')' or '`'; '\0': the end of the
 * text. Those that are being read are kept aside. */
void shell_commands(struct shell *s, char end);

/* Remember what a command asks for: "which NAME", "command -v NAME" and "type -p
 * NAME" print where it is. */
void shell_ask(struct shell *s, char *const *words, size_t n);
