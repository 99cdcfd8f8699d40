/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "lvs/scan.h"
#include "lvs/source_load.h"

int command_find(const struct command *commands, const char *word, const struct command **ret,
		 struct request_error *ret_error)
{
	const struct command *first = NULL, *second = NULL;
	const struct command *c;

	for (c = commands; c->name && *word; c++) {
		if (strncmp(c->name, word, strlen(word)))
			continue;
		if (!strcmp(c->name, word)) {
			*ret = c;
			return 0;
		}
		if (first)
			second = c;
		else
			first = c;
	}
	if (second)
		return request_error_set(ret_error, QUOTED " is ambiguous: %s, %s", word,
					 first->name, second->name);
	if (!first)
		return request_error_set(ret_error, "unknown command " QUOTED, word);
	*ret = first;
	return 0;
}

bool command_is_bare(const struct cli *cli, const char *name, int argc, char *argv[])
{
	struct request_error e;
	int r = request_no_words(argc, argv, &e);

	if (r == 0 && cli->options.local)
		r = request_error_set(&e, "contradictory options: \"--local\" does not go with %s",
				      name);
	if (r < 0)
		command_usage(&e);
	return r == 0;
}

struct run_env cli_run_env(const struct cli *cli, struct kernel kernel)
{
	return (struct run_env){
		.kernel = kernel,
		.settings = &cli->settings,
		.seed = cli->seed,
		.boot_id = cli->boot_id,
	};
}

struct run_env cli_move_env(struct cli *cli, struct kernel kernel)
{
	const char *config = cli->options.config ? cli->options.config : VIPSAFE_CONFIG;
	struct run_env env = cli_run_env(cli, kernel);

	/* without a map no conflicts are looked for; the move itself is not affected */
	if (!cli->lvs_map)
		(void)lvs_load(cli->settings.lvs, config, lvs_scan_ipvs, &kernel, NULL,
			       kernel.ops->now(kernel.ctx), &cli->lvs_map);
	env.lvs_map = &cli->lvs_map;
	return env;
}

int command_usage(const struct request_error *e)
{
	fprintf(stderr, "vipsafe: %s\n", e->text);
	return EXIT_USAGE;
}
