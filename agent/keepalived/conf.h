/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived.conf as a tree of directives. The reader does not interpret keywords; its callers
 * do.
 *
 * Nothing in a file is fatal. A construct whose meaning cannot be known from the files alone, or
 * that exceeds a limit, stays unresolved: it is counted, noted with file and line, and the
 * directives it touches are marked doubtful. Before reporting "nothing found", check
 * keepalived_conf_unresolved(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <vipsafe/base.h>

/* For all files together, with the expanded variables. */
#define KEEPALIVED_BYTES_MAX ((size_t)64 << 20)
/* For the tree; about 100 bytes per line. */
#define KEEPALIVED_MEMORY_MAX ((size_t)192 << 20)
#define KEEPALIVED_LINE_MAX ((size_t)64 << 10)
#define KEEPALIVED_WORDS_MAX 256
#define KEEPALIVED_DEPTH_MAX 32
#define KEEPALIVED_INCLUDE_DEPTH_MAX 16
#define KEEPALIVED_FILES_MAX 1024
#define KEEPALIVED_NOTES_MAX 64
#define KEEPALIVED_NOTE_MAX 256

enum keepalived_unresolved {
	KEEPALIVED_CONDITION, /* "@id …": depends on how keepalived is started */
	KEEPALIVED_SEQUENCE,  /* ~SEQ(…), ~LST(…) */
	KEEPALIVED_VARIABLE,  /* $NAME not defined here, or set by keepalived itself */
	KEEPALIVED_INCLUDE,   /* a file that cannot be read, or that includes itself */
	KEEPALIVED_SYNTAX,    /* unbalanced braces or quotes, a NUL byte */
	KEEPALIVED_LIMIT,     /* beyond one of the limits above, and left out */
	KEEPALIVED_UNRESOLVED,
};

/* One line "keyword word… [{ … }]". The words are as in the file, without quotes: escape them
 * before printing. */
struct keepalived_directive {
	const char *const *words; /* the keyword first */
	unsigned n_words;	  /* 0: a block without a keyword */
	unsigned line;
	unsigned last; /* of its lines, or of its block; 0: it ends in another file, or nowhere */
	const char *file;
	const char *condition; /* "id" or "^id" of a line that began with @; NULL: none */
	bool is_block;
	bool doubtful;	 /* an unresolved construct touches it or its block */
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

/* Read PATH and the files it includes (globs, relative to the including file). Returns 0, or a
 * negative errno: PATH cannot be read (-EINVAL: not a regular file), or -ENOMEM. */
int keepalived_conf_read(const char *path, struct keepalived_conf **ret);

/* The same for SIZE bytes of TEXT, reported as file NAME; includes stay unresolved. Returns 0 or
 * -ENOMEM. */
int keepalived_conf_parse(const char *name, const char *text, size_t size,
			  struct keepalived_conf **ret);

void keepalived_conf_free(struct keepalived_conf *c);
DEFINE_CLEANUP(struct keepalived_conf, keepalived_conf_free)

/* The first directive outside any block, or NULL. */
const struct keepalived_directive *keepalived_conf_first(const struct keepalived_conf *c);

/* The first directive KEYWORD in the list from D on (D included), or NULL. To get the next one:
 * keepalived_find(found->next, KEYWORD). */
const struct keepalived_directive *keepalived_find(const struct keepalived_directive *d,
						   const char *keyword);

/* Word I of D, or NULL. */
const char *keepalived_word(const struct keepalived_directive *d, unsigned i);

/* The number of unresolved constructs of kind P, or (KEEPALIVED_UNRESOLVED) of all kinds. */
unsigned keepalived_conf_unresolved(const struct keepalived_conf *c, enum keepalived_unresolved p);

/* The first KEEPALIVED_NOTES_MAX notes about unresolved constructs, owned by C. */
const struct keepalived_note *keepalived_conf_notes(const struct keepalived_conf *c, size_t *ret_n);

/* The path of file I of those that were read, PATH being the first; NULL: there are no more. */
const char *keepalived_conf_file(const struct keepalived_conf *c, size_t i);
