/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe reload: the daemon reads its configuration again, and reports what is wrong with it. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/render.h"

/* Guards that start anew read the whole conntrack table. */
#define PATIENCE (60 * USEC_PER_SEC)

int command_reload(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	const struct wire_request r = { .op = WIRE_RELOAD };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	int code = EXIT_DONE;

	if (!command_is_bare(argc, argv))
		return EXIT_USAGE;
	client_ask(cli->settings.socket, &r, o->timeout ? o->timeout : PATIENCE, &a, &outcome);
	if (outcome == CLIENT_ABSENT)
		cli_complain(stderr, "no daemon listens on %s", cli->settings.socket);
	else if (outcome != CLIENT_ANSWERED)
		cli_complain(stderr, "%s", client_failure_text(outcome, &a));
	if (outcome != CLIENT_ANSWERED)
		code = client_failure_code(outcome, &a);
	if (o->json)
		printf("{\"reloaded\":%s}\n", code == EXIT_DONE ? "true" : "false");
	wire_answer_done(&a);
	return code;
}
