/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of the reader of shell scripts. Private to keepalived/shell*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "keepalived/shell.h"

#define SHELL_DEPTH_MAX 64

/* A growing text. */
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
	size_t work;	/* characters copied so far; limited */
	unsigned depth; /* of nesting */
	char end;	/* closes the commands being read */
	bool is_trial;	/* collect variables only: no command is handed out */
	/* the command being read */
	char **words; /* owned, with each word */
	size_t n;
	const char *from, *to; /* its text in the script */
	const char *to_before; /* TO without the last word */
	struct shell_text word;
	bool in_word;
	char *asked_for; /* owned: where "which" would find its last argument, or NULL */
	/* Read commands up to END, which is consumed: ')' or '`'; '\0': the end of the text.
	 * The command being read is set aside meanwhile. */
	void (*commands)(struct shell *s, char end);
	shell_call_fn call;
	void *ud;
};

void shell_text_add(struct shell *s, struct shell_text *t, const char *p, size_t n);

/* The value of the variable NAME of N bytes, or NULL. */
const char *shell_variable(const struct shell *s, const char *name, size_t n);
void shell_assign(struct shell *s, const char *name, size_t n, const char *value);
void shell_variables_done(struct shell *s);

/* The length of NAME in "NAME=…", "NAME+=…", or 0. */
size_t shell_assigned_name(const char *word);

/* Take WORD, which is such an assignment. */
void shell_take_assignment(struct shell *s, const char *word);

/* Take "(a b c)" after the word "NAME=": the value is the words, joined by blanks. */
void shell_assign_array(struct shell *s);

/* Read up to the next blank or operator: one word, or several or none if variables are in it. */
void shell_word(struct shell *s);

/* Remember what a command asks for: "which NAME", "command -v NAME" and "type -p NAME" print the
 * path of NAME. */
void shell_ask(struct shell *s, char *const *words, size_t n);
