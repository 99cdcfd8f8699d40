/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows the packet through the chains. If a rule may or may not match, both outcomes stay
 * possible, so that nothing is claimed that the rules do not say. */
#include "cli/firewall_rules.h"

#define DEPTH_MAX 32 /* the kernel allows 16 nested jumps */

/* Possible outcomes for the packet in a chain. */
enum {
	MAY_ACCEPT = 1,
	MAY_DROP = 2,
	MAY_PASS = 4, /* on to the calling chain, or to the policy */
	MAY_ANY = 8,  /* unknown */
	DROPS_BY_STATE = 16,
};

enum { NOT_LOOKED_AT, BEING_LOOKED_AT, LOOKED_AT };

struct judge {
	struct rule_store *store;
	enum firewall_family family;
	unsigned depth;
};

static unsigned chain_outcomes(struct judge *j, uint32_t chain);

static enum rule_match match_of(const struct judge *j, const struct rule *r)
{
	if (!(r->families & FAMILY_BIT(j->family)))
		return MATCH_NEVER;
	if (!r->by_mark)
		return r->match;
	return match_both((enum rule_match)r->match, j->store->marking & FAMILY_BIT(j->family)
							     ? MATCH_MAYBE
							     : (enum rule_match)r->mark);
}

/* What the chain that R calls does with the packet. */
static unsigned called(struct judge *j, const struct rule *r)
{
	unsigned of = r->target == NO_INDEX ? MAY_ANY : chain_outcomes(j, r->target);

	if (r->by_state && (of & MAY_DROP))
		of |= DROPS_BY_STATE;
	return of;
}

/* What rule R does with the packet; MAY_PASS: the next rule decides. */
static unsigned rule_outcomes(struct judge *j, const struct rule *r, bool *ret_returns)
{
	unsigned of;

	switch ((enum rule_verdict)r->verdict) {
	case VERDICT_NONE:
		return MAY_PASS;
	case VERDICT_ACCEPT:
	case VERDICT_RESET:
		return MAY_ACCEPT;
	case VERDICT_DROP:
		return MAY_DROP | (r->by_state ? DROPS_BY_STATE : 0);
	case VERDICT_RETURN:
		*ret_returns = true;
		return 0;
	case VERDICT_JUMP:
		return called(j, r);
	case VERDICT_GOTO:
		of = called(j, r);
		*ret_returns = of & MAY_PASS;
		return of & ~(unsigned)MAY_PASS;
	case VERDICT_UNKNOWN:
		return MAY_ANY | MAY_PASS;
	}
	return MAY_ANY;
}

static unsigned rules_outcomes(struct judge *j, const struct chain *c)
{
	unsigned of, all = 0;
	uint32_t i, next;

	for (i = c->first; i != NO_INDEX; i = next) {
		const struct rule *r = &j->store->rules[i];
		enum rule_match match = match_of(j, r);
		bool returns = false;

		next = r->next;
		if (match == MATCH_NEVER)
			continue;
		of = rule_outcomes(j, r, &returns);
		all |= of & ~(unsigned)MAY_PASS;
		if (returns)
			all |= MAY_PASS;
		if (match == MATCH_ALWAYS && !(of & MAY_PASS))
			return all;
	}
	return all | MAY_PASS;
}

/* Each chain is evaluated once: its outcomes do not depend on the caller. */
static unsigned chain_outcomes(struct judge *j, uint32_t chain)
{
	struct chain *c = &j->store->chains[chain];

	if (c->state == LOOKED_AT)
		return c->outcomes;
	if (!c->defined_by || c->state == BEING_LOOKED_AT || j->depth == DEPTH_MAX)
		return MAY_ANY | MAY_PASS;
	c->state = BEING_LOOKED_AT;
	j->depth++;
	c->outcomes = (uint8_t)rules_outcomes(j, c);
	j->depth--;
	c->state = LOOKED_AT;
	return c->outcomes;
}

static unsigned base_chain_outcomes(struct judge *j, uint32_t chain)
{
	unsigned of = chain_outcomes(j, chain);

	if (of & MAY_PASS)
		of |= j->store->chains[chain].policy_drops ? MAY_DROP : MAY_ACCEPT;
	return of & ~(unsigned)MAY_PASS;
}

static void judge_chain(struct judge *j, uint32_t chain, struct firewall_invalid *ret)
{
	const struct chain *c = &j->store->chains[chain];
	unsigned of = base_chain_outcomes(j, chain);

	if (c->hook == HOOK_FORWARD) {
		if ((of & DROPS_BY_STATE) && !ret->dropped_forwarded)
			ret->forwarded_is_nft = c->by_nft;
		ret->dropped_forwarded |= (of & DROPS_BY_STATE) != 0;
		return;
	}
	if (!(of & (MAY_ACCEPT | MAY_ANY)))
		ret->input = FIREWALL_DROPPED;
	else if ((of & (MAY_DROP | MAY_ANY)) && ret->input == FIREWALL_ACCEPTED)
		ret->input = FIREWALL_UNCLEAR;
}

void rule_store_judge(struct rule_store *s, enum firewall_family family,
		      struct firewall_invalid *ret)
{
	struct judge j = { .store = s, .family = family };
	size_t i;

	*ret = (struct firewall_invalid){ .input = FIREWALL_ACCEPTED };
	for (i = 0; i < s->n_chains; i++)
		s->chains[i].state = NOT_LOOKED_AT;
	for (i = 0; i < s->n_chains; i++) {
		const struct chain *c = &s->chains[i];

		/* invalid packets never reach NAT chains */
		if (c->hook != HOOK_NONE && !c->is_nat && (c->families & FAMILY_BIT(family)))
			judge_chain(&j, (uint32_t)i, ret);
	}
	if (s->incomplete && ret->input == FIREWALL_ACCEPTED)
		ret->input = FIREWALL_UNCLEAR;
}
