/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"

/* A line of words that is being read. */
struct line {
	enum op op;
	enum { DEV_KNOWN, DEV_OPTIONAL, DEV_REQUIRED } dev; /* KNOWN: not on the line */
	size_t max_addresses;
	struct prefix prefixes[VIPS_MAX];
	size_t n_prefixes;
	const char *word;   /* the last of them, as written */
	const char *no_len; /* the first that has no length; NULL: each has one */
	struct option_values values;
	struct selection selection;
	struct request_error *error;
};

void request_init(struct request *req, enum op op)
{
	memset(req, 0, sizeof(*req));
	req->op = op;
}

static int move_by_parse(const char *value, usec_t *ret, struct request_error *e)
{
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];

	if (duration_parse(value, ret) == 0 && *ret >= MOVE_BY_MIN && *ret <= MOVE_BY_MAX)
		return 0;
	return request_error_set(e, "--move-by " QUOTED " is not a duration from %s to %s", value,
				 duration_format(MOVE_BY_MIN, least),
				 duration_format(MOVE_BY_MAX, most));
}

int request_option(struct request *req, const char *name, const char *value,
		   struct request_error *ret_error)
{
	const struct {
		const char *name;
		const char *const *words;
		void *field; /* an enum: an int or an unsigned of its size */
	} options[] = { { "strategy", strategy_words, &req->strategy },
			{ "hold", hold_words, &req->hold },
			{ "vip-flows", vip_flows_words, &req->vip_flows } };
	char list[96];
	size_t i;
	int v;

	if (!strcmp(name, "force")) {
		if (value)
			return request_error_set(ret_error, "option \"--force\" takes no value");
		req->force = true;
		return 0;
	}
	if (!strcmp(name, "move-by"))
		return move_by_parse(value ? value : "", &req->move_by, ret_error);
	for (i = 0; i < ARRAY_SIZE(options) && strcmp(options[i].name, name); i++)
		;
	if (i == ARRAY_SIZE(options))
		return request_error_set(ret_error, "unknown option \"--%.48s\"", name);
	value = value ? value : "";
	v = word_find(options[i].words, value);
	if (v < 0)
		return request_error_set(ret_error, "--%s " QUOTED " is none of %s", name, value,
					 word_list(options[i].words, ", ", list, sizeof(list)));
	*(unsigned *)options[i].field = (unsigned)v;
	return 0;
}

int request_no_words(int argc, char *const argv[], struct request_error *ret_error)
{
	return argc ? request_error_set(ret_error, "unknown word " QUOTED, argv[0]) : 0;
}

/* Each of these characters makes an address: no keyword has one. A mistyped address is thus
 * reported as an address, not as an unknown word. */
static bool looks_like_address(const char *word)
{
	return (word[0] >= '0' && word[0] <= '9') || strpbrk(word, ".:/");
}

static bool request_same_address(const struct prefix *a, const struct prefix *b)
{
	/* IPv6 keeps an address once per device, whatever the length. */
	if (addr_size(a->addr.family) == 16)
		return addr_equal(&a->addr, &b->addr);
	return prefix_equal(a, b);
}

static int line_is_unusable(struct line *l, const char *word)
{
	return request_error_set(l->error,
				 QUOTED " cannot be a virtual IP: it is unspecified, loopback or "
					"multicast",
				 word);
}

static int line_add_address(struct line *l, const char *word)
{
	struct prefix p;
	size_t i;
	int r;

	r = prefix_parse(word, PREFIX_LEN_OPTIONAL, &p);
	if (r < 0)
		return request_error_set(l->error, QUOTED " is not an %s", word,
					 strchr(word, '/') ? "address with a prefix length"
							   : "address");
	/* what joins a group is multicast: see line_check_multicast() */
	if (!addr_is_usable(&p.addr) && !addr_is_multicast(&p.addr))
		return line_is_unusable(l, word);
	for (i = 0; i < l->n_prefixes; i++) {
		if (request_same_address(&l->prefixes[i], &p))
			return request_error_set(l->error, "address " QUOTED " given twice", word);
	}
	if (l->n_prefixes == l->max_addresses)
		return request_error_set(l->error,
					 "address " QUOTED " is too much: at most %zu fit", word,
					 l->max_addresses);
	l->prefixes[l->n_prefixes++] = p;
	l->word = word;
	if (!l->no_len && !strchr(word, '/'))
		l->no_len = word;
	return 0;
}

/* *RET_USED: how many words it took, 1 or 2. */
static int line_add_option(struct line *l, const char *word, const char *value, int *ret_used)
{
	const struct option *o;
	int r;

	r = option_find(word, &o, l->error);
	if (r < 0)
		return r;
	if (o->id == OPTION_DEV && l->dev == DEV_KNOWN)
		return request_error_set(l->error, "\"dev\" has no place here");
	if (l->op == OP_DEL && o->add_only)
		return request_error_set(l->error,
					 "contradictory options: " QUOTED
					 " only goes with add, not with del",
					 o->name);
	if (l->values.given[o->id])
		return request_error_set(l->error, "option " QUOTED " given twice", o->name);
	if (o->value && !value)
		return request_error_set(l->error, "option " QUOTED " needs a value: %s", o->name,
					 o->value);
	l->values.given[o->id] = o->name;
	*ret_used = o->value ? 2 : 1;
	return o->apply(&l->values, value, l->error);
}

static int line_add_filter(struct line *l, const char *word, const char *value, int *ret_used)
{
	if (l->op != OP_DEL)
		return request_error_set(l->error,
					 "contradictory options: " QUOTED
					 " only goes with del, which protects connections",
					 word);
	return selection_take(&l->selection, word, value, ret_used, l->error);
}

/* The word of an option that IPv6 addresses do not have, or NULL. */
static const char *for_ipv4_only(const struct option_values *v)
{
	return v->given[OPTION_LABEL] ? v->given[OPTION_LABEL] : v->given[OPTION_BROADCAST];
}

/* The prefix length of an address with a peer is that of the peer. */
static int line_check_peer(const struct line *l)
{
	const struct option_values *v = &l->values;
	const struct prefix *p = &l->prefixes[0];
	char text[PREFIX_TEXT_MAX], peer[PREFIX_TEXT_MAX];

	if (!v->given[OPTION_PEER])
		return 0;
	addr_format(&v->vip.extra.peer, peer);
	if (l->n_prefixes > 1)
		return request_error_set(l->error, "peer %s is that of one address, not of %zu",
					 peer, l->n_prefixes);
	prefix_format(p, text);
	if (p->addr.family != v->vip.extra.peer.family)
		return request_error_set(
			l->error, "contradictory options: peer %s is not of the family of %s", peer,
			text);
	if (addr_equal(&p->addr, &v->vip.extra.peer))
		return request_error_set(l->error, "peer %s is the address itself", peer);
	if (!l->no_len && p->len != v->peer_len)
		return request_error_set(l->error,
					 "contradictory lengths: with a peer, the prefix length is "
					 "that of the peer: write \"%.48s peer %s/%u\"",
					 text, peer, p->len);
	return 0;
}

/* A group is added to be joined; what is there may be deleted. */
static int line_check_multicast(struct line *l)
{
	const bool joins = l->values.given[OPTION_AUTOJOIN];
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < l->n_prefixes; i++) {
		const struct prefix *p = &l->prefixes[i];

		if (addr_is_multicast(&p->addr) && !joins && l->op == OP_ADD)
			return line_is_unusable(l, prefix_format(p, text));
		if (joins && !addr_is_multicast(&p->addr))
			return request_error_set(l->error,
						 "contradictory options: \"autojoin\" is for "
						 "multicast addresses, not for %s",
						 prefix_format(p, text));
	}
	return 0;
}

static int line_check_together(const struct line *l)
{
	const struct option_values *v = &l->values;
	bool any_ipv6 = false;
	size_t i;

	for (i = 0; i < l->n_prefixes; i++) {
		char text[PREFIX_TEXT_MAX];
		bool ipv6 = addr_size(l->prefixes[i].addr.family) == 16;

		any_ipv6 |= ipv6;
		if (ipv6 && for_ipv4_only(v) && l->dev != DEV_OPTIONAL)
			return request_error_set(l->error,
						 "contradictory options: \"%s\" is for "
						 "IPv4 only, not for %s",
						 for_ipv4_only(v),
						 prefix_format(&l->prefixes[i], text));
	}
	if (v->given[OPTION_DAD] && v->given[OPTION_NODAD])
		return request_error_set(l->error, "contradictory options: \"dad\" and \"nodad\"");
	if ((v->given[OPTION_DAD] || v->given[OPTION_HOME]) && !any_ipv6)
		return request_error_set(l->error, "contradictory options: \"%s\" is for IPv6 only",
					 v->given[OPTION_DAD] ? "dad" : "home");
	return 0;
}

static int line_parse(struct line *l, int argc, char *const argv[])
{
	int i = 0, r;

	option_values_init(&l->values);
	while (i < argc) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		int used = 1;

		if (looks_like_address(argv[i]))
			r = line_add_address(l, argv[i]);
		else if (selection_is_word(argv[i]) &&
			 (l->op == OP_DEL || !option_is_name(argv[i])))
			r = line_add_filter(l, argv[i], value, &used);
		else
			r = line_add_option(l, argv[i], value, &used);
		if (r < 0)
			return r;
		i += used;
	}
	if (!l->n_prefixes)
		return request_error_set(l->error, "no address given");
	if (l->op == OP_DEL && l->no_len && !l->values.given[OPTION_PEER])
		return request_error_set(l->error,
					 QUOTED " needs its prefix length (%.48s/%s): "
						"only the exact address is deleted",
					 l->no_len, l->no_len,
					 strchr(l->no_len, ':') ? "128" : "32");
	if (l->dev == DEV_REQUIRED && !l->values.given[OPTION_DEV])
		return request_error_set(l->error, "\"dev\" is missing: which device?");
	if (selection_check(&l->selection, l->error) < 0)
		return -EINVAL;
	r = line_check_peer(l);
	if (r == 0)
		r = line_check_multicast(l);
	return r < 0 ? r : line_check_together(l);
}

/* The vip of prefix I, with the options of the line that apply to it. */
static struct vip line_vip(const struct line *l, size_t i)
{
	struct vip v = l->values.vip;

	v.prefix = l->prefixes[i];
	if (v.extra.peer.family)
		v.prefix.len = l->values.peer_len;
	v.dad = v.dad && addr_size(v.prefix.addr.family) == 16;
	v.extra.home = v.extra.home && addr_size(v.prefix.addr.family) == 16;
	return v;
}

int request_parse(struct request *req, int argc, char *const argv[],
		  struct request_error *ret_error)
{
	struct line l = {
		.op = req->op, .dev = DEV_REQUIRED, .max_addresses = VIPS_MAX, .error = ret_error
	};
	size_t i;
	int r;

	r = line_parse(&l, argc, argv);
	if (r < 0)
		return r;
	if (req->move_by && req->op == OP_ADD)
		return request_error_set(ret_error,
					 "contradictory options: \"--move-by\" only goes with del");
	memcpy(req->device, l.values.device, sizeof(req->device));
	for (i = 0; i < l.n_prefixes; i++)
		req->vips[i] = line_vip(&l, i);
	req->n_vips = l.n_prefixes;
	req->selection = l.selection;
	return 0;
}

int vip_parse(struct vip *ret, int argc, char *const argv[], struct request_error *ret_error)
{
	struct line l = { .op = OP_ADD, .max_addresses = 1, .error = ret_error };
	int r;

	r = line_parse(&l, argc, argv);
	if (r < 0)
		return r;
	*ret = line_vip(&l, 0);
	return 0;
}

int vip_parse_at(struct vip *ret, char ret_device[DEVICE_NAME_MAX], const char **ret_ignored,
		 int argc, char *const argv[], struct request_error *ret_error)
{
	struct line l = {
		.op = OP_ADD, .dev = DEV_OPTIONAL, .max_addresses = 1, .error = ret_error
	};
	int r;

	r = line_parse(&l, argc, argv);
	if (r < 0)
		return r;
	*ret = line_vip(&l, 0);
	memcpy(ret_device, l.values.device, DEVICE_NAME_MAX);
	*ret_ignored = NULL;
	if (addr_size(ret->prefix.addr.family) == 16 && for_ipv4_only(&l.values)) {
		*ret_ignored = for_ipv4_only(&l.values);
		ret->label[0] = '\0';
		ret->broadcast_mode = BROADCAST_NONE;
	}
	return 0;
}

/* The words of the enums in base/request.h. */

static const char *const op_words[] = { [OP_ADD] = "add", [OP_DEL] = "del", NULL };

const char *const strategy_words[] = {
	[STRATEGY_AUTO] = "auto",
	[STRATEGY_PIN] = "pin",
	[STRATEGY_RESTORE] = "restore",
	[STRATEGY_NONE] = "none",
	NULL,
};

const char *const hold_words[] = {
	[HOLD_AUTO] = "auto",
	[HOLD_NFT] = "nft",
	[HOLD_IPTABLES] = "iptables",
	[HOLD_OFF] = "off",
	NULL,
};

const char *const vip_flows_words[] = {
	[VIP_FLOWS_DROP] = "drop",
	[VIP_FLOWS_KEEP] = "keep",
	[VIP_FLOWS_RESET] = "reset",
	NULL,
};

const char *op_name(enum op op)
{
	return word_of(op_words, op);
}

const char *strategy_name(enum strategy s)
{
	return word_of(strategy_words, s);
}

const char *hold_choice_name(enum hold_choice h)
{
	return word_of(hold_words, h);
}

const char *vip_flows_name(enum vip_flows v)
{
	return word_of(vip_flows_words, v);
}
