/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/conntrackd_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <vipsafe/base.h>

#include "base/text.h"

#define DEPTH_MAX 8
#define WORD_MAX PATH_MAX

/* What a block of braces is. */
enum block {
	BLOCK_OTHER,
	BLOCK_SYNC,
	BLOCK_STATS,
	BLOCK_GENERAL,
	BLOCK_MODE,
	BLOCK_LINK,
	BLOCK_UNIX,
	BLOCK_FILTER,
	BLOCK_ADDRESS,
	BLOCK_PROTOCOL,
	BLOCK_STATE,
};

struct conntrackd_reader {
	const char *at;
	struct conntrackd_conf *conf;
	enum block blocks[DEPTH_MAX];
	size_t depth;
	/* the last words; the newest one is the last */
	char words[3][WORD_MAX];
};

/* ---- tokens ---- */

/* The next word, "{" or "}"; false at the end. As for conntrackd a newline is white space. A word
 * that is too long is cut: none that matters is that long. */
static bool conntrackd_token(struct conntrackd_reader *r, char ret[WORD_MAX])
{
	size_t n;

	for (;;) {
		r->at += strspn(r->at, " \t\r\n");
		if (*r->at != '#')
			break;
		r->at += strcspn(r->at, "\r\n");
	}
	if (!*r->at)
		return false;
	n = *r->at == '{' || *r->at == '}' ? 1 : strcspn(r->at, " \t\r\n{}#");
	snprintf(ret, WORD_MAX, "%.*s", (int)MIN(n, (size_t)WORD_MAX - 1), r->at);
	r->at += n;
	return true;
}

static void words_push(struct conntrackd_reader *r, const char *word)
{
	memmove(r->words[0], r->words[1], 2 * sizeof(r->words[0]));
	snprintf(r->words[2], sizeof(r->words[2]), "%s", word);
}

static void words_forget(struct conntrackd_reader *r)
{
	r->words[0][0] = r->words[1][0] = r->words[2][0] = '\0';
}

/* ---- blocks ---- */

static enum block block_in(const struct conntrackd_reader *r)
{
	return r->depth ? r->blocks[r->depth - 1] : BLOCK_OTHER;
}

static enum conntrackd_policy policy_of(const char *word)
{
	return !strcmp(word, "Accept") ? CONNTRACKD_ACCEPT : CONNTRACKD_IGNORE;
}

/* "Mode FTFW {"; the names of former versions are still understood. */
static enum conntrackd_mode mode_of(const char *word)
{
	if (!strcasecmp(word, "NOTRACK"))
		return CONNTRACKD_NOTRACK;
	return !strcasecmp(word, "ALARM") || !strcasecmp(word, "PERSISTENT") ? CONNTRACKD_ALARM
									     : CONNTRACKD_FTFW;
}

/* A block whose keyword is followed by one more word. */
static enum block block_of_two(struct conntrackd_reader *r)
{
	struct conntrackd_conf *c = r->conf;
	const char *name = r->words[1], *value = r->words[2];

	if (!strcmp(name, "Mode")) {
		c->mode = mode_of(value);
		return BLOCK_MODE;
	}
	if (!strcmp(name, "Address")) {
		c->filter.address = policy_of(value);
		return BLOCK_ADDRESS;
	}
	if (!strcmp(name, "Protocol")) {
		c->filter.protocol = policy_of(value);
		return BLOCK_PROTOCOL;
	}
	if (!strcmp(name, "State")) {
		c->filter.state = policy_of(value);
		return BLOCK_STATE;
	}
	if (!strcmp(name, "From") && !strcmp(r->words[0], "Filter"))
		return BLOCK_FILTER;
	return BLOCK_OTHER;
}

static bool is_link(const char *word)
{
	return !strcmp(word, "UDP") || !strcmp(word, "TCP") || !strcmp(word, "Multicast");
}

static enum block block_begin(struct conntrackd_reader *r)
{
	static const struct {
		const char *name;
		enum block block;
	} names[] = { { "General", BLOCK_GENERAL },
		      { "UNIX", BLOCK_UNIX },
		      { "Filter", BLOCK_FILTER } };
	const char *name = r->words[2];
	size_t i;

	if (is_link(name) || (!strcmp(name, "Default") && is_link(r->words[1]))) {
		r->conf->links++;
		return BLOCK_LINK;
	}
	if (!strcmp(name, "Sync") || !strcmp(name, "Stats")) {
		*(name[1] == 'y' ? &r->conf->has_sync : &r->conf->has_stats) = true;
		return name[1] == 'y' ? BLOCK_SYNC : BLOCK_STATS;
	}
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].block;
	return block_of_two(r);
}

/* ---- values ---- */

static bool is_on(const char *word)
{
	return !strcasecmp(word, "on") || !strcasecmp(word, "yes");
}

static void conntrackd_take_number(const char *word, uint32_t *ret)
{
	uint64_t n;

	if (text_number(word, 0, INT32_MAX, &n) == 0)
		*ret = (uint32_t)n;
}

/* The word before the last one is a keyword, the last one its value. */
static void conntrackd_take_option(struct conntrackd_reader *r)
{
	const char *name = r->words[1], *value = r->words[2];
	struct conntrackd_conf *c = r->conf;

	if (!strcmp(name, "DisableExternalCache"))
		c->no_external_cache = is_on(value);
	else if (!strcmp(name, "DisableInternalCache"))
		c->no_internal_cache = is_on(value);
	else if (!strcmp(name, "StartupResync"))
		c->startup_resync = is_on(value);
	else if (!strcmp(name, "CommitTimeout"))
		conntrackd_take_number(value, &c->commit_timeout);
	else if (!strcmp(name, "LockFile"))
		snprintf(c->lock, sizeof(c->lock), "%s", value);
	else if (!strcmp(name, "Path") && block_in(r) == BLOCK_UNIX)
		snprintf(c->socket, sizeof(c->socket), "%s", value);
}

static void conntrackd_take_address(struct conntrackd_reader *r)
{
	struct conntrackd_filter *f = &r->conf->filter;
	struct prefix p;

	if (strcmp(r->words[1], "IPv4_address") != 0 && strcmp(r->words[1], "IPv6_address") != 0)
		return;
	if (f->n_addresses < CONNTRACKD_ADDRESSES_MAX &&
	    prefix_parse(r->words[2], PREFIX_LEN_OPTIONAL, &p) == 0)
		f->addresses[f->n_addresses++] = p;
	else
		f->dropped++;
}

static void conntrackd_take_word(struct conntrackd_reader *r)
{
	struct conntrackd_filter *f = &r->conf->filter;
	const char *word = r->words[2];

	switch (block_in(r)) {
	case BLOCK_ADDRESS:
		conntrackd_take_address(r);
		break;
	case BLOCK_PROTOCOL:
		f->tcp |= !strcasecmp(word, "TCP");
		f->udp |= !strcasecmp(word, "UDP");
		break;
	case BLOCK_STATE:
		f->established |= !strcmp(word, "ESTABLISHED");
		break;
	case BLOCK_SYNC:
	case BLOCK_GENERAL:
	case BLOCK_MODE:
	case BLOCK_UNIX:
		conntrackd_take_option(r);
		break;
	case BLOCK_OTHER:
	case BLOCK_STATS:
	case BLOCK_LINK:
	case BLOCK_FILTER:
		break;
	}
}

int conntrackd_conf_read(const char *text, struct conntrackd_conf *ret)
{
	struct conntrackd_reader r = { .at = text, .conf = ret };
	char word[WORD_MAX];

	memset(ret, 0, sizeof(*ret));
	snprintf(ret->lock, sizeof(ret->lock), CONNTRACKD_LOCK);
	while (conntrackd_token(&r, word)) {
		switch (*word) {
		case '{':
			if (r.depth == DEPTH_MAX)
				return -EINVAL;
			r.blocks[r.depth] = block_begin(&r);
			r.depth++;
			words_forget(&r);
			break;
		case '}':
			if (!r.depth)
				return -EINVAL;
			r.depth--;
			words_forget(&r);
			break;
		default: /* any other word of the file */
			words_push(&r, word);
			conntrackd_take_word(&r);
		}
	}
	return r.depth ? -EINVAL : 0;
}

/* ---- questions ---- */

static bool conntrackd_lists(const struct conntrackd_filter *f, const struct addr *a)
{
	size_t i;

	for (i = 0; i < f->n_addresses; i++)
		if (prefix_covers(&f->addresses[i], a))
			return true;
	return false;
}

bool conntrackd_conf_passes(const struct conntrackd_conf *c, const struct addr *source,
			    const struct addr *replies)
{
	const struct conntrackd_filter *f = &c->filter;
	bool listed = conntrackd_lists(f, source) || conntrackd_lists(f, replies);

	switch (f->address) {
	case CONNTRACKD_ALL:
		return true;
	case CONNTRACKD_ACCEPT:
		return listed || f->dropped;
	case CONNTRACKD_IGNORE:
		return !listed;
	}
	return true;
}

bool conntrackd_conf_only(const struct conntrackd_conf *c, const struct addrset *addresses)
{
	const struct conntrackd_filter *f = &c->filter;
	size_t i;

	for (i = 0; i < f->n_addresses; i++)
		if (f->addresses[i].len != 8 * addr_size(f->addresses[i].addr.family) ||
		    !addrset_has(addresses, &f->addresses[i].addr))
			return false;
	return f->address == CONNTRACKD_ACCEPT && !f->dropped;
}
