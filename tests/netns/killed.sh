#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL and SIGTERM at any moment of a delete: `vipsafe recover`, or simply
# the next run, leaves every flow alive and the address where it was asked for.
# shellcheck source=tests/netns/lib/pair.sh
# shellcheck disable=SC2015 # two conditions and what to do when either fails
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
masquerade
serve srv node2 10.232.3.28 8899
open pod pod 60 10.232.3.28 8899
open local node1 40 10.232.3.28 8899
RANDOM=${SEED:=$(date +%N | sed 's/^0*//')}
diag "SEED=$SEED"

# How long a run takes undisturbed, in microseconds.
twin_up
run --json --strategy restore del $TWIN dev br-mgmt
is "$RC" 0 "undisturbed"
TOTAL=$(json .timing_us.total) SEEN=
[[ $TOTAL =~ ^[0-9]+$ ]] || bail_out "no total time"

gone() { ! pgrep -x vipsafe >/dev/null; }

# kill_at SIGNAL MICROSECONDS: a delete whose every process gets the signal then
kill_at() {
	local pids pid

	setsid "$VIPSAFE" --strategy restore del "$TWIN" dev br-mgmt >/dev/null 2>&1 </dev/null &
	pid=$! # <() below has one, too
	read -r -t "$(printf '%d.%06d' $(($2 / 1000000)) $(($2 % 1000000)))" _ <>"$T/never"
	mapfile -t pids < <(pgrep -x vipsafe) # all in our own pid namespace
	[ ${#pids[@]} = 0 ] || kill "-$1" "${pids[@]}" 2>/dev/null
	wait "$pid" 2>/dev/null
	wait_for 10 gone || bail_out "vipsafe does not end"
}

alive() {
	ask pod ping && [ "$REPLY" = "ping alive=60 reset=0 stalled=0 changed=0" ] || {
		echo "pod: $REPLY"
		return 1
	}
	ask local ping && [ "$REPLY" = "ping alive=40 reset=0 stalled=0 changed=0" ] || {
		echo "local: $REPLY"
		return 1
	}
}

# Locks, the verdict, the history and the list of created entries are meant to stay.
leftovers() { find /run/vipsafe -type f ! -name 'lock-*' ! -name isolate.lock ! -name 'verdict*' \
	! -name 'created-*' ! -name 'history*' "$@"; }

# rounds SIGNAL N FINISH...: FINISH is what puts things right afterwards
rounds() {
	local signal=$1 n=$2 i at left before=0 after=0

	shift 2
	for ((i = 0; i < n; i++)); do
		has_addr "$TWIN" br-mgmt || twin_up
		# Most of a run is waiting for late flushes; the stages before it
		# and starting up take the first few milliseconds.
		at=$(((RANDOM * 32768 + RANDOM) % (i % 2 ? 12000 : TOTAL + TOTAL / 2)))
		kill_at "$signal" "$at"
		"$@" >"$T/finish" 2>&1 || {
			echo "round $i, $signal after $at us: $* failed ($?)"
			cat "$T/finish"
			return 1
		}
		if has_addr "$TWIN" br-mgmt; then before=$((before + 1)); else after=$((after + 1)); fi
		alive || {
			echo "round $i, $signal after $at us"
			return 1
		}
		# a half-written file may wait for the next run to replace it
		left=$(leftovers ! -name '*~')
		[ -z "$left" ] || {
			echo "round $i, $signal after $at us: left over: $left"
			return 1
		}
	done
	SEEN="$before undone, $after done"
}

mkfifo "$T/never"
next_run() { "$VIPSAFE" --strategy restore del $TWIN dev br-mgmt; }
check "12 x SIGKILL, then vipsafe recover: all flows alive" rounds KILL 12 "$VIPSAFE" recover
diag "$SEEN"
check "6 x SIGKILL, then the same command again: all flows alive" rounds KILL 6 next_run
is "$SEEN" "0 undone, 6 done" "and the address is gone each time"
check "6 x SIGTERM, then vipsafe recover: all flows alive" rounds TERM 6 "$VIPSAFE" recover
diag "$SEEN"
has_addr $TWIN br-mgmt || twin_up
next_run >/dev/null
is "$(leftovers)" "" "after an undisturbed run nothing is left over"
check "and all flows are alive" alive
done_testing
