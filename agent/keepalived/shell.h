/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a shell script as a shell does, as far as needed to see which commands it calls: quotes,
 * comments, continuation lines, here-documents, substitutions and variables. Nothing is executed;
 * what only execution would show stays unknown. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Marks unknown text in a word: a variable is its name between two of these, a substitution is
 * two of them side by side. */
#define SHELL_UNKNOWN '\1'

/* A simple command: a program and its arguments. */
struct shell_call {
	unsigned line; /* of its first word, counted from 1 */
	char *const *words;
	size_t n; /* at least 1 */
	/* As in the script, without redirections at its end. */
	const char *text;
	size_t len;
	/* The text of its here-document ("<<EOF"), or NULL. It stands below the call, which is
	 * therefore handed out a second time, then with INPUT. */
	const char *input;
	bool reads_here; /* INPUT will follow, unless it is empty */
};

typedef void (*shell_call_fn)(void *ud, const struct shell_call *c);

/* Hand out each command of SCRIPT, in order. Returns 0; -ENOMEM; -E2BIG: substitutions are nested
 * too deep, or words are too long, and the rest was not read. */
int shell_read(const char *script, shell_call_fn call, void *ud);
