/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "base/settings.h"

static const char *const on_certain_words[] = { "skip", "restore", NULL };

static int source_parse(const char *word, struct lvs_source_settings *ret)
{
	static const struct {
		const char *word;
		enum lvs_source_kind kind;
	} kinds[] = { { "save:", LVS_FROM_SAVE }, { "keepalived:", LVS_FROM_KEEPALIVED } };
	size_t i;

	if (!strcmp(word, "ipvs")) {
		*ret = (struct lvs_source_settings){ .kind = LVS_FROM_IPVS };
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *path = word + strlen(kinds[i].word);

		if (strncmp(word, kinds[i].word, strlen(kinds[i].word)))
			continue;
		if (*path != '/' || strlen(path) >= LVS_PATH_MAX)
			return -EINVAL;
		*ret = (struct lvs_source_settings){ .kind = kinds[i].kind };
		memcpy(ret->path, path, strlen(path) + 1);
		return 0;
	}
	return -EINVAL;
}

/* A list in one value; a later file's replaces it. */
static int sources_add(void *base, const char *value, struct request_error *e)
{
	struct lvs_settings *s = base;
	struct lvs_source_settings *list;
	char text[LVS_VALUE_MAX], *save = NULL, *word;
	size_t n = 0;

	if (strlen(value) >= sizeof(text))
		return request_error_set(e, "sources: " QUOTED "... is too long", value);
	memcpy(text, value, strlen(value) + 1);
	list = calloc(LVS_SOURCES_MAX - 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (word = strtok_r(text, ", \t", &save); word; word = strtok_r(NULL, ", \t", &save)) {
		if (n < LVS_SOURCES_MAX - 1 && source_parse(word, &list[n++]) == 0)
			continue;
		free(list);
		return request_error_set(e,
					 "sources: " QUOTED " is none of ipvs, save:/FILE, "
					 "keepalived:/FILE, or one too many",
					 word);
	}
	free(s->sources);
	s->sources = list;
	s->n_sources = n;
	return 0;
}

/* "10.8.0.0/16 to 192.168.11.7" */
static int clients_add(void *base, const char *value, struct request_error *e)
{
	static const char between[] = " to ";
	char from[2 * PREFIX_TEXT_MAX];
	struct lvs_settings *s = base;
	struct apart_client c;
	char *to;

	snprintf(from, sizeof(from), "%s", value);
	to = strstr(from, between);
	if (to)
		*to = '\0';
	if (!to || strlen(value) >= sizeof(from) ||
	    prefix_parse(from, PREFIX_LEN_OPTIONAL, &c.from) < 0 ||
	    addr_parse(to + strlen(between), &c.to) < 0 || c.from.addr.family != c.to.family)
		return request_error_set(
			e, "keep_apart_clients: " QUOTED " is not NETWORK to ADDRESS", value);
	if (s->n_apart_clients == APART_CLIENTS_MAX)
		return request_error_set(e, "keep_apart_clients: at most %d fit",
					 APART_CLIENTS_MAX);
	s->apart_clients[s->n_apart_clients++] = c;
	return 0;
}

#define LVS(member) offsetof(struct lvs_settings, member)

static const struct setting lvs_keys[] = {
	{ "sources", SETTING_PARSED, 0, NULL,
	  "Where services are read from, besides the sections below. ipvs: this node's\n"
	  "own IPVS; this is the default. save:FILE: what \"ipvsadm -S -n\" prints on a\n"
	  "director. keepalived:FILE: the virtual_server blocks of a keepalived.conf.\n"
	  "If two sources have the same service, the first one counts. vipsafed takes a\n"
	  "file that has changed within seconds, and reads all sources every minute.",
	  .add = sources_add, .shape = "ipvs, save:/etc/vipsafe/director.rules" },
	{ "conn_hold", SETTING_SECONDS, LVS(conn_hold), "120",
	  "How long a connection through a service can still collide after its end: as\n"
	  "long as IPVS keeps it in TIME_WAIT.",
	  0, HOUR },
	{ "warn_per_day", SETTING_RATE, LVS(warn_per_day), "1",
	  "Warn if at least this many collisions are to be expected per day.", 0, 1000000 },
	{ "info_per_day", SETTING_RATE, LVS(info_per_day), "0.01",
	  "Print a note if at least this many collisions are to be expected per day.", 0, 1000000 },
	{ "warn_p_connect", SETTING_RATE, LVS(warn_p_connect), "0.001",
	  "Warn if the probability that a new direct connection cannot be opened is at\n"
	  "least this high.",
	  0, 1 },
	{ "on_certain", SETTING_WORD, LVS(on_certain), "skip",
	  "What happens to a flushed entry if a newer connection has certainly taken its\n"
	  "place at the real server. skip: it is not restored, and its connection ends at\n"
	  "once. restore: it is restored, and its connection hangs.",
	  .words = on_certain_words },
	{ "nat_beyond", SETTING_BOOL, LVS(nat_beyond), "no",
	  "yes: on one of the paths another NAT hides this node's address. The real\n"
	  "server then may not see what is found here, so findings are notes only." },
	{ "keep_apart", SETTING_BOOL, LVS(keep_apart), "no",
	  "yes: connections through the services leave from ports that direct ones to\n"
	  "their servers never have, so that they cannot collide. vipsafed translates the\n"
	  "ports by a table of its own (vipsafe_apart), after all other NAT rules of the\n"
	  "node: what these translate is left alone. See vipsafe-lvs(7)." },
	{ "keep_apart_clients", SETTING_LIST, 0, NULL,
	  "Clients behind this node that its own rules translate (masquerade), and the\n"
	  "address to which: keep_apart then translates their connections to the services\n"
	  "and to their servers in place of those rules, to the same address, while this\n"
	  "node has it. Several lines are possible.",
	  .add = clients_add, .shape = "10.8.0.0/16 to 192.168.11.7" },
	{ NULL },
};

static int lvs_find(struct settings *s, const char *name _unused_, void **ret,
		    struct request_error *e _unused_)
{
	*ret = s->lvs;
	return 0;
}

static int lvs_init(struct settings *s)
{
	s->lvs = calloc(1, sizeof(*s->lvs));
	if (!s->lvs)
		return -ENOMEM;
	setting_init(lvs_keys, s->lvs);
	return 0;
}

static void lvs_done(struct settings *s)
{
	size_t i;

	for (i = 0; s->lvs && i < s->lvs->n_services; i++) {
		free(s->lvs->services[i].matches);
		free(s->lvs->services[i].reals);
	}
	if (s->lvs) {
		free(s->lvs->services);
		free(s->lvs->sources);
	}
	free(s->lvs);
	s->lvs = NULL;
}

const struct setting_section lvs_section = {
	.word = "lvs",
	.help = "How to look for connections that an LVS makes identical for a real server.",
	.keys = lvs_keys,
	.find = lvs_find,
	.init = lvs_init,
	.done = lvs_done,
	.joined = true,
};
