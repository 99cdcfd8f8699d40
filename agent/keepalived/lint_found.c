/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A finding about a line of keepalived.conf. */
#include "keepalived/lint.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

void lint_found(struct findings *f, enum severity severity, const char *code,
		const struct keepalived_directive *at, const char *fix, const char *fmt, ...)
{
	char raw[FINDING_TEXT_MAX], text[FINDING_TEXT_MAX], safe[FINDING_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_line(text, sizeof(text), "%.120s:%u: %s", at->file, at->line, raw);
	findings_add(f, severity, code, fix ? text_escape(fix, safe, sizeof(safe)) : NULL, "%s",
		     text);
}
