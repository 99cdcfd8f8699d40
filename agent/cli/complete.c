/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/complete.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/netns.h"
#include "base/option.h"
#include "cli/commands.h"
#include "cli/history.h"
#include "cli/localnet.h"
#include "keepalived/instance_settings.h"
#include "show/config.h"
#include "show/connections.h"

#define FILES ":files"

/* The command line before the word to complete. */
struct line {
	const char *last;   /* the word to complete */
	const char *before; /* the word before it, or "" */
	const char *config; /* value of --config */
	const char *netns;  /* value of --netns */
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

	if (config_load_in(l->config, l->netns, &s, &e) < 0)
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
			history_offer(l->config, l->netns, offer_local, l);
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
		if (value && !strcmp(argv[i], "--netns"))
			l->netns = argv[i + 1];
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

/* Names of ip-netns(8), or files. */
static void offer_netns(struct line *l)
{
	const struct dirent *d;
	DIR *dir;

	if (l->last[0] == '/') {
		puts(FILES);
		return;
	}
	dir = opendir("/run/netns");
	while (dir && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			offer(l, d->d_name);
	if (dir)
		closedir(dir);
}

/* Devices and addresses are those of the namespace on the line, if it may be entered. */
static void enter(const struct line *l)
{
	struct request_error e;
	char path[NETNS_MAX];

	if (l->netns && netns_path(l->netns, path, &e) == 0)
		(void)netns_enter(path, &e);
}

int complete_print(int argc, char *argv[])
{
	struct line l = { .last = argc ? argv[argc - 1] : "", .before = "" };
	const char *value;

	read_line(&l, argc, argv, &value);
	enter(&l);
	if (value && !strcmp(value, NETNS_VALUE))
		offer_netns(&l);
	else if (value && strchr(value, '|'))
		offer_choices(&l, value, strlen(value));
	else if (value && (!strcmp(value, "FILE") || !strcmp(value, "PATH")))
		puts(FILES);
	else if (!value && l.last[0] == '-')
		options_offer(l.last, l.command ? l.command->scopes : ~0U, stdout);
	else if (!value)
		offer_words(&l);
	return EXIT_DONE;
}
