/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe: the command line. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/failure.h"
#include "lvs/map.h"
#include "show/config.h"
#include "base/os.h"
#include "show/settings_text.h"

/* Inherited dispositions are the caller's: with SIGCHLD ignored no child could be waited for, and
 * a signal about the output must not end a move half-way. */
static void set_signals(void)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write beyond the file size limit then fails with EFBIG */
}

/* Commands that run without a configuration get the defaults. */
static int load_settings(struct cli *cli, bool without)
{
	struct request_error e = { "" };
	int code = EXIT_DONE;

	if (config_load_in(cli->options.config, cli->options.netns, &cli->settings, &e) < 0) {
		code = EXIT_CONFIG;
		if (without)
			fprintf(stderr, "vipsafe: %s\n", e.text);
		else
			cli_fail(&cli->options, code, "%s", e.text);
		if (config_defaults(cli->options.netns, &cli->settings, &e) < 0)
			exit(code);
	}
	if (cli->options.socket)
		snprintf(cli->settings.socket, sizeof(cli->settings.socket), "%s",
			 cli->options.socket);
	return code;
}

/* Before any socket is opened. */
static int enter_netns(struct cli *cli, const struct command *c)
{
	struct request_error e;
	int r = *cli->settings.netns ? netns_enter(cli->settings.netns, &e) : 0;

	if (r == 0)
		return EXIT_DONE;
	cli->outside = (r == -EPERM || r == -EACCES) && c->needs_no_netns;
	if (cli->outside)
		return EXIT_DONE;
	return cli_fail(&cli->options,
			r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED
			: cli->options.netns	    ? EXIT_USAGE
						    : EXIT_CONFIG,
			"%s", e.text);
}

static int run_command(struct cli *cli, const struct command *c, int argc, char *argv[])
{
	const char *misplaced = options_misplaced(&cli->options, c->scopes);
	struct request_error e;
	int code;

	if (misplaced) {
		request_error_set(&e, "contradictory options: \"--%s\" does not go with %s",
				  misplaced, c->name);
		return command_usage(&cli->options, &e);
	}
	code = load_settings(cli, c->without_config);
	if (code != EXIT_DONE && !c->without_config)
		return code;
	code = enter_netns(cli, c);
	if (code != EXIT_DONE) {
		settings_done(&cli->settings);
		return code;
	}
	cli->seed = identity_seed();
	identity_boot_id(cli->boot_id);
	code = c->run(cli, argc, argv);
	if (cli->lvs_map)
		cli->lvs_map = lvs_map_free(cli->lvs_map);
	settings_done(&cli->settings);
	return code;
}

/* Lost output is an error, but it does not replace the exit code about an address. */
static int check_output(int code, bool changes)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (errno != EPIPE)
		fprintf(stderr, "vipsafe: cannot write the result: %s\n", strerror(errno));
	return code == EXIT_DONE && !changes ? EXIT_USAGE : code;
}

static int dispatch(struct cli *cli, int n_words, char *words[])
{
	const struct command *c = NULL;
	struct request_error e;

	if (n_words && command_find(commands, words[0], &c, &e) < 0)
		return command_usage(&cli->options, &e);
	if (cli->options.version)
		return check_output(command_version(cli, 0, NULL), false);
	if (cli->options.help) {
		return check_output(command_help_show(&cli->options, c), false);
	}
	if (!c && cli->options.json) {
		request_error_set(&e, "no command is given");
		return check_output(command_usage(&cli->options, &e), false);
	}
	if (!c) {
		command_usage_short(stderr);
		return EXIT_USAGE;
	}
	if (cli->options.plan && c->run != command_plan && !(SCOPE_MOVE & ~c->scopes)) {
		(void)command_find(commands, "plan", &c, &e); /* it takes the command as a word */
		words--;
		n_words++;
	}
	return check_output(run_command(cli, c, n_words - 1, words + 1), c->changes);
}

int main(int argc, char *argv[])
{
	_cleanup_free_ char **words = NULL;
	struct request_error e;
	struct cli cli = { .commands = commands };
	int n_words;

	descriptors_open_standard();
	descriptors_make_stderr_patient();
	set_signals();
	if (argc > 1 &&
	    !strcmp(argv[1], "__complete")) /* internal: called by the shell's completion */
		return complete_print(argc - 2, argv + 2);
	words = calloc((size_t)argc + 1, sizeof(*words));
	if (!words) {
		fputs("vipsafe: out of memory; nothing changed\n", stderr);
		return EXIT_KERNEL_REFUSED;
	}
	if (options_parse(argc > 0 ? argc - 1 : 0, argv + 1, &cli.options, words, &n_words, &e) < 0)
		return command_usage(&cli.options, &e);
	return dispatch(&cli, n_words, words);
}
