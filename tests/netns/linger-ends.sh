#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Connections of an address that is gone linger, until something ends it: its time, another
# host that speaks for the address, an administrator or an instance that gives it up.
# While they linger, datagrams stand still behind the address that nobody has; once it is
# over they begin anew behind the one that is left. What must not end it does not.
# shellcheck source=tests/netns/lib/lingering.sh
. "$(dirname "$0")/lib/lingering.sh"; netns_main "$@"
need_daemon
CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL: set VIPSAFE_BUILD to the build directory"

N=${N:-10}
topo_pod
masquerade
know_verdict fixed
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
ip link set br-mgmt type bridge mcast_snooping 0 # IPv6 neighbours are found at once
# a third host on the network of br-mgmt
ip netns add other
ip link add other0 type veth peer name eth0 netns other
ip link set other0 master br-mgmt up
ip -n other link set eth0 up
ip -n other addr add 192.168.11.9/24 dev eth0
ip -n other addr add fd00:11::9/64 dev eth0 nodad
# what is left to IPv6, of the other side of the node
ip -n node2 -6 route replace fd00:1::/64 via fd00:11::6
serve s4 node2 -u $SERVED 8899
serve s6 node2 -u $SERVED6 8899

# The source when the other is gone: secondary, and deprecated.
also() {
	ip addr del 192.168.11.6/24 dev br-mgmt 2>/dev/null
	ip addr add 192.168.11.6/24 dev br-mgmt
	ip addr replace fd00:11::6/64 dev br-mgmt nodad preferred_lft 0
}
here() {
	ip addr replace $OWN/24 dev br-mgmt
	ip addr replace $OWN6/64 dev br-mgmt nodad
	also
	routes
	ip -n node2 neigh flush all
}
lingers() { [ "$(guard .lingering_addresses)" = 1 ]; }
lingers_not() { [ "$(guard .lingering_addresses)" = 0 ]; }
began=0

# gone WHAT [4|6]: N flows behind the address of this family, which goes; they linger
gone() {
	goes "$@"
	check "$1: it lingers" wait_for 20 lingers
	stands "$@"
}
# goes WHAT [4|6]: the same, without a look at it: it may be over by then
goes() {
	local f=${2:-4} as=$OWN/24 to=$SERVED

	[ "$f" = 4 ] || as=$OWN6/64 to=$SERVED6
	here
	wait_for 20 lingers_not || bail_out "$1: there is something that lingers already"
	open "u$f" pod "$N" -t 2 -u $to 8899
	is "$(entries_of "${as%/*}" -p udp)" "$N" "$1: they are translated to the address that will go"
	wait_for 30 pinned_at_least "$N" || bail_out "$1: nothing gets pinned"
	began=${EPOCHREALTIME/./}
	ip addr del "$as" dev br-mgmt
	routes
	ip -n node2 neigh flush all # nobody is known to have it
}
stands() { # WHAT [4|6]
	local f=${2:-4}

	ask "u$f" ping
	is "$REPLY" "ping alive=0 reset=0 stalled=$N changed=0" "$1: they stand still"
}
# over WHAT WHY [4|6]: counted under WHY; they begin anew
over() {
	local f=${3:-4} as=$OWN

	[ "$f" = 4 ] || as=$OWN6
	check "$1: it is over" wait_for 20 none_of $as -p udp
	took=$((${EPOCHREALTIME/./} - began))
	wait_for 20 lingers_not
	# before they begin anew, and are pinned again
	is "$(guard '"\(.pinned <= 1) \(.lost)"')" "true 0" "$1: nothing is left that was pinned, nothing lost"
	for _ in 1 2 3 4 5; do # neighbours have to be found
		ask "u$f" ping
		[[ $REPLY != *stalled=0* ]] || break
	done
	is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=$N" "$1: they begin anew"
	is "$(guard ".linger_$2")" $((${counted[$2]:-0} + 1)) "$1: status counts it"
	counted[$2]=$((${counted[$2]:-0} + 1))
	job_end "u$f"
	conntrack -F 2>/dev/null
}
declare -A counted=()

# ---- its time ------------------------------------------------------------------------
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms' 'linger = 3s'
daemon_start
check "the guard is live" wait_for 60 guard_live
for f in 4 6; do
	goes "time, IPv$f" $f
	over "time, IPv$f" "time" $f
	check "time, IPv$f: not before it was up ($((took / 1000)) ms of 3000)" test "$took" -ge 3000000
done
daemon_end TERM

# ---- another host ---------------------------------------------------------------------
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms' 'linger = 10min'
daemon_start
wait_for 60 guard_live || bail_out "the guard is not live again"
counted=()
arping=true
busybox arping --help >/dev/null 2>&1 || arping=false
says() { # WHAT COMMAND...: said by the third host
	shift
	began=${EPOCHREALTIME/./}
	in_ns other "$@" >/dev/null 2>&1
}
gone "not heard"
# nobody speaks for it: who asks for it, who looks whether it is free, another address, and
# this node itself
! $arping || {
	in_ns other busybox arping -q -c 2 -w 1 -I eth0 $OWN >/dev/null 2>&1
	in_ns other busybox arping -q -D -c 2 -w 1 -I eth0 $OWN >/dev/null 2>&1
}
in_ns other "$CALL" announce eth0 192.168.11.5 >/dev/null
"$CALL" announce br-mgmt $OWN >/dev/null
for ((i = 0; i < 5; i++)); do guard .state >/dev/null; done
check "not heard: it lingers on" lingers
unharmed u4 "not heard: they go on, since node2 was told where it is"
says "announced" "$CALL" announce eth0 $OWN
over "announced" heard
diag "announced: removed $((took / 1000)) ms later"
if $arping; then
	gone "replied"
	ip -n other addr add $OWN/32 dev eth0
	says "replied" busybox arping -q -A -c 1 -I eth0 $OWN
	over "replied" heard
	diag "replied: removed $((took / 1000)) ms later"
	ip -n other addr del $OWN/32 dev eth0
else
	skip "replied" "no busybox with arping"
fi
gone "advertised" 6
says "advertised" "$CALL" announce eth0 $OWN6
over "advertised" heard 6
diag "advertised: removed $((took / 1000)) ms later"

# ---- back -------------------------------------------------------------------------------
gone "back"
ip addr add $OWN/24 dev br-mgmt
routes
in_ns other "$CALL" announce eth0 $OWN >/dev/null # too late, and not listened for
check "back: nothing lingers" wait_for 20 lingers_not
ip -n node2 neigh flush all
unharmed u4 "back: they go on where they were"
is "$(guard .linger_back)" 1 "back: status counts it"
job_end u4
conntrack -F 2>/dev/null

# ---- given up on purpose -------------------------------------------------------------------
gone "gone before vipsafe del"
run del $OWN/24 dev br-mgmt
is "$RC" 0 "gone before vipsafe del: there is nothing to change"
over "gone before vipsafe del" given

here
wait_for 20 lingers_not
open u4 pod "$N" -t 2 -u $SERVED 8899
wait_for 30 pinned_at_least "$N"
run --json del $OWN/24 dev br-mgmt
is "$RC $(json .changed)" "0 true" "vipsafe del: done"
routes
check "vipsafe del: its connections are gone" wait_for 30 none_of $OWN -p udp
check "vipsafe del: nothing lingers" lingers_not
ask u4 ping
is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=$N" "vipsafe del: they begin anew"
job_end u4
conntrack -F 2>/dev/null

daemon_end TERM
is $? 0 "it ends"

# ---- an instance whose addresses keepalived adds and deletes --------------------------------------
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms' 'linger = 10min' \
	'[instance VI_1]' 'owner = keepalived' 'device = br-mgmt' "address = $VIP/32"
daemon_start
wait_for 60 guard_live || bail_out "the guard is not live again"
counted=()
is_state() { [ "$(jsons status | jq -r '.instances[0].state')" = "$1" ]; }
notify() {
	"$VIPSAFE" notify INSTANCE VI_1 "$1" 2>/dev/null
	wait_for 20 is_state "$1" || bail_out "the instance does not become $1"
}
here
iptables -w 5 -t nat -I POSTROUTING -p udp -d $SERVED --dport 8899 -j SNAT --to-source $VIP
vip() { # WHAT: connections behind the VIP of a MASTER
	ip addr add $VIP/32 dev br-mgmt
	notify MASTER
	open u4 pod "$N" -t 2 -u $SERVED 8899
	is "$(entries_of $VIP -p udp)" "$N" "$1: they are translated to the VIP"
	wait_for 30 pinned_at_least "$N" || bail_out "$1: nothing gets pinned"
}
vip_gone() { # WHAT
	check "$1: nothing of it is left" wait_for 20 none_of $VIP -p udp
	check "$1: nothing lingers" wait_for 20 lingers_not
	job_end u4
	conntrack -F 2>/dev/null
}
vip "deleted, then BACKUP"
ip addr del $VIP/32 dev br-mgmt
check "deleted, then BACKUP: it lingers" wait_for 20 lingers
notify BACKUP
vip_gone "deleted, then BACKUP"
# what an instance says counts for a second (GIVEN_FOR of agent/guard/linger.c): on a slow machine once more
for _ in 1 2 3 4 5 6 7 8; do
	vip "BACKUP, then deleted"
	uptime_cs
	began=$REPLY
	"$VIPSAFE" notify INSTANCE VI_1 BACKUP 2>/dev/null
	ip addr del $VIP/32 dev br-mgmt
	uptime_cs
	[ $((REPLY - began)) -ge 90 ] || break
	job_end u4
done
wait_for 20 is_state BACKUP || bail_out "the instance does not become BACKUP"
vip_gone "BACKUP, then deleted"
daemon_end TERM
jobs_end
done_testing
