/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/failure.h"

#include <stdarg.h>

#include "base/text.h"
#include "cli/render.h"
#include "show/report_json.h"

#define FAILURE_MAX 4096

static void failure_print(const struct options *o, FILE *out, FILE *err, int code, const char *line)
{
	json_t *failure = NULL;

	fprintf(err, "vipsafe: %s\n", line);
	if (!o->json)
		return;
	failure = json_object();
	object_put_text(&failure, "error", line);
	object_put_number(&failure, "exit_code", (uint64_t)code);
	render_json(failure, out, err);
}

static int failure_say(const struct options *o, FILE *out, FILE *err, int code, const char *fmt,
		       va_list ap) _printf_(5, 0);

static int failure_say(const struct options *o, FILE *out, FILE *err, int code, const char *fmt,
		       va_list ap)
{
	char line[FAILURE_MAX];

	text_line_va(line, sizeof(line), fmt, ap);
	failure_print(o, out, err, code, line);
	return code;
}

int cli_fail(const struct options *o, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = failure_say(o, stdout, stderr, code, fmt, ap);
	va_end(ap);
	return code;
}

int cli_fail_to(const struct options *o, FILE *out, FILE *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = failure_say(o, out, err, code, fmt, ap);
	va_end(ap);
	return code;
}

int command_usage(const struct options *o, const struct request_error *e)
{
	failure_print(o, stdout, stderr, EXIT_USAGE, e->text);
	return EXIT_USAGE;
}

bool command_is_bare(const struct options *o, int argc, char *argv[])
{
	struct request_error e;
	int r = request_no_words(argc, argv, &e);

	if (r < 0)
		command_usage(o, &e);
	return r == 0;
}
