/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "$NAME=text". A value is expanded where it is used, and so are the variables in it. keepalived
 * does the same: "$A=${B}" before "$B=" works. */
#include "keepalived/conf_reader.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

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

void variable_define(struct reader *r, const char *name, size_t name_len, const char *value,
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

char *variables_replace(struct reader *r, const char *text)
{
	struct made m = { 0 };

	if (made_add(r, &m, "", 0) && made_add_replaced(r, &m, text, 0) && reader_spend(r, m.len))
		return m.text;
	free(m.text);
	return NULL;
}
