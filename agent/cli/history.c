/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe history: what the last operations did. Reads the run directory; no daemon is needed. */
#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "base/os.h"
#include "cli/render.h"
#include "base/option.h"
#include "show/history.h"

/* More operations than the file can hold. */
#define ALL ((size_t)1 << 20)

static int read_list(const struct cli *cli, json_t **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = history_read(cli->settings.run_dir, cli->boot_id, &text);

	if (r < 0 && r != -ENOENT) {
		cli_complain(stderr, "history: %s: %s", cli->settings.run_dir, strerror(-r));
		return r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_UNPROTECTED;
	}
	*ret = history_parse(r < 0 ? "" : text, ALL);
	return *ret ? EXIT_DONE : EXIT_UNPROTECTED;
}

static int show_one(const struct cli *cli, json_t *list, const char *id)
{
	json_t *one = history_find(list, id);

	if (!one) {
		cli_complain(stderr, "history: no operation, or several, with an id \"%.40s\"", id);
		return EXIT_USAGE;
	}
	if (cli->options.json)
		render_json(json_incref(one), stdout, stderr);
	else
		history_print_one(one, os_now(), stdout);
	return EXIT_DONE;
}

static void show_all(const struct cli *cli, json_t *list)
{
	if (cli->options.json)
		render_json(json_incref(list), stdout, stderr);
	else if (!json_array_size(list))
		puts("no operation since boot");
	else
		history_print(list, os_now(), terminal_columns(stdout), stdout);
}

int command_history(struct cli *cli, int argc, char *argv[])
{
	struct request_error e;
	json_t *list = NULL;
	int code;

	if (argc > 1) {
		request_error_set(&e, "unknown word " QUOTED, argv[1]);
		return command_usage(&e);
	}
	code = read_list(cli, &list);
	if (code == EXIT_DONE && argc)
		code = show_one(cli, list, argv[0]);
	else if (code == EXIT_DONE)
		show_all(cli, list);
	json_decref(list);
	return code;
}
