/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The variables of a shell script, and what is assigned to them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/array.h"
#include "keepalived/shell_words.h"

/* Limits: variables may grow by including each other. */
#define WORD_MAX ((size_t)64 * 1024)
#define WORK_MAX ((size_t)32 * 1024 * 1024)

void shell_text_add(struct shell *s, struct shell_text *t, const char *p, size_t n)
{
	s->work += n;
	if (t->n + n > WORD_MAX || s->work > WORK_MAX) {
		s->error = -E2BIG;
		return;
	}
	if (array_reserve(&t->p, &t->cap, t->n + n + 1, 1) < 0) {
		s->error = -ENOMEM;
		return;
	}
	memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

static struct shell_variable *variable_find(const struct shell *s, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < s->n_variables; i++)
		if (!strncmp(s->variables[i].name, name, n) && !s->variables[i].name[n])
			return &s->variables[i];
	return NULL;
}

const char *shell_variable(const struct shell *s, const char *name, size_t n)
{
	const struct shell_variable *v = variable_find(s, name, n);

	return v ? v->value : NULL;
}

void shell_assign(struct shell *s, const char *name, size_t n, const char *value)
{
	struct shell_variable *v = variable_find(s, name, n);
	char *copy = strdup(value);

	s->work += strlen(value);
	if (!copy) {
		s->error = -ENOMEM;
		return;
	}
	if (!v) {
		v = array_append(&s->variables, &s->n_variables, sizeof(*v));
		if (v)
			v->name = strndup(name, n);
		if (v && !v->name)
			s->n_variables--;
		if (!v || !v->name) {
			free(copy);
			s->error = -ENOMEM;
			return;
		}
	}
	free(v->value);
	v->value = copy;
}

void shell_variables_done(struct shell *s)
{
	size_t i;

	for (i = 0; i < s->n_variables; i++) {
		free(s->variables[i].name);
		free(s->variables[i].value);
	}
	free(s->variables);
	free(s->asked_for);
}

/* ---- assignments ---- */

size_t shell_assigned_name(const char *word)
{
	size_t n = 0;

	if (isdigit((unsigned char)*word))
		return 0;
	while (isalnum((unsigned char)word[n]) || word[n] == '_')
		n++;
	return word[n] == '=' || (word[n] == '+' && word[n + 1] == '=') ? n : 0;
}

void shell_take_assignment(struct shell *s, const char *word)
{
	struct shell_text joined = { .p = NULL };
	size_t n = shell_assigned_name(word);
	const char *old = shell_variable(s, word, n);

	if (word[n] == '=') {
		shell_assign(s, word, n, word + n + 1);
		return;
	}
	if (old)
		shell_text_add(s, &joined, old, strlen(old));
	shell_text_add(s, &joined, word + n + 2, strlen(word + n + 2));
	if (joined.p)
		shell_assign(s, word, n, joined.p);
	free(joined.p);
}

/* ---- what a command prints ---- */

void shell_ask(struct shell *s, char *const *words, size_t n)
{
	const char *slash = strrchr(words[0], '/');
	const char *program = slash ? slash + 1 : words[0], *option = n > 1 ? words[1] : "";
	bool is_answer = !strcmp(program, "which");

	if (!strcmp(program, "command"))
		is_answer = option[0] == '-' && strchr(option, 'v');
	else if (!strcmp(program, "type"))
		is_answer = option[0] == '-' && strpbrk(option, "pP");
	if (!is_answer || n < 2 || words[n - 1][0] == '-')
		return;
	free(s->asked_for);
	s->asked_for = strdup(words[n - 1]);
	if (!s->asked_for)
		s->error = -ENOMEM;
}
