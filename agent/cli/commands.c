/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/failure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/render.h"

#define ADD_ARGUMENTS                                                  \
	"ADDR[/LEN] [ADDR...] dev DEV [label L] [scope S] [brd B|+]\n" \
	"      [noprefixroute] [dad] [preferred_lft N] [metric N]\n"   \
	"      [peer ADDR[/LEN]] [proto N] [home] [autojoin]"
#define DEL_ARGUMENTS "ADDR/LEN [ADDR...] dev DEV [peer ADDR] [only|except] [FILTER...]"

const struct command commands[] = {
	{ "add", command_add, SCOPE_MOVE | SCOPE_LOCAL | SCOPE_JSON, true, ADD_ARGUMENTS,
	  "add virtual IPs to a device and announce them",
	  "ADDR without LEN means /32 or /128, or with a peer the peer's LEN. Adding an\n"
	  "address that is there already is no error.\n" },
	{ "connections", command_connections, SCOPE_LOCAL | SCOPE_JSON, false,
	  "[dev D] [FILTER...]\n"
	  "      [pinned|unpinned|altered|not-selected|lingering|committed|at-risk]",
	  "list masqueraded connections and how each is protected",
	  "As conntrack(8) lists them, with \"# PROTECTION DEVICE\" at the end; --json prints\n"
	  "an object for each. FILTER is \"proto P\", \"src ADDR[/LEN]\", \"dst ADDR[/LEN]\",\n"
	  "\"sport N[-N]\", \"dport N[-N]\", \"mark N[/MASK]\" or \"zone N\", of the original\n"
	  "direction. at-risk: a flush would take it. Without the daemon, and with --local,\n"
	  "the table itself is listed. Exit code 4: it cannot be read, or the device is not\n"
	  "guarded.\n" },
	{ "del", command_del, SCOPE_MOVE | SCOPE_LOCAL | SCOPE_JSON, true, DEL_ARGUMENTS,
	  "delete virtual IPs and keep everybody else's connections",
	  "LEN is required: exactly this address with this prefix length is deleted.\n"
	  "Deleting an address that is not there is no error. FILTER, as for connections,\n"
	  "restricts what is protected: \"only proto tcp dport 443 except dst 10.1.0.0/16\".\n"
	  "What is not selected is counted.\n",
	  .alias = "delete" },
	{ "doctor", command_doctor, SCOPE_DOCTOR | SCOPE_LOCAL | SCOPE_JSON, false,
	  "[--keepalived FILE [version V]]",
	  "look for what makes address changes break connections here",
	  "The first line is PROTECTED, NOT NEEDED or AT RISK. Each finding has a code, why\n"
	  "it matters and what cures it; what is cured is a note, which -v shows. It says\n"
	  "what it is not permitted to see. Exit codes: 0 nothing is wrong, 10 warnings, or\n"
	  "something could not be seen, 11 connections will be lost. keepalived.conf is\n"
	  "found by itself.\n"
	  "With --keepalived it reports what does not work with vipsafe.conf, or with the\n"
	  "version of keepalived that is to read the file: the installed one unless V is\n"
	  "given.\n" },
	{ "explain", command_explain, SCOPE_LOCAL | SCOPE_JSON, false, "TUPLE [at TIME|since TIME]",
	  "say why a connection died, or how it is protected",
	  "TUPLE is \"[PROTO] SRC[:PORT] [DST[:PORT]]\" or a whole line of ss -tn, of\n"
	  "conntrack -L or of tcpdump -n; what it does not name matches. TIME is \"02:58\",\n"
	  "\"yesterday 02:58\", \"10m ago\", RFC 3339 or @SECONDS. The newest is printed\n"
	  "first, -v prints all. It says \"probably\" unless what was seen leaves no other\n"
	  "cause. Without the daemon it reads what that has left. Exit code 4: nothing is\n"
	  "known of such a connection.\n" },
	{ "history", command_history, SCOPE_HISTORY | SCOPE_LOCAL | SCOPE_JSON, false, "[ID]",
	  "print what happened to addresses, when and by whom",
	  "Also what others did to guarded devices, and what the guard did about it. With\n"
	  "ID, which may be shortened, print everything about one operation. -v leaves\n"
	  "nothing out, however narrow the terminal is. TIME is 02:58, \"yesterday 02:58\",\n"
	  "\"10m ago\" or 2026-11-30T02:58:31Z. The history goes back to the boot, up to\n"
	  "256 KiB.\n",
	  .needs_no_netns = true },
	{ "help", command_help_words, SCOPE_JSON, false, "[COMMAND]",
	  "print the help, or that of a command", NULL, true, .needs_no_netns = true },
	{ "import", command_import, SCOPE_IMPORT | SCOPE_LOCAL | SCOPE_JSON, false,
	  "FILE [owner vipsafe|keepalived] [version V]\n      [--output FILE|--patch]",
	  "print what vipsafe.conf needs beside an existing keepalived.conf",
	  "It also prints what to change in keepalived.conf. \"owner\" says who adds and\n"
	  "deletes the addresses from then on. What cannot be carried over is in comments\n"
	  "that begin with \"#!\"; the exit code is then 10. With --output it goes to a\n"
	  "file that is whole or not made at all; one that is there with another content\n"
	  "stays (exit code 5). With --patch, patch(1) makes the changes.\n",
	  .needs_no_netns = true },
	{ "isolate", command_isolate, SCOPE_MOVE | SCOPE_ISOLATE | SCOPE_LOCAL | SCOPE_JSON, true,
	  "ADDR/LEN dev DEV [type macvlan|dummy] [name N]\n"
	  "      | --undo [ADDR] [dev N]",
	  "move a virtual IP to a device of its own, for good",
	  "No connection is masqueraded to that device, so nobody's delete of the address\n"
	  "breaks any from then on, without a daemon. The address is on one of the two\n"
	  "devices at every moment. What is printed makes it last beyond the next boot.\n"
	  "--undo puts it back. Called again, it finishes what a killed one began.\n" },
	{ "lvs", command_lvs, SCOPE_LVS | SCOPE_LOCAL | SCOPE_JSON, false,
	  "check [vip A:P real B:P[,B:P] [method M] [toa T]]\n      | map",
	  "find connections that an LVS makes identical for a real server",
	  "check looks at this node's sockets for connections that have crossed, and\n"
	  "compares all connections with a map of LVS services: those of vipsafe.conf, and\n"
	  "one given here. map prints that map, and where each service comes from. See\n"
	  "vipsafe-lvs(7). Exit codes of check: 0 nothing found, 4 no LVS is described and\n"
	  "nothing crossed right now, 10 warnings, 11 two connections collide. Of map: 10\n"
	  "it is incomplete.\n" },
	{ "metrics", command_metrics, SCOPE_JSON, false, "",
	  "print the daemon's counters for monitoring",
	  "In the text format of Prometheus; [agent] textfile writes the same to a file.\n"
	  "Exit codes: 0, or 75 when no daemon answers (vipsafe_up is then 0).\n",
	  .needs_no_netns = true },
	{ "notify", command_notify, SCOPE_LOCAL, false, "INSTANCE|GROUP NAME STATE [PRIORITY]",
	  "hand over a state that keepalived reports",
	  "For notify scripts. It hands the state to the daemon and does not wait for the\n"
	  "address change. Without a daemon it does the work itself, in the background.\n",
	  true },
	{ "plan", command_plan, SCOPE_MOVE | SCOPE_ISOLATE | SCOPE_LOCAL | SCOPE_JSON, false,
	  "add|del|isolate ...", "print what these would do, and change nothing",
	  "The words after \"plan\" are the same as for the command itself. An address that\n"
	  "is not there is planned as if it were. -v lists the connections.\n" },
	{ "probe", command_probe, SCOPE_LOCAL | SCOPE_JSON, false, "",
	  "find out by experiment whether this kernel flushes connections",
	  "It tries in a private network namespace and leaves nothing behind. The answer is\n"
	  "kept until the next boot. Exit code 4: it could not be found out.\n" },
	{ "recover", command_recover, SCOPE_RECOVER | SCOPE_LOCAL | SCOPE_JSON, true, "",
	  "finish what a killed run left behind", NULL },
	{ "reload", command_reload, SCOPE_JSON, false, "",
	  "make the daemon read its configuration again",
	  "If the configuration is wrong, it says why, and the old one stays in force (exit\n"
	  "code 78). If the reload changes the socket's path, give the old path with\n"
	  "--socket.\n",
	  .needs_no_netns = true },
	{ "status", command_status, SCOPE_STATUS | SCOPE_JSON, false, "[--check [NAME]]",
	  "print whether the daemon runs, and what it guards",
	  "With --check it prints nothing if protection is in force and each instance's\n"
	  "addresses are where its state wants them, or else one line; with the NAME of an\n"
	  "instance, only this one counts. For vrrp_script and other probes.\n"
	  "Exit codes: 0 it is running, 3 it is not running, 4 that could not be found out,\n"
	  "or an instance's addresses could not be put where its state wants them.\n",
	  .alias = "show", .needs_no_netns = true },
	{ "version", command_version, SCOPE_JSON, false, "", "print the version", NULL, true,
	  .needs_no_netns = true },
	{ "watch", command_watch, SCOPE_JSON, false, "",
	  "print events as they happen, until interrupted",
	  "Each line begins with date and time. Events are moves, address deletes by\n"
	  "others, repairs, and states of the guards.\n",
	  .needs_no_netns = true },
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

void command_usage_short(FILE *out)
{
	fputs("vipsafe moves a virtual IP without breaking other connections.\n\n"
	      "  vipsafe status                      what is guarded, and is it in force\n"
	      "  vipsafe doctor                      what breaks connections here, and the cure\n"
	      "  vipsafe plan del ADDR/LEN dev DEV   what a delete would do; changes nothing\n"
	      "  vipsafe del ADDR/LEN dev DEV        delete an address, keep connections\n"
	      "  vipsafe add ADDR/LEN dev DEV        add one and announce it\n"
	      "  vipsafe import KEEPALIVED.CONF      print what vipsafe.conf needs\n"
	      "  vipsafe history                     what the last operations did\n"
	      "  vipsafe watch                       what happens, as it happens\n\n"
	      "vipsafe help [COMMAND] has the rest, vipsafe(8) all of it.\n",
	      out);
}

int command_version(struct cli *cli, int argc, char *argv[])
{
	if (!command_is_bare(&cli->options, argc, argv))
		return EXIT_USAGE;
	if (cli->options.json)
		render_json(json_pack("{s:s}", "program", "vipsafe"), stdout, stderr);
	else
		puts("vipsafe " PACKAGE_VERSION);
	return EXIT_DONE;
}

int command_help_words(struct cli *cli, int argc, char *argv[])
{
	const struct command *c = NULL;
	struct request_error e;

	if (argc && command_find(cli->commands, argv[0], &c, &e) < 0)
		return command_usage(&cli->options, &e);
	if (argc > 1 && !command_is_bare(&cli->options, argc - 1, argv + 1))
		return EXIT_USAGE;
	return command_help_show(&cli->options, c);
}

static void command_help(const struct command *c, FILE *out)
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
		fprintf(out, "  %-11s  %s\n", commands[i].name, commands[i].help);
	fputs("\nOptions, anywhere on the line:\n", out);
	options_help(~0U, out);
	fprintf(out, "\n%s", exit_codes);
}

int command_help_show(const struct options *o, const struct command *c)
{
	json_t *json = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *out = o->json ? open_memstream(&text, &size) : NULL;

	if (!o->json) {
		command_help(c, stdout);
		return EXIT_DONE;
	}
	if (out) {
		command_help(c, out);
		fclose(out);
	}
	if (text)
		json = json_pack("{s:s}", "help", text);
	free(text);
	render_json(json, stdout, stderr);
	return EXIT_DONE;
}
