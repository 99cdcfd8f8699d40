/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/finding_show.h"

#include "base/text.h"
#include "show/report_json.h"
#include "show/wrap.h"

json_t *finding_json_new(const struct finding *one)
{
	json_t *o = json_object();

	object_put_text(&o, "code", one->code);
	object_put_text(&o, "severity", severity_name(one->severity));
	object_put_text(&o, "text", one->text);
	object_put_text(&o, "fix", one->fix);
	object_put_text(&o, "advice", one->advice);
	return o;
}

json_t *findings_json_list(const struct findings *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->n; i++)
		object_append(&list, finding_json_new(&f->list[i]));
	return list;
}

json_t *findings_json_new(const struct findings *f)
{
	json_t *o = json_object();

	object_put(&o, "findings", findings_json_list(f));
	object_put_number(&o, "dropped", f->dropped);
	object_put_number(&o, "exit_code", findings_exit_code(f));
	return o;
}

static size_t show_count(const struct findings *f, enum severity severity)
{
	size_t i, n = 0;

	for (i = 0; i < f->n; i++)
		n += f->list[i].severity == severity;
	return n;
}

static void show_print_counts(const struct findings *f, FILE *out)
{
	size_t critical = show_count(f, SEVERITY_CRITICAL),
	       warnings = show_count(f, SEVERITY_WARNING);
	size_t unseen = show_count(f, SEVERITY_UNSEEN), notes = show_count(f, SEVERITY_NOTE);

	if (!critical && !warnings)
		fputs("nothing wrong was found", out);
	else
		fprintf(out, "%zu critical, %zu warning%s", critical, warnings,
			warnings == 1 ? "" : "s");
	if (unseen)
		fprintf(out, ", %zu could not be looked at", unseen);
	if (notes)
		fprintf(out, ", %zu note%s", notes, notes == 1 ? "" : "s");
	if (f->dropped)
		fprintf(out, ", and %zu more than fit here", f->dropped);
	fputc('\n', out);
}

void findings_print_list(const struct findings *f, bool verbose, unsigned columns, FILE *out)
{
	char text[4 * FINDING_FIX_MAX], line[sizeof(text) + 2 * FINDING_CODE_MAX];
	size_t i;

	for (i = 0; i < f->n; i++) {
		const struct finding *one = &f->list[i];

		if (one->severity == SEVERITY_NOTE && !verbose)
			continue;
		snprintf(line, sizeof(line), "%s: %s: %s", severity_name(one->severity), one->code,
			 text_escape(one->text, text, sizeof(text)));
		wrap_print(line, columns, 2, out);
		if (*one->fix)
			fprintf(out, "  fix: %s\n", text_escape(one->fix, text, sizeof(text)));
		if (!*one->advice)
			continue;
		snprintf(line, sizeof(line), "  advice: %s",
			 text_escape(one->advice, text, sizeof(text)));
		wrap_print(line, columns, 4, out);
	}
}

void findings_print(const struct findings *f, bool verbose, unsigned columns, FILE *out)
{
	findings_print_list(f, verbose, columns, out);
	show_print_counts(f, out);
}
