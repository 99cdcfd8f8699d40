/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interprets one line in keepalived's order: "@id", "$NAME=", variables, words. */
#include "keepalived/conf_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINES_NESTED_MAX 16

static void conf_take_words(struct reader *r, char *line)
{
	_cleanup_free_ char *out = malloc(strlen(line) + 1);
	const char *words[KEEPALIVED_WORDS_MAX];
	struct tokens t = { line, out, false };
	unsigned n = 0, dropped = 0;
	enum token token;

	if (!out) {
		r->r = -ENOMEM;
		return;
	}
	do {
		const char *word = NULL;

		token = token_next(&t, &word);
		if (t.unterminated) {
			t.unterminated = false;
			reader_unresolved(r, KEEPALIVED_SYNTAX, "a quote that does not end");
		}
		if (token == TOKEN_WORD) {
			if (n < KEEPALIVED_WORDS_MAX)
				words[n++] = word;
			else
				dropped++;
			continue;
		}
		if (dropped) {
			reader_unresolved(r, KEEPALIVED_LIMIT, "more than %d words",
					  KEEPALIVED_WORDS_MAX);
			dropped = 0;
		}
		if (n)
			tree_add(r, words, n);
		n = 0;
		if (token == TOKEN_OPEN)
			tree_open(r);
		else if (token == TOKEN_CLOSE)
			tree_close(r);
	} while (token != TOKEN_END && !r->r);
}

/* "@id": the rest of the line applies on some machines only. Returns the rest. */
static char *take_condition(struct reader *r, char *p)
{
	size_t n = strcspn(p + 1, " \t\r");

	reader_unresolved(r, KEEPALIVED_CONDITION, "@%.*s depends on how keepalived is started",
			  (int)MIN(n, (size_t)64), p + 1);
	r->condition = reader_copy(r, p + 1, n);
	return line_skip_space(p + 1 + n);
}

/* Take a line that has no variables left to replace. */
static void take_plain(struct reader *r, char *p)
{
	p = line_skip_space(p);
	if (*p == '@')
		p = take_condition(r, p);
	if (*p == '~')
		reader_unresolved(r, KEEPALIVED_SEQUENCE, "a ~SEQ or ~LST, which is not followed");
	else
		conf_take_words(r, p);
}

static void conf_take_line(struct reader *r, char *line, unsigned nesting);

/* Replace the variables of LINE and take the result, which may be several lines. */
static void take_replaced(struct reader *r, const char *line, unsigned nesting)
{
	_cleanup_free_ char *text = variables_replace(r, line);
	char *p = text, *next;

	if (!text)
		return;
	if (!strchr(text, '\n')) {
		take_plain(r, text);
		return;
	}
	for (; p && !r->r && !r->full; p = next) {
		next = strchr(p, '\n');
		if (next)
			*next++ = '\0';
		conf_take_line(r, p, nesting + 1);
	}
}

/* Take one line without its comment. Also called for each line of a variable's value. */
static void conf_take_line(struct reader *r, char *line, unsigned nesting)
{
	const char *outer = r->condition, *value;
	bool doubtful = r->doubtful;
	char *p = line_skip_space(line);
	size_t n;

	if (nesting > LINES_NESTED_MAX) {
		reader_unresolved(r, KEEPALIVED_LIMIT, "variables nested too deep");
		return;
	}
	if (*p == '@')
		p = take_condition(r, p);
	if (variable_definition(p, &n, &value))
		variable_define(r, p + 1, n, value, strlen(value));
	else if (*p != '~' && strchr(p, '$'))
		take_replaced(r, p, nesting);
	else
		take_plain(r, p);
	r->condition = outer;
	r->doubtful = doubtful;
}

void reader_line(struct reader *r, char *line)
{
	conf_take_line(r, line, 0);
}
