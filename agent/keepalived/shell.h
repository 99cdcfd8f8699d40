/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A shell script, read as a shell reads it, as far as that shows what it calls:
 * quotes, comments, continuation lines, here-documents, substitutions and
 * variables. Nothing is run, and what only a run would tell stays unknown. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* In a word, for what is not known: a variable is its name between two of
 * these, a substitution two of them side by side. */
#define SHELL_UNKNOWN '\1'

/* A simple command: a program and its arguments. */
struct shell_call {
	unsigned line; /* of its first word, counted from 1 */
	char *const *words;
	size_t n; /* at least 1 */
	/* As the script has it, without what it is redirected to at its end. */
	const char *text;
	size_t len;
	/* What it reads from "<<EOF", or NULL; valid after the call itself has been
	 * handed out: given once more then. */
	const char *input;
	bool reads_here; /* there will be INPUT, unless it is empty */
};

typedef void (*shell_call_fn)(void *ud, const struct shell_call *c);

/* Hand out each command of SCRIPT, in order. 0; -ENOMEM; -E2BIG: substitutions
 * are within one another too deep, or words too long, and the rest was not
 * read. */
int shell_read(const char *script, shell_call_fn call, void *ud);
