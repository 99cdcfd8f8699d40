#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafed is killed at one system call after the other while it puts back what somebody else's
# delete has flushed. From the first connection that it has put back on, all are on disk: the next
# daemon puts back the rest. Without the file they are lost.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
# shellcheck source=tests/netns/lib/killing.sh
. "$(dirname "$0")/lib/killing.sh"
need_daemon
need_killat

N=150 # more than are put back at once
SAVED=/run/vipsafe/repair-br-mgmt

topo_pod
masquerade
serve srv node2 10.232.3.28 8899
config '[device br-mgmt]' 'pin = on-demand'
daemon_start

repaired() { flushed && [ "$(there)" = $N ] && [ ! -e "$SAVED" ]; }
repaired_or_killed() { is_dead || repaired; }

# With connections of its own each, since what was put back once is as good as pinned.
# round POINT: KILLED, and BACK is how many were there after the kill
round() {
	need_it
	flows_anew
	wait_for 60 known || bail_out "call $1: the connections are not known"
	twin_up
	ids >"$T/before"
	kill_daemon_at "$1"
	ip addr del $TWIN dev br-mgmt
	# the kernel leaves a flush out now and then: then there is nothing to wait for
	wait_for 20 repaired_or_killed
	after_kill
	wait_for 30 at_rest
	BACK=$(there)
	[ "$BACK" -lt $N ] || flushed || KILLED=again
}

kills=0 before=0 amid=0 control='' wrong=''
for ((n = FIRST, tries = 0; n < POINTS_MAX && tries < 3; n = REPLY)); do
	round $n
	diag "call $n: killed=$KILLED back=$BACK"
	case $KILLED in
	again)
		tries=$((tries + 1)) REPLY=$n
		continue
		;;
	'') break ;;
	*)
		tries=0 kills=$((kills + 1))
		if [ "$BACK" = 0 ]; then # none was put back yet
			before=$((before + 1))
		elif [ -z "$control" ] && [ "$BACK" -lt $N ]; then
			mv "$SAVED" "$T/saved"
			see_alive
			control=$ALIVE
		else
			[ "$BACK" = $N ] || amid=$((amid + 1))
			see_alive
			[ "$ALIVE" = $N ] || wrong+="call $n: $BACK were back, $ALIVE are alive. "
		fi
		;;
	esac
	next_point $n
done
diag "killed at $kills calls: $before before the first was put back, $amid amid; through before call $n"
is "$wrong" "" "once one is back, none is lost, wherever the daemon is killed"
check "it was killed while it put back ($amid times)" test "$amid" -ge 1
check "the control: without the file they are lost (alive: ${control:-none tried})" \
	test "${control:-$N}" -lt $N
need_it
daemon_end TERM
is "$(nft list tables | grep -c vipsafe)" 0 "no rule is left behind"
jobs_end
done_testing
