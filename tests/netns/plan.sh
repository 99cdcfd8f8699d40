#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# plan makes the same checks, counts what is at stake and writes nothing.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
masquerade
twin_up
serve srv node2 10.232.3.28 8899
open pod pod 30 10.232.3.28 8899
open local node1 10 10.232.3.28 8899
in_ns pod "$FLOW" open -n 3 10.232.1.1 9 >/dev/null 2>&1 </dev/null # refused: short-lived

everything() {
	state
	# Timeouts run down by themselves, reference counts come and go.
	conntrack -L -p tcp -o id 2>/dev/null | awk '{ $3 = ""; print }' | sed 's/ use=[0-9]*//' | sort
	find /run/vipsafe /var/lib/vipsafe -type f 2>/dev/null | sort
}

before=$(everything)
run --json --strategy restore plan del $TWIN dev br-mgmt
is "$RC" 0 "plan del: exit code"
is "$(json '[.op, .changed, .result] | @text')" '["del",false,"ok"]' "plan del: report"
# an IGMP report of the node itself may count as one more
like "$(json '[.entries.snapshot, .entries.candidates] | @text')" '^\[4[0-2],4[0-2]\]$' \
	"plan del: 40 masqueraded flows at stake"
is "$(json '.entries | .snapshot == .candidates + .skipped')" true "plan del: the counts add up"
run --json plan add 192.168.11.100/32 dev br-mgmt
is "$RC $(json .changed)" "0 false" "plan add"
run plan del $TWIN dev br-mgmt
is "$RC" 0 "plan as text: exit code"
like "$OUT" 'at risk +4[0-2] ' "plan as text: tells the number"
run --json plan del 192.168.11.99/32 dev br-mgmt
is "$RC $(json .changed)" "0 false" "plan of something that is not there"
run plan del $TWIN dev nosuch0
is "$RC" 2 "plan finds what would be refused"
is "$(everything)" "$before" "nothing changed: addresses, routes, rules, entries, files"
ask pod ping
is "$REPLY" "ping alive=30 reset=0 stalled=0 changed=0" "and the flows live"

# Not even a try: every netlink request is one that reads.
if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
	skip "no request that writes is sent" "no strace here"
else
	requests() {
		strace -f -qq -s 64 -e trace=sendmsg,sendto,sendmmsg -o "$T/trace" \
			"$VIPSAFE" --strategy restore "$@" >/dev/null 2>&1
		grep -o 'nlmsg_type=[^,]*' "$T/trace" | sort -u
	}
	types=$(requests plan del $TWIN dev br-mgmt)
	like "$types" 'RTM_GETADDR.*CT_GET|CT_GET.*RTM_GETADDR' "strace sees the requests that read"
	is "$(grep -v 'RTM_GET\|MSG_CT_GET' <<<"$types")" "" "no request that writes is sent"
	like "$(requests del $TWIN dev br-mgmt)" RTM_DELADDR "strace would have seen one"
fi
done_testing
