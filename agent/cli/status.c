/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe status: the state of the daemon, or what can be seen without it. The exit codes are
 * those of an init script's "status". */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/option.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/conntrackd.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "cli/status_check.h"
#include "cli/status_local.h"
#include "show/report_json.h"

#define PATIENCE (10 * USEC_PER_SEC)

static void print_local(void *ud, const struct status *s)
{
	const struct cli *cli = ud;

	if (cli->options.json)
		render_json(status_json_new(s), stdout, stderr);
	else
		status_print(s, cli->options.verbose, stdout);
}

/* Print the status; its exit code. */
static int status_show(const struct cli *cli, enum client_outcome outcome,
		       const struct wire_answer *a)
{
	if (outcome == CLIENT_ANSWERED) {
		if (cli->options.json)
			render_line(a->result, stdout, stderr);
		else
			fputs(a->out ? a->out : "", stdout);
		return a->exit_code;
	}
	cli_complain(stderr, "%s", client_failure_text(outcome, a));
	if (outcome == CLIENT_ABSENT && !cli->outside) {
		status_local(cli, terminal_columns(stdout), print_local, (void *)cli);
		return STATUS_CODE_NOT_RUNNING;
	}
	if (cli->options.json)
		render_json(json_pack("{s:n, s:o, s:i}", "running", "error",
				      object_string(client_failure_text(outcome, a)), "exit_code",
				      STATUS_CODE_UNKNOWN),
			    stdout, stderr);
	return outcome == CLIENT_ABSENT ? STATUS_CODE_NOT_RUNNING : STATUS_CODE_UNKNOWN;
}

static void take_local(void *ud, const struct status *s)
{
	json_t **o = ud;

	*o = status_json_new(s);
}

/* What conntrackd says, where an instance needs it. Only root may ask it. */
static int status_judge_conntrackd(const struct cli *cli, json_t *status, const char *instance,
				   char why[STATUS_CHECK_TEXT_MAX])
{
	struct conntrackd_stats said;
	int code;

	if (!status_check_asks_conntrackd(&cli->settings, instance))
		return 0;
	conntrackd_ask(&cli->settings, &said);
	code = status_check_conntrackd(status, instance, &cli->settings, &said, why);
	if (code && !said.answered && geteuid())
		snprintf(why, STATUS_CHECK_TEXT_MAX,
			 "only root may ask conntrackd: give the vrrp_script the user root");
	return code;
}

/* Print nothing if all is well, or else one line; the exit code. */
static int status_judge(const struct cli *cli, const char *instance, enum client_outcome outcome,
			const struct wire_answer *a)
{
	char why[STATUS_CHECK_TEXT_MAX] = "out of memory";
	int code = STATUS_CODE_UNKNOWN;
	json_t *o = NULL;

	if (outcome == CLIENT_ANSWERED)
		o = json_loads(a->result ? a->result : "", 0, NULL);
	else if (outcome == CLIENT_ABSENT && !cli->outside)
		status_local(cli, 0, take_local, &o);
	else
		snprintf(why, sizeof(why), "%s", client_failure_text(outcome, a));
	if (o)
		code = status_check(o, instance, why);
	if (o && !code)
		code = status_judge_conntrackd(cli, o, instance, why);
	json_decref(o);
	if (code)
		cli_complain(stderr, "%s", why);
	if (cli->options.json)
		render_json(json_pack("{s:b, s:o, s:i}", "ok", !code, "reason",
				      object_string(code ? why : ""), "exit_code", code),
			    stdout, stderr);
	return code;
}

/* Parse the words after "status": with --check the name of an instance. */
static int status_take_word(const struct cli *cli, int argc, char *argv[], const char **ret)
{
	struct request_error e;

	*ret = NULL;
	if (!cli->options.check)
		return command_is_bare(&cli->options, argc, argv) ? 0 : -EINVAL;
	if (argc > 1) {
		request_error_set(&e, "unknown word " QUOTED, argv[1]);
		command_usage(&cli->options, &e);
		return -EINVAL;
	}
	*ret = argc ? argv[0] : NULL;
	return 0;
}

int command_status(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	struct wire_request r = { .op = WIRE_STATUS };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	const char *instance;
	int code;

	if (status_take_word(cli, argc, argv, &instance) < 0)
		return EXIT_USAGE;
	r.text = o->json || o->check ? WIRE_TEXT_NONE
		 : o->verbose	     ? WIRE_TEXT_VERBOSE
				     : WIRE_TEXT_SHORT;
	r.columns = terminal_columns(stdout);
	client_ask(cli->settings.socket, &r, o->timeout ? o->timeout : PATIENCE, &a, &outcome);
	code = o->check ? status_judge(cli, instance, outcome, &a) : status_show(cli, outcome, &a);
	wire_answer_done(&a);
	return code;
}
