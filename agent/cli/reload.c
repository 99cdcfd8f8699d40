/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe reload: the daemon reads its configuration again, and reports what is wrong with it. */
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/publish.h"
#include "base/option.h"

/* Guards that start anew read the whole conntrack table. */
#define PATIENCE (60 * USEC_PER_SEC)

static int reload_refused(const struct wire_answer *a)
{
	cli_complain(stderr, "%s", a->error_text);
	if (!strcmp(a->error_code, wire_refusal_name(WIRE_BAD_CONFIG)))
		return EXIT_CONFIG;
	if (!strcmp(a->error_code, wire_refusal_name(WIRE_NOT_PERMITTED)))
		return EXIT_NOT_PERMITTED;
	return EXIT_UNREACHABLE;
}

int command_reload(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	const struct wire_request r = { .op = WIRE_RELOAD };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	struct request_error e;
	int code = EXIT_DONE;

	if (argc) {
		request_error_set(&e, "unknown word " QUOTED, argv[0]);
		return command_usage(&e);
	}
	if (o->local) {
		request_error_set(&e, "contradictory options: \"--local\" does not go with reload");
		return command_usage(&e);
	}
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
		code = reload_refused(&a);
		break;
	case CLIENT_BROKEN:
		fputs("vipsafe: the daemon does not answer\n", stderr);
		code = EXIT_UNREACHABLE;
		break;
	}
	if (o->json)
		printf("{\"reloaded\":%s}\n", code == EXIT_DONE ? "true" : "false");
	wire_answer_done_with(&a);
	return code;
}
