# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What others have made of rules and sets, for comparing.

# rules: all of it, without counters and dates
rules() {
	local p

	{
		for p in iptables ip6tables; do
			echo "== $p"
			$p-save
			[ ! -x "$(command -v $p-legacy-save)" ] || $p-legacy-save
		done
		echo "== nft"
		nft -s list ruleset
		echo "== ipset"
		ipset save
		echo "== ipvs"
		ipvsadm -Sn
	} 2>/dev/null | sed -E '/^#/d; s/^(:.*) \[[0-9]+:[0-9]+\]$/\1/' | awk '
		# a table of ip_tables that was used once stays, empty as it is
		/^\*/ { head = $0 "\n"; next }
		head != "" && /^:.* ACCEPT$/ { head = head $0 "\n"; next }
		head != "" && /^COMMIT$/ { head = ""; next }
		{ printf "%s", head; head = ""; print }'
}

# untouched WHAT: the rules are those of $RULES
untouched() { is "$(rules)" "$RULES" "$1: the rules are byte for byte the same"; }
