/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual servers of a keepalived.conf. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/text.h"
#include "keepalived/conf.h"
#include "lvs/source_file.h"
#include "lvs/text.h"

struct reader {
	struct lvs_map *map;
	uint32_t source;
	struct lvs_source *counters;
	const struct keepalived_directive *first; /* of the file */
};

/* What a virtual_server says before its real servers are looked at. */
struct server {
	const struct keepalived_directive *block;
	struct lvs_service service;
	uint8_t l4proto, family; /* FAMILY: of a mark */
	enum lvs_method method, sorry_method;
};

static const struct keepalived_directive *find_group(const struct reader *r, const char *name)
{
	static const char keyword[] = "virtual_server_group";
	const struct keepalived_directive *d;

	for (d = keepalived_find(r->first, keyword); d; d = keepalived_find(d->next, keyword)) {
		if (keepalived_word(d, 1) && !strcmp(keepalived_word(d, 1), name))
			return d;
	}
	return NULL;
}

static int parse_method(const char *word, enum lvs_method *ret)
{
	static const struct {
		const char *word;
		enum lvs_method method;
	} words[] = {
		{ "NAT", LVS_NAT },	 { "DR", LVS_DR },	     { "TUN", LVS_TUN },
		{ "FNAT", LVS_FULLNAT }, { "FULLNAT", LVS_FULLNAT }, { "SNAT", LVS_SNAT },
	};
	size_t i;

	for (i = 0; word && i < ARRAY_SIZE(words); i++) {
		if (!strcasecmp(word, words[i].word)) {
			*ret = words[i].method;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_port(const char *word, uint16_t *ret)
{
	uint64_t port = 0;

	if (word && text_number(word, 0, UINT16_MAX, &port) < 0)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/* ---- a virtual_server ---------------------------------------------------------- */

/* keepalived passes over a timeout that it does not take, 0 among them, and has
 * one of its own where none is given (check_parser.c: pto_handler()). */
static bool makes_persistent(const char *timeout)
{
	uint64_t n;

	return !timeout || !text_number(timeout, 1, UINT32_MAX, &n);
}

/* The words of D that belong to the service as a whole. */
static int take_directive(struct server *s, const struct keepalived_directive *d)
{
	const char *word = keepalived_word(d, 0), *arg = keepalived_word(d, 1);

	if (!word)
		return -EINVAL;
	if (!strcmp(word, "lvs_method") || !strcmp(word, "lb_kind"))
		return parse_method(arg, &s->method);
	if (!strcmp(word, "sorry_server_lvs_method"))
		return parse_method(arg, &s->sorry_method);
	if (!strcmp(word, "protocol"))
		return arg ? lvs_proto_parse(arg, &s->l4proto) : -EINVAL;
	if (!strcmp(word, "persistence_timeout"))
		s->service.persistent |= makes_persistent(arg);
	else if (!strcmp(word, "persistence_granularity"))
		s->service.persistent |= arg != NULL;
	else if (!strcmp(word, "ip_family"))
		s->family = arg && !strcmp(arg, "inet6") ? AF_INET6 : AF_INET;
	return 0;
}

/* "ADDR[-RANGE|/LEN] [PORT]" or "fwmark N [inet6]", from word AT on. */
static int source_keepalived_add_match(struct reader *r, uint32_t service, const struct server *s,
				       const struct keepalived_directive *d, unsigned at)
{
	const char *text = keepalived_word(d, at), *arg = keepalived_word(d, at + 1), *family;
	struct lvs_match match = { .l4proto = s->l4proto };
	uint64_t mark;

	if (!text)
		return -EINVAL;
	if (!strcmp(text, "fwmark")) {
		if (!arg || text_number(arg, 1, UINT32_MAX, &mark) < 0)
			return -EINVAL;
		family = keepalived_word(d, at + 2);
		match = (struct lvs_match){ .fwmark = (uint32_t)mark };
		match.first.family = family && !strcmp(family, "inet6") ? AF_INET6 : s->family;
		match.last.family = match.first.family;
	} else if (lvs_range_parse(text, &match.first, &match.last) < 0 ||
		   parse_port(arg, &match.port) < 0) {
		return -EINVAL;
	}
	return lvs_map_add_match(r->map, service, &match);
}

/* What the block stands for, or the lines of its group; those not understood leave a gap. */
static int source_keepalived_add_matches(struct reader *r, uint32_t service, const struct server *s)
{
	const char *what = keepalived_word(s->block, 1), *name = keepalived_word(s->block, 2);
	const struct keepalived_directive *group, *d;
	int result = 0, e;

	if (!what || strcmp(what, "group") != 0)
		return source_keepalived_add_match(r, service, s, s->block, 1);
	group = name ? find_group(r, name) : NULL;
	if (!group)
		return -EINVAL;
	for (d = group->first; d; d = d->next) {
		e = source_keepalived_add_match(r, service, s, d, 0);
		if (e == -ENOMEM || e == -E2BIG)
			return e;
		if (e < 0)
			result = e;
	}
	return result;
}

/* real_server and sorry_server: ADDR [PORT]. */
static int add_real(struct reader *r, uint32_t service, const struct server *s,
		    const struct keepalived_directive *d, bool sorry)
{
	struct lvs_real real = { .method = sorry ? s->sorry_method : s->method };
	const struct keepalived_directive *in;
	const char *addr = keepalived_word(d, 1);
	uint64_t weight = sorry ? 0 : 1;

	if (!addr || addr_parse(addr, &real.addr) < 0 ||
	    parse_port(keepalived_word(d, 2), &real.port) < 0)
		return -EINVAL;
	in = keepalived_find(d->first, "weight");
	if (in && (!keepalived_word(in, 1) ||
		   text_number(keepalived_word(in, 1), 0, UINT32_MAX, &weight) < 0))
		return -EINVAL;
	real.weight = (uint32_t)weight;
	in = keepalived_find(d->first, "lvs_method");
	if (in && parse_method(keepalived_word(in, 1), &real.method) < 0)
		return -EINVAL;
	return lvs_map_add_real(r->map, service, &real);
}

static int add_reals(struct reader *r, uint32_t service, const struct server *s)
{
	const struct keepalived_directive *d;
	int result = 0, e = 0;

	for (d = s->block->first; d; d = d->next) {
		const char *word = keepalived_word(d, 0);

		if (word && !strcmp(word, "real_server"))
			e = add_real(r, service, s, d, false);
		else if (word && !strcmp(word, "sorry_server"))
			e = add_real(r, service, s, d, true);
		if (e == -ENOMEM || e == -E2BIG)
			return e;
		if (e < 0)
			result = e;
		e = 0;
	}
	return result;
}

/* The family of a mark for which the block does not give one: that of its first real
 * server. */
static void guess_family(struct server *s)
{
	const struct keepalived_directive *real = keepalived_find(s->block->first, "real_server");
	const char *addr = real ? keepalived_word(real, 1) : NULL;

	if (!s->family)
		s->family = addr && strchr(addr, ':') ? AF_INET6 : AF_INET;
}

/* Take over what can be of BLOCK. If anything cannot, the block counts as not
 * understood. */
static int take_server(struct reader *r, const struct keepalived_directive *block)
{
	struct server s = {
		.block = block,
		.service = { .method = LVS_UNKNOWN, .source = r->source, .line = block->line },
		.l4proto = IPPROTO_TCP,
		.method = LVS_NAT,
		.sorry_method = LVS_UNKNOWN,
	};
	const struct keepalived_directive *d;
	int result = block->doubtful ? -EINVAL : 0, e;
	uint32_t service;

	for (d = block->first; d; d = d->next) {
		e = take_directive(&s, d);
		result = e < 0 ? e : result;
	}
	guess_family(&s);
	if (s.sorry_method == LVS_UNKNOWN)
		s.sorry_method = s.method;
	e = lvs_map_add_service(r->map, &s.service);
	if (e < 0)
		return e;
	service = (uint32_t)e;
	e = source_keepalived_add_matches(r, service, &s);
	if (e == -ENOMEM)
		return e;
	result = e < 0 ? e : result;
	e = add_reals(r, service, &s);
	return e < 0 ? e : result;
}

static int take_servers(struct reader *r)
{
	static const char keyword[] = "virtual_server";
	const struct keepalived_directive *d;
	int e;

	for (d = keepalived_find(r->first, keyword); d; d = keepalived_find(d->next, keyword)) {
		r->counters->blocks++;
		e = take_server(r, d);
		if (e == -ENOMEM)
			return e;
		if (e < 0)
			lvs_source_skip(r->counters, d->file, d->line);
	}
	return 0;
}

/* Count each part of the file that could not be read as a block not understood:
 * there may have been virtual servers in it. */
static void count_missing(struct lvs_source *counters, const struct keepalived_conf *conf)
{
	static const enum keepalived_unresolved missing[] = { KEEPALIVED_INCLUDE, KEEPALIVED_SYNTAX,
							      KEEPALIVED_LIMIT };
	const struct keepalived_note *notes;
	size_t n, i, j;

	notes = keepalived_conf_notes(conf, &n);
	for (i = 0; i < ARRAY_SIZE(missing); i++) {
		unsigned left = keepalived_conf_unresolved(conf, missing[i]);

		counters->blocks += left;
		for (j = 0; j < n && left; j++) {
			if (notes[j].unresolved == missing[i] && left--)
				lvs_source_skip(counters, notes[j].file, notes[j].line);
		}
		counters->skipped += left;
	}
}

int lvs_keepalived_read(const char *path, struct lvs_map *m)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	struct reader r = { .map = m };
	int e;

	e = lvs_map_add_source(m, LVS_FROM_KEEPALIVED, path, lvs_file_age(path));
	if (e < 0)
		return 0;
	r.source = (uint32_t)e;
	r.counters = lvs_map_source_of(m, r.source);
	e = keepalived_conf_read(path, &conf);
	if (e < 0) {
		r.counters->failed = true;
		return e == -ENOMEM ? e : 0;
	}
	r.first = keepalived_conf_first(conf);
	e = take_servers(&r);
	if (e == 0)
		count_missing(r.counters, conf);
	return e;
}
