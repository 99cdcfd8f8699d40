/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option words, and what is wrong with one of them. */
#include "base/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/request.h"
#include "base/text.h"

/* Refuse what dev_valid_name() in net/core/dev.c refuses. From IFNAMSIZ on, NAME can only be an
 * alternative name; the kernel knows whether it is. */
int device_name_check(const char *name, struct request_error *ret_error)
{
	const char *p;

	if (!*name)
		return request_error_set(ret_error, "device name \"\" is empty");
	if (strlen(name) >= DEVICE_NAME_MAX)
		return request_error_set(ret_error,
					 "device name " QUOTED "... is longer than %d characters",
					 name, DEVICE_NAME_MAX - 1);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return request_error_set(ret_error, QUOTED " is no device name", name);
	for (p = name; *p; p++) {
		if (*p == ':')
			return request_error_set(ret_error,
						 QUOTED " is a label, not a device: "
							"write \"dev %.*s label %.48s\"",
						 name, (int)MIN(p - name, 48), name, name);
		if (*p == '/' || *p == ' ' || (*p >= '\t' && *p <= '\r'))
			return request_error_set(
				ret_error, "device name " QUOTED " holds a slash or a space", name);
	}
	return 0;
}

#define SCOPE_MAX 255

/* RT_SCOPE_… (linux/rtnetlink.h) under iproute2's names. */
static const struct {
	const char *name;
	int scope;
} scopes[] = {
	{ "global", 0 }, { "site", 200 }, { "link", 253 }, { "host", 254 }, { "nowhere", 255 },
};

static int dev_apply(struct option_values *v, const char *value, struct request_error *ret_error)
{
	int r;

	r = device_name_check(value, ret_error);
	if (r < 0)
		return r;
	memcpy(v->device, value, strlen(value) + 1);
	return 0;
}

/* The kernel accepts any text; control characters and the like would spoil the output of every
 * tool that prints the label. */
static int label_apply(struct option_values *v, const char *value, struct request_error *ret_error)
{
	const char *p;

	if (!*value)
		return request_error_set(ret_error, "label \"\" is empty");
	if (strlen(value) >= LABEL_MAX)
		return request_error_set(ret_error, "label " QUOTED " is longer than %d characters",
					 value, LABEL_MAX - 1);
	for (p = value; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f || *p == '/')
			return request_error_set(
				ret_error,
				"label " QUOTED " holds a character that no label may hold", value);
	}
	memcpy(v->vip.label, value, strlen(value) + 1);
	return 0;
}

static int scope_apply(struct option_values *v, const char *value, struct request_error *ret_error)
{
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scopes); i++) {
		if (!strcmp(value, scopes[i].name)) {
			v->vip.scope = scopes[i].scope;
			return 0;
		}
	}
	if (text_number(value, 0, SCOPE_MAX, &n) < 0)
		return request_error_set(ret_error,
					 "scope " QUOTED " is none of global, site, "
					 "link, host, nowhere, 0-255",
					 value);
	v->vip.scope = (int)n;
	return 0;
}

static int broadcast_apply(struct option_values *v, const char *value,
			   struct request_error *ret_error)
{
	if (!strcmp(value, "+")) {
		v->vip.broadcast_mode = BROADCAST_AUTO;
		return 0;
	}
	if (addr_parse(value, &v->vip.broadcast) < 0 || addr_size(v->vip.broadcast.family) != 4)
		return request_error_set(
			ret_error, "broadcast " QUOTED " is neither \"+\" nor an IPv4 address",
			value);
	v->vip.broadcast_mode = BROADCAST_GIVEN;
	return 0;
}

static int noprefixroute_apply(struct option_values *v, const char *value _unused_,
			       struct request_error *ret_error _unused_)
{
	v->vip.noprefixroute = true;
	return 0;
}

static int dad_apply(struct option_values *v, const char *value _unused_,
		     struct request_error *ret_error _unused_)
{
	v->vip.dad = true;
	return 0;
}

/* The default; accepted for scripts that were written for iproute2. */
static int nodad_apply(struct option_values *v _unused_, const char *value _unused_,
		       struct request_error *ret_error _unused_)
{
	return 0;
}

static int preferred_lft_apply(struct option_values *v, const char *value,
			       struct request_error *ret_error)
{
	uint64_t n = UINT32_MAX;

	if (strcmp(value, "forever") && text_number(value, 0, UINT32_MAX - 1, &n) < 0)
		return request_error_set(ret_error,
					 "preferred_lft " QUOTED " is neither \"forever\""
					 " nor a number of seconds up to %u",
					 value, UINT32_MAX - 1);
	v->vip.has_preferred_lft = true;
	v->vip.preferred_lft = (uint32_t)n;
	return 0;
}

/* An address that expires causes the same flush, and nobody protects against it then. */
static int valid_lft_apply(struct option_values *v _unused_, const char *value,
			   struct request_error *ret_error)
{
	if (!strcmp(value, "forever"))
		return 0;
	return request_error_set(ret_error,
				 "valid_lft " QUOTED " is refused: an address that expires"
				 " flushes connections unprotected; only \"forever\" is accepted",
				 value);
}

static int metric_apply(struct option_values *v, const char *value, struct request_error *ret_error)
{
	uint64_t n;

	if (text_number(value, 0, UINT32_MAX, &n) < 0)
		return request_error_set(ret_error, "metric " QUOTED " is not a number up to %u",
					 value, UINT32_MAX);
	v->vip.metric = (uint32_t)n;
	return 0;
}

static int peer_apply(struct option_values *v, const char *value, struct request_error *ret_error)
{
	struct prefix p;

	if (prefix_parse(value, PREFIX_LEN_OPTIONAL, &p) < 0 || !addr_is_usable(&p.addr))
		return request_error_set(ret_error, "peer " QUOTED " is no address of a host",
					 value);
	v->vip.extra.peer = p.addr;
	v->peer_len = p.len;
	return 0;
}

/* IFAPROT_… (linux/if_addr.h) under iproute2's names. */
static const char *const protos[] = { "unspec", "kernel_lo", "kernel_ra", "kernel_ll" };

static int address_proto_apply(struct option_values *v, const char *value,
			       struct request_error *ret_error)
{
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protos) && strcmp(value, protos[i]) != 0; i++)
		;
	n = i;
	if (i == ARRAY_SIZE(protos) && text_number(value, 0, UINT8_MAX, &n) < 0)
		return request_error_set(ret_error,
					 "proto " QUOTED " is none of kernel_lo, kernel_ra, "
					 "kernel_ll, 0-255",
					 value);
	v->vip.extra.proto = (uint8_t)n;
	return 0;
}

static int home_apply(struct option_values *v, const char *value _unused_,
		      struct request_error *ret_error _unused_)
{
	v->vip.extra.home = true;
	return 0;
}

static int autojoin_apply(struct option_values *v, const char *value _unused_,
			  struct request_error *ret_error _unused_)
{
	v->vip.extra.autojoin = true;
	return 0;
}

static const struct option options[] = {
	{ "dev", OPTION_DEV, false, "DEV", dev_apply },
	{ "label", OPTION_LABEL, true, "LABEL", label_apply },
	{ "scope", OPTION_SCOPE, true, "SCOPE", scope_apply },
	{ "brd", OPTION_BROADCAST, true, "ADDR or +", broadcast_apply },
	{ "broadcast", OPTION_BROADCAST, true, "ADDR or +", broadcast_apply },
	{ "noprefixroute", OPTION_NOPREFIXROUTE, true, NULL, noprefixroute_apply },
	{ "dad", OPTION_DAD, true, NULL, dad_apply },
	{ "nodad", OPTION_NODAD, true, NULL, nodad_apply },
	{ "preferred_lft", OPTION_PREFERRED_LFT, true, "SECONDS", preferred_lft_apply },
	{ "valid_lft", OPTION_VALID_LFT, true, "forever", valid_lft_apply },
	{ "metric", OPTION_METRIC, true, "NUMBER", metric_apply },
	{ "peer", OPTION_PEER, false, "ADDR[/LEN]", peer_apply },
	{ "proto", OPTION_PROTO, true, "NUMBER", address_proto_apply },
	{ "home", OPTION_HOME, true, NULL, home_apply },
	{ "autojoin", OPTION_AUTOJOIN, true, NULL, autojoin_apply },
};

static int option_ambiguous(const char *word, struct request_error *ret_error)
{
	char list[128] = "";
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (!strncmp(options[i].name, word, strlen(word)) && n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
					      options[i].name);
	}
	return request_error_set(ret_error, QUOTED " is ambiguous: %s", word, list);
}

int option_find(const char *word, const struct option **ret, struct request_error *ret_error)
{
	const struct option *found = NULL;
	bool several = false;
	size_t i;

	if (!*word)
		return request_error_set(ret_error, "unknown word \"\"");
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		if (!strcmp(o->name, word)) {
			*ret = o;
			return 0;
		}
		if (strncmp(o->name, word, strlen(word)))
			continue;
		/* two names of one option are not ambiguous */
		several |= found && found->id != o->id;
		found = o;
	}
	if (several)
		return option_ambiguous(word, ret_error);
	if (!found)
		return request_error_set(ret_error, "unknown word " QUOTED, word);
	*ret = found;
	return 0;
}

bool option_is_name(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(options[i].name, word))
			return true;
	return false;
}

void option_values_init(struct option_values *v)
{
	memset(v, 0, sizeof(*v));
	v->vip.scope = -1;
}

const struct option *option_at(size_t i)
{
	return i < ARRAY_SIZE(options) ? &options[i] : NULL;
}
