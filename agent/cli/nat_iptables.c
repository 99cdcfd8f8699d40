/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules as iptables-save prints them. */
#include <string.h>

#include <vipsafe/base.h>

#include "cli/nat_words.h"

/* What matches by the packet and its entry alone, and changes nothing: said twice in a row, the
 * second says nothing new. */
static const struct {
	const char *module, *option;
	unsigned values;
} nat_options[] = {
	{ "comment", "--comment", 1 },
	{ "tcp", "--sport", 1 },
	{ "tcp", "--dport", 1 },
	{ "tcp", "--tcp-flags", 2 },
	{ "udp", "--sport", 1 },
	{ "udp", "--dport", 1 },
	{ "udplite", "--sport", 1 },
	{ "udplite", "--dport", 1 },
	{ "sctp", "--sport", 1 },
	{ "sctp", "--dport", 1 },
	{ "dccp", "--sport", 1 },
	{ "dccp", "--dport", 1 },
	{ "icmp", "--icmp-type", 1 },
	{ "icmp6", "--icmpv6-type", 1 },
	{ "esp", "--espspi", 1 },
	{ "ah", "--ahspi", 1 },
	{ "multiport", "--sports", 1 },
	{ "multiport", "--dports", 1 },
	{ "multiport", "--ports", 1 },
	{ "addrtype", "--src-type", 1 },
	{ "addrtype", "--dst-type", 1 },
	{ "addrtype", "--limit-iface-out", 0 },
	{ "mark", "--mark", 1 },
	{ "connmark", "--mark", 1 },
	{ "conntrack", "--ctstate", 1 },
	{ "conntrack", "--ctproto", 1 },
	{ "conntrack", "--ctorigsrc", 1 },
	{ "conntrack", "--ctorigdst", 1 },
	{ "conntrack", "--ctorigsrcport", 1 },
	{ "conntrack", "--ctorigdstport", 1 },
	{ "conntrack", "--ctstatus", 1 },
	{ "conntrack", "--ctdir", 1 },
	{ "state", "--state", 1 },
	{ "set", "--match-set", 2 },
	{ "iprange", "--src-range", 1 },
	{ "iprange", "--dst-range", 1 },
	{ "owner", "--uid-owner", 1 },
	{ "owner", "--gid-owner", 1 },
	{ "owner", "--socket-exists", 0 },
	{ "policy", "--dir", 1 },
	{ "policy", "--pol", 1 },
	{ "policy", "--strict", 0 },
	{ "policy", "--reqid", 1 },
	{ "policy", "--spi", 1 },
	{ "policy", "--proto", 1 },
	{ "policy", "--mode", 1 },
	{ "policy", "--tunnel-src", 1 },
	{ "policy", "--tunnel-dst", 1 },
	{ "policy", "--next", 0 },
	{ "physdev", "--physdev-in", 1 },
	{ "physdev", "--physdev-out", 1 },
	{ "physdev", "--physdev-is-in", 0 },
	{ "physdev", "--physdev-is-out", 0 },
	{ "physdev", "--physdev-is-bridged", 0 },
	{ "pkttype", "--pkt-type", 1 },
	{ "dscp", "--dscp", 1 },
};

static bool nat_is_value(const struct word *w)
{
	/* before 1.4.3 a "!" stood here */
	return w->quoted || (w->len && !word_is(w, "!"));
}

static bool nat_has_module(const struct word *module)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nat_options); i++)
		if (word_is(module, nat_options[i].module))
			return true;
	return false;
}

/* Take the options of a module, "-m NAME" having been read, up to the next word that belongs to
 * none of it. */
static bool nat_take_module(struct nat_parts *p, const char **at)
{
	struct nat_condition c = { .n = 0 };
	struct word module = word_next(at, ""), w = { .p = "-m", .len = 2 }, value;
	unsigned k;
	size_t i;

	if (!nat_has_module(&module))
		return false;
	nat_put_word(&c, &w);
	nat_put_word(&c, &module);
	for (;;) {
		const char *from = *at;
		bool negated;

		w = word_next(at, "");
		negated = word_is(&w, "!");
		if (negated)
			w = word_next(at, "");
		for (i = 0; i < ARRAY_SIZE(nat_options); i++)
			if (word_is(&module, nat_options[i].module) &&
			    word_is(&w, nat_options[i].option))
				break;
		if (w.quoted || i == ARRAY_SIZE(nat_options)) {
			*at = from;
			return nat_keep(p, &c);
		}
		if (negated)
			nat_put_word(&c, &(struct word){ .p = "!", .len = 1 });
		nat_put_word(&c, &w);
		for (k = 0; k < nat_options[i].values; k++) {
			value = word_next(at, "");
			if (!nat_is_value(&value))
				return false;
			nat_put_word(&c, &value);
		}
	}
}

/* "-o eth0": not among the conditions, since it is said anew. */
static bool nat_take_out(struct nat_parts *p, const struct word *value, bool negated)
{
	p->out_negated = negated;
	p->out_at = p->n;
	return !*p->out && nat_copy(p->out, sizeof(p->out), value);
}

static bool nat_take_base(struct nat_parts *p, const struct word *option, const char **at,
			  bool negated)
{
	struct word value = word_next(at, "");
	struct nat_condition c = { .n = 0 };
	bool is_end = word_is(option, "-s") || word_is(option, "-d");

	if (!nat_is_value(&value))
		return false;
	if (word_is(option, "-o"))
		return nat_take_out(p, &value, negated);
	if (!is_end && !word_is(option, "-i") && !word_is(option, "-p"))
		return false;
	if (negated)
		nat_put_word(&c, &(struct word){ .p = "!", .len = 1 });
	nat_put_word(&c, option);
	nat_put_word(&c, &value);
	p->names_an_end |= is_end && !negated;
	if (!nat_keep(p, &c))
		return false;
	if (!word_is(option, "-p") && !*p->out)
		p->out_at = p->n;
	return true;
}

/* A container that calls itself by its published port: "-s A -d A". */
static bool nat_is_within_host(const struct nat_parts *p)
{
	return p->n >= 2 && !strncmp(p->conditions[0], "-s ", 3) &&
	       !strncmp(p->conditions[1], "-d ", 3) &&
	       !strcmp(p->conditions[0] + 3, p->conditions[1] + 3);
}

static bool nat_take_target(struct nat_parts *p, const char *at)
{
	struct word w = word_next(&at, "");
	bool snat = word_is(&w, "SNAT");

	if (!snat && !word_is(&w, "MASQUERADE"))
		return false;
	for (w = word_next(&at, ""); w.len; w = word_next(&at, "")) {
		if (word_is(&w, "--random"))
			p->random = true;
		else if (word_is(&w, "--random-fully"))
			p->fully_random = true;
		else if (word_is(&w, "--persistent") && snat)
			p->persistent = true;
		else if (word_is(&w, "--to-source") && snat)
			word_next(&at, "");
		else if (!word_is(&w, "--to-ports") || snat)
			return false;
		else if (w = word_next(&at, ""), !nat_take_ports(p, &w))
			return false;
	}
	return !w.quoted;
}

bool nat_words_of_iptables(const char *text, struct nat_parts *ret)
{
	const char *at = text + 2; /* "-A" */
	struct word w = word_next(&at, "");
	bool negated = false, known;

	for (;;) {
		w = word_next(&at, "");
		if (w.quoted || !w.len)
			return false;
		if (word_is(&w, "-j"))
			break;
		if (word_is(&w, "!") && !negated) {
			negated = true;
			continue;
		}
		if (word_is(&w, "-m"))
			known = !negated && nat_take_module(ret, &at);
		else
			known = nat_take_base(ret, &w, &at, negated);
		if (!known)
			return false;
		negated = false;
	}
	ret->within_host = nat_is_within_host(ret);
	return !negated && nat_take_target(ret, at);
}
