/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe metrics: the metrics for monitoring. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/publish.h"
#include "show/metrics.h"
#include "show/object.h"

#define PATIENCE (10 * USEC_PER_SEC)

/* Without a daemon, print metrics that say so: monitoring needs them rather than an error. */
static int log_down(const struct cli *cli, const char *why)
{
	const struct status s = { .absent = true, .version = PACKAGE_VERSION };
	struct metrics *m = calloc(1, sizeof(*m));
	_cleanup_free_ char *line = NULL;

	cli_complain(stderr, "%s", why);
	if (m && cli->options.json)
		line = object_line(metrics_json_new(m, &s));
	else if (m)
		metrics_print(m, &s, stdout);
	if (line)
		puts(line);
	free(m);
	return EXIT_UNREACHABLE;
}

int command_metrics(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	struct wire_request r = { .op = WIRE_METRICS };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	int code = EXIT_DONE;

	if (!command_is_bare(cli, "metrics", argc, argv))
		return EXIT_USAGE;
	r.text = o->json ? WIRE_TEXT_NONE : WIRE_TEXT_SHORT;
	client_ask(cli->settings.socket, &r, o->timeout ? o->timeout : PATIENCE, &a, &outcome);
	switch (outcome) {
	case CLIENT_ANSWERED:
		if (o->json)
			puts(a.result ? a.result : "[]");
		else
			fputs(a.out ? a.out : "", stdout);
		break;
	case CLIENT_ABSENT:
		code = log_down(cli, "the daemon is not running");
		break;
	case CLIENT_BARRED: /* the daemon may be running */
		cli_complain(stderr, CLIENT_BARRED_TEXT);
		code = EXIT_NOT_PERMITTED;
		break;
	case CLIENT_REFUSED:
		cli_complain(stderr, "%s", a.error_text);
		code = client_refusal_code(&a);
		break;
	case CLIENT_BROKEN:
		code = log_down(cli, "the daemon does not answer");
		break;
	}
	wire_answer_done(&a);
	return code;
}
