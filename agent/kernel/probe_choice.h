/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With which rule the probe may make its experiment, on a kernel and a node like this;
 * pure. A private namespace keeps the rule to itself only where the kernel keeps
 * netfilter's hooks per namespace: up to 4.2 they are global, and a NAT chain of nf_tables
 * in any namespace is asked for the packets of all of them and settles their new
 * connections as not translated. ip_tables' NAT table registers its hooks for all
 * namespaces when its module is loaded, up to 4.6. So nothing is registered that the node
 * does not have already. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum probe_tool {
	PROBE_NFT,
	PROBE_IPTABLES,
	PROBE_IPTABLES_LEGACY,
	PROBE_TOOL_COUNT,
};

struct probe_node {
	const char *release; /* uname's: "3.10.0-1062.el7.x86_64" */
	bool legacy_nat;     /* ip_tables' NAT table of the family is in this kernel already */
	bool nf_tables;	     /* nf_tables is */
	bool ip_tables;	     /* ip_tables is */
	/* "iptables" may be the one that writes into nf_tables; then the other one goes by
	 * "iptables-legacy". */
	bool has_legacy, has_nft;
};

/* Are netfilter's hooks those of all namespaces? Also when RELEASE cannot be read. */
bool probe_hooks_are_global(const char *release);

/* Whether all NAT chains, of nf_tables and ip_tables, are asked in the order of their priorities
 * until one translates (since Linux 4.18). Before, the first one that is asked also settles what it
 * does not translate, and later ones are in vain. */
bool probe_nat_is_in_turn(const char *release);

/* The tools that may be used, best first: one whose kernel part is loaded, so that
 * the probe does not load another's for good. Returns how many; with none, *RET_WHY says
 * why. */
size_t probe_choose(const struct probe_node *node, enum probe_tool ret[PROBE_TOOL_COUNT],
		    const char **ret_why);
