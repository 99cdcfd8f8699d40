#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The guard's promise: 100 times somebody else takes an address away, as
# keepalived does when it becomes backup, and now and then the link goes too,
# under 200 busy and 200 idle connections: none is reset, none changes its
# port. Without the guard the first of these deletes loses them.
#
# The address that goes is the twin of the one everything is masqueraded to
# (see lib/pair.sh): each of these deletes makes any kernel flush.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

ROUNDS=${ROUNDS:-100} N=${N:-200}

topo_pod
masquerade
serve server node2 10.232.3.28 8899
serve busy-server node2 10.232.3.28 8900

# open_all HOW SECONDS [OPTION...]: half of the flows forwarded, half from the node
# itself; they are given up when an answer takes longer
open_all() {
	local how=$1 patience=$2

	shift 2
	open "$how-pod" pod $((N / 2)) 10.232.3.28 8899
	open "$how-local" node1 $((N / 2)) 10.232.3.28 8899
	for from in pod node1; do
		job "$how-busy-$from" in_ns $from "$FLOW" busy -n $((N / 2)) -d 100 -t "$patience" "$@" 10.232.3.28 8900
		hear "$how-busy-$from"
		[ "$REPLY" = "open $((N / 2))" ] || bail_out "busy flows: $REPLY"
	done
}

become_backup() {
	ip addr add $TWIN dev br-mgmt 2>/dev/null
	ip addr add 192.168.11.100/32 dev br-mgmt 2>/dev/null
	ip addr del $TWIN dev br-mgmt
	ip addr del 192.168.11.100/32 dev br-mgmt
}

# ---- the control: nobody guards ------------------------------------------------------
open_all bare 2
flushed_by become_backup -p tcp --dport 8899
# The kernel leaves a flush out when many are under way elsewhere.
for ((i = 0; i < 10; i++)); do
	become_backup
	ask bare-pod ping
done
for name in bare-pod bare-local; do
	harmed $name "$name: without the guard one delete loses the idle ones"
done
for from in pod node1; do
	ask bare-busy-$from end 60
	alive=${REPLY#*alive=}
	check "$from: and the busy ones (${REPLY#busy })" test "${alive%% *}" -le $((1 + N / 20))
done
fresh
serve server node2 10.232.3.28 8899
serve busy-server node2 10.232.3.28 8900

# ---- guarded -----------------------------------------------------------------------
config '[device br-mgmt]' 'pin = continuous'
daemon_start
check "the guard is live" wait_for 20 guard_live
open_all kept 30
check "all of them get pinned" wait_for 30 pinned_at_least $((2 * N))
lost=
for ((i = 1; i <= ROUNDS; i++)); do
	become_backup
	[ $((i % 10)) != 0 ] || bounce
	for name in kept-pod kept-local; do
		ask $name ping
		[ "$REPLY" = "ping alive=$((N / 2)) reset=0 stalled=0 changed=0" ] ||
			lost="$lost round $i: $name $REPLY;"
	done
done
is "$lost" "" "$ROUNDS deletes and $((ROUNDS / 10)) bounces: every idle connection lives behind its port"
for from in pod node1; do
	tell kept-busy-$from end
	hear kept-busy-$from 60
	diag "$REPLY"
	like "$REPLY" "^busy alive=$((N / 2)) reset=0 stalled=0 changed=0 " "$from: and every busy one"
done
# an IGMP report of the node itself may be put back, too new to have been pinned
is "$(guard '"\(.quarantined) \(.lost)"')" "false 0" "nothing was lost"
is "$(guard '"\(.state) \(.pin_failures)"')" "live 0" "and no pin has failed"
daemon_end TERM
is $? 0 "it ends"
jobs_end
done_testing
