/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe reload: the daemon reads its configuration again, and reports what is wrong with it. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "show/report_json.h"

/* Guards that start anew read the whole conntrack table. */
#define PATIENCE (60 * USEC_PER_SEC)

/* Returns the exit code. */
static int reload_show(const struct cli *cli, enum client_outcome outcome,
		       const struct wire_answer *a)
{
	char why[CLIENT_TEXT_MAX + SETTINGS_PATH_MAX] = "";
	int code = outcome == CLIENT_ANSWERED ? EXIT_DONE : client_failure_code(outcome, a);
	json_t *o = NULL;

	if (outcome == CLIENT_ABSENT)
		snprintf(why, sizeof(why), "no daemon listens on %s", cli->settings.socket);
	else if (code)
		snprintf(why, sizeof(why), "%s", client_failure_text(outcome, a));
	if (code)
		cli_complain(stderr, "%s", why);
	if (!cli->options.json)
		return code;
	o = json_object();
	object_put_bool(&o, "reloaded", !code);
	object_put_text(&o, "error", why);
	object_put_number(&o, "exit_code", (uint64_t)code);
	render_json(o, stdout, stderr);
	return code;
}

int command_reload(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	const struct wire_request r = { .op = WIRE_RELOAD };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	int code;

	if (!command_is_bare(o, argc, argv))
		return EXIT_USAGE;
	client_ask(cli->settings.socket, &r, o->timeout ? o->timeout : PATIENCE, &a, &outcome);
	code = reload_show(cli, outcome, &a);
	wire_answer_done(&a);
	return code;
}
