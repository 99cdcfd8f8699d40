#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafed is killed at one system call after the other of what it does: of a
# move, of a pin, of a repair. The client of a move finishes it, once; without
# a client the next daemon does. No connection is lost, no rule is left.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
STEP=${STEP:-8}
# shellcheck source=tests/netns/lib/killing.sh
. "$(dirname "$0")/lib/killing.sh"
need_daemon
need_killat

# Answers to whoever looks count as well, and a slow machine is looked at for longer: later
# points lie further apart.

topo_pod
masquerade
serve srv node2 10.232.3.28 8899
open pod pod 20 10.232.3.28 8899
open local node1 10 10.232.3.28 8899
touch "$T/monitor"
ip -o monitor address >"$T/monitor" 2>/dev/null &
run probe

# all_well POINT: one line of what is not
all_well() {
	local name left

	for name in pod local; do
		ask $name ping
		[ "$REPLY" = "ping alive=${FLOWS[$name]} reset=0 stalled=0 changed=0" ] ||
			echo "$1: $name: $REPLY"
	done
	left=$(find /run/vipsafe -name 'move-*')
	[ -z "$left" ] || echo "$1: $left is left"
}

# ---- a move, with a client ----------------------------------------------------------
# The device is only observed, so that the move itself does all of the work.
config '[device br-mgmt]' 'pin = off'

deleted() { grep -c "Deleted.* $TWIN " "$T/monitor"; }

# client_rounds STRATEGY: until a move is through before its kill, twice: once the daemon may have
# been killed before it was asked, at what the round before had left to do
client_rounds() {
	local n before through=0

	KILLS=0
	for ((n = FIRST; n < POINTS_MAX; n += STEP + (STEP > 1 ? n / 16 : 0))); do
		need_it
		has_addr $TWIN br-mgmt || twin_up
		before=$(deleted)
		kill_daemon_at $n
		run --json --strategy "$1" del $TWIN dev br-mgmt
		after_kill
		[ "$RC" = 0 ] || echo "call $n: exit code $RC: $ERR"
		[ "$(jq -r .result "$T/out" | wc -l)" = 1 ] || echo "call $n: not one result: $OUT"
		! has_addr $TWIN br-mgmt || echo "call $n: the address is still there"
		once() { [ "$(deleted)" -ge $((before + 1)) ]; }
		wait_for 30 once
		[ "$(deleted)" = $((before + 1)) ] || echo "call $n: deleted $(($(deleted) - before)) times"
		all_well "call $n"
		# else killed after its answer, at what it does later
		if [[ -n $KILLED && $ERR = *"does not answer"* ]]; then
			KILLS=$((KILLS + 1)) through=0
		elif [ $((through += 1)) = 2 ]; then
			diag "through before call $n" >&3
			return 0
		fi
	done
	echo "after $POINTS_MAX calls still not through"
}

for strategy in pin restore; do
	client_rounds $strategy >"$T/wrong" 2>"$T/noise"
	is "$(cat "$T/wrong")" "" "$strategy: the client finishes what the daemon was killed at"
	check "$strategy: killed at $KILLS places" test "$KILLS" -ge 2
done

# ---- a move, without a client -------------------------------------------------------
# Whoever asked has gone as well: the next daemon finishes what was begun.
del_request() {
	printf '{"v":2,"words":["del","--strategy=%s","%s","dev","br-mgmt"]}' \
		"$1" $TWIN
}

next_rounds() {
	local n begun finished=0

	KILLS=0
	for ((n = FIRST; n < POINTS_MAX; n += STEP + (STEP > 1 ? n / 16 : 0))); do
		need_it
		has_addr $TWIN br-mgmt || twin_up
		kill_daemon_at $n
		"$BUILD/say" "$SOCKET" "$(del_request "$1")" >"$T/said"
		after_kill
		begun=$(find /run/vipsafe -name 'move-br-mgmt')
		[ -z "$begun" ] || finished=$((finished + 1))
		[ -z "$KILLED" ] || daemon_start
		[ -z "$begun" ] || ! has_addr $TWIN br-mgmt ||
			echo "call $n: begun, but the address is still there"
		all_well "call $n"
		[ -n "$KILLED" ] || {
			[ $finished -gt 0 ] || echo "no kill met a move that had begun"
			return 0
		}
		KILLS=$((KILLS + 1))
	done
	echo "after $POINTS_MAX calls still not through"
}

for strategy in pin restore; do
	next_rounds $strategy >"$T/wrong" 2>"$T/noise"
	is "$(cat "$T/wrong")" "" "$strategy: the next daemon finishes what was begun"
	check "$strategy: killed at $KILLS places" test "$KILLS" -ge 2
done
daemon_end TERM

# ---- a pin ---------------------------------------------------------------------------
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 200ms'
# What has ended unpinned in an earlier round counts as unpinned for two minutes more.
ended() { conntrack -L -p tcp 2>/dev/null | grep -vc ESTABLISHED; }
all_pinned() { [ "$(guard .unpinned)" -le $(($(ended) + 2)) ] && pinned_at_least 10; }

# Until unpinned connections are pinned before the kill.
pin_rounds() {
	local n pins

	KILLS=0
	for ((n = FIRST; n < POINTS_MAX; n += STEP + (STEP > 1 ? n / 16 : 0))); do
		need_it
		wait_for 60 guard_live
		pins=$(guard .pins)
		kill_daemon_at $n
		open unpinned pod 10 10.232.3.28 8899
		pinned_or_killed() { is_dead || [ "$(guard .pins)" -ge $((pins + 10)) ]; }
		wait_for 60 pinned_or_killed || echo "call $n: neither pinned nor killed"
		after_kill
		all_well "call $n"
		[ -z "$KILLED" ] || daemon_start
		wait_for 60 all_pinned || echo "call $n: the next daemon does not pin"
		bounce
		all_well "call $n, bounced"
		ask unpinned ping
		[ "$REPLY" = "ping alive=10 reset=0 stalled=0 changed=0" ] || echo "call $n: $REPLY"
		job_end unpinned
		[ -n "$KILLED" ] || { diag "through before call $n" >&3; return 0; }
		KILLS=$((KILLS + 1))
	done
	echo "after $POINTS_MAX calls still not pinned"
}
pin_rounds >"$T/wrong" 2>"$T/noise"
is "$(cat "$T/wrong")" "" "killed while it pins: nothing is lost, and the next daemon goes on"
check "killed at $KILLS places" test "$KILLS" -ge 1
daemon_end TERM
is "$(nft list tables | grep -c vipsafe)" 0 "no rule is left behind"

# ---- what it finds there at its start ----------------------------------------------------
# Of another version, of nobody, or cut short: set aside, and not in the way.
leave_behind() { # FILE TEXT
	printf '%s' "$2" >"/run/vipsafe/$1"
	chmod 600 "/run/vipsafe/$1"
}
leave_behind move-br-mgmt 'vipsafe journal 9999'
leave_behind move-eth7 "$(head -c 3000 /dev/urandom | base64)"
leave_behind created-br-mgmt 'vipsafe journal 1'
leave_behind verdict 'vipsafe-verdict 77'
leave_behind 'move-~' ''
mkdir /run/vipsafe/move-dir
daemon_start
check "files that cannot be read do not keep it from starting" wait_for 60 guard_live
check "one of another version is set aside" test -e /run/vipsafe/unreadable-move-br-mgmt
check "and so is one of nobody" test -e /run/vipsafe/unreadable-move-eth7
has_addr $TWIN br-mgmt || twin_up
run --json --strategy pin del $TWIN dev br-mgmt
is "$RC $(json .result)" "0 ok" "they are not in the way of a move"
all_well "after it" >"$T/wrong"
is "$(cat "$T/wrong")" "" "which loses nothing"
daemon_end TERM
is $? 0 "it ends"
is "$(nft list tables | grep -c vipsafe)" 0 "no rule is left behind"
jobs_end
done_testing
