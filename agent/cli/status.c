/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe status: the state of the daemon, or what can be seen without it. The exit codes are
 * those of an init script's "status". */
#include <errno.h>
#include <string.h>

#include "cli/client.h"
#include "base/os.h"
#include "cli/commands.h"
#include "cli/render.h"
#include "show/history.h"
#include "show/history_file.h"
#include "show/status.h"
#include "move/survey.h"

#define PATIENCE (10 * USEC_PER_SEC)

/* Operations searched for the one that put an address where it is. */
#define OPERATIONS_MAX 100

enum status_code {
	STATUS_RUNNING = 0,
	STATUS_NOT_RUNNING = 3,
	STATUS_UNKNOWN = STATUS_CODE_UNKNOWN,
};

static json_t *read_operations(const struct cli *cli)
{
	const struct history_now now = { os_now(), os_wall() };
	_cleanup_free_ char *text = NULL;
	int r = history_read(cli->settings.run_dir, cli->boot_id, &text);

	if (r < 0 && r != -ENOENT)
		return NULL;
	return history_parse(r < 0 ? "" : text, OPERATIONS_MAX, now);
}

/* The devices that should be guarded, and are not. */
static struct status_device *unguarded(const struct settings *settings)
{
	struct status_device *list = calloc(settings->n_devices + 1, sizeof(*list));
	size_t i;

	for (i = 0; i < settings->n_devices && list; i++) {
		list[i] = (struct status_device){ .state = "unguarded",
						  .mode = settings->devices[i].pin,
						  .hold = HOLD_OFF };
		memcpy(list[i].device, settings->devices[i].name, sizeof(list[i].device));
	}
	return list;
}

/* Print what can be seen without a daemon. */
static void print_local(const struct cli *cli)
{
	_cleanup_free_ struct status_device *devices = unguarded(&cli->settings);
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	struct survey survey = { 0 };
	struct status s = { .absent = true,
			    .version = PACKAGE_VERSION,
			    .devices = devices,
			    .n_devices = devices ? cli->settings.n_devices : 0,
			    .survey = &survey,
			    .operations = read_operations(cli),
			    .now = os_now(),
			    .wall = os_wall(),
			    .columns = terminal_columns(stdout) };
	struct run_env env;

	if (kernel_real_new(&real) == 0) {
		env = cli_run_env(cli, kernel_real_get(real));
		survey_take(&env, &survey);
	}
	if (cli->options.json)
		render_json(status_json_new(&s), stdout, stderr);
	else
		status_print(&s, cli->options.verbose, stdout);
	survey_done(&survey);
	json_decref(s.operations);
}

static void print_missing(const struct cli *cli, enum status_code code, const char *text)
{
	cli_complain(stderr, "%s", text);
	if (code == STATUS_NOT_RUNNING)
		print_local(cli);
	else if (cli->options.json)
		puts("{\"running\":null}");
}

int command_status(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	struct wire_request r = { .op = WIRE_STATUS };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	int code;

	if (!command_is_bare(argc, argv))
		return EXIT_USAGE;
	r.text = o->json ? WIRE_TEXT_NONE : o->verbose ? WIRE_TEXT_VERBOSE : WIRE_TEXT_SHORT;
	r.columns = terminal_columns(stdout);
	client_ask(cli->settings.socket, &r, o->timeout ? o->timeout : PATIENCE, &a, &outcome);
	if (outcome != CLIENT_ANSWERED) {
		code = outcome == CLIENT_ABSENT ? STATUS_NOT_RUNNING : STATUS_UNKNOWN;
		print_missing(cli, (enum status_code)code, client_failure_text(outcome, &a));
	} else {
		code = a.exit_code;
		if (o->json)
			puts(a.result ? a.result : "{}");
		else
			fputs(a.out ? a.out : "", stdout);
	}
	wire_answer_done(&a);
	return code;
}
