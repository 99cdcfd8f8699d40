/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe metrics: the metrics for monitoring. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "show/metrics.h"
#include "show/report_json.h"

#define PATIENCE (10 * USEC_PER_SEC)

/* Without a daemon, print metrics that say so: monitoring needs them rather than an error. */
static void metrics_print_down(const struct cli *cli)
{
	const struct status s = { .absent = true, .version = PACKAGE_VERSION };
	struct metrics *m = calloc(1, sizeof(*m));
	_cleanup_free_ char *line = NULL;

	if (m && cli->options.json)
		line = object_line(metrics_json_new(m, &s));
	else if (m)
		metrics_print(m, &s, stdout);
	if (line)
		puts(line);
	free(m);
}

static void metrics_print_none(const struct cli *cli, enum client_outcome outcome,
			       const struct wire_answer *a)
{
	const char *why = client_failure_text(outcome, a);

	/* of others it is not known whether it runs */
	if (outcome != CLIENT_ABSENT && outcome != CLIENT_BROKEN) {
		(void)cli_fail(&cli->options, client_failure_code(outcome, a), "%s", why);
		return;
	}
	cli_complain(stderr, "%s", why);
	metrics_print_down(cli);
}

int command_metrics(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	struct wire_request r = { .op = WIRE_METRICS };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	int code = EXIT_DONE;

	if (!command_is_bare(&cli->options, argc, argv))
		return EXIT_USAGE;
	r.text = o->json ? WIRE_TEXT_NONE : WIRE_TEXT_SHORT;
	client_ask(cli->settings.socket, &r, o->timeout ? o->timeout : PATIENCE, &a, &outcome);
	if (outcome != CLIENT_ANSWERED) {
		code = client_failure_code(outcome, &a);
		metrics_print_none(cli, outcome, &a);
	} else if (o->json) {
		puts(a.result ? a.result : "[]");
	} else {
		fputs(a.out ? a.out : "", stdout);
	}
	wire_answer_done(&a);
	return code;
}
