#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The asker of `vipsafe del` does not wait for what the kernel does after the hold's rules are gone: to
# close a netlink socket of netfilter then takes until the kernel has freed them.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
command -v strace >/dev/null || skip_all "no program strace"

topo_nodes
masquerade nft
know_verdict affected
twin_up
serve srv node2 10.232.3.28 8899
open local node1 3 10.232.3.28 8899
timeout -k 2 120 strace -f -qq -s 64 -yy -o "$T/trace" -e trace=sendto,close,write,exit_group \
	"$VIPSAFE" --json --strategy pin --hold nft --timeout 60 del $TWIN dev br-mgmt >"$T/out" 2>"$T/err" </dev/null
is "$?" 0 "vipsafe del: exit code"
is "$(json '[.hold, .entries.pinned >= 3, .entries.lost] | @text')" '["nft",true,0]' "held by nft, pinned"
is "$(nft list tables | grep vipsafe_hold)" "" "the rules are gone"
# the asker is the first process, and its worker is another one
is "$(awk 'NR == 1 { asker = $1 }
	/sendto\([0-9]+<NETLINK:\[NETFILTER/ && /NFNL_MSG_BATCH_BEGIN/ { n = 0; said++; next }
	$1 == asker && /exit_group/ { exit }
	/close\([0-9]+<NETLINK:\[NETFILTER/ { n++ }
	END { print said >= 3 ? n + 0 : "transactions: " said + 0 }' "$T/trace")" 0 \
	"no socket of netfilter is closed between the hold's last word and the end of the asker"
done_testing
