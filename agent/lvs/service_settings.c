/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [lvs-service NAME] and [lvs-fwmark N], and what they add to the map. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/option.h"
#include "base/text.h"
#include "lvs/settings.h"
#include "lvs/text.h"

/* In the order of their enums. */
static const char *const method_words[] = { "as-told", "nat", "dr", "tun", "fullnat", NULL };
static const char *const toa_words[] = { "as-told", "none", "socket", "packet", "unknown", NULL };
static const char *const proto_words[] = { "tcp", "udp", "sctp", NULL };
static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

static int match_put(struct lvs_service_settings *s, const struct lvs_match *match)
{
	struct lvs_match *one = array_append(&s->matches, &s->n_matches, sizeof(*one));

	if (!one)
		return -ENOMEM;
	*one = *match;
	return 0;
}

/* "10.9.9.1:80,443": the address with each of its ports. */
static int match_add(struct lvs_service_settings *s, uint8_t l4proto, const char *key,
		     const char *value, struct request_error *e)
{
	const char *comma = strchr(value, ',');
	struct lvs_match match = { .l4proto = l4proto, .fwmark = s->fwmark };
	char text[LVS_VALUE_MAX];
	uint64_t port;
	size_t n = comma ? (size_t)(comma - value) : strlen(value);
	int r;

	if (n >= sizeof(text))
		return request_error_set(e, "%s: " QUOTED "... is too long", key, value);
	memcpy(text, value, n);
	text[n] = '\0';
	if (lvs_match_parse(text, &match.first, &match.last, &match.port) < 0)
		return request_error_set(e, "%s: " QUOTED " is no address with a port", key, text);
	r = match_put(s, &match);
	while (r == 0 && comma) {
		const char *next = strchr(comma + 1, ',');

		n = next ? (size_t)(next - comma - 1) : strlen(comma + 1);
		snprintf(text, sizeof(text), "%.*s", (int)MIN(n, (size_t)8), comma + 1);
		if (text_number(text, 1, UINT16_MAX, &port) < 0)
			return request_error_set(e, "%s: " QUOTED " is no port", key, text);
		match.port = (uint16_t)port;
		r = match_put(s, &match);
		comma = next;
	}
	return r;
}

static int vip_add(void *base, const char *value, struct request_error *e)
{
	return match_add(base, 0, "vip", value, e);
}

/* "tcp 10.9.9.1:80,443" */
static int mark_match_add(void *base, const char *value, struct request_error *e)
{
	size_t n = strcspn(value, " \t");
	uint8_t l4proto;
	char word[8];

	snprintf(word, sizeof(word), "%.*s", (int)MIN(n, sizeof(word)), value);
	if (lvs_proto_parse(word, &l4proto) < 0)
		return request_error_set(
			e, "match: " QUOTED " does not begin with tcp, udp or sctp", value);
	return match_add(base, l4proto, "match", value + n + strspn(value + n, " \t"), e);
}

/* "10.112.61.163:3269 weight=1" */
static int real_add(void *base, const char *value, struct request_error *e)
{
	struct lvs_service_settings *s = base;
	struct lvs_real real = { .weight = 1 }, *one;
	char text[LVS_VALUE_MAX], *save = NULL, *word;
	uint64_t weight;

	if (strlen(value) >= sizeof(text))
		return request_error_set(e, "real: " QUOTED "... is too long", value);
	memcpy(text, value, strlen(value) + 1);
	word = strtok_r(text, " \t", &save);
	if (!word || lvs_endpoint_parse(word, &real.addr, &real.port) < 0)
		return request_error_set(e, "real: " QUOTED " is no address with a port", value);
	while ((word = strtok_r(NULL, " \t", &save))) {
		if (strncmp(word, "weight=", 7) ||
		    text_number(word + 7, 0, UINT32_MAX, &weight) < 0)
			return request_error_set(e, "real: " QUOTED " is not weight=N", word);
		real.weight = (uint32_t)weight;
	}
	one = array_append(&s->reals, &s->n_reals, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = real;
	return 0;
}

#define SERVICE(member) offsetof(struct lvs_service_settings, member)
#define METHOD_KEY                                                                               \
	{                                                                                        \
		"method", SETTING_WORD, SERVICE(method), "as-told",                              \
			"How the director forwards packets. as-told: as the source says that\n"  \
			"has the real servers. If they stand here, it may be by NAT, and what\n" \
			"is found is possible, not certain.",                                    \
			.words = method_words                                                    \
	}
#define TOA_KEY                                                                                   \
	{                                                                                         \
		"toa", SETTING_WORD, SERVICE(toa), "as-told",                                     \
			"How the real server of a fullnat service learns the client's address.\n" \
			"none: not at all, or by the PROXY protocol. socket: by getpeername(2)\n" \
			"only, as with the open source toa. packet: the addresses in the\n"       \
			"packets are rewritten. unknown: treated as packet.",                     \
			.words = toa_words                                                        \
	}
#define REAL_KEY                                                                               \
	{                                                                                      \
		"real", SETTING_LIST, 0, NULL,                                                 \
			"A real server, one a line. If there is none, they are those of the\n" \
			"first source that has the service.",                                  \
			.add = real_add, .shape = "10.112.61.163:3269 weight=1"                \
	}

static const struct setting service_keys[] = {
	{ "vip", SETTING_LIST, 0, NULL,
	  "What clients connect to, one a line: an address or a range of addresses, with\n"
	  "one or more ports. Port 0: any port.",
	  .add = vip_add, .shape = "10.141.16.0:3306" },
	{ "proto", SETTING_WORD, SERVICE(proto), "tcp", "The protocol of the service.",
	  .words = proto_words },
	METHOD_KEY,
	TOA_KEY,
	REAL_KEY,
	{ NULL },
};

static const struct setting fwmark_keys[] = {
	{ "match", SETTING_LIST, 0, NULL,
	  "Which packets get the mark, one rule a line: protocol, address and ports.",
	  .add = mark_match_add, .shape = "tcp 10.9.9.1:80,443" },
	METHOD_KEY,
	TOA_KEY,
	REAL_KEY,
	{ NULL },
};

static int service_get(struct lvs_settings *s, const char *name, uint32_t fwmark,
		       const struct setting *keys, void **ret)
{
	struct lvs_service_settings *one;
	size_t i;

	for (i = 0; i < s->n_services; i++) {
		one = &s->services[i];
		if (one->fwmark == fwmark && (fwmark || !strcmp(one->name, name))) {
			*ret = one;
			return 0;
		}
	}
	one = array_append(&s->services, &s->n_services, sizeof(*one));
	if (!one)
		return -ENOMEM;
	one->fwmark = fwmark;
	setting_init(keys, one);
	memcpy(one->name, name, strlen(name) + 1);
	*ret = one;
	return 0;
}

static int service_find(struct settings *s, const char *name, void **ret, struct request_error *e)
{
	if (!*name || strlen(name) >= LVS_NAME_MAX || strpbrk(name, " \t"))
		return request_error_set(e, "lvs-service: " QUOTED " is not a name", name);
	return service_get(s->lvs, name, 0, service_keys, ret);
}

static int fwmark_find(struct settings *s, const char *name, void **ret, struct request_error *e)
{
	uint64_t mark;

	if (strlen(name) >= LVS_NAME_MAX || text_number(name, 1, UINT32_MAX, &mark) < 0)
		return request_error_set(e, "lvs-fwmark: " QUOTED " is no firewall mark", name);
	return service_get(s->lvs, name, (uint32_t)mark, fwmark_keys, ret);
}

const struct setting_section lvs_service_section = {
	.word = "lvs-service",
	.placeholder = "NAME",
	.example = "mysql",
	.help = "A service that no source describes, or that a source describes incompletely.",
	.keys = service_keys,
	.find = service_find,
	.joined = true,
};

const struct setting_section lvs_fwmark_section = {
	.word = "lvs-fwmark",
	.placeholder = "N",
	.example = "77",
	.help = "The addresses and ports of a service that is defined by a firewall mark.",
	.keys = fwmark_keys,
	.find = fwmark_find,
	.joined = true,
};

/* ---- into the map ------------------------------------------------------------- */

static int lvs_settings_add_matches(const struct lvs_service_settings *s, struct lvs_map *m,
				    uint32_t service)
{
	struct lvs_match mark = { .fwmark = s->fwmark };
	size_t i;
	int r = 0;

	/* the mark itself, of either family: others name it by that */
	for (i = 0; s->fwmark && i < 2 && r != -ENOMEM; i++) {
		mark.first.family = mark.last.family = i ? AF_INET6 : AF_INET;
		r = lvs_map_add_match(m, service, &mark);
	}
	for (i = 0; i < s->n_matches && r != -ENOMEM; i++) {
		struct lvs_match match = s->matches[i];

		if (!match.l4proto)
			match.l4proto = protos[s->proto];
		r = lvs_map_add_match(m, service, &match);
	}
	return r;
}

static int lvs_settings_add_service(const struct lvs_service_settings *s, struct lvs_map *m,
				    uint32_t source)
{
	struct lvs_service service = {
		.method = s->method,
		.toa = s->toa,
		.source = source,
	};
	size_t i;
	int r;

	snprintf(service.name, sizeof(service.name), "%s%.40s", s->fwmark ? "fwmark-" : "",
		 s->name);
	r = lvs_map_add_service(m, &service);
	if (r < 0)
		return r;
	service.source = (uint32_t)r;
	r = lvs_settings_add_matches(s, m, service.source);
	for (i = 0; i < s->n_reals && r != -ENOMEM; i++) {
		struct lvs_real real = s->reals[i];

		real.method = service.method;
		r = lvs_map_add_real(m, service.source, &real);
	}
	return r;
}

int lvs_settings_add(const struct lvs_settings *s, const char *path, struct lvs_map *m)
{
	struct lvs_source *source;
	int id, r = 0;
	size_t i;

	id = lvs_map_add_source(m, LVS_FROM_INI, path, 0);
	if (id < 0)
		return 0;
	source = lvs_map_source_of(m, (uint32_t)id);
	for (i = 0; i < s->n_services && r != -ENOMEM; i++) {
		r = lvs_settings_add_service(&s->services[i], m, (uint32_t)id);
		source->blocks++;
		source->skipped += r < 0;
	}
	return r == -ENOMEM ? r : 0;
}
