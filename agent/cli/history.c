/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe history: what the last operations did. Reads the run directory, which only root may do;
 * for members of the group the daemon does. */
#include "cli/history.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "base/os.h"
#include "base/when.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "show/config.h"
#include "show/history.h"
#include "show/history_file.h"
#include "show/report_json.h"

#define PATIENCE (10 * USEC_PER_SEC)

static struct history_now history_clocks(void)
{
	return (struct history_now){ os_now(), os_wall() };
}

/* Ask the daemon, as the file may not be read. */
static int history_ask(const struct settings *s, usec_t patience, json_t **ret,
		       char ret_why[REPORT_TEXT_MAX])
{
	struct wire_request r = { .op = WIRE_HISTORY };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	int code = EXIT_DONE;

	client_ask(s->socket, &r, patience, &a, &outcome);
	*ret = outcome == CLIENT_ANSWERED && a.result ? json_loads(a.result, 0, NULL) : NULL;
	if (!json_is_array(*ret)) {
		json_decref(*ret);
		*ret = NULL;
		code = outcome == CLIENT_ABSENT ? EXIT_NOT_PERMITTED
						: client_failure_code(outcome, &a);
		snprintf(ret_why, REPORT_TEXT_MAX, "%s",
			 outcome == CLIENT_ABSENT
				 ? "only root may read it while vipsafed is not running"
				 : client_failure_text(outcome, &a));
	}
	wire_answer_done(&a);
	return code;
}

/* Read all of it. Returns an exit code; unless that is EXIT_DONE, WHY has the reason. */
static int history_load(const struct settings *s, const char *boot_id, bool local, usec_t patience,
			json_t **ret, char ret_why[REPORT_TEXT_MAX])
{
	_cleanup_free_ char *text = NULL;
	int r = history_read(s->run_dir, boot_id, &text);

	if (r == -EACCES && !local)
		return history_ask(s, patience, ret, ret_why);
	if (r < 0 && r != -ENOENT) {
		snprintf(ret_why, REPORT_TEXT_MAX, "%s: %s", s->run_dir, strerror(-r));
		return r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_UNPROTECTED;
	}
	*ret = history_parse(r < 0 ? "" : text, SIZE_MAX, history_clocks());
	if (*ret)
		return EXIT_DONE;
	snprintf(ret_why, REPORT_TEXT_MAX, "%s", strerror(ENOMEM));
	return EXIT_UNPROTECTED;
}

static int show_one(const struct cli *cli, json_t *list, const char *id)
{
	json_t *one = history_find(list, id);

	if (!one)
		return cli_fail(&cli->options, EXIT_USAGE,
				"history: no operation, or several, with an id \"%.40s\"", id);
	if (cli->options.json)
		render_json(json_incref(one), stdout, stderr);
	else
		history_print_one(one, history_clocks(), stdout);
	return EXIT_DONE;
}

static void show_all(const struct cli *cli, json_t *list, bool some)
{
	if (cli->options.json)
		render_json(json_incref(list), stdout, stderr);
	else if (!json_array_size(list))
		puts(some ? "no operation in that time" : "no operation since boot");
	else
		history_print(list, history_clocks(), terminal_columns(stdout),
			      cli->options.verbose, stdout);
}

/* The times asked for, in microseconds of the wall clock. */
static int history_times(const struct options *o, usec_t *ret_since, usec_t *ret_until,
			 struct request_error *e)
{
	struct when w;

	*ret_since = 0;
	*ret_until = USEC_NEVER;
	if (o->since) {
		if (when_parse(o->since, os_wall(), &w, e) < 0)
			return -EINVAL;
		*ret_since = w.at;
	}
	if (o->until) {
		if (when_parse(o->until, os_wall(), &w, e) < 0)
			return -EINVAL;
		/* "02:58" is the whole minute, "1h ago" no hour */
		*ret_until = w.at + (w.span && !w.is_ago ? w.span - 1 : 0);
	}
	if (*ret_since > *ret_until)
		return request_error_set(e, "--since " QUOTED " is after --until " QUOTED, o->since,
					 o->until);
	return 0;
}

int command_history(struct cli *cli, int argc, char *argv[])
{
	const struct options *o = &cli->options;
	char why[REPORT_TEXT_MAX];
	struct request_error e;
	json_t *list = NULL, *some;
	usec_t since, until;
	int code;

	if (argc > 1) {
		request_error_set(&e, "unknown word " QUOTED, argv[1]);
		return command_usage(&cli->options, &e);
	}
	if (history_times(o, &since, &until, &e) < 0)
		return command_usage(&cli->options, &e);
	code = history_load(&cli->settings, cli->boot_id, o->local,
			    o->timeout ? o->timeout : PATIENCE, &list, why);
	if (code != EXIT_DONE)
		return cli_fail(o, code, "history: %s", why);
	some = history_between(list, since, until);
	json_decref(list);
	if (argc)
		code = show_one(cli, some, argv[0]);
	else
		show_all(cli, some, o->since || o->until);
	json_decref(some);
	return code;
}

/* Nobody waits long for what is only offered. */
#define OFFER_PATIENCE (500 * USEC_PER_MSEC)

void history_offer(const char *config, const char *netns, void (*offer)(void *ud, const char *id),
		   void *ud)
{
	char boot_id[BOOT_ID_MAX], why[REPORT_TEXT_MAX];
	struct request_error e;
	struct settings s;
	json_t *list = NULL;
	size_t i;

	if (config_load_in(config, netns, &s, &e) < 0)
		return;
	identity_boot_id(boot_id);
	if (history_load(&s, boot_id, false, OFFER_PATIENCE, &list, why) == EXIT_DONE)
		for (i = 0; i < json_array_size(list); i++)
			offer(ud, object_text(json_array_get(list, i), "id"));
	json_decref(list);
	settings_done(&s);
}
