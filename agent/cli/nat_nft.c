/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules as "nft list" prints them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

#include "cli/firewall_rules.h"
#include "cli/nat_words.h"

#define NAT_ALONE "{},"

/* What a condition can be on; the second word "": there is none. */
static const struct {
	const char *first, *second;
} nat_keys[] = {
	{ "ip", "saddr" },	{ "ip", "daddr" },	{ "ip", "protocol" },
	{ "ip", "dscp" },	{ "ip6", "saddr" },	{ "ip6", "daddr" },
	{ "ip6", "dscp" },	{ "ip6", "nexthdr" },	{ "tcp", "sport" },
	{ "tcp", "dport" },	{ "udp", "sport" },	{ "udp", "dport" },
	{ "udplite", "sport" }, { "udplite", "dport" }, { "sctp", "sport" },
	{ "sctp", "dport" },	{ "dccp", "sport" },	{ "dccp", "dport" },
	{ "th", "sport" },	{ "th", "dport" },	{ "icmp", "type" },
	{ "icmpv6", "type" },	{ "meta", "l4proto" },	{ "meta", "nfproto" },
	{ "meta", "protocol" }, { "meta", "mark" },	{ "meta", "skuid" },
	{ "meta", "skgid" },	{ "meta", "pkttype" },	{ "meta", "cgroup" },
	{ "meta", "iifname" },	{ "meta", "oifname" },	{ "meta", "iif" },
	{ "meta", "oif" },	{ "meta", "oifgroup" }, { "meta", "iifgroup" },
	{ "ct", "state" },	{ "ct", "mark" },	{ "ct", "status" },
	{ "ct", "direction" },	{ "oifname", "" },	{ "iifname", "" },
	{ "oif", "" },		{ "iif", "" },		{ "oifgroup", "" },
	{ "iifgroup", "" },	{ "mark", "" },		{ "skuid", "" },
	{ "skgid", "" },	{ "fib", "daddr" },	{ "fib", "saddr" },
};

struct nat_text {
	const char *at;
	struct nat_parts *parts;
	struct word key[2], value;
	bool negated, single; /* the value is one, and not of a list, range or mask */
};

/* Take what was read since FROM as it stands there; nft escapes nothing. */
static bool nat_take_text(struct nat_text *t, const char *from, struct nat_condition *ret)
{
	*ret = (struct nat_condition){ .n = 0 };
	for (; from < t->at; from++) {
		if (*from < 0x20 || *from >= 0x7f || *from == '\'')
			ret->unfit = true;
		nat_put(ret, *from);
	}
	return !ret->unfit;
}

static struct word nat_next(struct nat_text *t)
{
	return word_next(&t->at, NAT_ALONE);
}

static bool nat_skips(struct nat_text *t, const char *a, const char *b)
{
	struct word w = word_peek(t->at, NAT_ALONE);

	if (w.quoted || (!word_is(&w, a) && !word_is(&w, b)))
		return false;
	nat_next(t);
	return true;
}

static bool nat_is_atom(const struct word *w)
{
	size_t i;

	if (w->quoted)
		return true;
	for (i = 0; i < w->len; i++)
		if (!isalnum((unsigned char)w->p[i]) && !strchr("_./:*@-", w->p[i]))
			return false;
	return w->len > 0 && !word_is(w, ":") && !word_is(w, ".") && !word_is(w, "set") &&
	       !word_is(w, "vmap") && !word_is(w, "map");
}

static bool nat_takes_atom(struct nat_text *t)
{
	t->value = nat_next(t);
	return nat_is_atom(&t->value);
}

/* "new", "established,related", "{ 80, 443 }" */
static bool nat_takes_values(struct nat_text *t)
{
	bool braces = nat_skips(t, "{", "{"), list = braces;

	while (nat_takes_atom(t)) {
		if (!nat_skips(t, ",", ",")) {
			t->single = !list;
			return !braces || nat_skips(t, "}", "}");
		}
		list = true;
	}
	return false;
}

/* "and 0x4000 == 0x4000", "and" having been read */
static bool nat_takes_mask(struct nat_text *t)
{
	if (!nat_takes_atom(t))
		return false;
	t->negated = nat_skips(t, "!=", "!=");
	t->single = false;
	return (t->negated || nat_skips(t, "==", "==")) && nat_takes_atom(t);
}

static bool nat_takes_key(struct nat_text *t, const struct word *first)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nat_keys); i++) {
		const char *at = t->at;
		struct word second = word_next(&at, NAT_ALONE);

		if (!word_is(first, nat_keys[i].first) ||
		    (*nat_keys[i].second && !word_is(&second, nat_keys[i].second)))
			continue;
		t->key[0] = *first;
		t->key[1] = (struct word){ .p = "" };
		if (*nat_keys[i].second)
			t->key[1] = nat_next(t);
		/* "fib daddr type local", and nothing else of it */
		return !word_is(first, "fib") || nat_skips(t, "type", "type");
	}
	return false;
}

static bool nat_key_is(const struct nat_text *t, const char *first, const char *second)
{
	return word_is(&t->key[0], first) && word_is(&t->key[1], second);
}

static bool nat_is_out_key(const struct nat_text *t)
{
	const struct word *w = word_is(&t->key[0], "meta") ? &t->key[1] : &t->key[0];

	return word_is(w, "oifname") || word_is(w, "oif");
}

/* Note the outgoing device. Returns whether it need not be said again: it is just one. */
static bool nat_note_out(struct nat_text *t)
{
	struct nat_parts *p = t->parts;
	size_t n = t->value.len;
	bool named;

	if (!t->single || *p->out || *t->value.p == '@' || n >= sizeof(p->out))
		return false;
	snprintf(p->out, sizeof(p->out), "%.*s", (int)n, t->value.p);
	p->out_negated = t->negated;
	if (n && p->out[n - 1] == '*')
		p->out[n - 1] = '+';
	named = n && !t->negated && p->out[n - 1] != '+';
	if (!named && strpbrk(p->out, "\\*"))
		p->out[0] = '\0'; /* whatever is meant by it: said again as it is */
	return named;
}

static void nat_note_family(struct nat_text *t)
{
	struct nat_parts *p = t->parts;
	uint8_t families = FAMILY_BITS;

	if (word_is(&t->key[0], "ip") || word_is(&t->key[0], "icmp"))
		families = FAMILY_BIT(FIREWALL_IPV4);
	else if (word_is(&t->key[0], "ip6") || word_is(&t->key[0], "icmpv6"))
		families = FAMILY_BIT(FIREWALL_IPV6);
	else if (!t->negated && (word_is(&t->value, "ipv4") || word_is(&t->value, "ip")))
		families = FAMILY_BIT(FIREWALL_IPV4);
	else if (!t->negated && (word_is(&t->value, "ipv6") || word_is(&t->value, "ip6")))
		families = FAMILY_BIT(FIREWALL_IPV6);
	p->families &= families;
}

static bool nat_takes_condition(struct nat_text *t, const struct word *first)
{
	struct nat_condition c;
	bool is_end;

	t->negated = false;
	if (first->quoted || !nat_takes_key(t, first))
		return false;
	if (nat_skips(t, "&", "and")) {
		if (!nat_takes_mask(t))
			return false;
	} else {
		t->negated = nat_skips(t, "!=", "!=");
		if (!nat_takes_values(t))
			return false;
	}
	is_end = nat_key_is(t, "ip", "saddr") || nat_key_is(t, "ip", "daddr") ||
		 nat_key_is(t, "ip6", "saddr") || nat_key_is(t, "ip6", "daddr");
	t->parts->names_an_end |= is_end && !t->negated;
	if (nat_is_out_key(t) && nat_note_out(t))
		return true;
	nat_note_family(t);
	return nat_take_text(t, first->p, &c) && nat_keep(t->parts, &c);
}

/* "to :1024-65535" */
static bool nat_takes_range(struct nat_text *t)
{
	struct word w = nat_next(t);

	if (w.len < 2 || *w.p != ':')
		return false;
	w.p++;
	w.len--;
	return nat_take_ports(t->parts, &w);
}

/* "ip to 192.0.2.1", "to [2001:db8::1]:1024-65535": only the family matters. */
static void nat_takes_source(struct nat_text *t, const struct word *w)
{
	struct nat_parts *p = t->parts;
	struct word to = word_is(w, "to") ? nat_next(t) : *w;
	const char *colon = memchr(to.p, ':', to.len);
	bool ipv6 = word_is(w, "ip6");

	if (word_is(w, "to"))
		ipv6 = colon && memchr(colon + 1, ':', to.len - (size_t)(colon + 1 - to.p));
	else if (!ipv6 && !word_is(w, "ip"))
		return;
	p->families &= ipv6 ? FAMILY_BIT(FIREWALL_IPV6) : FAMILY_BIT(FIREWALL_IPV4);
}

static bool nat_takes_comment(struct nat_text *t)
{
	const char *from = t->at + strspn(t->at, " \t");
	struct word w = nat_next(t);
	struct nat_condition c;

	if (!w.quoted || !nat_take_text(t, from, &c))
		return false;
	memcpy(t->parts->comment, c.text, sizeof(t->parts->comment));
	return true;
}

/* What follows "masquerade" or "snat". */
static bool nat_takes_nat(struct nat_text *t, bool snat)
{
	struct nat_parts *p = t->parts;
	struct word w;

	for (w = nat_next(t); w.len && !w.quoted; w = nat_next(t)) {
		if (word_is(&w, "random"))
			p->random = true;
		else if (word_is(&w, "fully-random"))
			p->fully_random = true;
		else if (word_is(&w, "persistent"))
			p->persistent = true;
		else if (word_is(&w, "comment"))
			return nat_takes_comment(t) && !word_peek(t->at, NAT_ALONE).len;
		else if (snat)
			nat_takes_source(t, &w);
		else if (word_is(&w, "to") ? !nat_takes_range(t) : !word_is(&w, ","))
			return false;
	}
	return !w.quoted;
}

bool nat_words_of_nft(const char *text, struct nat_parts *ret)
{
	struct nat_text t = { .at = text, .parts = ret };

	for (;;) {
		struct word w = nat_next(&t);

		if (w.quoted || !w.len)
			return false;
		if (word_is(&w, "masquerade") || word_is(&w, "snat"))
			return nat_takes_nat(&t, *w.p == 's');
		if (word_is(&w, "counter"))
			ret->counts = true;
		else if (!nat_takes_condition(&t, &w))
			return false;
	}
}
