/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements of nft rules. */
#include "cli/firewall_nft.h"

#include <ctype.h>
#include <string.h>

#include <vipsafe/base.h>

/* "reject with tcp reset" */
static void take_reject(struct rule_text *t)
{
	t->rule.verdict = VERDICT_DROP;
	if (!nft_takes(t, "with"))
		return;
	if (nft_takes(t, "tcp") && nft_takes(t, "reset"))
		t->rule.verdict = VERDICT_RESET;
	else
		t->at += strlen(t->at); /* other replies do not matter */
}

/* Skip words that only say how much is logged or counted. */
static void take_details(struct rule_text *t)
{
	static const char *const names[] = { "packets", "bytes", "prefix", "level",  "group",
					     "snaplen", "name",	 "flags",  "burst",  "rate",
					     "over",	"until", "all",	   "kbytes", "mbytes" };
	size_t i;

	for (;;) {
		struct word w = nft_peek(t);

		for (i = 0; i < ARRAY_SIZE(names) && !word_is(&w, names[i]); i++)
			;
		if (w.quoted || (w.len && isdigit((unsigned char)*w.p)))
			nft_next(t);
		else if (i == ARRAY_SIZE(names))
			return;
		else if (nft_next(t), word_is(&w, "level") || word_is(&w, "flags"))
			nft_next(t);
	}
}

static bool is_other_protocol(const struct word *w)
{
	static const char *const names[] = { "udp",  "udplite", "icmp", "icmpv6", "igmp", "sctp",
					     "dccp", "esp",	"ah",	"comp",	  "arp",  "gre" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (word_is(w, names[i]))
			return true;
	return false;
}

/* "xt target "REJECT"": an iptables extension that nft cannot translate. */
static void take_xt(struct rule_text *t)
{
	bool is_target = nft_takes(t, "target");
	struct word name;

	if (!is_target)
		nft_takes(t, "match");
	name = nft_next(t);
	if (is_target)
		t->rule.verdict = (uint8_t)target_verdict(&name);
	else
		nft_narrow(t, MATCH_MAYBE);
}

/* Take a statement that begins with W. Returns false if it is not a known one. */
static bool take_statement(struct rule_text *t, const struct word *w)
{
	if (word_is(w, "counter") || word_is(w, "log")) {
		take_details(t);
	} else if (word_is(w, "limit") || word_is(w, "quota")) {
		nft_narrow(t, MATCH_MAYBE);
		take_details(t);
	} else if (word_is(w, "comment")) {
		nft_next(t);
	} else if (word_is(w, "reject")) {
		take_reject(t);
	} else if (word_is(w, "xt")) {
		take_xt(t);
	} else if (word_is(w, "synproxy")) {
		t->rule.verdict = VERDICT_UNKNOWN;
	} else {
		return word_is(w, "notrack");
	}
	return true;
}

static bool firewall_nft_rule_has(const char *line, const char *a, const char *b)
{
	struct word w = word_next(&line, ALONE);

	for (; w.len || w.quoted; w = word_next(&line, ALONE))
		if (!w.quoted && (word_is(&w, a) || word_is(&w, b)))
			return true;
	return false;
}

void firewall_nft_uses(struct firewall_reader *r, const char *line)
{
	if (firewall_nft_rule_has(line, "masquerade", "masquerade") ||
	    strstr(line, "xt target \"MASQUERADE\"")) {
		reader_masquerade(r, line, true,
				  firewall_nft_rule_has(line, "random", "fully-random"));
		reader_nat(r, line, NULL, true);
	} else if (firewall_nft_rule_has(line, "snat", "snat")) {
		reader_nat(r, line, NULL, false);
	}
	if (firewall_nft_rule_has(line, "notrack", "notrack"))
		reader_notrack(r, line);
	if (strstr(line, "flow add @") || strstr(line, "flow offload @"))
		r->found.offloads = true;
}

void firewall_nft_rule(struct firewall_reader *r, const char *line)
{
	struct rule_text t = { .reader = r, .at = line };

	firewall_nft_uses(r, line);
	t.rule = (struct rule){ .match = MATCH_ALWAYS,
				.families = (uint8_t)r->families,
				.target = NO_INDEX };
	while (t.rule.match != MATCH_NEVER) {
		struct word w = nft_peek(&t);

		if ((!w.len && !w.quoted) || *w.p == '#')
			break;
		if (nft_verdict(r, &t.at, &t.rule))
			continue;
		nft_next(&t);
		if (is_other_protocol(&w))
			return;
		if (!take_statement(&t, &w) && nft_condition(&t, &w))
			return;
	}
	rule_store_add(&r->store, r->chain, &t.rule);
}
