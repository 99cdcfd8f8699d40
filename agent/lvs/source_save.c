/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "ipvsadm -S -n" writes. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "lvs/source_file.h"
#include "lvs/text.h"

#define BLANKS " \t\r\v\f"

enum save_option {
	OPT_ADD_SERVICE,
	OPT_ADD_SERVER,
	OPT_TCP,
	OPT_UDP,
	OPT_SCTP,
	OPT_FWMARK,
	OPT_IPV6,
	OPT_PERSISTENT,
	OPT_REAL,
	OPT_NAT,
	OPT_DR,
	OPT_TUN,
	OPT_FULLNAT,
	OPT_SNAT,
	OPT_WEIGHT,
	OPT_PROXY,
	OPT_MATCH,
};

enum arity { ARG_NONE, ARG_ONE, ARG_MAYBE };

/* Those that say which connections go where. Others, in whichever version, are passed over. */
static const struct option_def {
	char letter; /* '\0': none */
	const char *word;
	enum save_option what;
	enum arity arity;
} options[] = {
	{ 'A', "add-service", OPT_ADD_SERVICE, ARG_NONE },
	{ 'E', "edit-service", OPT_ADD_SERVICE, ARG_NONE },
	{ 'a', "add-server", OPT_ADD_SERVER, ARG_NONE },
	{ 'e', "edit-server", OPT_ADD_SERVER, ARG_NONE },
	{ 't', "tcp-service", OPT_TCP, ARG_ONE },
	{ 'u', "udp-service", OPT_UDP, ARG_ONE },
	{ '\0', "sctp-service", OPT_SCTP, ARG_ONE },
	{ 'f', "fwmark-service", OPT_FWMARK, ARG_ONE },
	{ '6', "ipv6", OPT_IPV6, ARG_NONE },
	{ 'p', "persistent", OPT_PERSISTENT, ARG_MAYBE },
	{ 'r', "real-server", OPT_REAL, ARG_ONE },
	{ 'm', "masquerading", OPT_NAT, ARG_NONE },
	{ 'g', "gatewaying", OPT_DR, ARG_NONE },
	{ 'i', "ipip", OPT_TUN, ARG_NONE },
	{ 'w', "weight", OPT_WEIGHT, ARG_ONE },
	/* DPVS; on a line of a service -b is ipvsadm's sched-flags, which says nothing of servers
	 */
	{ 'b', "fullnat", OPT_FULLNAT, ARG_MAYBE },
	{ 'J', "snat", OPT_SNAT, ARG_NONE },
	{ '\0', "proxy-protocol", OPT_PROXY, ARG_ONE },
	{ 'H', "match", OPT_MATCH, ARG_ONE },
};

static const struct option_def unknown_option = { .arity = ARG_MAYBE };

/* One line. */
struct save_line {
	bool is_service, is_server, ipv6;
	bool is_way_out; /* SNAT of DPVS: no service */
	bool has_match, has_real;
	struct lvs_match match;
	struct lvs_service service;
	struct lvs_real real;
};

static int source_save_take_match(struct save_line *l, uint8_t l4proto, const char *arg)
{
	if (l->has_match || lvs_endpoint_parse(arg, &l->match.first, &l->match.port) < 0)
		return -EINVAL;
	l->match.l4proto = l4proto;
	l->match.last = l->match.first;
	l->has_match = true;
	return 0;
}

static int take_number(const char *arg, uint64_t min, uint32_t *ret)
{
	uint64_t n;

	if (text_number(arg, min, UINT32_MAX, &n) < 0)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

static int source_save_take_option(struct save_line *l, const struct option_def *o, const char *arg)
{
	static const enum lvs_method methods[] = {
		[OPT_NAT] = LVS_NAT,	     [OPT_DR] = LVS_DR,	    [OPT_TUN] = LVS_TUN,
		[OPT_FULLNAT] = LVS_FULLNAT, [OPT_SNAT] = LVS_SNAT,
	};
	uint32_t timeout = 1;
	int r;

	switch (o->what) {
	case OPT_ADD_SERVICE:
		l->is_service = true;
		return l->is_server ? -EINVAL : 0;
	case OPT_ADD_SERVER:
		l->is_server = true;
		return l->is_service ? -EINVAL : 0;
	case OPT_TCP:
		return source_save_take_match(l, IPPROTO_TCP, arg);
	case OPT_UDP:
		return source_save_take_match(l, IPPROTO_UDP, arg);
	case OPT_SCTP:
		return source_save_take_match(l, IPPROTO_SCTP, arg);
	case OPT_FWMARK:
		r = l->has_match ? -EINVAL : take_number(arg, 1, &l->match.fwmark);
		l->has_match = true;
		return r;
	case OPT_IPV6:
		l->ipv6 = true;
		return 0;
	case OPT_PERSISTENT:
		r = arg ? take_number(arg, 0, &timeout) : 0;
		l->service.persistent = timeout > 0;
		return r;
	case OPT_REAL:
		r = l->has_real ? -EINVAL : lvs_endpoint_parse(arg, &l->real.addr, &l->real.port);
		l->has_real = true;
		return r;
	case OPT_NAT:
	case OPT_DR:
	case OPT_TUN:
	case OPT_FULLNAT:
	case OPT_SNAT:
		l->real.method = methods[o->what];
		return 0;
	case OPT_WEIGHT:
		return take_number(arg, 0, &l->real.weight);
	case OPT_PROXY:
		if (strcmp(arg, "disable") != 0)
			l->service.toa = LVS_TOA_NONE;
		return 0;
	case OPT_MATCH:
		l->is_way_out = true;
		return 0;
	}
	return -EINVAL;
}

/* WORD is "-w1", "-w", "--weight=1" or "--weight". *RET_ARG: the argument in the same word, or
 * NULL. */
static const struct option_def *find_option(const char *word, const char **ret_arg)
{
	size_t i, n = strcspn(word, "=");
	bool is_long = word[1] == '-';

	*ret_arg = is_long ? (word[n] ? word + n + 1 : NULL) : (word[2] ? word + 2 : NULL);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_def *o = &options[i];

		if (is_long ? n - 2 == strlen(o->word) && !strncmp(word + 2, o->word, n - 2)
			    : o->letter && word[1] == o->letter)
			return o;
	}
	return &unknown_option;
}

static int parse_line(char *text, struct save_line *l)
{
	char *save = NULL, *word = strtok_r(text, BLANKS, &save), *next;
	int r = 0;

	/* what ipvsadm takes when nothing else is said */
	*l = (struct save_line){ .real = { .method = LVS_DR, .weight = 1 } };
	if (*word != '-') {
		const char *slash = strrchr(word, '/');

		if (strcmp(slash ? slash + 1 : word, "ipvsadm") != 0)
			return -EINVAL;
		word = strtok_r(NULL, BLANKS, &save);
	}
	for (; word && r == 0; word = next) {
		const struct option_def *o;
		const char *arg = NULL;

		if (word[0] != '-' || !word[1])
			return -EINVAL;
		o = find_option(word, &arg);
		next = strtok_r(NULL, BLANKS, &save);
		if (o->arity == ARG_NONE && arg)
			return -EINVAL;
		if (o->arity != ARG_NONE && !arg && next && (o->arity == ARG_ONE || *next != '-')) {
			arg = next;
			next = strtok_r(NULL, BLANKS, &save);
		}
		if (o->arity == ARG_ONE && !arg)
			return -EINVAL;
		r = o == &unknown_option ? 0 : source_save_take_option(l, o, arg);
	}
	return r;
}

/* A line of a server may come without that of its service. */
static int put_line(struct lvs_map *m, uint32_t source, uint32_t number, struct save_line *l)
{
	struct lvs_service s = l->service;
	uint32_t service;
	int r;

	if ((!l->is_service && !l->is_server) || l->is_way_out)
		return 0; /* it says nothing of services */
	if (!l->has_match || l->has_real != l->is_server)
		return -EINVAL;
	if (l->match.fwmark)
		l->match.first.family = l->match.last.family = l->ipv6 ? AF_INET6 : AF_INET;
	service = lvs_map_same(m, source, &l->match);
	if (service == LVS_TAKEN)
		return 0;
	if (service == LVS_NONE) {
		s.method = LVS_UNKNOWN;
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

/* TEXT is a line; BAD: there is a NUL in it. */
static int source_save_take_line(struct lvs_map *m, uint32_t source, uint32_t number, char *text,
				 bool bad)
{
	struct lvs_source *counters = lvs_map_source_of(m, source);
	struct save_line l;
	int r;

	text[strcspn(text, "#")] = '\0';
	if (!bad && !text[strspn(text, BLANKS)])
		return 0;
	counters->blocks++;
	r = bad ? -EINVAL : parse_line(text, &l);
	if (r == 0)
		r = put_line(m, source, number, &l);
	if (r < 0 && r != -ENOMEM)
		lvs_source_skip(counters, NULL, number);
	return r == -ENOMEM ? r : 0;
}

int lvs_save_read(const char *path, struct lvs_map *m)
{
	int source = lvs_map_add_source(m, LVS_FROM_SAVE, path, 0), r;
	_cleanup_free_ char *text = NULL;
	struct lvs_source *counters;
	uint32_t number = 0;
	char *line, *end;
	size_t size;

	if (source < 0)
		return 0;
	counters = lvs_map_source_of(m, (uint32_t)source);
	r = lvs_file_read(path, &text, &size, &counters->age);
	counters->failed = r < 0;
	for (line = text; r == 0 && line < text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + size - line));
		end = end ? end : text + size;
		*end = '\0';
		r = source_save_take_line(m, (uint32_t)source, ++number, line,
					  line + strlen(line) != end);
	}
	return r == -ENOMEM ? r : 0;
}
