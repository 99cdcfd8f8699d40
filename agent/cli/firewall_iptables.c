/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the output of iptables-save and ip6tables-save. */
#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

#include "cli/firewall_reader.h"

#define OURS "VIPSAFE-"

/* All conditions of a rule together. */
struct conditions {
	enum rule_match match, mark;
	bool by_state, by_mark;
	bool other_ct; /* about a conntrack entry; an invalid packet has none */
	struct word module;
	bool is_reverse_path;
};

static void narrow(struct conditions *c, enum rule_match m, bool negated)
{
	c->match = match_both(c->match, negated ? match_not(m) : m);
}

/* The best match among values separated by commas. */
static enum rule_match any_of(const struct word *list, enum rule_match (*one)(const struct word *w))
{
	const char *p = list->p, *end = list->p + list->len;
	enum rule_match any = MATCH_NEVER;

	while (p < end) {
		struct word w = { .p = p };

		while (p + w.len < end && p[w.len] != ',')
			w.len++;
		any = MAX(any, one(&w));
		p += w.len + 1;
	}
	return any;
}

static const struct {
	const char *option;
	enum rule_match (*one)(const struct word *w);
} values[] = {
	{ "-p", packet_protocol },     { "-i", packet_device },	      { "-s", packet_source },
	{ "-d", packet_destination },  { "--dport", packet_port },    { "--dports", packet_port },
	{ "--dst-type", packet_type }, { "--src-type", packet_type }, { "--pkt-type", packet_type },
};

/* Modules whose options are all understood, or do not matter. */
static bool is_plain_module(const struct word *w)
{
	static const char *const plain[] = { "conntrack", "state",    "comment",   "tcp",
					     "mark",	  "connmark", "multiport", "addrtype",
					     "pkttype",	  "rpfilter" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		if (word_is(w, plain[i]))
			return true;
	return false;
}

static void take_module(struct conditions *c, const struct word *w)
{
	c->module = *w;
	if (!is_plain_module(w))
		narrow(c, MATCH_MAYBE, false);
	c->is_reverse_path = word_is(w, "rpfilter");
}

static void firewall_iptables_take_mark(struct conditions *c, const struct word *w, bool negated)
{
	if (word_is(&c->module, "connmark")) {
		c->other_ct = true;
		return;
	}
	c->mark = packet_mark(w);
	if (negated)
		c->mark = match_not(c->mark);
	c->by_mark = true;
}

/* Take an option with one value. Returns false if it is another option. */
static bool take_value(struct conditions *c, const struct word *option, const char **at,
		       bool negated)
{
	const char *p = *at;
	struct word w = word_next(&p, "");
	size_t i;

	if (word_is(&w, "!")) { /* before 1.4.3 the "!" stood here */
		word_next(&p, "");
		narrow(c, MATCH_MAYBE, false);
	} else if (word_is(option, "-m")) {
		take_module(c, &w);
	} else if (word_is(option, "--ctstate") || word_is(option, "--state")) {
		narrow(c, any_of(&w, packet_state), negated);
		c->by_state = true;
	} else if (word_is(option, "--mark")) {
		firewall_iptables_take_mark(c, &w, negated);
	} else if (option->len > 4 && !memcmp(option->p, "--ct", 4)) {
		c->other_ct = true;
	} else if (!word_is(option, "--comment")) {
		for (i = 0; i < ARRAY_SIZE(values) && !word_is(option, values[i].option); i++)
			;
		if (i == ARRAY_SIZE(values))
			return false;
		narrow(c, any_of(&w, values[i].one), negated);
	}
	*at = p;
	return true;
}

static void firewall_iptables_take_option(struct conditions *c, const struct word *option,
					  const char **at, bool negated)
{
	if (take_value(c, option, at, negated))
		return;
	if (word_is(option, "--tcp-flags")) {
		struct word mask = word_next(at, ""), set = word_next(at, "");

		narrow(c, packet_flags(&mask, &set), negated);
	} else if (word_is(option, "--syn") || word_is(option, "-f")) {
		narrow(c, MATCH_NEVER, negated);
	} else if (c->is_reverse_path) {
		if (word_is(option, "--invert"))
			narrow(c, MATCH_NEVER, false);
	} else {
		narrow(c, MATCH_MAYBE, false);
	}
}

/* Read up to the target, which is then the next word. Returns 'j' or 'g' for -j and -g, '\0' if
 * there is no target. */
static char take_conditions(struct conditions *c, const char **at)
{
	bool negated = false;

	for (;;) {
		struct word w = word_next(at, "");

		if (!w.len && !w.quoted)
			return '\0';
		if (word_is(&w, "-j") || word_is(&w, "-g"))
			return w.p[1];
		if (word_is(&w, "!")) {
			negated = true;
			continue;
		}
		firewall_iptables_take_option(c, &w, at, negated);
		negated = false;
	}
}

/* Whether A or B is among the remaining words. */
static bool follows(const char *at, const char *a, const char *b)
{
	struct word w = word_next(&at, "");

	for (; w.len || w.quoted; w = word_next(&at, ""))
		if (word_is(&w, a) || word_is(&w, b))
			return true;
	return false;
}

static bool is_extension(const struct word *target)
{
	static const char *const names[] = { "DNAT",	  "SNAT",  "REDIRECT", "NETMAP",
					     "NFQUEUE",	  "QUEUE", "SYNPROXY", "TPROXY",
					     "CLUSTERIP", "DNPT",  "SNPT",     "MASQUERADE" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (word_is(target, names[i]))
			return true;
	return false;
}

static void take_target(struct firewall_reader *r, const char *line, const char *at, char how,
			struct rule *rule)
{
	struct word target = word_next(&at, ""), chain;
	const char *name = line + 2;

	rule->verdict = target_verdict(&target);
	if (word_is(&target, "MASQUERADE"))
		reader_masquerade(r, line, false, follows(at, "--random", "--random-fully"));
	else if (word_is(&target, "NOTRACK") ||
		 (word_is(&target, "CT") && follows(at, "--notrack", "--notrack")))
		reader_notrack(r, line);
	else if (word_is(&target, "FLOWOFFLOAD"))
		r->found.offloads = true;
	else if (word_is(&target, "REJECT") && follows(at, "tcp-reset", "tcp-reset"))
		rule->verdict = VERDICT_RESET;
	else if ((word_is(&target, "MARK") || word_is(&target, "CONNMARK")) && !r->is_nat)
		r->store.marking |= r->families;
	chain = word_next(&name, "");
	if (r->is_nat && (word_is(&target, "MASQUERADE") || word_is(&target, "SNAT")))
		reader_nat(r, line, &chain, word_is(&target, "MASQUERADE"));
	if (rule->verdict != VERDICT_UNKNOWN || is_extension(&target))
		return;
	rule->verdict = how == 'g' ? VERDICT_GOTO : VERDICT_JUMP;
	rule->target = reader_chain(r, target.p, target.len);
}

/* The chain if the current program is to define it; NO_INDEX if an earlier one has. */
static uint32_t chain_to_name(struct firewall_reader *r, const struct word *name)
{
	static const struct {
		const char *name;
		enum chain_hook hook;
	} hooks[] = { { "PREROUTING", HOOK_PREROUTING },
		      { "INPUT", HOOK_INPUT },
		      { "FORWARD", HOOK_FORWARD } };
	uint32_t i = reader_chain(r, name->p, name->len);
	struct chain *c;
	size_t h;

	if (i == NO_INDEX)
		return i;
	c = &r->store.chains[i];
	if (!c->defined_by) {
		c->defined_by = r->program;
		c->families = (uint8_t)r->families;
		c->is_nat = r->is_nat;
		for (h = 0; h < ARRAY_SIZE(hooks); h++)
			if (word_is(name, hooks[h].name))
				c->hook = (uint8_t)hooks[h].hook;
	}
	return reader_knows(r, c) ? i : NO_INDEX;
}

static void take_rule(struct firewall_reader *r, const char *line)
{
	struct conditions c = { .match = MATCH_ALWAYS };
	const char *at = line + 2; /* "-A" */
	struct word name = word_next(&at, "");
	struct rule rule = { .families = (uint8_t)r->families, .target = NO_INDEX };
	uint32_t chain;
	char how;

	if (!name.len || !strncmp(name.p, OURS, strlen(OURS)) || strstr(line, "vipsafe hold"))
		return;
	chain = chain_to_name(r, &name);
	if (chain == NO_INDEX)
		return;
	if (r->is_legacy)
		r->found.legacy_rules++;
	else
		r->found.nft_rules++;
	how = take_conditions(&c, &at);
	if (!how)
		return;
	take_target(r, line, at, how, &rule);
	rule.match = (uint8_t)c.match;
	if (c.other_ct && !c.by_state)
		rule.match = MATCH_NEVER;
	rule.by_state = c.by_state;
	rule.by_mark = c.by_mark;
	rule.mark = (uint8_t)c.mark;
	if (!r->is_nat)
		rule_store_add(&r->store, chain, &rule);
}

/* ":INPUT DROP [0:0]" */
static void firewall_iptables_take_chain(struct firewall_reader *r, const char *line)
{
	const char *at = line + 1;
	struct word name = word_next(&at, ""), policy = word_next(&at, "");
	uint32_t i;

	if (!strncmp(line + 1, OURS, strlen(OURS))) {
		r->found.ours++;
		return;
	}
	i = name.len ? chain_to_name(r, &name) : NO_INDEX;
	if (i != NO_INDEX)
		r->store.chains[i].policy_drops = word_is(&policy, "DROP");
}

static void firewall_iptables_take_table(struct firewall_reader *r, const char *name)
{
	snprintf(r->table, sizeof(r->table), "%c/%s/%.64s", r->is_legacy ? 'l' : 'n',
		 r->families == FAMILY_BIT(FIREWALL_IPV6) ? "ip6" : "ip", name);
	r->is_nat = !strcmp(name, "nat");
}

/* Before 1.8 there was only the legacy variant, and the header names none. */
static void firewall_iptables_take_header(struct firewall_reader *r, const char *line)
{
	if (!strncmp(line, "# Generated by ", 15))
		r->is_legacy = !r->is_nft && !strstr(line, "(nf_tables)");
}

static void firewall_iptables_take_line(struct firewall_reader *r, const char *line)
{
	const char *rule;

	switch (*line) {
	case '#':
		firewall_iptables_take_header(r, line);
		break;
	case '*':
		firewall_iptables_take_table(r, line + 1);
		break;
	case ':':
		firewall_iptables_take_chain(r, line);
		break;
	case '[': /* rule counters */
		rule = strstr(line, "] -A ");
		if (rule)
			take_rule(r, rule + 2);
		break;
	case '-':
		if (!strncmp(line, "-A ", 3))
			take_rule(r, line);
		break;
	default: /* any other line: COMMIT, empty lines */
		break;
	}
}

void firewall_iptables_line(struct firewall_reader *r, const char *line)
{
	r->families = FAMILY_BIT(FIREWALL_IPV4);
	firewall_iptables_take_line(r, line);
}

void firewall_ip6tables_line(struct firewall_reader *r, const char *line)
{
	r->families = FAMILY_BIT(FIREWALL_IPV6);
	firewall_iptables_take_line(r, line);
}
