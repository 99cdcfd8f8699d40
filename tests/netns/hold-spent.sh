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
timeout -k 2 120 strace -f -qq -s 64 -yy -o "$T/trace" -e trace=sendto,close,write \
	"$VIPSAFE" --json --strategy pin --hold nft --timeout 60 del $TWIN dev br-mgmt >"$T/out" 2>"$T/err" </dev/null
is "$?" 0 "vipsafe del: exit code"
is "$(json '[.hold, .entries.pinned >= 3, .entries.lost] | @text')" '["nft",true,0]' "held by nft, pinned"
is "$(nft list tables | grep vipsafe_hold)" "" "the rules are gone"
# the worker answers by a pipe
is "$(awk '/sendto\([0-9]+<NETLINK:\[NETFILTER/ && /NFNL_MSG_BATCH_BEGIN/ { n = 0; said++ }
	/close\([0-9]+<NETLINK:\[NETFILTER/ { n++ }
	/write\([0-9]+<pipe:/ { before = n; answered = 1 }
	END { print said >= 3 && answered ? before + 0 : "transactions: " said + 0 }' "$T/trace")" 0 \
	"no socket of netfilter is closed between the hold's last word and the answer"
done_testing
