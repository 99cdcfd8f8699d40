#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# plan makes the same checks, counts what is at stake and writes nothing.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
masquerade
# what is refused stays listed for as long as this takes
put /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close 3600
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
is "$RC $(json '[.changed, .would_change] | @text')" "0 [false,true]" "plan add"
run --json plan add $TWIN dev br-mgmt
is "$RC $(json .would_change)" "0 false" "plan add of what is there"
run plan del $TWIN dev br-mgmt
is "$RC" 0 "plan as text: exit code"
like "$OUT" 'at risk +4[0-2] ' "plan as text: tells the number"
is "$(sed -n 2,99p <<<"$OUT" | awk 'length > 80')" "" "… in 80 columns"
run --json plan del 192.168.11.99/32 dev br-mgmt
is "$RC $(json .changed)" "0 false" "plan of something that is not there"
is "$(json '[.would_change, .addresses_detail[0].outcome] | @text')" '[false,"already"]' "… would change nothing"
like "$(json .entries.candidates)" '^4[0-2]$' "… but is planned as if it were there"
run plan del 192.168.11.99/32 dev br-mgmt
like "$OUT" 'not there: planned as if it were.*at risk +4[0-2] ' "… and says so"
# which hold, or none and why
run --json --strategy pin plan del $TWIN dev br-mgmt
like "$(json '[.hold, .no_hold] | @text')" '^\["(nft|iptables)",""\]$' "the hold that would be used"
is "$(json .would_change)" true "it would change something"
like "$(json .lost_with_none)" '^4[0-2]$' "what would be lost with --strategy none"
run --strategy pin --hold off plan del $TWIN dev br-mgmt
like "$OUT" 'hold +none: --hold off' "no hold, and why: an option"
run --strategy none plan del $TWIN dev br-mgmt
like "$OUT" 'hold +none: with --strategy none nothing is pinned' "… the strategy"
like "$OUT" 'would be lost +4[0-2] +with --strategy none' "… and what that would cost"
printf '[agent]\nhold = off\n' >"$T/off.conf"
run --config "$T/off.conf" --strategy pin plan del $TWIN dev br-mgmt
like "$OUT" 'hold +none: "hold = off" in the configuration' "… the configuration"
# -v lists them
run -v plan del $TWIN dev br-mgmt
is "$(grep -c 'dport=8899 .* # unpinned br-mgmt$' <<<"$OUT")" 40 "-v lists the connections, as conntrack does"
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
