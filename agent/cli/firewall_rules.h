/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains and rules of a firewall, as far as they affect the packet that cli/firewall.h
 * describes. Private to cli/firewall*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "cli/firewall.h"

/* Whether a rule matches the packet; of two conditions the lower value counts. */
enum rule_match {
	MATCH_NEVER,
	MATCH_MAYBE,
	MATCH_ALWAYS,
};

enum rule_verdict {
	VERDICT_NONE, /* the next rule decides */
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_RESET, /* replies with a TCP reset */
	VERDICT_RETURN,
	VERDICT_JUMP,
	VERDICT_GOTO,
	VERDICT_UNKNOWN, /* a target that is not known here */
};

enum chain_hook { HOOK_NONE, HOOK_PREROUTING, HOOK_INPUT, HOOK_FORWARD };

#define FAMILY_BIT(f) (1U << (f))
#define FAMILY_BITS (FAMILY_BIT(FIREWALL_IPV4) | FAMILY_BIT(FIREWALL_IPV6))

/* Ends a list of rules; not a chain. */
#define NO_INDEX UINT32_MAX

struct rule {
	uint8_t match, verdict;
	uint8_t families;
	bool by_state;	 /* it has a condition on the state "invalid" */
	bool by_mark;	 /* MARK counts, too */
	uint8_t mark;	 /* whether it matches a packet without a mark */
	uint32_t target; /* the chain of a jump or goto */
	uint32_t next;	 /* next rule of its chain */
};

struct chain {
	char *name; /* owned; "n/ip/filter/INPUT" */
	uint32_t first, last;
	uint8_t hook, families;
	bool is_nat, policy_drops;
	bool by_nft;	     /* printed by nft, not by iptables-save */
	uint32_t defined_by; /* number of the program that defined it, from 1; 0: none yet */
	/* evaluation: possible outcomes, and how far it is */
	uint8_t outcomes, state;
};

struct rule_store {
	struct chain *chains; /* owned */
	struct rule *rules;   /* owned */
	struct hash by_name;  /* of chains */
	size_t n_chains, n_rules;
	unsigned marking; /* bits of families in which a rule sets marks */
	bool incomplete;  /* memory ran out */
};

void rule_store_done(struct rule_store *s);

/* The chain NAME, created if it does not exist; NO_INDEX: out of memory. */
uint32_t rule_store_chain(struct rule_store *s, const char *name);

/* Append R to the rules of CHAIN. */
void rule_store_add(struct rule_store *s, uint32_t chain, const struct rule *r);

static inline enum rule_match match_both(enum rule_match a, enum rule_match b)
{
	return a < b ? a : b;
}

static inline enum rule_match match_not(enum rule_match m)
{
	return m == MATCH_MAYBE ? m : m == MATCH_ALWAYS ? MATCH_NEVER : MATCH_ALWAYS;
}

/* Evaluate the rules for FAMILY: fills dropped_forwarded and input. */
void rule_store_judge(struct rule_store *s, enum firewall_family family,
		      struct firewall_invalid *ret);
