/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the reader behind keepalived/conf.h: tree, variables, tokens, lines. Private to
 * agent/keepalived/conf*.c. */
#pragma once

#include <sys/types.h>

#include "keepalived/conf.h"

#define KEEPALIVED_VARIABLES_MAX 1024
#define KEEPALIVED_SUBSTITUTIONS_MAX 200000

struct memory_chunk;

struct keepalived_conf {
	struct memory_chunk *chunks;
	size_t memory_bytes;
	const struct keepalived_directive *first;
	struct keepalived_note notes[KEEPALIVED_NOTES_MAX];
	size_t n_notes;
	unsigned unresolved[KEEPALIVED_UNRESOLVED];
	const char *files[KEEPALIVED_FILES_MAX];
	size_t n_files;
};

/* A block that is not closed yet. */
struct open_block {
	struct keepalived_directive *d;	   /* NULL: the file itself */
	struct keepalived_directive *last; /* its last directive so far */
};

struct variable {
	const char *name;
	size_t name_len;
	const char *value; /* several lines are separated by '\n' */
	bool doubtful;
};

/* The state of reading. */
struct reader {
	struct keepalived_conf *conf;
	const char *file, *dir;
	unsigned line, last; /* the first and the last of the current logical line */
	struct open_block open[KEEPALIVED_DEPTH_MAX + 1];
	unsigned depth;
	unsigned too_deep; /* open blocks beyond the maximum depth; they are left out */
	struct variable variables[KEEPALIVED_VARIABLES_MAX];
	size_t n_variables;
	size_t bytes;	   /* read, and produced by variables */
	unsigned replaced; /* number of substitutions */
	bool full;	   /* a global limit is reached: the rest is left out */
	bool doubtful;	   /* an unresolved construct touches the current line */
	const char *condition;
	int r; /* -ENOMEM: give up */
};

/* ---- files (conf.c) ---- */

struct file_id {
	dev_t dev;
	ino_t ino;
};

/* As os_read_file(). */
int conf_file_read(const char *path, struct file_id *ret_id, char **ret_text, size_t *ret_size);

/* ---- tree (conf_tree.c) ---- */

/* Memory that lives as long as the tree. NULL: none is left; the reason is noted in R. */
char *reader_copy(struct reader *r, const char *text, size_t len);

/* Count and note an unresolved construct at the current line, and mark the line doubtful. */
void reader_unresolved(struct reader *r, enum keepalived_unresolved p, const char *fmt, ...)
	_printf_(3, 4);

/* Count SIZE bytes against the limit. Returns false if the limit is reached. */
bool reader_spend(struct reader *r, size_t size);

/* Append a directive to the open block. */
void tree_add(struct reader *r, const char *const *words, unsigned n_words);
/* "{": turn the last directive into a block. */
void tree_open(struct reader *r);
void tree_close(struct reader *r);
/* End of all files: note the blocks that were never closed. */
void tree_end(struct reader *r);

/* ---- variables (conf_tokens.c) ---- */

/* Whether TEXT starts with "$NAME="; *RET_VALUE then points behind the "=". */
bool variable_definition(const char *text, size_t *ret_name_len, const char **ret_value);
/* Neither text has to end with a NUL. */

/* ---- tokens (conf_tokens.c) ---- */

enum token {
	TOKEN_WORD,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_END,
};

struct tokens {
	const char *in;
	char *out; /* room for the line and a NUL */
	bool unterminated;
};

char *line_skip_space(char *p);

/* Cut the comment and trailing white space off LINE. */
void line_decomment(char *line);

/* ---- lines (conf_tokens.c) ---- */

/* Take one whole line without its comment. LINE is changed. */
void reader_line(struct reader *r, char *line);
