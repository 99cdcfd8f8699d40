#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafed is killed at one system call after the other while connections linger whose address has vanished:
# what is pinned stays, and lives when the address is back; where it stays away the next daemon lets all of it
# go; and of what the kernel has flushed with the address the next daemon puts back the rest, once one of it
# is back, since all of them are on disk by then. Without that file they are lost.
# shellcheck disable=SC2317 # functions given to wait_for
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/killing.sh
. "$(dirname "$0")/lib/killing.sh"
need_daemon
need_killat

OWN=192.168.11.7
SAVED=/run/vipsafe/repair-br-mgmt

topo_pod
masquerade
serve srv node2 10.232.3.28 8899

is_away() { [ -e /run/vipsafe/away-br-mgmt ]; }
not_away() { ! is_away; }
gone() { ip addr del $OWN/24 dev br-mgmt; }
back() {
	ip addr add $OWN/24 dev br-mgmt
	ip route replace 10.232.3.0/24 via 192.168.11.8
}
lingering() { # RULES...: the next daemon has this
	config '[device br-mgmt]' 'pin_after = 100ms' "$@"
}
pinned() { guard_live && pinned_at_least "$N" && [ "$(guard .unpinned)" -le 2 ]; }
not_all_alive() { [ "$ALIVE" = "$N" ] && [ "$(there)" = "$N" ] && return 1 || echo "call $1: $ALIVE of $N are alive, $(there) where they were. "; }

# points ROUND: ROUND with one call after the other, until one is through before its kill. KILLS, AMID; WRONG is
# what it has printed.
points() {
	local n

	KILLS=0 AMID=0 WRONG=
	for ((n = FIRST; n < POINTS_MAX; n = REPLY)); do
		need_it
		"$1" $n >"$T/judged"
		WRONG+=$(cat "$T/judged")
		[ -n "$KILLED" ] || break
		KILLS=$((KILLS + 1))
		next_point $n
	done
	diag "$1: killed at $KILLS calls, $AMID of them amid; through before call $n"
	[ $n -lt $POINTS_MAX ] || WRONG+="after $POINTS_MAX calls still not through"
}

# ---- what is pinned, and its address comes back ---------------------------------------------------------
N=20
lingering 'pin = continuous' 'linger = 10min'
daemon_start
flows_anew
told() { is_away && [ "$(guard .lingering_entries)" = $N ]; }
told_or_killed() { is_dead || told; }

back_round() {
	wait_for 60 pinned || bail_out "call $1: the connections are not pinned"
	kill_daemon_at "$1"
	gone
	wait_for 60 told_or_killed || echo "call $1: neither lingering nor killed. "
	after_kill
	! is_away || [ -z "$KILLED" ] || AMID=$((AMID + 1))
	[ -n "$KILLED" ] || daemon_end KILL
	see_alive back
	not_all_alive "$1"
	wait_for 60 not_away || echo "call $1: it still lingers. "
}
points back_round
is "$WRONG" "" "killed while they linger: all of them live when the address is back"
check "killed at $KILLS places, $AMID of them with the address known to linger" test "$KILLS" -ge 1
daemon_end TERM

# ---- what is pinned, and its address stays away --------------------------------------------------------
lingering 'pin = continuous' 'linger = 1s'
daemon_start
none_left() { [ "$(there)" = 0 ]; }
over_or_killed() { is_dead || { none_left && not_away; }; }

away_round() {
	flows_anew
	wait_for 60 pinned || bail_out "call $1: the connections are not pinned"
	kill_daemon_at "$1"
	gone
	wait_for 60 over_or_killed || echo "call $1: neither over nor killed. "
	after_kill
	[ "$(there)" = $N ] || [ -z "$KILLED" ] || AMID=$((AMID + 1))
	need_it
	wait_for 60 none_left || echo "call $1: $(there) are left. "
	wait_for 60 not_away || echo "call $1: it still lingers. "
	back
}
points away_round
is "$WRONG" "" "killed at any time of it: the next daemon lets all of them go"
check "killed at $KILLS places" test "$KILLS" -ge 2
daemon_end TERM

# ---- what the kernel flushes with the address ---------------------------------------------------------------
N=150 # more than are put back at once
lingering 'pin = on-demand' 'linger = 10min'
daemon_start
repaired() { flushed && [ "$(there)" = $N ] && [ ! -e $SAVED ]; }
repaired_or_killed() { is_dead || repaired; }

# With connections of its own each, since what was put back once is as good as pinned.
control=
flush_round() {
	local were

	flows_anew
	wait_for 60 known || bail_out "call $1: the connections are not known"
	ids >"$T/before"
	kill_daemon_at "$1"
	gone
	# the kernel leaves a flush out now and then: then there is nothing to wait for
	wait_for 20 repaired_or_killed
	after_kill
	wait_for 30 at_rest
	were=$(there)
	diag "call $1: killed=$KILLED, $were were back" >&3
	if [ -z "$KILLED" ] || [ "$were" = 0 ]; then # none was put back yet
		back
	elif [ -z "$control" ] && [ "$were" -lt $N ]; then
		rm $SAVED
		see_alive back
		control=$ALIVE
	else
		[ "$were" = $N ] || AMID=$((AMID + 1))
		see_alive back
		not_all_alive "$1"
	fi
}
points flush_round
is "$WRONG" "" "once one is back, none is lost, wherever the daemon is killed"
check "it was killed while it put back ($AMID times)" test "$AMID" -ge 1
check "the control: without the file they are lost (alive: ${control:-none tried})" test "${control:-$N}" -lt $N
need_it
daemon_end TERM
is "$(nft list tables | grep -c vipsafe)" 0 "no rule is left behind"
jobs_end
done_testing
