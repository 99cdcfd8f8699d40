/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/verdict.h"

#include "base/text.h"
#include "show/report_json.h"
#include "show/wrap.h"

void verdict_print(const struct verdict *v, unsigned columns, FILE *out)
{
	char text[4 * FINDING_TEXT_MAX], fix[4 * FINDING_FIX_MAX];
	char line[sizeof(text) + sizeof(fix) + 64];
	const char *label = *v->fix ? "fix: " : "advice: ";

	text_escape(v->text, text, sizeof(text));
	text_escape(*v->fix ? v->fix : v->advice, fix, sizeof(fix));
	if (!columns || !*fix) {
		snprintf(line, sizeof(line), "%s: %s%s%s%s", verdict_name(v->kind), text,
			 *fix ? "; " : "", *fix ? label : "", fix);
		wrap_print(line, columns, 2, out);
		return;
	}
	snprintf(line, sizeof(line), "%s: %s", verdict_name(v->kind), text);
	wrap_print(line, columns, 2, out);
	if (*v->fix) {
		fprintf(out, "  %s%s\n", label, fix);
		return;
	}
	snprintf(line, sizeof(line), "  %s%s", label, fix);
	wrap_print(line, columns, 4, out);
}

void verdict_put(const struct verdict *v, json_t **o)
{
	object_put_text(o, "verdict", verdict_name(v->kind));
	object_put_text(o, "reason", v->text);
	object_put_text(o, "verdict_fix", v->fix);
	object_put_text(o, "verdict_advice", v->advice);
	object_put_number(o, "pinned", v->pinned);
	object_put_number(o, "unpinned", v->unpinned);
}
