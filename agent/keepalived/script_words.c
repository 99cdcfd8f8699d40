/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/script_words.h"

#include <string.h>
#include <strings.h>

#include <vipsafe/base.h>

#include "keepalived/shell.h"

const char *script_word_next(struct script_words *w)
{
	if (!w->n)
		return NULL;
	w->n--;
	return *w->at++;
}

bool script_words_have(struct script_words w, const char *wanted)
{
	const char *word;

	while ((word = script_word_next(&w)))
		if (!strcmp(word, wanted))
			return true;
	return false;
}

bool script_word_is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

bool script_word_begins(const char *word, const char *whole, size_t least)
{
	size_t n = word ? strlen(word) : 0;

	return n >= least && !strncmp(word, whole, n);
}

/* A variable of unknown value may reveal the program by its name: CONNTRACKD_BIN. */
static bool is_named_for(const char *word, const char *program)
{
	static const char *const ends[] = { "",	    "BIN",   "CMD",   "_BIN",
					    "_CMD", "_PATH", "_PROG", "_COMMAND" };
	size_t n = strlen(program), i;

	if (word[0] != SHELL_UNKNOWN || strncasecmp(word + 1, program, n) != 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t len = strlen(ends[i]);

		if (!strncasecmp(word + 1 + n, ends[i], len) &&
		    word[1 + n + len] == SHELL_UNKNOWN && !word[2 + n + len])
			return true;
	}
	return false;
}

bool script_word_calls(const char *word, const char *program)
{
	const char *slash = strrchr(word, '/');

	return !strcmp(slash ? slash + 1 : word, program) || is_named_for(word, program);
}

void script_ip_read(struct script_words w, struct script_ip *ret)
{
	static const struct {
		const char *name;
		size_t least;
	} with_value[] = { { "family", 1 }, { "loops", 1 }, { "rcvbuf", 2 } };
	size_t i;

	*ret = (struct script_ip){ .batch = NULL };
	while (w.n && script_word_is_option(*w.at)) {
		const char *word = script_word_next(&w);

		word += strspn(word, "-");
		for (i = 0; i < ARRAY_SIZE(with_value); i++)
			if (script_word_begins(word, with_value[i].name, with_value[i].least))
				script_word_next(&w);
		if (script_word_begins(word, "batch", 1)) {
			ret->batch = script_word_next(&w);
		} else if (script_word_begins(word, "netns", 1)) {
			script_word_next(&w);
			ret->is_elsewhere = true;
		}
	}
	ret->words = w;
}
