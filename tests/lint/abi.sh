#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What is used of the kernel's headers is in those of Linux 3.10 (RHEL 7), or defined
# by us: in agent/kernel/abi_*.h, or where an #ifndef stands.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

known=tests/lint/lib/linux-3.10 # names of its headers that we use, and the headers

# The prefixes of the kernel's names.
ours='NFTA?|NFNL|NFPROTO|NF_INET|IPSET|IPVS_(CMD|SVC|DEST|STATS|GENL)|IP_VS|CTA|IPCTNL|IFA|IFLA|IFF|NLM_F'
ours="$ours|NLMSG|NLA_F|NETLINK|RTM|RTNLGRP|INET_DIAG|SOCK_DIAG|CTRL|GENL|VETH|IP_CT|NFNLGRP|NFNETLINK|BPF"

used() {
	sed 's,/\*.*,,; /^ \*/d' agent/kernel/*.[ch] tests/unit/test_ipvs.c | grep -oE "\\b($ours)_[A-Z0-9_]+\\b"
	grep -ohE '#include <linux/[^>]+>' agent/kernel/*.[ch] | grep -oE 'linux/[^>]+'
}
defined() {
	cat "$known"
	sed -nE 's/^[[:space:]]*#define ([A-Z0-9_]+).*/\1/p; s/^[[:space:]]+([A-Z0-9_]+) = .*/\1/p' \
		agent/kernel/abi_*.h
	sed -nE 's/^#ifndef ([A-Z0-9_]+).*/\1/p' agent/kernel/*.[ch]
	sed -nE 's/^#define (IPVS_[A-Z0-9_]+) .*/\1/p' tests/unit/test_ipvs.c agent/base/ipvs.h
	sed -nE 's/^[[:space:]]+(IPVS_[A-Z0-9_]+),?.*/\1/p' agent/base/ipvs.h
}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
defined | sort -u >"$tmp/defined"
used | sort -u >"$tmp/used"
verdict 'nothing later than Linux 3.10 is taken from its headers' \
	"$(grep -vxF -f "$tmp/defined" "$tmp/used")"
verdict 'each name of the list is used' "$(grep -v '^#' "$known" | grep -vxF -f "$tmp/used")"
done_testing
