/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probe_choice.h"

#include <stdlib.h>

/* "MAJOR.MINOR" at the beginning, as one number; 0 when it is none. */
static unsigned long version_of(const char *release)
{
	unsigned long major, minor;
	char *end;

	major = strtoul(release, &end, 10);
	if (end == release || *end != '.' || major > 1000)
		return 0;
	release = end + 1;
	minor = strtoul(release, &end, 10);
	if (end == release || minor > 1000)
		return 0;
	return major * 1000 + minor;
}

bool probe_hooks_are_global(const char *release)
{
	return version_of(release) < 4003;
}

bool probe_nat_is_in_turn(const char *release)
{
	return version_of(release) >= 4018;
}

/* Is there an iptables that certainly writes into ip_tables? */
static bool take_legacy(const struct probe_node *node, enum probe_tool *ret)
{
	*ret = node->has_legacy ? PROBE_IPTABLES_LEGACY : PROBE_IPTABLES;
	return node->has_legacy || !node->has_nft;
}

size_t probe_choose(const struct probe_node *node, enum probe_tool ret[PROBE_TOOL_COUNT],
		    const char **ret_why)
{
	bool is_global = probe_hooks_are_global(node->release), legacy_first;
	size_t n = 0;

	if (is_global && !node->legacy_nat) {
		*ret_why = "this kernel's netfilter hooks are global, and the node has no NAT of "
			   "ip_tables: the experiment would meddle with the node's connections";
		return 0;
	}
	/* Its hooks are there: one rule more in a namespace of its own is seen by nobody. */
	if (is_global) {
		if (!take_legacy(node, &ret[0])) {
			*ret_why = "this kernel's netfilter hooks are global, and there is no "
				   "iptables that goes without nf_tables";
			return 0;
		}
		return 1;
	}
	legacy_first = node->ip_tables && !node->nf_tables;
	if (!legacy_first)
		ret[n++] = PROBE_NFT;
	if (node->legacy_nat || version_of(node->release) >= 4007) {
		ret[n++] = PROBE_IPTABLES;
		ret[n++] = PROBE_IPTABLES_LEGACY;
	} else if (node->has_nft) {
		ret[n++] = PROBE_IPTABLES;
	}
	if (legacy_first)
		ret[n++] = PROBE_NFT;
	return n;
}
