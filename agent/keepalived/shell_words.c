/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a shell script. */
#include "keepalived/shell_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/array.h"

#define BLANK " \t\r\n"
#define META BLANK ";&|()<>"

#define WORDS_MAX 8192

/* ---- words ---- */

static void shell_words_put(struct shell *s, const char *p, size_t n)
{
	s->in_word = true;
	shell_text_add(s, &s->word, p, n);
}

/* End the current word, if there is one. */
static void shell_word_end(struct shell *s)
{
	char **place;

	if (!s->in_word || s->error)
		return;
	shell_words_put(s, "", 0);
	if (s->n == WORDS_MAX) {
		s->error = -E2BIG;
		return;
	}
	place = array_append(&s->words, &s->n, sizeof(*place));
	if (!place) {
		s->error = -ENOMEM;
		return;
	}
	*place = s->word.p;
	s->word = (struct shell_text){ .p = NULL };
	s->in_word = false;
}

/* Add the value of a variable; outside of quotes each blank ends a word. */
static void put_value(struct shell *s, const char *value, bool quoted)
{
	size_t n;

	if (quoted) {
		shell_words_put(s, value, strlen(value));
		return;
	}
	while (*value) {
		n = strcspn(value, BLANK);
		if (n)
			shell_words_put(s, value, n);
		value += n;
		n = strspn(value, BLANK);
		if (n)
			shell_word_end(s);
		value += n;
	}
}

static void put_unknown(struct shell *s, const char *name, size_t n)
{
	const char mark = SHELL_UNKNOWN;

	shell_words_put(s, &mark, 1);
	shell_words_put(s, name, n);
	shell_words_put(s, &mark, 1);
}

static void put_variable(struct shell *s, const char *name, size_t n, bool quoted)
{
	const char *value = shell_variable(s, name, n);

	if (value)
		put_value(s, value, quoted);
	else
		put_unknown(s, name, n);
}

static size_t shell_words_name_length(const char *p)
{
	size_t n = 0;

	if (isdigit((unsigned char)*p))
		return 1;
	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n ? n : *p && strchr("@*#?$!-", *p) ? 1 : 0;
}

/* Whether S is at the closing one of two backquotes. */
static bool ends_here(const struct shell *s)
{
	return *s->at == '`' && s->end == '`';
}

static void double_quoted(struct shell *s, char end);
static void dollar(struct shell *s, bool quoted);

/* Read the commands of a substitution up to END. Of their output only that of "which" is known. */
static void substituted(struct shell *s, char end, bool quoted)
{
	char *outer = s->asked_for;

	s->asked_for = NULL;
	s->commands(s, end);
	if (s->asked_for)
		put_value(s, s->asked_for, quoted);
	else
		put_unknown(s, "", 0);
	free(s->asked_for);
	s->asked_for = outer;
}

static void backquoted(struct shell *s, bool quoted)
{
	s->at++;
	substituted(s, '`', quoted);
}

/* Skip "$((1 + 2))", from behind its first "(" to the matching bracket. */
static void skip_arithmetic(struct shell *s)
{
	size_t open = 0;

	do {
		open += *s->at == '(';
		open -= *s->at == ')';
		s->at += *s->at != '\0';
	} while (open && *s->at);
	put_unknown(s, "", 0);
}

/* Read up to "}" for the commands in there; the text is dropped. */
static void rest_of_braces(struct shell *s)
{
	struct shell_text kept = s->word;

	s->word = (struct shell_text){ .p = NULL };
	double_quoted(s, '}');
	free(s->word.p);
	s->word = kept;
}

/* "${NAME}", "${NAME:-word}", "${NAME[@]}" and other forms. */
static void braced(struct shell *s, bool quoted)
{
	const char *name = s->at + 1, *value;
	size_t n = shell_words_name_length(name);
	bool has_default;

	s->at = name + n;
	value = shell_variable(s, name, n);
	quoted = quoted && *s->at != '['; /* an array gives one word per element */
	if (*s->at == '[')
		while (*s->at && *s->at != ']' && *s->at != '}')
			s->at++;
	s->at += *s->at == ']';
	if (*s->at == '}') {
		s->at++;
		put_variable(s, name, n, quoted);
		return;
	}
	s->at += *s->at == ':';
	has_default = (*s->at == '-' || *s->at == '=') && (!value || !*value);
	if (has_default) {
		s->at++;
		double_quoted(s, '}');
		return;
	}
	if (value && (*s->at == '-' || *s->at == '='))
		put_value(s, value, quoted);
	else
		put_unknown(s, name, n);
	rest_of_braces(s);
}

static void dollar(struct shell *s, bool quoted)
{
	const char *p = s->at + 1;
	size_t n;

	if (*p == '(' && p[1] == '(') {
		s->at = p;
		skip_arithmetic(s);
	} else if (*p == '(') {
		s->at = p + 1;
		substituted(s, ')', quoted);
	} else if (*p == '{') {
		s->at = p;
		braced(s, quoted);
	} else if (!quoted && (*p == '\'' || *p == '"')) {
		s->at = p; /* $'…': its escapes do not matter here */
	} else {
		n = shell_words_name_length(p);
		s->at = p + n;
		if (n)
			put_variable(s, p, n, quoted);
		else
			shell_words_put(s, "$", 1);
	}
}

/* Read quoted text up to END, which is consumed. */
static void double_quoted(struct shell *s, char end)
{
	if (++s->depth > SHELL_DEPTH_MAX)
		s->error = -E2BIG;
	shell_words_put(s, "", 0);
	while (*s->at && *s->at != end && !ends_here(s) && !s->error) {
		if (*s->at == '\\' && s->at[1] == '\n') {
			s->at += 2;
		} else if (*s->at == '\\' && s->at[1]) {
			if (!strchr("\\\"$`}", s->at[1]))
				shell_words_put(s, s->at, 1);
			shell_words_put(s, s->at + 1, 1);
			s->at += 2;
		} else if (*s->at == '$') {
			dollar(s, true);
		} else if (*s->at == '`') {
			backquoted(s, true);
		} else if (*s->at == '"' && end == '}') {
			s->at++;
		} else {
			shell_words_put(s, s->at++, 1);
		}
	}
	s->at += *s->at == end;
	s->depth--;
}

static void single_quoted(struct shell *s)
{
	size_t n = strcspn(++s->at, "'");

	shell_words_put(s, s->at, n);
	s->at += n;
	s->at += *s->at != '\0';
}

void shell_word(struct shell *s)
{
	while (*s->at && !strchr(META, *s->at) && !ends_here(s) && !s->error) {
		switch (*s->at) {
		case '\\':
			if (s->at[1] != '\n' && s->at[1])
				shell_words_put(s, s->at + 1, 1);
			s->at += s->at[1] ? 2 : 1;
			break;
		case '\'':
			single_quoted(s);
			break;
		case '"':
			s->at++;
			double_quoted(s, '"');
			break;
		case '$':
			dollar(s, false);
			break;
		case '`':
			backquoted(s, false);
			break;
		default: /* any other character */
			shell_words_put(s, s->at++, 1);
			break;
		}
	}
	shell_word_end(s);
}

void shell_assign_array(struct shell *s)
{
	char *name = strdup(s->words[s->n - 1]);
	struct shell_text value = { .p = NULL };
	size_t first = s->n, i;

	s->at++;
	while (*s->at && *s->at != ')' && !s->error) {
		const char *from = s->at;

		shell_word(s);
		s->at += s->at == from; /* skip a blank or an invalid character */
	}
	s->at += *s->at == ')';
	for (i = first; i < s->n; i++) {
		shell_text_add(s, &value, s->words[i], strlen(s->words[i]));
		shell_text_add(s, &value, " ", 1);
		free(s->words[i]);
	}
	s->n = first;
	if (name && value.p && shell_assigned_name(name))
		shell_assign(s, name, shell_assigned_name(name), value.p);
	free(value.p);
	free(name);
}
