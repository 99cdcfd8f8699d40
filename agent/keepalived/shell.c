/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/text.h"
#include "keepalived/shell_words.h"

#define HERE_MAX 8 /* here-documents that begin in one line */
#define BLANK " \t\r"

struct here {
	char *end; /* owned */
	bool strip;
};

/* Commands that are read up to a closing character. */
struct level {
	struct here here[HERE_MAX];
	size_t n_here;
	unsigned cases;	 /* open "case … in" */
	bool in_pattern; /* a pattern or "esac" is next */
	/* the command that reads a here-document, from word FIRST on */
	char **reader; /* owned, as its words are */
	size_t n_reader, first;
};

static void drop_words(struct shell *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->words[i]);
	s->n = 0;
	s->from = s->to = NULL;
}

static unsigned shell_line_of(const struct shell *s, const char *at)
{
	unsigned line = 1;
	const char *p;

	for (p = s->begin; p < at && (p = memchr(p, '\n', (size_t)(at - p))); p++)
		line++;
	return line;
}

/* ---- commands ---- */

/* Words that may stand before a command and are not part of it. */
static const char *const before[] = { "if", "then", "else", "elif", "do",   "while",  "until", "!",
				      "{",  "}",    "fi",   "done", "time", "coproc", NULL };
static const char *const setters[] = { "export", "readonly", "local", "declare", "typeset", NULL };
static const char *const headers[] = { "for", "case", "select", NULL };

static void forget_reader(struct level *l)
{
	while (l->n_reader)
		free(l->reader[--l->n_reader]);
	free(l->reader);
	l->reader = NULL;
}

static void shell_hand_out(struct shell *s, struct level *l, size_t first)
{
	const struct shell_call c = { .line = shell_line_of(s, s->from),
				      .words = s->words + first,
				      .n = s->n - first,
				      .text = s->from,
				      .len = (size_t)(s->to - s->from),
				      .reads_here = l->n_here && !l->reader };

	shell_ask(s, c.words, c.n);
	if (!s->is_trial)
		s->call(s->ud, &c);
	if (!c.reads_here)
		return;
	l->reader = s->words;
	l->n_reader = s->n;
	l->first = first;
	s->words = NULL;
	s->n = 0;
}

/* The words read so far form a complete command. */
static void command_end(struct shell *s, struct level *l)
{
	size_t first = 0, i;

	if (s->error || !s->n) {
		drop_words(s);
		return;
	}
	while (first < s->n && shell_assigned_name(s->words[first]))
		first++;
	if (first == s->n) {
		for (i = 0; i < s->n; i++)
			shell_take_assignment(s, s->words[i]);
	} else if (!strcmp(s->words[0], "case")) {
		l->cases++;
		l->in_pattern = true;
	} else if (word_find(setters, s->words[first]) >= 0) {
		for (i = first + 1; i < s->n; i++)
			if (shell_assigned_name(s->words[i]))
				shell_take_assignment(s, s->words[i]);
	} else if (word_find(headers, s->words[first]) < 0) {
		shell_hand_out(s, l, first);
	}
	drop_words(s);
}

/* Take a word of the script; its meaning depends on its place. */
static void shell_take_word(struct shell *s, struct level *l)
{
	const char *from = s->at;
	bool plain = !strchr("\"'\\$`", *from);
	size_t n = s->n;

	shell_word(s);
	if (s->n == n)
		return;
	if (n) {
		s->to_before = s->to;
		s->to = s->at;
		if (n == 1 && !strcmp(s->words[0], "function"))
			drop_words(s); /* with the name of the function */
		return;
	}
	if (plain && !strcmp(s->words[0], "esac")) {
		l->cases -= l->cases > 0;
		l->in_pattern = false;
		drop_words(s);
	} else if (plain && word_find(before, s->words[0]) >= 0) {
		drop_words(s);
	} else {
		s->from = from;
		s->to = s->at;
	}
}

/* ---- redirections ---- */

/* Read the word that ends a here-document, literally. */
static void take_here(struct shell *s, struct level *l)
{
	struct here h = { .strip = *s->at == '-' };
	struct shell_text end = { .p = NULL };

	s->at += h.strip;
	s->at += strspn(s->at, BLANK);
	while (*s->at && !strchr(BLANK "\n;&|()<>", *s->at)) {
		if (!strchr("\"'\\", *s->at))
			shell_text_add(s, &end, s->at, 1);
		s->at++;
	}
	h.end = end.p;
	if (h.end && l->n_here < HERE_MAX)
		l->here[l->n_here++] = h;
	else
		free(end.p);
}

/* Take a redirection; S->at is at its "<" or ">". */
static void take_redirection(struct shell *s, struct level *l)
{
	size_t n = s->n;

	/* "2>": the number belongs to the redirection */
	if (n > 1 && s->to == s->at &&
	    strspn(s->words[n - 1], "0123456789") == strlen(s->words[n - 1])) {
		free(s->words[n - 1]);
		s->n = --n;
		s->to = s->to_before;
	}
	if (s->at[0] == '<' && s->at[1] == '<' && s->at[2] != '<') {
		s->at += 2;
		take_here(s, l);
		return;
	}
	if (s->at[1] == '(') { /* process substitution */
		s->at += 2;
		s->commands(s, ')');
		return;
	}
	s->at += strspn(s->at, "<>");
	s->at += *s->at == '&' || *s->at == '|';
	s->at += strspn(s->at, BLANK);
	shell_word(s);
	while (s->n > n)
		free(s->words[--s->n]);
}

/* Take the bodies of the here-documents, from this line on. */
static void take_bodies(struct shell *s, struct level *l)
{
	size_t i;

	for (i = 0; i < l->n_here && !s->error; i++) {
		struct here *h = &l->here[i];
		struct shell_text body = { .p = NULL };
		unsigned line = shell_line_of(s, s->at);
		const char *from = s->at;

		while (*s->at) {
			const char *p = s->at + (h->strip ? strspn(s->at, "\t") : 0);
			size_t n = strcspn(p, "\n");
			bool ends = n == strlen(h->end) && !memcmp(p, h->end, n);

			s->at = p + n + (p[n] == '\n');
			if (ends)
				break;
			shell_text_add(s, &body, p, n);
			shell_text_add(s, &body, "\n", 1);
		}
		if (body.p && l->reader && !s->is_trial && !s->error) {
			const struct shell_call c = { .line = line,
						      .words = l->reader + l->first,
						      .n = l->n_reader - l->first,
						      .text = from,
						      .input = body.p };

			s->call(s->ud, &c);
		}
		free(body.p);
		free(h->end);
	}
	l->n_here = 0;
	forget_reader(l);
}

/* ---- reading ---- */

static void take_open(struct shell *s, struct level *l)
{
	if (s->n == 1 && shell_assigned_name(s->words[0])) {
		shell_assign_array(s);
		drop_words(s);
		return;
	}
	s->at++;
	if (l->in_pattern)
		return;
	if (s->n) { /* "name ()" */
		s->at += strspn(s->at, BLANK);
		s->at += *s->at == ')';
		drop_words(s);
		return;
	}
	s->commands(s, ')');
}

/* Returns false at the end of what is to be read. */
static bool take_close(struct shell *s, struct level *l, char end)
{
	bool is_case = s->n && !strcmp(s->words[0], "case");

	if (l->in_pattern || is_case) {
		l->cases += is_case;
		l->in_pattern = false;
		drop_words(s);
	} else {
		command_end(s, l);
		if (end == ')')
			return false;
	}
	s->at++;
	return true;
}

static void take_operator(struct shell *s, struct level *l)
{
	bool ends_branch = *s->at == ';' && (s->at[1] == ';' || s->at[1] == '&');

	if (!l->in_pattern)
		command_end(s, l);
	if (ends_branch && l->cases)
		l->in_pattern = true;
	s->at += ends_branch ? 2 : 1;
}

static void take_next(struct shell *s, struct level *l)
{
	switch (*s->at) {
	case '\n':
		command_end(s, l);
		s->at++;
		take_bodies(s, l);
		break;
	case ' ':
	case '\t':
	case '\r':
		s->at++;
		break;
	case '\\':
		if (s->at[1] == '\n')
			s->at += 2;
		else
			shell_take_word(s, l);
		break;
	case '#': /* a comment */
		s->at += strcspn(s->at, "\n");
		break;
	case ';':
	case '&':
	case '|':
		if (*s->at == '&' && s->at[1] == '>') { /* "&>" redirects both outputs */
			s->at++;
			take_redirection(s, l);
		} else {
			take_operator(s, l);
		}
		break;
	case '<':
	case '>':
		take_redirection(s, l);
		break;
	case '(':
		take_open(s, l);
		break;
	default: /* any other character */
		shell_take_word(s, l);
		break;
	}
}

static void read_level(struct shell *s, char end)
{
	struct level l = { .n_here = 0 };
	const char *last = NULL;

	while (*s->at && !s->error) {
		if (end == '`' && *s->at == '`')
			break;
		if (*s->at == ')') {
			if (!take_close(s, &l, end))
				break;
			continue;
		}
		/* never stay at the same place */
		s->at += s->at == last;
		last = s->at;
		if (*s->at)
			take_next(s, &l);
	}
	command_end(s, &l);
	s->at += end && *s->at == end;
	while (l.n_here)
		free(l.here[--l.n_here].end);
	forget_reader(&l);
}

static void read_commands(struct shell *s, char end)
{
	struct shell kept = *s;

	if (s->depth >= SHELL_DEPTH_MAX) {
		s->error = -E2BIG;
		return;
	}
	s->words = NULL;
	s->n = 0;
	s->from = s->to = NULL;
	s->word = (struct shell_text){ .p = NULL };
	s->in_word = false;
	s->end = end;
	s->depth++;
	read_level(s, end);
	s->depth--;
	free(s->words);
	free(s->word.p);
	s->words = kept.words;
	s->n = kept.n;
	s->from = kept.from;
	s->to = kept.to;
	s->word = kept.word;
	s->in_word = kept.in_word;
	s->end = kept.end;
}

int shell_read(const char *script, shell_call_fn call, void *ud)
{
	struct shell s = {
		.begin = script, .at = script, .commands = read_commands, .call = call, .ud = ud
	};

	/* the first pass collects variables: a function may use one that is assigned below it */
	s.is_trial = true;
	read_commands(&s, '\0');
	s.is_trial = false;
	s.error = 0;
	s.work = 0;
	s.at = script;
	read_commands(&s, '\0');
	shell_variables_done(&s);
	return s.error;
}
