/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"

#include <ctype.h>
#include <string.h>

#define ADD_ARGUMENTS                                                                  \
	"ADDR[/LEN] [ADDR...] dev DEV [label L] [scope S] [brd B|+] [noprefixroute]\n" \
	"      [dad] [preferred_lft N] [metric N]"
#define DEL_ARGUMENTS "ADDR/LEN [ADDR...] dev DEV"

const struct command commands[] = {
	{ "add", command_add, SCOPE_MOVE, true, ADD_ARGUMENTS,
	  "add virtual IPs to a device and announce them",
	  "ADDR without LEN means /32 or /128. Adding an address that is there already is no\n"
	  "error.\n" },
	{ "del", command_del, SCOPE_MOVE, true, DEL_ARGUMENTS,
	  "delete virtual IPs and keep everybody else's connections",
	  "LEN is required: exactly this address with this prefix length is deleted. Deleting an\n"
	  "address that is not there is no error.\n" },
	{ "doctor", command_doctor, SCOPE_DOCTOR, false, "[--keepalived FILE [version V]]",
	  "look for what makes address changes break connections here",
	  "Each finding has a code, why it matters and what cures it; -v also shows notes.\n"
	  "It says what it is not permitted to see. Exit codes: 0 nothing is wrong,\n"
	  "10 warnings, or something could not be seen, 11 connections will be lost.\n"
	  "With --keepalived it reports what does not work with vipsafe.conf, or with the version\n"
	  "of keepalived that is to read the file: the installed one unless V is given.\n" },
	{ "history", command_history, SCOPE_ANY, false, "[ID]",
	  "print what the last operations did",
	  "With ID, which may be shortened, print everything about that operation. The history\n"
	  "goes back to the boot, up to 256 KiB.\n" },
	{ "import", command_import, SCOPE_ANY, false, "FILE [owner vipsafe|keepalived] [version V]",
	  "print the sections for vipsafe.conf that an existing keepalived.conf needs",
	  "It also prints what to change in keepalived.conf. \"owner\" says who adds and deletes\n"
	  "the addresses from then on. What cannot be carried over is in comments that begin\n"
	  "with \"#!\"; the exit code is then 10.\n" },
	{ "notify", command_notify, SCOPE_ANY, false, "INSTANCE|GROUP NAME STATE [PRIORITY]",
	  "hand over a state that keepalived reports",
	  "For notify scripts. It hands the state to the daemon and does not wait for the\n"
	  "address change. Without a daemon it does the work itself, in the background.\n",
	  true },
	{ "lvs", command_lvs, SCOPE_LVS, false, "check|map",
	  "find connections that an LVS makes identical for a real server",
	  "check compares this node's connections with a map of LVS services; map prints that\n"
	  "map, and where each service comes from. See vipsafe-lvs(7). Exit codes of check:\n"
	  "0 nothing found, 10 warnings, 11 two connections collide. Of map: 10 it is "
	  "incomplete.\n" },
	{ "metrics", command_metrics, SCOPE_ANY, false, "",
	  "print the daemon's counters for monitoring",
	  "In the text format of Prometheus; [agent] textfile writes the same to a file.\n"
	  "Exit codes: 0, or 75 when no daemon answers (vipsafe_up is then 0).\n" },
	{ "plan", command_plan, SCOPE_MOVE, false, "add|del ...",
	  "print what add or del would do, and change nothing",
	  "The words after \"plan\" are the same as for the command itself.\n" },
	{ "probe", command_probe, SCOPE_ANY, false, "",
	  "find out by experiment whether this kernel flushes connections",
	  "It tries in a private network namespace and leaves nothing behind. The answer is kept\n"
	  "until the next boot. Exit code 4: it could not be found out.\n" },
	{ "recover", command_recover, SCOPE_RECOVER, true, "",
	  "finish what a killed run left behind", NULL },
	{ "reload", command_reload, SCOPE_ANY, false, "",
	  "make the daemon read its configuration again",
	  "If the configuration is wrong, it says why, and the old one stays in force (exit\n"
	  "code 78). If the reload changes the socket's path, give the old path with --socket.\n" },
	{ "status", command_status, SCOPE_ANY, false, "",
	  "print whether the daemon runs, and what it guards",
	  "Exit codes: 0 it is running, 3 it is not running, 4 that could not be found out, or\n"
	  "an instance's addresses could not be put where its state wants them.\n" },
	{ "watch", command_watch, SCOPE_ANY, false, "",
	  "print events as they happen, until interrupted",
	  "Each line begins with the seconds since boot, as in the kernel's log. Events are\n"
	  "moves, address deletes by others, repairs, and states of the guards.\n" },
	{ .name = NULL },
};

static const char exit_codes[] =
	"Exit codes:\n"
	"  0   done, or nothing to change     4   address done, protection did not run\n"
	"  1   error on the command line      5   refused for safety, nothing changed\n"
	"  2   the kernel refused the change, 6   deadline passed\n"
	"      nothing changed                75  no answer from the daemon\n"
	"  3   address done, some             77  not permitted\n"
	"      connections not restored       78  configuration\n";

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
		fprintf(out, "\n%c%s.\n%s\nOptions:\n", toupper((unsigned char)c->help[0]),
			c->help + 1, c->details ? c->details : "");
		options_help(c->scopes, out);
		return;
	}
	fputs("vipsafe moves a virtual IP without breaking other connections.\n\nUsage:\n", out);
	for (i = 0; commands[i].name; i++)
		usage_line(&commands[i], out);
	fputs("\nCommands:\n", out);
	for (i = 0; commands[i].name; i++)
		fprintf(out, "  %-9s  %s\n", commands[i].name, commands[i].help);
	fputs("\nOptions, anywhere on the line:\n", out);
	options_help(~0U, out);
	fprintf(out, "\n%s", exit_codes);
}
