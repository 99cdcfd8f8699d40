/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/render.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <vipsafe/base.h>

#include "base/os.h"
#include "base/text.h"
#include "base/when.h"
#include "show/history_file.h"
#include "show/history_line.h"
#include "show/report_json.h"
#include "show/oplog.h"
#include "show/report_text.h"

static void render_stamp(json_t **o)
{
	char text[WHEN_TEXT_MAX];

	if (!json_object_get(*o, "id")) {
		snprintf(text, sizeof(text), "%012llx",
			 (unsigned long long)identity_seed() & 0xffffffffffffULL);
		object_put_text(o, "id", text);
	}
	if (!json_object_get(*o, "time"))
		object_put_text(o, "time", when_format(os_wall(), text));
	if (!json_object_get(*o, "version"))
		object_put_text(o, "version", PACKAGE_VERSION);
}

void render_json(json_t *value, FILE *out, FILE *err)
{
	_cleanup_free_ char *line = NULL;

	if (json_is_object(value))
		render_stamp(&value);
	line = object_line(value);

	if (line)
		fprintf(out, "%s\n", line);
	else
		fputs("vipsafe: out of memory for the result\n", err);
}

void render_line(const char *line, FILE *out, FILE *err)
{
	render_json(line ? json_loads(line, 0, NULL) : json_object(), out, err);
}

void render_report(const struct report *r, const struct options *o, FILE *out, FILE *err)
{
	if (o->json)
		render_json(report_json_new(r), out, err);
	else
		report_text_print(r, o->verbose, out, err);
}

#define COMPLAINT_MAX 4096

void cli_complain(FILE *err, const char *fmt, ...)
{
	char line[COMPLAINT_MAX];
	va_list ap;

	va_start(ap, fmt);
	text_line_va(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(err, "vipsafe: %s\n", line);
}

void cli_publish(const struct cli *cli, const struct report *r, FILE *err)
{
	_cleanup_free_ char *line = NULL;
	struct logger logger = { .fd = -1 };
	struct oplog log = { .to = &logger };

	if (r->plan)
		return;
	(void)oplog_write(&log, r, os_now());
	if (logger.dropped)
		fputs("vipsafe: note: the log is not read: this run is not in it\n", err);
	logger_done(&logger);
	line = history_line(r, (struct history_time){ os_now(), os_wall() });
	if (line)
		(void)history_append(cli->settings.run_dir, cli->boot_id, line);
}

unsigned terminal_columns(FILE *f)
{
	struct winsize size = { 0 };

	/* a serial console reports 0 columns */
	return isatty(fileno(f)) && ioctl(fileno(f), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
