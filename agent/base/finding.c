/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/remedy.h"
#include "base/words.h"

static const char *const severity_words[] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_UNSEEN] = "unseen",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
	NULL,
};

const char *severity_name(enum severity s)
{
	return word_of(severity_words, s);
}

void findings_done(struct findings *f)
{
	free(f->list);
	*f = (struct findings){ 0 };
}

static bool finding_already_said(const struct findings *f, const struct finding *one)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (!strcmp(f->list[i].code, one->code) && !strcmp(f->list[i].text, one->text))
			return true;
	}
	return false;
}

void findings_add(struct findings *f, enum severity severity, const char *code, const char *cure,
		  const char *fmt, ...)
{
	struct finding one = { .severity = severity }, *place = NULL;
	va_list ap;

	snprintf(one.code, sizeof(one.code), "%s", code);
	if (cure && remedy_is_command(cure))
		snprintf(one.fix, sizeof(one.fix), "%s", cure);
	else if (cure)
		snprintf(one.advice, sizeof(one.advice), "%s", cure);
	va_start(ap, fmt);
	if (vsnprintf(one.text, sizeof(one.text), fmt, ap) < 0)
		one.text[0] = '\0';
	va_end(ap);
	if (finding_already_said(f, &one))
		return;
	if (f->n < FINDINGS_MAX)
		place = array_append(&f->list, &f->n, sizeof(*place));
	if (place)
		*place = one;
	else
		f->dropped++;
}

void findings_append(struct findings *f, const struct findings *other)
{
	size_t i;

	for (i = 0; i < other->n; i++) {
		const struct finding *one = &other->list[i];

		findings_add(f, one->severity, one->code, *one->fix ? one->fix : one->advice, "%s",
			     one->text);
	}
	f->dropped += other->dropped;
}

bool findings_have(const struct findings *f, const char *code)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (!strcmp(f->list[i].code, code))
			return true;
	}
	return false;
}

enum exit_code findings_exit_code(const struct findings *f)
{
	enum severity worst = f->dropped ? SEVERITY_UNSEEN : SEVERITY_NOTE;
	size_t i;

	for (i = 0; i < f->n; i++)
		worst = MAX(worst, f->list[i].severity);
	switch (worst) {
	case SEVERITY_NOTE:
		return EXIT_DONE;
	case SEVERITY_UNSEEN:
	case SEVERITY_WARNING:
		return EXIT_WARNINGS;
	case SEVERITY_CRITICAL:
		return EXIT_CRITICAL;
	}
	return EXIT_CRITICAL;
}
