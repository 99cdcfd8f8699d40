/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains and rules of a firewall, as far as they have a say in what becomes of
 * the packet that cli/firewall.h speaks of. Private to cli/firewall*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/firewall.h"

/* Whether a rule is about the packet; the lower one of two conditions counts. */
enum rule_match {
	MATCH_NEVER,
	MATCH_MAYBE,
	MATCH_ALWAYS,
};

enum rule_verdict {
	VERDICT_NONE, /* the next rule decides */
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_RESET, /* answered with a TCP reset */
	VERDICT_RETURN,
	VERDICT_JUMP,
	VERDICT_GOTO,
	VERDICT_UNKNOWN, /* of a kind that is not known here */
};

enum chain_hook { HOOK_NONE, HOOK_PREROUTING, HOOK_INPUT, HOOK_FORWARD };

#define FAMILY_BIT(f) (1U << (f))
#define FAMILY_BITS (FAMILY_BIT(FIREWALL_IPV4) | FAMILY_BIT(FIREWALL_IPV6))

/* Ends a list of rules; no chain. */
#define NO_INDEX UINT32_MAX

struct rule {
	uint8_t match, verdict;
	uint8_t families;
	bool by_state;	 /* it names the state invalid, one way or the other */
	bool by_mark;	 /* MARK counts as well */
	uint8_t mark;	 /* whether a packet without a mark is meant */
	uint32_t target; /* of a jump or goto: a chain */
	uint32_t next;	 /* in its chain */
};

struct chain {
	char *name; /* owned; "n/ip/filter/INPUT" */
	uint32_t first, last;
	uint8_t hook, families;
	bool is_nat, policy_drops;
	bool by_nft;   /* told by nft, not by iptables-save */
	uint32_t told; /* by which of the programs, counted from 1; 0: not yet */
	/* while what becomes of the packet in it is looked at */
	uint8_t outcomes, state;
};

struct rule_store {
	struct chain *chains; /* owned */
	struct rule *rules;   /* owned */
	uint32_t *slots;      /* owned; chain numbers by hash of their name */
	size_t n_chains, cap_chains, n_rules, n_slots;
	unsigned marking; /* families in which a rule sets marks */
	bool incomplete;  /* memory ran out */
};

void rule_store_done(struct rule_store *s);

/* The chain NAME, made when it is not there yet; NO_INDEX without memory. */
uint32_t rule_store_chain(struct rule_store *s, const char *name);

/* Put R behind the rules of CHAIN. */
void rule_store_add(struct rule_store *s, uint32_t chain, const struct rule *r);

static inline enum rule_match match_both(enum rule_match a, enum rule_match b)
{
	return a < b ? a : b;
}

static inline enum rule_match match_not(enum rule_match m)
{
	return m == MATCH_MAYBE ? m : m == MATCH_ALWAYS ? MATCH_NEVER : MATCH_ALWAYS;
}

/* What becomes of the packet in FAMILY: dropped_forwarded and input. */
void rule_store_judge(struct rule_store *s, enum firewall_family family,
		      struct firewall_invalid *ret);
