/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings about the node, a file or the daemon: a list; each has a stable code, says why it
 * matters and what to do. Text and JSON are made by show/finding_show. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <vipsafe/base.h>
#include <vipsafe/protocol.h>

#define FINDING_CODE_MAX 40
#define FINDING_TEXT_MAX 320
#define FINDING_FIX_MAX 640
#define FINDINGS_MAX 256 /* more are counted, not kept */

enum severity {
	SEVERITY_NOTE,	 /* worth knowing; nothing is wrong */
	SEVERITY_UNSEEN, /* could not be checked */
	SEVERITY_WARNING,
	SEVERITY_CRITICAL, /* connections will be lost, or already are */
};

struct finding {
	enum severity severity;
	char code[FINDING_CODE_MAX];   /* stable: "conntrack-table-full" */
	char text[FINDING_TEXT_MAX];   /* one line: why */
	char fix[FINDING_FIX_MAX];     /* a command to paste, which destroys nothing; "": none */
	char advice[FINDING_TEXT_MAX]; /* what to do, in words; "": none, or there is a fix */
};

/* In the order in which they were added. All zero: an empty list. */
struct findings {
	struct finding *list; /* owned */
	size_t n;
	size_t dropped; /* did not fit */
};

void findings_done(struct findings *f);

/* Add one. CURE, which may be NULL, becomes its fix if it is a command of base/remedy, else its
 * advice. The same code and text is added once. */
void findings_add(struct findings *f, enum severity severity, const char *code, const char *cure,
		  const char *fmt, ...) _printf_(5, 6);

/* Add all of OTHER. */
void findings_append(struct findings *f, const struct findings *other);

/* Whether there is one with CODE. */
bool findings_have(const struct findings *f, const char *code);

/* EXIT_DONE, EXIT_WARNINGS (also if something could not be checked, or did not fit) or
 * EXIT_CRITICAL. */
enum exit_code findings_exit_code(const struct findings *f);

/* "note", "unseen", "warning", "critical". */
const char *severity_name(enum severity s);

/* The commands that a finding may print as its fix. Whoever pastes one must not lose a rule, an
 * address or a connection. Anything else is advice. */
/* Whether TEXT is one of the commands. "%s" in a command stands for a word without characters
 * that are special to a shell, "%q" for what is in quotes, "%w" for several words, which may be in
 * quotes. */
bool remedy_is_command(const char *text);
