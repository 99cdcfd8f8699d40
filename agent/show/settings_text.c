/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/settings_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "base/settings.h"
#include "keepalived/instance_settings.h"
#include "lvs/settings.h"

#define RANGE_MAX 160

/* Print each line of TEXT with BEFORE in front of it. */
static void print_lines(const char *text, const char *before, FILE *out)
{
	const char *end;

	for (; (end = strchr(text, '\n')) != NULL; text = end + 1)
		fprintf(out, "%s%.*s\n", before, (int)(end - text), text);
	fprintf(out, "%s%s\n", before, text);
}

static void file_key(const struct setting *k, FILE *out)
{
	char range[RANGE_MAX] = "";
	const char *value;

	fputs("\n", out);
	print_lines(k->help, "# ", out);
	fprintf(out, "# (%s)\n", setting_range(k, range, sizeof(range)));
	value = k->initial ? k->initial : k->shape;
	fprintf(out, "#%s =%s%s\n", k->name, *value ? " " : "", value);
}

void settings_text_file(FILE *out)
{
	const struct setting_section *c;
	const struct setting *k;
	size_t i;

	fputs("# vipsafe.conf: configuration of vipsafe and vipsafed, see vipsafe.conf(5).\n"
	      "# Each key is shown with its default. \"vipsafed --check\" says whether a change\n"
	      "# is valid; on SIGHUP vipsafed reads the files again. The files conf.d/*.conf\n"
	      "# beside this one are read after it, in the order of their names.\n",
	      out);
	for (i = 0; (c = sections_all[i]) != NULL; i++) {
		fputs("\n\n", out);
		print_lines(c->help, "# ", out);
		if (c->placeholder)
			fprintf(out, "#[%s %s]\n", c->word, c->example);
		else
			fprintf(out, "[%s]\n", c->word);
		for (k = c->keys; k->name; k++)
			file_key(k, out);
	}
}

/* Each sentence begins a line, as mandoc wants it, and no line may look like a macro. */
static void manual_lines(const char *text, FILE *out)
{
	const char *p;
	bool at_start = true;

	for (p = text; *p; p++) {
		bool ends = p > text && p[-1] == '.' && *p == ' ' && p[1] >= 'A' && p[1] <= 'Z';

		if (at_start && (*p == '.' || *p == '\''))
			fputs("\\&", out);
		at_start = *p == '\n' || ends;
		fputc(at_start ? '\n' : *p, out);
	}
	fputc('\n', out);
}

static void manual_key(const struct setting *k, FILE *out)
{
	char range[RANGE_MAX] = "";

	fprintf(out, ".It Ic %s Pq %s\n", k->name, setting_range(k, range, sizeof(range)));
	manual_lines(k->help, out);
	if (k->initial)
		fprintf(out, "Default: %s.\n", *k->initial ? k->initial : "empty");
}

void settings_text_manual(FILE *out)
{
	const struct setting_section *c;
	const struct setting *k;
	size_t i;

	for (i = 0; (c = sections_all[i]) != NULL; i++) {
		fprintf(out, ".Ss [%s%s%s] section\n", c->word, c->placeholder ? " " : "",
			c->placeholder ? c->placeholder : "");
		manual_lines(c->help, out);
		fputs(".Bl -tag -width Ds\n", out);
		for (k = c->keys; k->name; k++)
			manual_key(k, out);
		fputs(".El\n", out);
	}
}

const struct setting_section *const sections_all[] = {
	&agent_section, &device_section,      &instance_section,
	&lvs_section,	&lvs_service_section, &lvs_fwmark_section,
	NULL,
};
