/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"
#include "cli/failure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "cli/history.h"
#include "cli/localnet.h"
#include "cli/render.h"
#include "keepalived/instance_settings.h"
#include "show/config.h"
#include "show/connections.h"

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
	  "FILE [owner vipsafe|keepalived] [version V] [--patch]",
	  "print what vipsafe.conf needs beside an existing keepalived.conf",
	  "It also prints what to change in keepalived.conf. \"owner\" says who adds and\n"
	  "deletes the addresses from then on. What cannot be carried over is in comments\n"
	  "that begin with \"#!\"; the exit code is then 10. With --patch, patch(1) makes\n"
	  "these changes.\n",
	  .needs_no_netns = true },
	{ "isolate", command_isolate, SCOPE_MOVE | SCOPE_ISOLATE | SCOPE_LOCAL | SCOPE_JSON, true,
	  "ADDR/LEN dev DEV [type macvlan|dummy] [name N]\n"
	  "      | --undo [ADDR] [dev N]",
	  "move a virtual IP to a device of its own, for good",
	  "No connection is masqueraded to that device, so nobody's delete of the address\n"
	  "breaks any from then on, without a daemon. The address is on one of the two\n"
	  "devices at every moment. What is printed makes it last beyond the next boot.\n"
	  "--undo puts it back. Called again, it finishes what a killed one began.\n" },
	{ "notify", command_notify, SCOPE_LOCAL, false, "INSTANCE|GROUP NAME STATE [PRIORITY]",
	  "hand over a state that keepalived reports",
	  "For notify scripts. It hands the state to the daemon and does not wait for the\n"
	  "address change. Without a daemon it does the work itself, in the background.\n",
	  true },
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

#define FILES ":files"

/* The command line before the word to complete. */
struct line {
	const char *last;   /* the word to complete */
	const char *before; /* the word before it, or "" */
	const char *config; /* value of --config */
	const char *device; /* the word after "dev" */
	const struct command *command;
	int n_words;	   /* between the command and the last word */
	const char *first; /* the first one of these */
};

static void offer(struct line *l, const char *word)
{
	const char *p;

	if (strncmp(word, l->last, strlen(l->last)))
		return;
	/* names of devices and instances are arbitrary, and each line is a candidate */
	for (p = word; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return;
	}
	puts(word);
}

/* Offer the words of "a|b|c", as the help writes them. */
static void offer_choices(struct line *l, const char *list, size_t size)
{
	const char *end = list + size;

	while (list < end) {
		size_t n = strcspn(list, "|");
		char word[64];

		n = MIN(n, (size_t)(end - list));
		snprintf(word, sizeof(word), "%.*s", (int)n, list);
		offer(l, word);
		list += n + 1;
	}
}

static void offer_local(void *ud, const char *word)
{
	offer(ud, word);
}

static void offer_instances(struct line *l)
{
	struct request_error e;
	struct settings s;
	size_t i;

	if (config_load(l->config, &s, &e) < 0)
		return;
	for (i = 0; i < s.n_instances; i++)
		offer(l, s.instances[i].name);
	settings_done(&s);
}

/* Offer values for an argument, by its name in the usage text. */
static void offer_argument(struct line *l, const char *name, size_t size)
{
	if (size && *name == '[') {
		name++;
		size -= 1 + (name[size - 2] == ']');
	}
	if (size == 4 && !strncmp(name, "FILE", size))
		puts(FILES);
	else if (size == 4 && !strncmp(name, "NAME", size))
		offer_instances(l);
	else if (size == 5 && !strncmp(name, "STATE", size))
		offer_choices(l, "MASTER|BACKUP|FAULT|STOP", 24);
	else if (size == 3 && !strncmp(name, "DEV", size))
		localnet_devices(offer_local, l);
	else if (memchr(name, '|', size))
		offer_choices(l, name, size);
}

/* Offer values for the command's argument in the place of the last word. */
static void offer_nth_argument(struct line *l)
{
	const char *p = l->command->arguments;
	int i;

	for (i = 0; i < l->n_words && *p; i++) {
		p += strcspn(p, " \n");
		p += strspn(p, " \n");
	}
	if (*p)
		offer_argument(l, p, strcspn(p, " \n"));
}

/* If the word before is a filter word: offer its values. */
static bool offer_filter_value(struct line *l)
{
	static const char *const protos[] = { "tcp", "udp", "sctp", "icmp", "icmpv6", "gre" };
	size_t i;

	for (i = 0; !strcmp(l->before, "proto") && i < ARRAY_SIZE(protos); i++)
		offer(l, protos[i]);
	for (i = 0; pattern_word(i); i++)
		if (!strcmp(l->before, pattern_word(i)))
			return true;
	return false;
}

static void offer_filters(struct line *l)
{
	size_t i;

	for (i = 0; pattern_word(i); i++)
		offer(l, pattern_word(i));
}

/* Words of add and del. */
static void offer_move(struct line *l, bool is_add)
{
	const struct option *o;
	size_t i;

	for (i = 0; (o = option_at(i)) != NULL; i++) {
		if (!o->value || strcmp(o->name, l->before))
			continue;
		if (o->id == OPTION_DEV)
			localnet_devices(offer_local, l);
		else if (o->id == OPTION_SCOPE)
			offer_choices(l, "global|site|link|host|nowhere", 29);
		return;
	}
	if (!is_add && offer_filter_value(l))
		return;
	for (i = 0; (o = option_at(i)) != NULL; i++) {
		if (is_add || !o->add_only)
			offer(l, o->name);
	}
	if (is_add)
		return;
	for (i = 0; selection_word(i); i++)
		offer(l, selection_word(i));
	offer_filters(l);
	localnet_addresses(l->device, offer_local, l);
}

/* Words of connections: each may stand anywhere. */
static void offer_connections(struct line *l)
{
	size_t i;

	if (!strcmp(l->before, "dev")) {
		localnet_devices(offer_local, l);
		return;
	}
	if (offer_filter_value(l))
		return;
	offer(l, "dev");
	for (i = 0; connections_word(i); i++)
		offer(l, connections_word(i));
	offer_filters(l);
}

static void offer_isolate(struct line *l)
{
	if (!strcmp(l->before, "dev"))
		localnet_devices(offer_local, l);
	else if (!strcmp(l->before, "type"))
		offer_choices(l, "macvlan|dummy", 13);
	else if (strcmp(l->before, "name") != 0) {
		offer_choices(l, "dev|type|name", 13);
		localnet_addresses(l->device, offer_local, l);
	}
}

static void offer_words(struct line *l)
{
	const struct command *c;

	if (!l->command) {
		for (c = commands; c->name; c++)
			offer(l, c->name);
	} else if (l->command->run == command_add || l->command->run == command_del) {
		offer_move(l, l->command->run == command_add);
	} else if (l->command->run == command_status) {
		offer_instances(l);
	} else if (l->command->run == command_connections) {
		offer_connections(l);
	} else if (l->command->run == command_history) {
		if (!l->n_words)
			history_offer(l->config, offer_local, l);
	} else if (l->command->run == command_explain) {
		if (l->n_words)
			offer_choices(l, "at|since", 8);
	} else if (l->command->run == command_isolate ||
		   (l->command->run == command_plan && l->first && *l->first == 'i')) {
		offer_isolate(l);
	} else if (l->command->run == command_plan && l->first) {
		offer_move(l, !strncmp(l->first, "add", strlen(l->first)));
	} else {
		offer_nth_argument(l);
	}
}

/* Read the words before the last one. *RET_VALUE: if the last word is the value of an option, the
 * name of that value. */
static void read_line(struct line *l, int argc, char *argv[], const char **ret_value)
{
	struct request_error e;
	int i;

	*ret_value = NULL;
	for (i = 0; i < argc - 1; i++) {
		const char *value = argv[i][0] == '-' ? option_value_name(argv[i]) : NULL;

		if (value && i == argc - 2)
			*ret_value = value;
		if (value && !strcmp(argv[i], "--config"))
			l->config = argv[i + 1];
		if (value)
			i++;
		if (value || argv[i][0] == '-')
			continue;
		if (!l->command) {
			if (command_find(commands, argv[i], &l->command, &e) < 0)
				return;
			continue;
		}
		if (!l->n_words++)
			l->first = argv[i];
		if (!strcmp(argv[i], "dev") && i + 2 < argc)
			l->device = argv[i + 1];
		l->before = argv[i];
	}
}

int complete_print(int argc, char *argv[])
{
	struct line l = { .last = argc ? argv[argc - 1] : "", .before = "" };
	const char *value;

	read_line(&l, argc, argv, &value);
	if (value && strchr(value, '|'))
		offer_choices(&l, value, strlen(value));
	else if (value && (!strcmp(value, "FILE") || !strcmp(value, "PATH")))
		puts(FILES);
	else if (!value && l.last[0] == '-')
		options_offer(l.last, l.command ? l.command->scopes : ~0U, stdout);
	else if (!value)
		offer_words(&l);
	return EXIT_DONE;
}
