/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a node's firewall rules matters to masqueraded connections, taken from
 * what iptables-save, ip6tables-save and "nft list ruleset" print, line by line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FIREWALL_RULE_MAX 160

/* A TCP packet from elsewhere to an address of the node, which conntrack calls
 * invalid: whether it gets to the node's own TCP. Rules about one peer, one port
 * that they name, a mark that nobody sets or the loopback device are not about it. */
enum firewall_input {
	FIREWALL_ACCEPTED,
	FIREWALL_DROPPED, /* or answered with ICMP, not with a reset */
	FIREWALL_UNCLEAR, /* it depends on what the rules alone do not tell */
};

struct firewall_invalid {
	bool dropped_forwarded;	   /* a rule that names the state drops it in FORWARD */
	bool forwarded_is_nft;	   /* that rule is not one of iptables */
	enum firewall_input input; /* INPUT and what comes before it */
};

enum firewall_family { FIREWALL_IPV4, FIREWALL_IPV6, FIREWALL_FAMILIES };

struct firewall {
	unsigned masquerades, random;	    /* rules; of them with random ports */
	char masquerade[FIREWALL_RULE_MAX]; /* the first one, as printed; "": none */
	bool masquerade_is_nft;
	unsigned legacy_rules, nft_rules; /* by who keeps them, ours left out */
	struct firewall_invalid invalid[FIREWALL_FAMILIES];
	bool offloads;	    /* a flow table, or a rule that uses one */
	unsigned ours;	    /* tables and chains of vipsafe */
	unsigned unprinted; /* rules that nft could not print in full */
	bool incomplete;    /* not all rules were looked at */
};

/* The state between lines; private. */
struct firewall_reader;

struct firewall_reader *firewall_reader_new(void);
struct firewall_reader *firewall_reader_free(struct firewall_reader *r);

/* A line of iptables-save, of ip6tables-save. A table that has been told of before is
 * the same one: iptables-save and iptables-legacy-save may be one program. */
void firewall_iptables_line(struct firewall_reader *r, const char *line);
void firewall_ip6tables_line(struct firewall_reader *r, const char *line);

/* Before the first line of another program. */
void firewall_begin(struct firewall_reader *r);

/* A line of "nft list ruleset", after those of iptables: a chain that they have told
 * of is left to them. */
void firewall_nft_line(struct firewall_reader *r, const char *line);

/* A line that nft complains with: "XT target MASQUERADE not found" says that it has
 * printed a rule without it. */
void firewall_nft_complaint(struct firewall_reader *r, const char *line);

/* Lines were too long to be looked at. */
void firewall_left_out(struct firewall_reader *r);

/* Whether iptables-save is that of legacy, so that what iptables-nft has made is
 * iptables-nft-save's to tell. */
bool firewall_is_legacy(const struct firewall_reader *r);

/* What all lines said. */
void firewall_reader_result(struct firewall_reader *r, struct firewall *ret);
