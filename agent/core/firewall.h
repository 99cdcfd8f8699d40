/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a node's firewall rules matters to masqueraded connections, taken from
 * what iptables-save and "nft list ruleset" print, line by line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FIREWALL_RULE_MAX 160

struct firewall {
	unsigned masquerades, random;	    /* rules; of them with random ports */
	char masquerade[FIREWALL_RULE_MAX]; /* the first one, as printed; "": none */
	bool masquerade_is_nft;
	unsigned legacy_rules, nft_rules;		   /* by who keeps them, ours left out */
	bool drops_invalid_forwarded, drops_invalid_local; /* in FORWARD, in INPUT */
	bool offloads; /* a flow table, or a rule that uses one */
	unsigned ours; /* tables and chains of vipsafe */
};

/* The state between lines; private. */
struct firewall_reader;

struct firewall_reader *firewall_reader_new(void);
struct firewall_reader *firewall_reader_free(struct firewall_reader *r);

/* A line of iptables-save or ip6tables-save. */
void firewall_iptables_line(struct firewall_reader *r, const char *line);

/* A line of "nft list ruleset". Tables that iptables-nft manages are left to
 * iptables-save. */
void firewall_nft_line(struct firewall_reader *r, const char *line);

/* What all lines said. */
void firewall_reader_result(const struct firewall_reader *r, struct firewall *ret);
