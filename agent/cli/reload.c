/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe reload: the daemon reads its configuration again, and reports what is wrong with it. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/publish.h"

/* Guards that start anew read the whole conntrack table. */
#define PATIENCE (60 * USEC_PER_SEC)

int command_reload(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	const struct wire_request r = { .op = WIRE_RELOAD };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	int code = EXIT_DONE;

	if (!command_is_bare(cli, "reload", argc, argv))
		return EXIT_USAGE;
	client_ask(cli->settings.socket, &r, o->timeout ? o->timeout : PATIENCE, &a, &outcome);
	switch (outcome) {
	case CLIENT_ANSWERED:
		break;
	case CLIENT_ABSENT:
		cli_complain(stderr, "no daemon listens on %s", cli->settings.socket);
		code = EXIT_UNREACHABLE;
		break;
	case CLIENT_BARRED:
		cli_complain(stderr, CLIENT_BARRED_TEXT);
		code = EXIT_NOT_PERMITTED;
		break;
	case CLIENT_REFUSED:
		cli_complain(stderr, "%s", a.error_text);
		code = client_refusal_code(&a);
		break;
	case CLIENT_BROKEN:
		fputs("vipsafe: the daemon does not answer\n", stderr);
		code = EXIT_UNREACHABLE;
		break;
	}
	if (o->json)
		printf("{\"reloaded\":%s}\n", code == EXIT_DONE ? "true" : "false");
	wire_answer_done(&a);
	return code;
}
