/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions of nft rules. */
#include "cli/firewall_nft.h"

#include <string.h>

#include <vipsafe/base.h>

/* The right-hand side of a comparison. */
struct operand {
	bool negated, odd; /* ODD: not understood, or a named set */
	bool assigned;	   /* "set": a statement, not a condition */
	bool is_map;
	const char *list, *end; /* the text of the values */
};

typedef enum rule_match (*value_match)(const struct word *w);

/* ---- operands ---- */

/* One value, or several: "a", "a,b", "a | b", "{ a, b }", "@set". */
static void take_values(struct rule_text *t, struct operand *o)
{
	struct word w = nft_peek(t);

	o->list = w.quoted ? w.p - 1 : w.p;
	if (!w.quoted && *w.p == '{') {
		nft_next(t);
		o->list = t->at;
		for (w = nft_next(t); (w.len || w.quoted) && (w.quoted || *w.p != '}');
		     w = nft_next(t))
			;
		o->end = w.p;
		return;
	}
	o->odd |= !w.len && !w.quoted;
	o->odd |= w.len && !w.quoted && (*w.p == '@' || *w.p == '(');
	nft_next(t);
	while (nft_takes(t, ",") || nft_takes(t, "|"))
		nft_next(t);
	o->end = t->at;
}

/* Skip the value that a field is set to: "meta mark | 0x4000". */
static void take_expression(struct rule_text *t)
{
	struct word w;

	do {
		w = nft_next(t);
		if (word_is(&w, "meta") || word_is(&w, "ct"))
			nft_next(t);
		while (w.len && *w.p == '(' && !nft_takes(t, ")") && nft_peek(t).len)
			nft_next(t);
	} while (nft_takes(t, "|") || nft_takes(t, "&") || nft_takes(t, "^") ||
		 nft_takes(t, "<<") || nft_takes(t, ">>"));
}

static struct operand take_operand(struct rule_text *t)
{
	struct operand o = { .negated = false };

	o.assigned = nft_takes(t, "set");
	if (o.assigned) {
		take_expression(t);
		return o;
	}
	if (nft_takes(t, "vmap"))
		o.is_map = true;
	else if (nft_takes(t, "!=") || nft_takes(t, "!"))
		o.negated = true;
	else if (!nft_takes(t, "==") &&
		 (nft_takes(t, "<") || nft_takes(t, ">") || nft_takes(t, "<=") ||
		  nft_takes(t, ">=") || nft_takes(t, "&") || nft_takes(t, "^") ||
		  nft_takes(t, "map")))
		o.odd = true;
	take_values(t, &o);
	return o;
}

/* The best match among the values. */
static enum rule_match operand_match(const struct operand *o, value_match one)
{
	enum rule_match any = MATCH_NEVER;
	const char *at = o->list;

	if (o->odd)
		return MATCH_MAYBE;
	while (at < o->end) {
		struct word w = word_next(&at, ALONE);

		if (!w.len || w.p >= o->end)
			break;
		if (w.quoted || (*w.p != ',' && *w.p != '|'))
			any = MAX(any, one(&w));
	}
	return o->negated ? match_not(any) : any;
}

/* Skip the other fields of "FIELD . FIELD { … }", up to the set or map. */
static void skip_fields(struct rule_text *t)
{
	struct word w = nft_peek(t);

	for (; w.len && !word_is(&w, "vmap") && !word_is(&w, "!=") && *w.p != '{' && *w.p != '@';
	     w = nft_peek(t))
		nft_next(t);
	if (!w.len)
		t->rule.verdict = VERDICT_UNKNOWN;
}

/* Take a condition on a field; ONE checks a value. Returns true if the rule ends here, with a
 * map. */
static bool nft_take_field(struct rule_text *t, enum map_key key, value_match one)
{
	struct operand o;

	if (nft_takes(t, ".")) { /* concatenated fields */
		skip_fields(t);
		key = KEY_OTHER;
		one = NULL;
	}
	o = take_operand(t);
	if (o.is_map) {
		nft_add_by_map(t, key, o.list, o.end);
		return true;
	}
	if (!o.assigned)
		nft_narrow(t, one ? operand_match(&o, one) : MATCH_MAYBE);
	return false;
}

/* "ct state …". An invalid packet has no other properties of conntrack. */
static bool take_ct(struct rule_text *t)
{
	struct operand o;

	if (nft_takes(t, "state")) {
		t->rule.by_state = true;
		return nft_take_field(t, KEY_STATE, packet_state);
	}
	if (nft_takes(t, "count")) {
		nft_takes(t, "over");
		nft_next(t);
		nft_narrow(t, MATCH_MAYBE);
		return false;
	}
	if (nft_takes(t, "original") || nft_takes(t, "reply"))
		nft_next(t); /* the protocol */
	nft_next(t);
	o = take_operand(t);
	if (!o.assigned)
		nft_narrow(t, MATCH_NEVER);
	return false;
}

/* "mark 0x1", "mark & 0x4000 == 0x4000", "mark set …" */
static bool nft_take_mark(struct rule_text *t)
{
	struct operand o;

	if (nft_takes(t, "set")) {
		take_expression(t);
		t->reader->store.marking |= t->rule.families;
		return false;
	}
	if (nft_takes(t, "&") || nft_takes(t, "and"))
		nft_next(t);
	o = take_operand(t);
	if (o.is_map) {
		nft_add_by_map(t, KEY_OTHER, o.list, o.end);
		return true;
	}
	t->rule.by_mark = true;
	t->rule.mark = (uint8_t)operand_match(&o, packet_mark);
	return false;
}

/* "flags syn / fin,syn,rst,ack", "flags & (fin | syn) == syn" */
static bool nft_take_flags(struct rule_text *t)
{
	struct operand set = { .odd = false }, mask;
	bool negated = nft_takes(t, "!=") || nft_takes(t, "!");
	struct word s, m;
	enum rule_match match;

	nft_takes(t, "==");
	if (nft_takes(t, "&")) {
		mask.list = t->at;
		for (s = nft_next(t); s.len && !word_is(&s, "==") && !word_is(&s, "!=");
		     s = nft_next(t))
			;
		mask.end = s.p;
		negated = word_is(&s, "!=");
		take_values(t, &set);
	} else {
		take_values(t, &set);
		mask.list = mask.end = NULL;
		if (nft_takes(t, "/")) {
			mask = (struct operand){ .odd = false };
			take_values(t, &mask);
		}
	}
	if (set.odd || !mask.list) { /* "flags syn": any of these flags */
		nft_narrow(t, MATCH_MAYBE);
		return false;
	}
	s = (struct word){ .p = set.list, .len = (size_t)(set.end - set.list) };
	m = (struct word){ .p = mask.list, .len = (size_t)(mask.end - mask.list) };
	match = packet_flags(&m, &s);
	nft_narrow(t, negated ? match_not(match) : match);
	return false;
}

static bool take_ports(struct rule_text *t)
{
	if (nft_takes(t, "dport"))
		return nft_take_field(t, KEY_OTHER, packet_port);
	if (nft_takes(t, "flags"))
		return nft_take_flags(t);
	nft_next(t);
	return nft_take_field(t, KEY_OTHER, NULL);
}

static enum rule_match ether_type(const struct word *w)
{
	return word_is(w, "ip") || word_is(w, "ip6") ? MATCH_MAYBE : MATCH_NEVER;
}

static bool take_nfproto(struct rule_text *t)
{
	struct operand o = take_operand(t);
	struct word w = word_peek(o.list, ALONE);
	unsigned of = word_is(&w, "ipv4")   ? FAMILY_BIT(FIREWALL_IPV4)
		      : word_is(&w, "ipv6") ? FAMILY_BIT(FIREWALL_IPV6)
					    : 0;

	if (!of || o.odd || o.is_map)
		nft_narrow(t, MATCH_MAYBE);
	else
		t->rule.families &= (uint8_t)(o.negated ? ~of : of);
	return false;
}

static bool take_meta(struct rule_text *t)
{
	if (nft_takes(t, "l4proto"))
		return nft_take_field(t, KEY_PROTOCOL, packet_protocol);
	if (nft_takes(t, "nfproto"))
		return take_nfproto(t);
	if (nft_takes(t, "mark"))
		return nft_take_mark(t);
	if (nft_takes(t, "pkttype"))
		return nft_take_field(t, KEY_OTHER, packet_type);
	if (nft_takes(t, "protocol"))
		return nft_take_field(t, KEY_OTHER, ether_type);
	if (nft_takes(t, "iif") || nft_takes(t, "iifname"))
		return nft_take_field(t, KEY_DEVICE, packet_device);
	nft_next(t);
	return nft_take_field(t, KEY_OTHER, NULL);
}

/* Take a condition on an IPv4 or IPv6 header field. */
static bool nft_take_header(struct rule_text *t, enum firewall_family family)
{
	t->rule.families &= (uint8_t)FAMILY_BIT(family);
	if (nft_takes(t, "saddr"))
		return nft_take_field(t, KEY_OTHER, packet_source);
	if (nft_takes(t, "daddr"))
		return nft_take_field(t, KEY_OTHER, packet_destination);
	if (nft_takes(t, "protocol") || nft_takes(t, "nexthdr"))
		return nft_take_field(t, KEY_PROTOCOL, packet_protocol);
	nft_next(t);
	return nft_take_field(t, KEY_OTHER, NULL);
}

/* "fib daddr type local", "fib saddr . iif oif missing" */
static bool take_fib(struct rule_text *t)
{
	bool source = nft_takes(t, "saddr");
	struct word w = nft_peek(t);

	for (; w.len && !w.quoted && !word_is(&w, "type") && !word_is(&w, "oif") &&
	       !word_is(&w, "oifname");
	     w = nft_peek(t)) {
		nft_next(t);
		if (word_is(&w, ".")) /* here "iif" may also be a field */
			nft_next(t);
	}
	if (nft_takes(t, "type"))
		return nft_take_field(t, KEY_OTHER, packet_type);
	nft_next(t);
	nft_takes(t, "eq");
	if (source && (nft_takes(t, "missing") || nft_takes(t, "0"))) { /* a spoofed source */
		nft_narrow(t, MATCH_NEVER);
		return false;
	}
	if (source && nft_takes(t, "exists"))
		return false;
	return nft_take_field(t, KEY_OTHER, NULL);
}

bool nft_condition(struct rule_text *t, const struct word *w)
{
	if (word_is(w, "ct"))
		return take_ct(t);
	if (word_is(w, "meta"))
		return take_meta(t);
	if (word_is(w, "mark"))
		return nft_take_mark(t);
	if (word_is(w, "iif") || word_is(w, "iifname"))
		return nft_take_field(t, KEY_DEVICE, packet_device);
	if (word_is(w, "ip"))
		return nft_take_header(t, FIREWALL_IPV4);
	if (word_is(w, "ip6"))
		return nft_take_header(t, FIREWALL_IPV6);
	if (word_is(w, "tcp") || word_is(w, "th"))
		return take_ports(t);
	if (word_is(w, "fib"))
		return take_fib(t);
	nft_narrow(t, MATCH_MAYBE);
	return false;
}
