/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe status: how the daemon is. The exit codes are those of an init
 * script's "status". */
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "core/option.h"

#define PATIENCE (10 * USEC_PER_SEC)

enum status_code {
	STATUS_RUNNING = 0,
	STATUS_NOT_RUNNING = 3,
	STATUS_UNKNOWN = 4,
};

static int tell_missing(const struct cli *cli, enum status_code code, const char *text)
{
	if (cli->options.json)
		printf("{\"running\":%s}\n", code == STATUS_NOT_RUNNING ? "false" : "null");
	fprintf(stderr, "vipsafe: %s\n", text);
	return code;
}

int command_status(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	struct wire_request r = { .op = WIRE_STATUS };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	struct request_error e;
	int code = STATUS_RUNNING;

	if (argc) {
		request_error_set(&e, "unknown word " QUOTED, argv[0]);
		return command_usage(&e);
	}
	if (o->local) {
		request_error_set(&e, "contradictory options: \"--local\" does not go with status");
		return command_usage(&e);
	}
	r.text = o->json ? WIRE_TEXT_NONE : o->verbose ? WIRE_TEXT_VERBOSE : WIRE_TEXT_SHORT;
	client_ask(cli->settings.socket, &r, o->timeout ? o->timeout : PATIENCE, &a, &outcome);
	switch (outcome) {
	case CLIENT_ANSWERED:
		if (o->json)
			puts(a.result ? a.result : "{}");
		else
			fputs(a.out ? a.out : "", stdout);
		break;
	case CLIENT_ABSENT:
		code = tell_missing(cli, STATUS_NOT_RUNNING, "the daemon is not running");
		break;
	case CLIENT_REFUSED:
		code = tell_missing(cli, STATUS_UNKNOWN, a.error_text);
		break;
	case CLIENT_BROKEN:
		code = tell_missing(cli, STATUS_UNKNOWN, "the daemon does not answer");
		break;
	}
	wire_answer_done_with(&a);
	return code;
}
