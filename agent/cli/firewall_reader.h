/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State between the lines of the firewall's programs. Private to cli/firewall*.c. */
#pragma once

#include "cli/firewall_packet.h"
#include "cli/firewall_rules.h"
#include "cli/firewall_words.h"

#define FIREWALL_NAME_MAX 256

/* A verdict in a map of nft. Elements with the same match and verdict are kept once. */
struct map_verdict {
	uint32_t map;
	uint8_t match, verdict;
	bool by_state;
	uint32_t target;
};

/* The field of a condition, and of the keys of a map. */
enum map_key { KEY_OTHER, KEY_STATE, KEY_PROTOCOL, KEY_DEVICE };

struct firewall_reader {
	struct firewall found;
	struct rule_store store;
	char maker[NAT_NAME_MAX]; /* what changes the rules of this program: "iptables" */
	uint32_t program;	  /* number of the program that prints now, counted from 1 */
	char table[FIREWALL_NAME_MAX];
	unsigned families; /* families of TABLE */
	struct nat_rules nat;
	/* iptables-save */
	bool is_nft; /* the program is the nft variant, whatever it prints */
	bool is_legacy, is_nat;
	/* nft */
	bool in_table, is_ours;
	bool is_owned;		   /* only the owner of the table can change it */
	bool is_odd, is_odd_chain; /* names of table and chain with characters that end a word */
	bool is_of_iptables;	   /* iptables-nft may have made the table */
	unsigned depth;		   /* of braces */
	uint32_t chain;		   /* the chain that the following rules belong to, or NO_INDEX */
	uint32_t map;		   /* the map that the following elements belong to, or NO_INDEX */
	bool in_elements;
	enum map_key map_key;
	bool reads_iptables;	      /* iptables-nft rules that iptables-save has not printed */
	struct map_verdict *verdicts; /* owned */
	size_t n_verdicts;
};

/* The chain NAME of LEN bytes in the current table; NO_INDEX: out of memory. */
uint32_t reader_chain(struct firewall_reader *r, const char *name, size_t len);

/* Whether C was defined by the program that prints now, not by an earlier one. */
bool reader_knows(const struct firewall_reader *r, const struct chain *c);

void reader_masquerade(struct firewall_reader *r, const char *line, bool is_nft, bool random);

/* Note LINE, a rule that takes packets out of connection tracking. */
void reader_notrack(struct firewall_reader *r, const char *line);

/* Note LINE, a rule with MASQUERADE or with SNAT, of the chain NAME of iptables, or of nft's
 * current one (NULL). */
void reader_nat(struct firewall_reader *r, const char *line, const struct word *name,
		bool masquerades);

/* The map NAME of LEN bytes in the current table. */
uint32_t reader_map(struct firewall_reader *r, const char *name, size_t len);

/* Note whether LINE masquerades or uses a flow table. */
void firewall_nft_uses(struct firewall_reader *r, const char *line);

/* Take a rule of nft, from its first condition on. */
void firewall_nft_rule(struct firewall_reader *r, const char *line);

/* Take elements of the current map: "invalid : drop, new : jump checks". */
void firewall_nft_elements(struct firewall_reader *r, const char *line);
