/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of the command, the name of the device, and the mark that it carries. */
#include "cli/isolate_choice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/option.h"
#include "base/text.h"

const char *const isolate_words[] = {
	[ISOLATE_AUTO] = "auto",
	[ISOLATE_MACVLAN] = "macvlan",
	[ISOLATE_DUMMY] = "dummy",
	NULL,
};

/* ---- words ------------------------------------------------------------------ */

static int isolate_take_type(struct isolate_request *req, const char *word, struct request_error *e)
{
	int type = word_find(isolate_words, word);

	if (type <= ISOLATE_AUTO)
		return request_error_set(e, "type " QUOTED " is neither macvlan nor dummy", word);
	req->type = (enum isolate_type)type;
	return 0;
}

static int isolate_take_name(struct isolate_request *req, const char *word, struct request_error *e)
{
	int r = device_name_check(word, e);

	if (r < 0)
		return r;
	if (strlen(word) >= sizeof(req->name))
		return request_error_set(e, "name " QUOTED " is longer than %d characters", word,
					 LINK_NAME_MAX - 1);
	/* the kernel makes a number of "%d", and has settings of all devices in the others */
	if (strchr(word, '%') || !strcmp(word, "all") || !strcmp(word, "default"))
		return request_error_set(e, "name " QUOTED " means something else to the kernel",
					 word);
	memcpy(req->name, word, strlen(word) + 1);
	return 0;
}

static int isolate_take_device(struct isolate_request *req, const char *word,
			       struct request_error *e)
{
	int r = device_name_check(word, e);

	if (r == 0)
		memcpy(req->from, word, strlen(word) + 1);
	return r;
}

static int isolate_take_address(struct isolate_request *req, const char *word,
				struct request_error *e)
{
	int r = prefix_parse(word, req->undo ? PREFIX_LEN_OPTIONAL : PREFIX_LEN_REQUIRED,
			     &req->vip);

	if (r == -EDESTADDRREQ)
		return request_error_set(e, "address " QUOTED " needs its length: ADDR/LEN", word);
	if (r < 0)
		return request_error_set(e, QUOTED " is not an address", word);
	if (!addr_is_usable(&req->vip.addr))
		return request_error_set(e, "address " QUOTED " cannot be a virtual IP", word);
	return 0;
}

static const struct isolate_keyword {
	const char *name;
	int (*take)(struct isolate_request *req, const char *word, struct request_error *e);
	bool undo; /* goes with --undo, too */
} keywords[] = {
	{ "dev", isolate_take_device, true },
	{ "type", isolate_take_type, false },
	{ "name", isolate_take_name, false },
};

/* Take the keyword at ARGV[0] of ARGC with its value. *SEEN: those there were. */
static int take_keyword(struct isolate_request *req, int argc, char *const argv[], unsigned *seen,
			struct request_error *e)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keywords); i++)
		if (!strcmp(keywords[i].name, argv[0]))
			break;
	if (i == ARRAY_SIZE(keywords))
		return request_error_set(e, "unknown word " QUOTED, argv[0]);
	if (req->undo && !keywords[i].undo)
		return request_error_set(e, "contradictory: \"%s\" does not go with --undo",
					 argv[0]);
	if (*seen & 1U << i)
		return request_error_set(e, "\"%s\" is given twice", argv[0]);
	if (argc < 2)
		return request_error_set(e, "\"%s\" needs a value", argv[0]);
	*seen |= 1U << i;
	return keywords[i].take(req, argv[1], e);
}

int isolate_parse(struct isolate_request *req, int argc, char *const argv[],
		  struct request_error *ret_error)
{
	unsigned seen = 0;
	int i = 0, r = 0;

	if (req->undo && req->prepare)
		return request_error_set(ret_error,
					 "contradictory options: \"--undo\" and \"--prepare\"");
	/* a keyword may come first with --undo only */
	if (argc && (!req->undo || argv[0][strcspn(argv[0], ".:/")])) {
		r = isolate_take_address(req, argv[0], ret_error);
		i = 1;
	}
	for (; i < argc && r >= 0; i += 2)
		r = take_keyword(req, argc - i, argv + i, &seen, ret_error);
	if (r < 0 || req->undo)
		return r;
	if (!req->vip.addr.family)
		return request_error_set(ret_error, "isolate what? The address is missing");
	return *req->from ? 0 : request_error_set(ret_error, "\"dev DEV\" is missing");
}

/* ---- names -------------------------------------------------------------------- */

uint64_t isolate_hash(const struct addr *a, uint64_t seed)
{
	return (uint64_t)hash_bytes(seed, a->bytes, addr_size(a->family)) << 32 |
	       hash_bytes(~seed, a->bytes, addr_size(a->family));
}

void isolate_name(const struct isolate_request *req, char ret[LINK_NAME_MAX])
{
	const struct addr *a = &req->vip.addr;

	if (*req->name)
		memcpy(ret, req->name, LINK_NAME_MAX);
	else if (a->family == AF_INET)
		snprintf(ret, LINK_NAME_MAX, "vip-%02x%02x%02x%02x", a->bytes[0], a->bytes[1],
			 a->bytes[2], a->bytes[3]);
	else
		snprintf(ret, LINK_NAME_MAX, "vip6-%010llx",
			 (unsigned long long)(isolate_hash(a, 6) & 0xffffffffffULL));
}

struct prefix isolate_own_prefix(const struct prefix *vip)
{
	struct prefix p = *vip;

	p.len = (uint8_t)(8 * addr_size(vip->addr.family));
	return p;
}

/* ---- the mark ---------------------------------------------------------------------- */

static const char *const marks[] = {
	[ISOLATE_SETTLED] = "vipsafe: isolated ",
	[ISOLATE_GOING] = "vipsafe: isolating ",
	[ISOLATE_ENTERING] = "vipsafe: entering ",
	[ISOLATE_RETURNING] = "vipsafe: returning ",
};

void isolate_alias_again(const char *words, enum isolate_state state, char ret[ISOLATE_ALIAS_MAX])
{
	snprintf(ret, ISOLATE_ALIAS_MAX, "%s%s", marks[state], words);
}

void isolate_alias(const struct ifaddr *a, const char *from, enum isolate_state state,
		   char ret[ISOLATE_ALIAS_MAX])
{
	char prefix[PREFIX_TEXT_MAX], broadcast[PREFIX_TEXT_MAX];
	size_t n;

	n = (size_t)snprintf(ret, ISOLATE_ALIAS_MAX, "%s%s dev %s", marks[state],
			     prefix_format(&a->prefix, prefix), from);
	if (a->label[0] && strcmp(a->label, from) != 0)
		n += (size_t)snprintf(ret + n, ISOLATE_ALIAS_MAX - n, " label %s", a->label);
	if (a->scope)
		n += (size_t)snprintf(ret + n, ISOLATE_ALIAS_MAX - n, " scope %d", a->scope);
	if (a->broadcast.family)
		n += (size_t)snprintf(ret + n, ISOLATE_ALIAS_MAX - n, " brd %s",
				      addr_format(&a->broadcast, broadcast));
	if (a->flags & IFADDR_NOPREFIXROUTE)
		n += (size_t)snprintf(ret + n, ISOLATE_ALIAS_MAX - n, " noprefixroute");
	if (a->prefix.addr.family == AF_INET6)
		n += (size_t)snprintf(ret + n, ISOLATE_ALIAS_MAX - n, " preferred_lft %s",
				      a->preferred_lft == IFADDR_FOREVER ? "forever" : "0");
	if (a->metric)
		n += (size_t)snprintf(ret + n, ISOLATE_ALIAS_MAX - n, " metric %u", a->metric);
	if (a->proto)
		n += (size_t)snprintf(ret + n, ISOLATE_ALIAS_MAX - n, " proto %u", a->proto);
	if (a->flags & IFADDR_HOME)
		(void)snprintf(ret + n, ISOLATE_ALIAS_MAX - n, " home");
}

int isolate_split(char *text, char *argv[], int max)
{
	char *save = NULL, *word;
	int n = 0;

	for (word = strtok_r(text, " ", &save); word && n < max; word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	return n;
}

bool isolate_alias_read(const char *alias, struct request *ret, enum isolate_state *ret_state,
			const char **ret_words)
{
	char text[ISOLATE_ALIAS_MAX], *argv[ISOLATE_ALIAS_WORDS];
	struct request_error e;
	const char *rest = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks) && !rest; i++) {
		if (strncmp(alias, marks[i], strlen(marks[i])) != 0)
			continue;
		rest = alias + strlen(marks[i]);
		*ret_state = (enum isolate_state)i;
	}
	if (!rest || (size_t)snprintf(text, sizeof(text), "%s", rest) >= sizeof(text))
		return false;
	request_init(ret, OP_ADD);
	ret->any_label = true;
	if (request_parse(ret, isolate_split(text, argv, ISOLATE_ALIAS_WORDS), argv, &e) < 0 ||
	    ret->n_vips != 1)
		return false;
	if (ret_words)
		*ret_words = rest;
	return true;
}
