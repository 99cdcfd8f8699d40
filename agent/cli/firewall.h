/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What in a node's firewall rules matters for masqueraded connections, read line by line from the
 * output of iptables-save, ip6tables-save and "nft list ruleset". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/nat_rule.h"

#define FIREWALL_RULE_MAX 160

/* Whether the node's own TCP gets "the packet": a TCP packet that comes from another host to an
 * address of the node, and that conntrack calls invalid. Rules for one peer, for named ports, for
 * a mark that nobody sets or for the loopback device do not concern it. */
enum firewall_input {
	FIREWALL_ACCEPTED,
	FIREWALL_DROPPED, /* or rejected with ICMP, but without a TCP reset */
	FIREWALL_UNCLEAR, /* the rules alone do not decide it */
};

struct firewall_invalid {
	bool dropped_forwarded;	   /* a rule in FORWARD that names the state drops it */
	bool forwarded_is_nft;	   /* that rule is not one of iptables */
	enum firewall_input input; /* in INPUT and the hooks before it */
};

enum firewall_family { FIREWALL_IPV4, FIREWALL_IPV6, FIREWALL_FAMILIES };

struct firewall {
	unsigned masquerades, random;	    /* number of rules; those of them with random ports */
	char masquerade[FIREWALL_RULE_MAX]; /* the first one, as printed; "": none */
	bool masquerade_is_nft;
	char notrack[FIREWALL_RULE_MAX];  /* the first one that takes packets out of tracking */
	unsigned legacy_rules, nft_rules; /* by backend, without vipsafe's own */
	struct firewall_invalid invalid[FIREWALL_FAMILIES];
	bool offloads;	    /* there is a flow table, or a rule that uses one */
	unsigned ours;	    /* number of tables and chains of vipsafe */
	unsigned unprinted; /* rules that nft could not print in full */
	bool incomplete;    /* not all rules were read */
};

/* State between the lines; opaque. */
struct firewall_reader;

struct firewall_reader *firewall_reader_new(void);
struct firewall_reader *firewall_reader_free(struct firewall_reader *r);

/* Take a line of iptables-save or ip6tables-save. A table that an earlier program has printed is
 * skipped: iptables-save and iptables-legacy-save may be the same program. */
void firewall_iptables_line(struct firewall_reader *r, const char *line);
void firewall_ip6tables_line(struct firewall_reader *r, const char *line);

/* To be called before the first line of another PROGRAM, "iptables-legacy-save" say; its rules are
 * changed by the program without "-save". IS_NFT: it is known to be the nft variant, of which
 * iptables 1.8.0 to 1.8.7 say nothing in their output (Debian 11, RHEL 8). */
void firewall_begin(struct firewall_reader *r, const char *program, bool is_nft);

/* Take a line of "nft list ruleset", after those of iptables; chains that iptables-save has
 * printed are skipped. */
void firewall_nft_line(struct firewall_reader *r, const char *line);

/* Take an error line of nft: after "XT target MASQUERADE not found" it has printed a rule without
 * that target. */
void firewall_nft_complaint(struct firewall_reader *r, const char *line);

/* Note that lines were skipped because they are too long. */
void firewall_left_out(struct firewall_reader *r);

/* Whether iptables-save is the legacy variant, so that rules of iptables-nft have to be read from
 * iptables-nft-save. */
bool firewall_is_legacy(const struct firewall_reader *r);

/* Move the NAT rules that masquerade or have SNAT to RET. */
void firewall_reader_nat(struct firewall_reader *r, struct nat_rules *ret);

/* The result of all lines. */
void firewall_reader_result(struct firewall_reader *r, struct firewall *ret);
