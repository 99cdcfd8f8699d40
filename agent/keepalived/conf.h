/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived.conf as a tree of directives. It reads and does not judge: what
 * the keywords mean is for those who walk the tree.
 *
 * Nothing in a file is fatal. What cannot be known from the files alone, or is
 * more than the reader takes, becomes a unresolved: counted, noted with file and
 * line, and the directives it touches are doubtful. Who reports "nothing
 * found" looks at keepalived_conf_unresolved() first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <vipsafe/base.h>

/* Of all files together, with what $NAME made of them. */
#define KEEPALIVED_BYTES_MAX ((size_t)64 << 20)
/* Of the tree; some 100 bytes a line. */
#define KEEPALIVED_MEMORY_MAX ((size_t)192 << 20)
#define KEEPALIVED_LINE_MAX ((size_t)64 << 10)
#define KEEPALIVED_WORDS_MAX 256
#define KEEPALIVED_DEPTH_MAX 32
#define KEEPALIVED_INCLUDE_DEPTH_MAX 16
#define KEEPALIVED_FILES_MAX 1024
#define KEEPALIVED_NOTES_MAX 64
#define KEEPALIVED_NOTE_MAX 256

enum keepalived_unresolved {
	KEEPALIVED_CONDITION, /* "@id …": holds or not by how keepalived is started */
	KEEPALIVED_SEQUENCE,  /* ~SEQ(…), ~LST(…) */
	KEEPALIVED_VARIABLE,  /* $NAME not defined here, or made up by keepalived */
	KEEPALIVED_INCLUDE,   /* a file that could not be read, or includes itself */
	KEEPALIVED_SYNTAX,    /* braces or quotes that do not match, a NUL */
	KEEPALIVED_LIMIT,     /* more than the limits above; it was left out */
	KEEPALIVED_UNRESOLVED,
};

/* One line "keyword word… [{ … }]". The words are what the file holds, without
 * quotes: escape them before they are shown. */
struct keepalived_directive {
	const char *const *words; /* the keyword first */
	unsigned n_words;	  /* 0: a block without a keyword */
	unsigned line;
	const char *file;
	const char *condition; /* "id" or "^id" of a line that began with @; NULL: none */
	bool is_block;
	bool doubtful;	 /* a unresolved touches it or something in its block */
	bool incomplete; /* a block in which lines were left out */
	const struct keepalived_directive *next;
	const struct keepalived_directive *first; /* of its block */
};

struct keepalived_note {
	enum keepalived_unresolved unresolved;
	const char *file;
	unsigned line;
	char text[KEEPALIVED_NOTE_MAX]; /* printable, without file and line */
};

struct keepalived_conf;

/* Read PATH and what it includes: globs, relative to the including file.
 * Returns 0, or a negative errno when PATH itself cannot be read (-EINVAL: it
 * is no regular file) or memory is short. */
int keepalived_conf_read(const char *path, struct keepalived_conf **ret);

/* The same for SIZE bytes of TEXT that go by NAME; includes are unresolved.
 * Returns 0 or -ENOMEM. */
int keepalived_conf_parse(const char *name, const char *text, size_t size,
			  struct keepalived_conf **ret);

void keepalived_conf_free(struct keepalived_conf *c);
DEFINE_CLEANUP(struct keepalived_conf, keepalived_conf_free)

/* The first directive outside any block, NULL: there is none. */
const struct keepalived_directive *keepalived_conf_first(const struct keepalived_conf *c);

/* The first directive KEYWORD in the list from D on (D itself included), NULL:
 * there is none. The next one: keepalived_find(found->next, KEYWORD). */
const struct keepalived_directive *keepalived_find(const struct keepalived_directive *d,
						   const char *keyword);

/* Word I of D, or NULL. */
const char *keepalived_word(const struct keepalived_directive *d, unsigned i);

/* How many unresolved of one kind, or (KEEPALIVED_UNRESOLVED) of all kinds. */
unsigned keepalived_conf_unresolved(const struct keepalived_conf *c, enum keepalived_unresolved p);

/* The first KEEPALIVED_NOTES_MAX of them. */
const struct keepalived_note *keepalived_conf_notes(const struct keepalived_conf *c, size_t *ret_n);

/* File I of those that were read, PATH first; NULL: there are no more. */
const char *keepalived_conf_file(const struct keepalived_conf *c, size_t i);
