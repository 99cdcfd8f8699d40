/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/selection.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"

#define SEPARATOR ';'
#define WORD_MAX 64 /* of a filter's text: an IPv6 prefix is shorter */

static const char *const begin_words[] = { "only", "except", NULL };

const char *selection_word(size_t i)
{
	return i < ARRAY_SIZE(begin_words) ? begin_words[i] : NULL;
}

bool selection_is_word(const char *word)
{
	size_t i;

	for (i = 0; pattern_word(i); i++)
		if (!strcmp(word, pattern_word(i)))
			return true;
	return word_find(begin_words, word) >= 0;
}

static int selection_begin(struct selection *s, bool except, struct request_error *e)
{
	if (s->n == SELECTION_MAX)
		return request_error_set(e, "too many filters: at most %d fit", SELECTION_MAX);
	s->filters[s->n++] = (struct selection_filter){ .except = except };
	return 0;
}

int selection_take(struct selection *s, const char *word, const char *value, int *ret_used,
		   struct request_error *e)
{
	int begins = word_find(begin_words, word);

	*ret_used = begins < 0 ? 2 : 1;
	if (begins >= 0)
		return selection_begin(s, begins, e);
	if (!s->n && selection_begin(s, false, e) < 0)
		return -EINVAL;
	return pattern_apply(&s->filters[s->n - 1].pattern, word, value, e);
}

/* Copy the next word at *TEXT, and step behind it; false: the filter is over. */
static bool selection_next(const char **text, char buf[WORD_MAX])
{
	const char *p = *text + strspn(*text, " \t");
	size_t len = strcspn(p, " \t;");

	*text = p + len;
	/* what is longer is no word: then the beginning is no word either */
	len = MIN(len, (size_t)WORD_MAX - 1);
	memcpy(buf, p, len);
	buf[len] = '\0';
	return len > 0;
}

/* One filter, up to the separator. */
static int selection_add_one(struct selection *s, bool except, const char **text,
			     struct request_error *e)
{
	char word[WORD_MAX], value[WORD_MAX];
	int r = selection_begin(s, except, e);

	while (r == 0 && selection_next(text, word)) {
		bool has_value = selection_next(text, value);

		r = pattern_apply(&s->filters[s->n - 1].pattern, word, has_value ? value : NULL, e);
	}
	return r;
}

int selection_add(struct selection *s, bool except, const char *text, struct request_error *e)
{
	int r = selection_add_one(s, except, &text, e);

	while (r == 0 && *text == SEPARATOR) {
		text++;
		r = selection_add_one(s, except, &text, e);
	}
	return r < 0 ? r : selection_check(s, e);
}

int selection_check(const struct selection *s, struct request_error *e)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct selection_filter *f = &s->filters[i];

		if (!f->pattern.parts)
			return request_error_set(e,
						 "\"%s\" names no connections: proto, src, dst, "
						 "sport, dport, mark or zone is missing",
						 word_of(begin_words, f->except));
		if (pattern_check(&f->pattern, e) < 0)
			return -EINVAL;
	}
	return 0;
}

bool selection_has(const struct selection *s, const struct conn *c, uint32_t mark)
{
	bool any_only = false, in = false;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct selection_filter *f = &s->filters[i];
		bool matches = pattern_matches(&f->pattern, c, mark);

		if (f->except && matches)
			return false;
		any_only = any_only || !f->except;
		in = in || (!f->except && matches);
	}
	return in || !any_only;
}

bool selection_needs_mark(const struct selection *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->filters[i].pattern.parts & PATTERN_MARK)
			return true;
	return false;
}
