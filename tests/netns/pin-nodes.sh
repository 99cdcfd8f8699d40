#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A pin on nodes of many kinds: conntrack's switches, the backend of the node's
# own rules, no time for most entries, no room in the table. The flows behind
# the twin live; by `ip addr del` on the same node they die.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
CT=/proc/sys/net/netfilter
N=8 # flows of each kind
HOLD=nft # what is to hold, and what there is to be said
WARNS=

flows_up() {
	twin_up
	serve srv node2 10.232.3.28 8899
	serve udp node2 -u 10.232.3.28 8899
	open local node1 $N 10.232.3.28 8899
	open pod pod $N 10.232.3.28 8899
	open udp-pod pod $N -t 30 -u 10.232.3.28 8899
}

busy_alive() {
	tell busy end
	hear busy
	[[ $REPLY == "busy alive=4 reset=0 stalled=0 changed=0 "* ]] || { echo "$REPLY"; return 1; }
}

# node NAME [WORDS...]: the flows die by `ip addr del` on such a node, and live
# by `vipsafe WORDS... del`, idle ones and ones that never rest
node() {
	local name=$1 before held

	shift
	flows_up
	leave bare
	judge bare reset srv local "$name: local"
	judge bare reset srv pod "$name: pod"
	fresh
	flows_up
	job busy in_ns pod "$FLOW" busy -n 4 -d 2 10.232.3.28 8899
	hear busy
	before=$(state)
	# iptables has a second at most, which a busy machine may not give it
	for _ in 1 2 3 4 5; do
		run --json --strategy pin "$@" del $TWIN dev br-mgmt
		[[ $(json '[.warnings[].code] | join(" ")') =~ no-hold|hold-left ]] || break
		twin_up
	done
	held=$(json .hold)
	[ "$HOLD $held $(json '.timing_us.hold > 900000')" != "iptables nft true" ] || held=$HOLD
	is "$RC $held $(json '[.result, .entries.lost] | @text')" "0 $HOLD [\"ok\",0]" \
		"$name: vipsafe del"
	is "$(json '.entries | .pinned + .restored == .candidates and .pinned >= 28')" true \
		"$name: the flows are pinned"
	is "$(json '[.warnings[].code] - ["other-holder"] | join(" ")')" "$WARNS" "$name: warnings"
	check "$name: the counts add up" adds_up "$T/out"
	check "$name: busy flows alive" busy_alive
	judge vipsafe reset srv local "$name: local"
	judge vipsafe reset srv pod "$name: pod"
	judge vipsafe changed udp udp-pod "$name: udp"
	twin_up
	is "$(state)" "$before" "$name: nothing else has changed"
	twin_down
	fresh
}

# set_to FILE VALUE: a switch of this namespace, and whether it can be set
set_to() {
	put "$CT/$1" "$2"
	[ "$(cat "$CT/$1" 2>/dev/null)" = "$2" ] || {
		skip "$1=$2" "cannot be set here"
		return 1
	}
}

masquerade iptables
run probe
for try in nf_conntrack_tcp_loose=0 nf_conntrack_tcp_be_liberal=0 nf_conntrack_tcp_be_liberal=1 \
	nf_conntrack_acct=1 nf_conntrack_events=0 nf_conntrack_events=1 nf_conntrack_events=2; do
	was=$(cat "$CT/${try%=*}" 2>/dev/null)
	set_to "${try%=*}" "${try#*=}" || continue
	[ "$try" = nf_conntrack_events=0 ] && WARNS=no-events || WARNS=
	node "${try#nf_conntrack_}"
	put "$CT/${try%=*}" "$was"
done

HOLD=iptables
node "iptables-nft, --hold iptables" --hold iptables
if iptables-legacy -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 -j MASQUERADE \
	--random-fully 2>"$T/legacy.err"; then
	iptables -w 5 -t nat -F POSTROUTING
	node "iptables-legacy"
else
	skip iptables-legacy "$(head -c 200 "$T/legacy.err")"
fi

codes() { json '[.warnings[].code] | join(" ")'; }

# Most of them do not fit into the deadline: they are flushed and restored.
printf '[agent]\npin_deadline = 1ms\n' >"$T/deadline.conf"
serve srv node2 10.232.3.28 8899
open many pod 600 -t 10 10.232.3.28 8899
# the kernel leaves a flush out when many are under way elsewhere: then there is nothing to restore
for _ in 1 2 3 4 5 6; do
	twin_up
	run --json --strategy pin --config "$T/deadline.conf" del $TWIN dev br-mgmt
	[ "$RC $(json .entries.restored)" = "0 0" ] || break
done
is "$RC $(json .result)" "0 ok" "no time: vipsafe del"
like "$(codes)" pin-deadline "no time: said"
is "$(json '.entries | .pinned + .restored == .candidates and .restored > 0')" true \
	"no time: what is not pinned is restored"
diag "candidates, pinned, restored: $(json '.entries | [.candidates, .pinned, .restored] | @text')"
check "no time: the counts add up" adds_up "$T/out"
judge vipsafe reset srv many "no time"
fresh

# nf_conntrack_max is the machine's, so the limit is what gives: 1 % of it.
printf '[agent]\npin_max_fill = 1\n' >"$T/fill.conf"
fill=$(($(cat $CT/nf_conntrack_max) / 100 + 50))
flows_up
if [ $fill -le 12000 ]; then
	open fill pod $fill -t 10 -u 10.232.3.28 8899
	for _ in 1 2 3 4 5 6; do
		run --json --strategy pin --config "$T/fill.conf" del $TWIN dev br-mgmt
		[ "$RC $(json .entries.flushed)" = "0 0" ] || break
		twin_up
	done
	is "$RC $(json '[.result, .strategy] | @text')" '0 ["ok","restore"]' "no room: vipsafe del"
	like "$(codes)" no-room "no room: said"
	is "$(json ".entries | .pinned == 0 and .restored == .flushed and .restored >= $fill")" true \
		"no room: nothing is pinned, all is restored"
	check "no room: the counts add up" adds_up "$T/out"
	judge vipsafe reset srv pod "no room"
else
	skip "no room" "one per cent of this machine's table is $fill entries"
fi
done_testing
