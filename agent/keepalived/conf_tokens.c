/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/conf_reader.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool ends_word(char c)
{
	return !c || is_space(c);
}

char *line_skip_space(char *p)
{
	while (is_space(*p))
		p++;
	return p;
}

void line_decomment(char *line)
{
	bool quoted = false;
	char *p, *end;

	for (p = line; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && (*p == '!' || *p == '#'))
			break;
	}
	/* a quote that is never closed does not hide a comment */
	if (!*p && quoted) {
		p = strchr(line, '#');
		p = p ? p : line + strlen(line);
	}
	for (end = p; end > line && is_space(end[-1]);)
		end--;
	*end = '\0';
}

/* An apostrophe without a second one is text, not a quote. */
static bool opens_quote(const char *p)
{
	return *p == '"' || (*p == '\'' && strchr(p + 1, '\''));
}

/* Copy the quoted text that starts at P, literally but for an escaped quote or backslash. */
static const char *take_quoted(struct tokens *t, const char *p)
{
	char quote = *p++;

	for (; *p && *p != quote; p++) {
		if (*p == '\\' && (p[1] == quote || p[1] == '\\'))
			p++;
		*t->out++ = *p;
	}
	if (*p)
		return p + 1;
	t->unterminated = true;
	return p;
}

static const char *tokens_take_word(struct tokens *t, const char *p)
{
	unsigned open = 0; /* "${" not closed yet; "${NAME}" is part of a word */

	while (!ends_word(*p)) {
		if (opens_quote(p)) {
			p = take_quoted(t, p);
			continue;
		}
		if (*p == '{' && ends_word(p[1]))
			break;
		if (*p == '}' && !open)
			break;
		if (*p == '{')
			open++;
		else if (*p == '}')
			open--;
		*t->out++ = *p++;
	}
	return p;
}

enum token token_next(struct tokens *t, const char **ret_word)
{
	const char *p = t->in, *word = t->out;

	while (is_space(*p))
		p++;
	t->in = *p ? p + 1 : p;
	if (!*p)
		return TOKEN_END;
	if (*p == '{')
		return TOKEN_OPEN;
	if (*p == '}')
		return TOKEN_CLOSE;
	t->in = tokens_take_word(t, p);
	/* there is room: a word ends at a character that is not copied, or at the end */
	*t->out++ = '\0';
	*ret_word = word;
	return TOKEN_WORD;
}
