/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "lvs/source_load.h"
#include "lvs/scan.h"

#define ADD_ARGUMENTS                                                                  \
	"ADDR[/LEN] [ADDR...] dev DEV [label L] [scope S] [brd B|+] [noprefixroute]\n" \
	"      [dad] [preferred_lft N] [metric N]"
#define DEL_ARGUMENTS "ADDR/LEN [ADDR...] dev DEV"

static const struct command commands[] = {
	{ "add", command_add, SCOPE_MOVE, true, ADD_ARGUMENTS,
	  "add virtual IPs to a device and announce them",
	  "ADDR without LEN means /32 or /128. Adding what is there already is no error.\n" },
	{ "del", command_del, SCOPE_MOVE, true, DEL_ARGUMENTS,
	  "delete virtual IPs and keep everybody else's connections",
	  "LEN is required: only exactly this address and prefix length goes. Deleting what\n"
	  "is not there is no error.\n" },
	{ "doctor", command_doctor, SCOPE_DOCTOR, false, "[--keepalived FILE [version V]]",
	  "look for what makes address changes break connections here",
	  "Each finding has a code, why it matters and what cures it; -v shows notes, too.\n"
	  "Without rights it says what it could not see. Exit codes: 0 nothing is wrong,\n"
	  "10 warnings, or something could not be seen, 11 connections will be lost.\n"
	  "Of a keepalived.conf it says what does not go with vipsafe.conf, or with the version\n"
	  "of keepalived that is to read it: the one installed here unless one is given.\n" },
	{ "history", command_history, SCOPE_ANY, false, "[ID]", "say what the last operations did",
	  "ID, which may be shortened, shows all about one. Kept since boot, up to 256 KiB.\n" },
	{ "import", command_import, SCOPE_ANY, false, "FILE [owner vipsafe|keepalived] [version V]",
	  "print the sections for vipsafe.conf that an existing keepalived.conf needs",
	  "And what to change in keepalived.conf; owner says who adds and deletes the addresses\n"
	  "from then on. What cannot be carried over is a comment that begins with \"#!\"; then\n"
	  "the exit code is 10.\n" },
	{ "notify", command_notify, SCOPE_ANY, false, "INSTANCE|GROUP NAME STATE [PRIORITY]",
	  "hand over what keepalived says of an instance",
	  "For notify scripts: the daemon is told, and it is not waited for what it does. Without\n"
	  "a daemon it is done here, detached.\n",
	  true },
	{ "lvs", command_lvs, SCOPE_LVS, false, "check|map",
	  "find connections that an LVS makes identical for a real server",
	  "check compares this node's connections with a map of LVS services; map prints that\n"
	  "map, and where each service is from. See vipsafe-lvs(7). Exit codes of check: 0\n"
	  "nothing found, 10 warnings, 11 two connections collide; map: 10 it is incomplete.\n" },
	{ "metrics", command_metrics, SCOPE_ANY, false, "",
	  "tell monitoring what the daemon has counted",
	  "In the text format of Prometheus; [agent] textfile keeps the same in a file.\n"
	  "Exit codes: 0, and 75 when no daemon answers (vipsafe_up is 0 then).\n" },
	{ "plan", command_plan, SCOPE_MOVE, false, "add|del ...",
	  "say what add or del would do, and change nothing",
	  "The words after \"plan\" are those of the command itself.\n" },
	{ "probe", command_probe, SCOPE_ANY, false, "",
	  "find out by experiment whether this kernel flushes connections",
	  "Tried in a private network namespace; nothing is left behind. The answer is kept\n"
	  "for this boot. Exit code 4: it could not be found out.\n" },
	{ "recover", command_recover, SCOPE_RECOVER, true, "",
	  "finish what a killed run left behind", NULL },
	{ "reload", command_reload, SCOPE_ANY, false, "",
	  "let the daemon read its configuration again",
	  "What is wrong with it is said, and then the old one stays in force (exit code 78).\n"
	  "Where the socket is about to move, --socket names its old place.\n" },
	{ "status", command_status, SCOPE_ANY, false, "",
	  "say how the daemon is, and what it guards",
	  "Exit codes: 0 it is running, 3 it is not, 4 it could not be found out.\n" },
	{ "watch", command_watch, SCOPE_ANY, false, "",
	  "print events as they happen, until interrupted",
	  "Each line begins with the seconds since boot, as in the kernel's log. Moves,\n"
	  "address deletes by others, repairs, states of the guards.\n" },
};

static const char exit_codes[] =
	"Exit codes:\n"
	"  0   done, or nothing to change     4   address done, protection did not run\n"
	"  1   usage                          5   refused for safety, nothing changed\n"
	"  2   the kernel refused the change, 6   deadline passed\n"
	"      nothing changed                75  daemon unreachable\n"
	"  3   address done, some             77  not permitted\n"
	"      connections not restored       78  configuration\n";

int command_find(const char *word, const struct command **ret, struct request_error *ret_error)
{
	const struct command *first = NULL, *second = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands) && *word; i++) {
		const struct command *c = &commands[i];

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

const struct command *command_at(size_t i)
{
	return i < ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

static void usage_line(const struct command *c, FILE *out)
{
	fprintf(out, "  vipsafe %s%s%s\n", c->name, *c->arguments ? " " : "", c->arguments);
}

void command_help(const struct command *c, FILE *out)
{
	size_t i;

	if (c) {
		fputs("Usage:\n", out);
		usage_line(c, out);
		fprintf(out, "\nTo %s.\n%s\nOptions:\n", c->help, c->details ? c->details : "");
		options_help(c->scopes, out);
		return;
	}
	fputs("vipsafe moves a virtual IP without breaking other connections.\n\nUsage:\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		usage_line(&commands[i], out);
	fputs("\nCommands:\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-9s  %s\n", commands[i].name, commands[i].help);
	fputs("\nOptions, anywhere on the line:\n", out);
	options_help(~0U, out);
	fprintf(out, "\n%s", exit_codes);
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
