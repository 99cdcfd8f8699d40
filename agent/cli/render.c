/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/render.h"

#include <vipsafe/base.h>

#include "show/object.h"
#include "show/report_json.h"
#include "show/report_text.h"

void render_json(json_t *value, FILE *out, FILE *err)
{
	_cleanup_free_ char *line = object_line(value);

	if (line)
		fprintf(out, "%s\n", line);
	else
		fputs("vipsafe: out of memory for the result\n", err);
}

void render_report(const struct report *r, const struct options *o, FILE *out, FILE *err)
{
	if (o->json)
		render_json(report_json_new(r), out, err);
	else
		report_text_print(r, o->verbose, out, err);
}
