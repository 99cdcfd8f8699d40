/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/source_save.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/text.h"
#include "base/text.h"
#include "lvs/source_file.h"

#define WORDS_MAX 64
#define NAMES_MAX 1000 /* ports looked up by name: each reads a file */

enum save_option {
	OPT_ADD_SERVICE,
	OPT_ADD_SERVER,
	OPT_POLITE, /* a line that says nothing of services */
	OPT_TCP,
	OPT_UDP,
	OPT_SCTP,
	OPT_FWMARK,
	OPT_IPV6,
	OPT_PERSISTENT,
	OPT_REAL,
	OPT_METHOD,
	OPT_WEIGHT,
	OPT_PROXY,
	OPT_IGNORED,
};

enum arity { ARG_NONE, ARG_ONE, ARG_MAYBE };

/* On which lines an option has this meaning. */
enum where { ANYWHERE, ON_SERVICE, ON_SERVER };

static const struct option_def {
	char letter; /* '\0': none */
	const char *word;
	enum save_option what;
	enum arity arity;
	enum where where;
	enum lvs_method method; /* OPT_METHOD */
} options[] = {
	{ 'A', "add-service", OPT_ADD_SERVICE },
	{ 'E', "edit-service", OPT_ADD_SERVICE },
	{ 'a', "add-server", OPT_ADD_SERVER },
	{ 'e', "edit-server", OPT_ADD_SERVER },
	{ 't', "tcp-service", OPT_TCP, ARG_ONE },
	{ 'u', "udp-service", OPT_UDP, ARG_ONE },
	{ '\0', "sctp-service", OPT_SCTP, ARG_ONE },
	{ 'f', "fwmark-service", OPT_FWMARK, ARG_ONE },
	{ '6', "ipv6", OPT_IPV6 },
	{ 's', "scheduler", OPT_IGNORED, ARG_ONE },
	{ 'p', "persistent", OPT_PERSISTENT, ARG_MAYBE },
	{ 'M', "netmask", OPT_IGNORED, ARG_ONE },
	{ 'o', "ops", OPT_IGNORED },
	{ 'b', "sched-flags", OPT_IGNORED, ARG_ONE, ON_SERVICE },
	{ '\0', "pe", OPT_IGNORED, ARG_ONE },
	{ 'r', "real-server", OPT_REAL, ARG_ONE },
	{ 'm', "masquerading", OPT_METHOD, .method = LVS_NAT },
	{ 'g', "gatewaying", OPT_METHOD, .method = LVS_DR },
	{ 'i', "ipip", OPT_METHOD, .method = LVS_TUN },
	{ 'w', "weight", OPT_WEIGHT, ARG_ONE },
	{ 'x', "u-threshold", OPT_IGNORED, ARG_ONE },
	{ 'y', "l-threshold", OPT_IGNORED, ARG_ONE },
	{ '\0', "tun-type", OPT_IGNORED, ARG_ONE },
	{ '\0', "tun-port", OPT_IGNORED, ARG_ONE },
	{ '\0', "tun-csum", OPT_IGNORED },
	{ '\0', "tun-nocsum", OPT_IGNORED },
	{ '\0', "tun-remcsum", OPT_IGNORED },
	/* DPVS */
	{ 'b', "fullnat", OPT_METHOD, ARG_NONE, ON_SERVER, LVS_FULLNAT },
	{ 'J', "snat", OPT_METHOD, ARG_NONE, ON_SERVER, LVS_SNAT },
	{ '\0', "proxy-protocol", OPT_PROXY, ARG_ONE },
	{ 'j', "synproxy", OPT_IGNORED, ARG_MAYBE },
	{ 'P', "add-laddr", OPT_POLITE },
	{ 'z', "laddr", OPT_POLITE, ARG_ONE },
	{ 'F', "ifname", OPT_POLITE, ARG_ONE },
	{ 'H', "match", OPT_POLITE, ARG_ONE },
	{ 'U', "add-blklst", OPT_POLITE },
	{ 'k', "blklst", OPT_POLITE, ARG_ONE },
};

/* One line. */
struct save_line {
	unsigned *names_left;
	bool is_service, is_server, polite, ipv6;
	bool has_match, has_real;
	struct lvs_match match;
	struct lvs_service service;
	struct lvs_real real;
};

static int source_save_split(char *text, char *words[WORDS_MAX])
{
	char *save = NULL, *word;
	int n = 0;

	for (word = strtok_r(text, " \t\r\v\f", &save); word;
	     word = strtok_r(NULL, " \t\r\v\f", &save)) {
		if (n == WORDS_MAX)
			return -E2BIG;
		words[n++] = word;
	}
	return n;
}

/* A name that was saved without -n. Of hosts there are none: nobody is asked. */
static int named_port(const char *text, uint8_t l4proto, unsigned *names_left, struct addr *addr,
		      uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	const char *proto = l4proto == IPPROTO_UDP   ? "udp"
			    : l4proto == IPPROTO_TCP ? "tcp"
						     : "sctp";
	char host[PREFIX_TEXT_MAX];
	struct servent *s;
	uint16_t none;

	if (!colon || (size_t)(colon - text) >= sizeof(host) || !*names_left)
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (lvs_endpoint_parse(host, addr, &none) < 0)
		return -EINVAL;
	--*names_left;
	s = getservbyname(colon + 1, proto);
	if (!s)
		return -EINVAL;
	*ret_port = ntohs((uint16_t)s->s_port);
	return 0;
}

static int endpoint(const struct save_line *l, const char *text, uint8_t l4proto, struct addr *addr,
		    uint16_t *ret_port)
{
	if (lvs_endpoint_parse(text, addr, ret_port) == 0)
		return 0;
	return named_port(text, l4proto, l->names_left, addr, ret_port);
}

static int source_save_take_match(struct save_line *l, uint8_t l4proto, const char *arg)
{
	if (l->has_match || endpoint(l, arg, l4proto, &l->match.first, &l->match.port) < 0)
		return -EINVAL;
	l->match.l4proto = l4proto;
	l->match.last = l->match.first;
	l->has_match = true;
	return 0;
}

static int take_fwmark(struct save_line *l, const char *arg)
{
	uint64_t mark;

	if (l->has_match || text_number(arg, 1, UINT32_MAX, &mark) < 0)
		return -EINVAL;
	l->match.fwmark = (uint32_t)mark;
	l->has_match = true;
	return 0;
}

static int take_real(struct save_line *l, const char *arg)
{
	uint8_t l4proto = l->match.l4proto ? l->match.l4proto : IPPROTO_TCP;

	if (l->has_real || endpoint(l, arg, l4proto, &l->real.addr, &l->real.port) < 0)
		return -EINVAL;
	l->has_real = true;
	return 0;
}

static int source_save_take_option(struct save_line *l, const struct option_def *o, const char *arg)
{
	uint64_t n;

	switch (o->what) {
	case OPT_ADD_SERVICE:
		l->is_service = true;
		return l->is_server ? -EINVAL : 0;
	case OPT_ADD_SERVER:
		l->is_server = true;
		return l->is_service ? -EINVAL : 0;
	case OPT_POLITE:
		l->polite = true;
		return 0;
	case OPT_TCP:
		return source_save_take_match(l, IPPROTO_TCP, arg);
	case OPT_UDP:
		return source_save_take_match(l, IPPROTO_UDP, arg);
	case OPT_SCTP:
		return source_save_take_match(l, IPPROTO_SCTP, arg);
	case OPT_FWMARK:
		return take_fwmark(l, arg);
	case OPT_IPV6:
		l->ipv6 = true;
		return 0;
	case OPT_PERSISTENT:
		n = 1;
		if (arg && text_number(arg, 0, UINT32_MAX, &n) < 0)
			return -EINVAL;
		l->service.persistent = n > 0;
		return 0;
	case OPT_REAL:
		return take_real(l, arg);
	case OPT_METHOD:
		l->real.method = o->method;
		return 0;
	case OPT_WEIGHT:
		if (text_number(arg, 0, UINT32_MAX, &n) < 0)
			return -EINVAL;
		l->real.weight = (uint32_t)n;
		return 0;
	case OPT_PROXY:
		if (strcmp(arg, "disable") != 0)
			l->service.toa = LVS_TOA_NONE;
		return 0;
	case OPT_IGNORED:
		return 0;
	}
	return -EINVAL;
}

static bool source_save_is_meant(const struct option_def *o, const struct save_line *l)
{
	return o->where == ANYWHERE || (o->where == ON_SERVICE) == l->is_service;
}

/* WORD without its dashes: "-w1", "-w", "--weight=1", "--weight". *RET_ARG: the
 * argument in the same word, or NULL. */
static const struct option_def *find_option(const struct save_line *l, const char *word,
					    const char **ret_arg)
{
	size_t i, n = strcspn(word, "=");
	bool is_long = word[1] == '-';

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_def *o = &options[i];

		if (!source_save_is_meant(o, l))
			continue;
		if (is_long && n - 2 == strlen(o->word) && !strncmp(word + 2, o->word, n - 2)) {
			*ret_arg = word[n] ? word + n + 1 : NULL;
			return o;
		}
		if (!is_long && o->letter && word[1] == o->letter) {
			*ret_arg = word[2] ? word + 2 : NULL;
			return o;
		}
	}
	return NULL;
}

/* Whether an option that may have an argument has WORD for one. */
static bool is_argument(const char *word)
{
	return word && *word && *word != '-';
}

static int parse_words(char *words[], int n, struct save_line *l)
{
	int i, r = 0;

	for (i = 0; i < n && r == 0; i++) {
		const struct option_def *o;
		const char *arg = NULL;

		if (words[i][0] != '-' || !words[i][1])
			return -EINVAL;
		o = find_option(l, words[i], &arg);
		if (!o || (o->arity == ARG_NONE && arg))
			return -EINVAL;
		if (o->arity != ARG_NONE && !arg && i + 1 < n &&
		    (o->arity == ARG_ONE || is_argument(words[i + 1])))
			arg = words[++i];
		if (o->arity == ARG_ONE && !arg)
			return -EINVAL;
		r = source_save_take_option(l, o, arg);
	}
	return r;
}

static int parse_line(char *text, struct save_line *l)
{
	char *words[WORDS_MAX];
	int n, skip = 0;

	/* what ipvsadm takes when nothing else is said */
	*l = (struct save_line){
		.names_left = l->names_left,
		.real = { .method = LVS_DR, .weight = 1 },
	};
	n = source_save_split(text, words);
	if (n < 0)
		return n;
	if (n && *words[0] != '-') {
		const char *slash = strrchr(words[0], '/');

		if (strcmp(slash ? slash + 1 : words[0], "ipvsadm") != 0)
			return -EINVAL;
		skip = 1;
	}
	if (parse_words(words + skip, n - skip, l) < 0)
		return -EINVAL;
	if (l->polite)
		return 0;
	if (!l->has_match || l->is_service == l->is_server || l->has_real != l->is_server)
		return -EINVAL;
	if (l->match.fwmark)
		l->match.first.family = l->match.last.family = l->ipv6 ? AF_INET6 : AF_INET;
	return 0;
}

/* A line of a server may come without that of its service. */
static int put_line(struct lvs_map *m, uint32_t source, uint32_t number, const struct save_line *l)
{
	uint32_t service = lvs_map_same(m, source, &l->match);
	struct lvs_service s = l->service;
	int r;

	if (service == LVS_TAKEN)
		return 0;
	if (service == LVS_NONE) {
		s.method = LVS_NAT;
		s.source = source;
		s.line = number;
		r = lvs_map_add_service(m, &s);
		if (r < 0)
			return r;
		service = (uint32_t)r;
		r = lvs_map_add_match(m, service, &l->match);
		if (r < 0)
			return r;
	}
	return l->is_server ? lvs_map_add_real(m, service, &l->real) : 0;
}

static int source_save_take_line(struct lvs_map *m, uint32_t source, struct lvs_file *f,
				 unsigned *names_left)
{
	struct lvs_source *counters = lvs_map_source_of(m, source);
	struct save_line l = { .names_left = names_left };
	int r;

	f->text[strcspn(f->text, "#")] = '\0';
	if (!f->text[strspn(f->text, " \t\r\v\f")])
		return 0;
	counters->blocks++;
	r = parse_line(f->text, &l);
	if (r == 0 && !l.polite)
		r = put_line(m, source, f->line, &l);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		lvs_source_skip(counters, NULL, f->line);
	return 0;
}

int lvs_save_read(const char *path, struct lvs_map *m)
{
	_cleanup_(lvs_file_close) struct lvs_file f = { .stream = NULL };
	struct lvs_source *counters;
	unsigned names_left = NAMES_MAX;
	int r, source;

	source = lvs_map_add_source(m, LVS_FROM_SAVE, path, 0);
	if (source < 0)
		return 0;
	counters = lvs_map_source_of(m, (uint32_t)source);
	r = lvs_file_open(&f, path, &counters->age);
	if (r < 0) {
		counters->failed = true;
		return r == -ENOMEM ? r : 0;
	}
	while ((r = lvs_file_next(&f)) != 0) {
		if (r == -EBADMSG) {
			counters->blocks++;
			lvs_source_skip(counters, NULL, f.line);
			continue;
		}
		if (r < 0) {
			lvs_source_skip(counters, NULL, f.line + 1);
			return 0;
		}
		r = source_save_take_line(m, (uint32_t)source, &f, &names_left);
		if (r < 0)
			return r;
	}
	return 0;
}
