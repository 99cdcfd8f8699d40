/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "keepalived/conf_reader.h"

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

/* The next token; *RET_WORD is the text of a TOKEN_WORD. */
static enum token token_next(struct tokens *t, const char **ret_word)
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

/* Interprets one line in keepalived's order: "@id", "$NAME=", variables, words. */

#define LINES_NESTED_MAX 16

/* "$NAME=text". A value is expanded where it is used, and so are the variables in it. keepalived
 * does the same: "$A=${B}" before "$B=" works. */

#define NESTING_MAX 16

/* A growing text, up to the length limit of a line. */
struct made {
	char *text;
	size_t len, cap;
};

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static size_t variables_name_length(const char *p)
{
	size_t n = 0;

	while (is_name(p[n]))
		n++;
	return n && !(*p >= '0' && *p <= '9') ? n : 0;
}

bool variable_definition(const char *text, size_t *ret_name_len, const char **ret_value)
{
	size_t n;

	if (*text != '$')
		return false;
	n = variables_name_length(text + 1);
	if (!n || text[1 + n] != '=')
		return false;
	*ret_name_len = n;
	*ret_value = text + n + 2;
	return true;
}

static struct variable *variables_find(struct reader *r, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < r->n_variables; i++) {
		struct variable *v = &r->variables[i];

		if (v->name_len == len && !memcmp(v->name, name, len))
			return v;
	}
	return NULL;
}

static void variable_define(struct reader *r, const char *name, size_t name_len, const char *value,
			    size_t value_len)
{
	struct variable *v = variables_find(r, name, name_len);

	if (!v && r->n_variables == KEEPALIVED_VARIABLES_MAX) {
		reader_unresolved(r, KEEPALIVED_LIMIT, "more than %d variables",
				  KEEPALIVED_VARIABLES_MAX);
		return;
	}
	value = reader_copy(r, value, value_len);
	name = v ? v->name : reader_copy(r, name, name_len);
	if (!name || !value)
		return;
	if (!v)
		v = &r->variables[r->n_variables++];
	*v = (struct variable){ name, name_len, value, r->condition != NULL };
}

static bool made_add(struct reader *r, struct made *m, const char *text, size_t len)
{
	if (m->len + len > KEEPALIVED_LINE_MAX) {
		reader_unresolved(r, KEEPALIVED_LIMIT, "variables make the line too long");
		return false;
	}
	if (array_reserve(&m->text, &m->cap, m->len + len + 1, 1) < 0) {
		r->r = -ENOMEM;
		return false;
	}
	memcpy(m->text + m->len, text, len);
	m->len += len;
	m->text[m->len] = '\0';
	return true;
}

/* A variable at P: "$NAME" before white space or the end, "${NAME}" anywhere. Returns its whole
 * length; 0: not a variable. */
static size_t reference(const char *p, const char **ret_name, size_t *ret_len)
{
	bool braced = p[1] == '{';
	size_t n;

	*ret_name = p + 1 + braced;
	n = variables_name_length(*ret_name);
	*ret_len = n;
	if (!n)
		return 0;
	if (braced)
		return (*ret_name)[n] == '}' ? n + 3 : 0;
	return strchr(" \t\r\n", (*ret_name)[n]) ? n + 1 : 0;
}

/* The value of a variable that keepalived predefines, if the files alone determine it; else
 * NULL. */
static const char *predefined(const struct reader *r, const char *name, size_t len)
{
	static const char pwd[] = "_PWD", hash[] = "_HASH", bang[] = "_BANG";

	if (len == sizeof(pwd) - 1 && !memcmp(name, pwd, len))
		return r->dir;
	if (len == sizeof(hash) - 1 && !memcmp(name, hash, len))
		return "#";
	if (len == sizeof(bang) - 1 && !memcmp(name, bang, len))
		return "!";
	return NULL;
}

static bool made_add_replaced(struct reader *r, struct made *m, const char *text, unsigned nesting);

static bool replace_one(struct reader *r, struct made *m, const char *name, size_t len,
			const char *whole, size_t whole_len, unsigned nesting)
{
	const char *value = predefined(r, name, len);
	const struct variable *v;

	if (value)
		return made_add(r, m, value, strlen(value));
	v = variables_find(r, name, len);
	if (!v) {
		reader_unresolved(r, KEEPALIVED_VARIABLE, "%.*s is not defined", (int)MIN(len, 64U),
				  name);
		return made_add(r, m, whole, whole_len);
	}
	if (nesting == NESTING_MAX || r->replaced == KEEPALIVED_SUBSTITUTIONS_MAX) {
		reader_unresolved(r, KEEPALIVED_LIMIT, "%.*s %s", (int)MIN(len, 64U), name,
				  nesting == NESTING_MAX ? "refers to itself, or is nested too deep"
							 : "exceeds the limit of substitutions");
		return false;
	}
	r->replaced++;
	r->doubtful |= v->doubtful;
	/* several lines are replaced one by one later: one may define what the next one uses */
	if (strchr(v->value, '\n'))
		return made_add(r, m, v->value, strlen(v->value));
	return made_add_replaced(r, m, v->value, nesting + 1);
}

static bool made_add_replaced(struct reader *r, struct made *m, const char *text, unsigned nesting)
{
	const char *p = text, *name;
	size_t len, n;

	while (*p) {
		n = strcspn(p, "$");
		if (!made_add(r, m, p, n))
			return false;
		p += n;
		if (!*p)
			break;
		n = reference(p, &name, &len);
		if (n ? !replace_one(r, m, name, len, p, n, nesting) : !made_add(r, m, p, 1))
			return false;
		p += n ? n : 1;
	}
	return true;
}

/* TEXT with every $NAME and ${NAME} replaced, allocated; NULL: it is left out. A value of several
 * lines is inserted as it is; its variables are to be replaced line by line. */
static char *variables_replace(struct reader *r, const char *text)
{
	struct made m = { 0 };

	if (made_add(r, &m, "", 0) && made_add_replaced(r, &m, text, 0) && reader_spend(r, m.len))
		return m.text;
	free(m.text);
	return NULL;
}

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
