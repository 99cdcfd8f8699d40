#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An address goes while no daemon runs. The kernel removes what is masqueraded to it, and
# connections of UDP begin anew at once; what vipsafed had pinned it does not remove, and
# each datagram keeps it: they stand still for good. The next daemon removes what it can
# prove to be vipsafe's, and so does vipsafe recover --stale; nobody else's, and none of
# addresses that are there.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

N=${N:-20}
GONE=192.168.11.7
topo_pod
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
ip addr add 192.168.11.6/24 dev br-mgmt # the source when the other is gone
# What goes to this server is translated to the address that stays.
iptables -w 5 -t nat -A POSTROUTING -p udp --dport 8898 -j SNAT --to-source 192.168.11.6
masquerade
know_verdict affected
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms' 'linger = 0'
serve gone node2 -u 10.232.3.28 8899
serve stays node2 -u 10.232.3.28 8898

route() { ip route replace 10.232.3.0/24 via 192.168.11.8; }
all_pinned() { pinned_at_least $((2 * N)); }
knows_gone() { [ "$(guard .gone)" = 1 ]; }
behind_gone() { entries -p udp --dport 8899 --reply-dst $GONE; }

# flows WHEN: N connections behind each of the two addresses
flows() {
	open g pod "$N" -t 2 -u 10.232.3.28 8899
	open s pod "$N" -t 2 -u 10.232.3.28 8898
	is "$(behind_gone)" "$N" "$1: they are translated to the address that will go"
}
pinned() {
	daemon_start
	flows "$1"
	check "$1: pinned" wait_for 30 all_pinned
}
killed() {
	daemon_end KILL
	ip addr del $GONE/24 dev br-mgmt
	route
	ip -n node2 neigh flush all # nobody is known to have it
}
stand_still() {
	ask g ping
	is "$REPLY" "ping alive=0 reset=0 stalled=$N changed=0" "$1: they stand still"
	is "$(behind_gone)" "$N" "$1: and keep their entries"
}
heal() {
	ask g ping
	is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=$N" "$1: they begin anew"
	is "$(behind_gone)" 0 "$1: nothing is left behind the address that is gone"
}
go_on() { unharmed s "$1: those of the other address live, as they were"; }

again() {
	job_end g
	job_end s
	[ -z "$DAEMON" ] || daemon_end KILL
	DAEMON=
	conntrack -F 2>/dev/null
	rm -rf /run/vipsafe
	: >"$DAEMON_LOG"
	own_back
}
# as before: the other one is secondary
own_back() {
	ip addr del 192.168.11.6/24 dev br-mgmt
	ip addr replace $GONE/24 dev br-mgmt
	ip addr add 192.168.11.6/24 dev br-mgmt
	route
}

# ---- the control: the kernel alone --------------------------------------------------------
flows "kernel"
back_and_gone() {
	has_addr $GONE/24 br-mgmt || own_back
	ip addr del $GONE/24 dev br-mgmt
	route
}
flushed() { [ "$(behind_gone)" = 0 ]; }
until_done flushed -- back_and_gone || bail_out "the kernel flushes nothing"
heal "kernel"
again

# ---- nobody does anything -------------------------------------------------------------------
pinned "killed"
killed
stand_still "killed"
run doctor
check "killed: doctor tells" grep -q 'stale-entries\|went while no vipsafed ran' "$T/out"
go_on "killed"

# ---- the next daemon --------------------------------------------------------------------------
daemon_start
check "restarted: it finds the loss" wait_for 30 knows_gone
check "restarted: the entries go" wait_for 30 no_entries -p udp --dport 8899 --reply-dst $GONE
heal "restarted"
go_on "restarted"
like "$(guard '"\(.removed) \(.unproven) \(.lost)"')" "^$N 0 0\$" "restarted: status counts them"
check "restarted: the log tells" wait_for 30 logged "addresses went while nobody guarded them\" dev=br-mgmt addresses=1 removed=$N "
run doctor
check "restarted: doctor has nothing to tell any more" test -z "$(grep 'went while no vipsafed ran' "$T/out")"
again

# ---- vipsafe recover --stale ------------------------------------------------------------------
pinned "recover"
run --json recover --stale
is "$RC $(json '.[] | select(.op == "stale") | "\(.removed) \(.unproven)"')" "0 0 0" \
	"recover: while the daemon lives there is nothing to do"
killed
stand_still "recover"
run --json recover --stale
is "$RC $(json '.[] | select(.op == "stale") | "\(.removed) \(.unproven)"')" "0 $N 0" \
	"recover: what was pinned is removed"
heal "recover"
go_on "recover"
again

# ---- what somebody else has made ----------------------------------------------------------------
pinned "not ours"
killed
# conntrackd, say, has made them anew: the same tuples, and not vipsafe's any more
rm -f /run/vipsafe/pins-br-mgmt
daemon_start
check "not ours: it finds the loss" wait_for 30 knows_gone
is "$(guard '"\(.removed) \(.unproven)"')" "0 $N" "not ours: counted, and left alone"
is "$(behind_gone)" "$N" "not ours: they are still there"
run status
check "not ours: status tells" grep -q "not proved to be" "$T/out"
go_on "not ours"
again

# ---- what a run without a daemon has pinned, and nobody guards -----------------------------------
config '[agent]'
flows "run"
ip addr add 192.168.11.100/32 dev br-mgmt
run --json --strategy pin del 192.168.11.100/32 dev br-mgmt
is "$RC $(json ".entries.pinned >= 2 * $N")" "0 true" "run: pinned"
ip addr del $GONE/24 dev br-mgmt
route
ip -n node2 neigh flush all
stand_still "run"
daemon_start
check "run: the log of the next daemon tells" wait_for 30 logged "went while no vipsafed ran\" removed=$N "
heal "run"
go_on "run"
done_testing
