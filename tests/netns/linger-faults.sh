#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What may happen while connections linger: the daemon is killed, the device is deleted, a
# thousand addresses go at once, an address flaps, and connections have begun anew before
# anybody could keep them. In the end each lives behind its port or nothing of it is left.
# shellcheck source=tests/netns/lib/lingering.sh
. "$(dirname "$0")/lib/lingering.sh"; netns_main "$@"
need_daemon

N=${N:-40}
topo_pod
masquerade
know_verdict fixed
vips_up
serve_all
lingering() { [ "$(guard .lingering_addresses)" -ge "$1" ] 2>/dev/null; }
lingers_not() { [ "$(guard .lingering_addresses)" = 0 ]; }

guard_start() { # LINGER
	config '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms' "linger = $1"
	daemon_start
	wait_for 60 guard_live || bail_out "the guard is not live"
}
flows() {
	open_all "$1" "$N"
	wait_for 60 pinned_at_least $((4 * N)) || bail_out "$1: they do not get pinned"
}
live() { # WHAT
	local name

	resting_live
	is "$REPLY" "" "$1: what rests lives behind its port"
	busy_end
	for name in "${BUSY[@]}"; do
		hear "$name" 240
		like "$REPLY" "^busy alive=${FLOWS[$name]} reset=0 stalled=0 changed=0 " "$1: and $name"
	done
}
again() {
	jobs_end
	forget_all
	serve_all
}

# ---- killed, and started again in time --------------------------------------------------
guard_start 60s
flows killed
own_gone
check "killed: they linger" wait_for 20 lingering 2
daemon_end KILL
daemon_start
check "killed: the next one goes on" wait_for 20 lingering 2
own_back 1
check "killed: until the addresses are back" wait_for 20 lingers_not
live "killed"
again

# ---- killed, and back while nobody looks --------------------------------------------------
flows unseen
own_gone
wait_for 20 lingering 2 || bail_out "unseen: they do not linger"
daemon_end KILL
own_back 2
live "unseen"
guard_start 60s
check "unseen: nothing lingers" lingers_not
again

# ---- the device goes and comes back ----------------------------------------------------------
flows device
device() {
	ip link add br-mgmt addr "$1" type bridge
	ip link set eth0 master br-mgmt
	ip link set br-mgmt up
}
mac=$(ip -j link show br-mgmt | jq -r '.[].address')
ip link del br-mgmt
wait_for 20 not guard_live
device "$mac"
own_back
check "device: guarded again" wait_for 60 guard_live
live "device"
daemon_end TERM
is $? 0 "it ends"
again

# ---- killed for longer than they may linger, and a device that stays away ---------------------
guard_start 60s
open late pod 10 -u $SERVED 8899
wait_for 30 pinned_at_least 10 || bail_out "late: they do not get pinned"
uptime_cs
began=$REPLY
own_gone
wait_for 20 lingering 1 || bail_out "late: they do not linger"
daemon_end KILL
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms' "linger = 5s"
over() { since "$began" && [ "$REPLY" -ge 700 ]; }
wait_for 60 over
is "$(entries_of $OWN -p udp)" 10 "late: nobody has removed them"
since "$began"
gone_by=$((REPLY * 10000)) # microseconds
daemon_start
check "late: the next one does" wait_for 60 none_of $OWN -p udp
# not 5 s after its own start
lingered() {
	took=$(jsons history | jq --arg a $OWN '[.[] | select(.op == "linger" and .addresses[0] == $a)][0].timing_us.total')
	[ "$took" -gt 0 ] 2>/dev/null
}
wait_for 30 lingered
check "late: by the clock, after $took us: $gone_by us had gone by" test "$took" -ge $((gone_by - 1000000))
own_back
check "late: nothing lingers" wait_for 20 lingers_not
ask late ping
is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=10" "late: they begin anew"
wait_for 30 pinned_at_least 10
ip link del br-mgmt
check "no device: nothing is left" wait_for 60 none_of $OWN -p udp
check "no device: the daemon lives" answers
device "$mac"
own_back
check "no device: guarded again" wait_for 60 guard_live
daemon_end TERM
again

# ---- a thousand addresses -----------------------------------------------------------------------
guard_start 60s
many() { for i in {0..999}; do echo "addr $1 192.168.$((12 + i / 250)).$((1 + i % 250))/32 dev br-mgmt"; done; }
many add | ip -batch -
in_ns node2 ip route add 192.168.12.0/22 via $OWN
nft -f - <<. || bail_out "cannot translate to many"
table ip many {
	chain post {
		type nat hook postrouting priority srcnat - 10
		ip daddr $SERVED udp dport 8899 snat to numgen inc mod 200 map {
			$(for i in {0..199}; do echo "$i : 192.168.$((12 + i / 50)).$((1 + i % 50)),"; done) }
	}
}
.
open many pod 200 -u $SERVED 8899
nft delete table ip many
open_all more "$N"
wait_for 60 pinned_at_least $((200 + 4 * N)) || bail_out "many: they do not get pinned"
flush() { ip -4 addr flush dev br-mgmt; }
flush
check "many: they linger" wait_for 30 lingering 100
# the other family still has them
ip addr add $OWN/24 dev br-mgmt
many add | ip -batch -
routes
unharmed many "many: those behind a thousand addresses live"
live "many"
check "many: nothing lingers" wait_for 30 lingers_not
flush
check "many: they linger again" wait_for 30 lingering 100
daemon_end TERM
own_back
again

# ---- young, not pinned yet -------------------------------------------------------------------------
young_start() {
	config '[device br-mgmt]' 'pin = continuous' 'pin_after = 10min' 'linger = 60s'
	daemon_start
	wait_for 60 guard_live || bail_out "the guard is not live"
}
# A flush of the round before that comes late has some of them restored, which are pinned then.
known() { [ "$(guard '.pinned + .unpinned')" -ge "$1" ]; }
counts() { guard '"\(.state): pinned \(.pinned), unpinned \(.unpinned), restored \(.restored)"'; }
young_start
open_all young "$N"
wait_for 60 known $((4 * N)) || bail_out "young: the guard does not know them: $(counts)"
restored() { [ "$(guard .restored)" -ge $((4 * N)) ]; }
for pause in 0.05 0 1; do
	address_bounce $pause
	# nothing holds back datagrams, which would begin anew meanwhile; then all is pinned
	wait_for 20 restored
	resting_live
	is "$REPLY" "" "young: $pause s without an address"
done
link_bounce 0.05
live "young"
again

# ---- begun anew behind another address before anybody could keep it -------------------------------
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
ip addr add 192.168.11.6/24 dev br-mgmt
unpinned() { [ "$(guard .unpinned)" -ge "$1" ]; }
for _ in 1 2 3 4 5; do
	open new pod 10 -t 30 -u $SERVED 8899
	! wait_for 20 unpinned 10 || break
	job_end new # a late flush had them restored, and so pinned
	forget_all
done
unpinned 10 || bail_out "new: the guard does not know them: $(counts)"
kill -STOP "$DAEMON"
ip addr del $OWN/24 dev br-mgmt
ip route replace 10.232.3.0/24 via 192.168.11.8
wait_for 60 none_of $OWN -p udp --dport 8899 || bail_out "new: the kernel flushed nothing"
for _ in 1 2 3; do ask new ping; done
is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=10" "new: they have begun anew"
tell new ports
ports() { for _ in {1..10}; do hear new && echo "$REPLY"; done; }
ports >"$T/before"
kill -CONT "$DAEMON"
superseded() { [ "$(guard .superseded)" -ge 1 ]; }
check "new: the guard finds others in their place" wait_for 60 superseded
ask new ping
ip addr add $OWN/24 dev br-mgmt
routes
check "new: nothing lingers" wait_for 20 lingers_not
ask new ping
is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=10" "new: they go on"
tell new ports
ports >"$T/after"
check "new: as they were, before and after the address was back" cmp "$T/before" "$T/after"
ip addr del 192.168.11.6/24 dev br-mgmt
daemon_end TERM
again

# ---- flaps ----------------------------------------------------------------------------------------
guard_start 60s
flows flaps
before=$(wc -l <"$DAEMON_LOG")
uptime_cs
began=$REPLY
for ((i = 0; i < 50; i++)); do
	ip addr del $OWN/24 dev br-mgmt
	ip addr add $OWN/24 dev br-mgmt
	ip addr del $OWN6/64 dev br-mgmt
	ip addr add $OWN6/64 dev br-mgmt nodad
done
since "$began"
lines=$(($(wc -l <"$DAEMON_LOG") - before))
diag "flaps: 50 of each family within $((REPLY * 10)) ms, $lines lines of the log"
check "flaps: the log has few lines of it" test "$lines" -lt 60
routes
live "flaps"
check "flaps: nothing lingers" wait_for 20 lingers_not
check "flaps: guarded as before" wait_for 60 guard_live
daemon_end TERM
again
jobs_end
done_testing
