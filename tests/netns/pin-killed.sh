#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2015 # two conditions and what to do when either fails
# SIGKILL at 200 random moments of a delete that pins: traffic goes on within
# the hold's limit, and after `vipsafe recover` or the next run every flow is
# alive behind its port and no rule of the hold is left. Most of a round is
# waiting, so several worlds, each with a network of its own, share the rounds.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

WORLDS=5 ROUNDS=40
LIMIT=500   # ms, the default of hold_max
MARGIN=300  # what TCP waits before it tries again
KILLS_MAX=2000 # of a world, most of which come too late on a busy machine
SEED=${SEED:-$(date +%N | sed 's/^0*//')}

gone() { ! pgrep -x vipsafe >/dev/null; } # all in our own pid namespace

# kill_at MICROSECONDS: a delete whose every process is killed then.
# HIT is whether it was still at work.
kill_at() {
	local pids pid

	setsid "$VIPSAFE" --strategy pin del "$TWIN" dev br-mgmt >/dev/null 2>&1 </dev/null &
	pid=$! # a process substitution changes it
	read -r -t "$(printf '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000)))" _ <>"$T/never"
	mapfile -t pids < <(pgrep -x vipsafe)
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
	wait $pid 2>/dev/null
	HIT=$(($? == 137))
	wait_for 10 gone || bail_out "vipsafe does not end"
}

alive() {
	ask pod ping
	[ "$REPLY" = "ping alive=30 reset=0 stalled=0 changed=0" ] || { echo "pod: $REPLY"; return 1; }
	ask local ping
	[ "$REPLY" = "ping alive=30 reset=0 stalled=0 changed=0" ] || { echo "local: $REPLY"; return 1; }
}

hold_tables() { nft list tables | grep -c vipsafe; }

# told TABLES FILE: what recover printed of what the kill had left
told() {
	local state=on

	has_addr "$TWIN" br-mgmt || state="not on"
	[ "$1" = 0 ] || grep -q '^removed the rules of a killed run: table inet vipsafe_hold_[0-9]*$' <<<"$OUT" ||
		echo "recover does not name the rules"
	[ -z "$2" ] || grep -q "^  removed file  *$2\$" <<<"$OUT" || echo "recover does not name $2"
	[ -z "$2" ] || grep -q "^  address  *$TWIN is $state br-mgmt\$" <<<"$OUT" ||
		echo "recover does not say where the address is"
	[ -z "$2" ] || grep -q '^  entries  *[0-9]* restored, 0 lost, [0-9]* removed$' <<<"$OUT" ||
		echo "recover counts no entries"
	[ "$(find /run/vipsafe -name 'move-*' | wc -l)" = 0 ] || echo "recover leaves a file"
	run recover
	[ "$RC $OUT" = "0 nothing to recover" ] || echo "again recover says: $OUT"
	run --json recover
	[ "$RC $OUT" = "0 []" ] || echo "again recover says in JSON: $OUT"
}

# One world: ROUNDS kills, every other one finished by the next run itself.
world() {
	local i at total window files tables rc slack=5000 hits=0 before=0 after=0 held=0

	RANDOM=$1
	topo_pod
	masquerade
	state >"$T/state"
	mkfifo "$T/never"
	serve srv node2 10.232.3.28 8899
	open pod pod 30 10.232.3.28 8899
	open local node1 30 10.232.3.28 8899
	job busy in_ns pod "$FLOW" busy -n 2 -d 2 10.232.3.28 8899
	hear busy
	# the same, but not through what is held: what this machine does to it
	serve srv-noise node1 10.232.1.1 8899
	job noise in_ns pod "$FLOW" busy -n 2 -d 2 10.232.1.1 8899
	hear noise
	run probe
	for i in 1 2; do
		twin_up
		run --json --strategy pin del $TWIN dev br-mgmt
	done
	total=$(json .timing_us.total)
	window=$total # in which to kill; it follows how long runs take now
	[ "$RC $(json .strategy)" = "0 pin" ] && [[ $total =~ ^[0-9]+$ ]] || bail_out "$ERR"
	for ((i = 0; hits < ROUNDS && i < KILLS_MAX; i++)); do
		has_addr "$TWIN" br-mgmt || twin_up
		at=$(((RANDOM * 32768 + RANDOM) % (window + slack)))
		kill_at $at
		if [ $HIT = 0 ]; then # it was through: nothing to finish
			window=$((window * 3 / 4)) slack=$((slack * 3 / 4 + 1))
			continue
		fi
		window=$((window * 9 / 8)) slack=5000
		hits=$((hits + 1))
		[ "$(hold_tables)" = 0 ] || held=$((held + 1))
		if [ $((hits % 2)) = 0 ]; then
			files=$(find /run/vipsafe -name move-br-mgmt)
			tables=$(hold_tables)
			run recover
			rc=$RC
			[ "$RC" = 0 ] && told "$tables" "$files"
			RC=$rc
		else
			has_addr "$TWIN" br-mgmt || twin_up
			run --json --strategy pin del $TWIN dev br-mgmt
			adds_up "$T/out" || echo "round $i, killed after $at us: counts"
		fi
		[ "$RC" = 0 ] || echo "round $i, killed after $at us: exit code $RC: $OUT$ERR"
		if has_addr "$TWIN" br-mgmt; then before=$((before + 1)); else after=$((after + 1)); fi
		[ "$(hold_tables)" = 0 ] ||
			echo "round $i, killed after $at us: rules are left after $([ $((hits % 2)) = 0 ] &&
				echo recover || echo a run)"
		alive || echo "round $i, killed after $at us: not alive"
	done
	tell busy end
	hear busy
	[[ $REPLY =~ ^busy\ alive=2\ reset=0\ stalled=0\ changed=0 ]] || echo "$REPLY"
	echo "longest $((${REPLY##*longest_ms=}))"
	tell noise end
	hear noise
	echo "noise $((${REPLY##*longest_ms=}))"
	has_addr "$TWIN" br-mgmt && ip addr del $TWIN dev br-mgmt
	[ $hits = $ROUNDS ] || echo "waited in vain for $ROUNDS kills that meet a run: $hits of $i did"
	diff "$T/state" <(state) || echo "addresses, routes or rules differ afterwards"
	jobs_end
	echo "info $hits kills in $i rounds, $before undone, $after done, rules left by the kill: $held; a run takes $total us"
}

[ -z "${WORLD:-}" ] || {
	world "$WORLD"
	exit 0
}

diag "SEED=$SEED"
for ((w = 0; w < WORLDS; w++)); do
	WORLD=$((SEED % 32768 + w)) bash "$0" >"$T/world$w" 2>"$T/err$w" &
done
wait
longest=0 noise=0
for ((w = 0; w < WORLDS; w++)); do
	diag "world $w: $(grep -E '^(info|longest|noise)' "$T/world$w" | paste -sd' ')"
	[ -s "$T/world$w" ] || cat "$T/err$w"
	is "$(grep -vE '^(info|longest|noise)' "$T/world$w")" "" "world $w: $ROUNDS kills, all well"
	ms=$(sed -n 's/^longest //p' "$T/world$w")
	[ "${ms:-999999}" -le "$longest" ] || longest=${ms:-999999}
	ms=$(sed -n 's/^noise //p' "$T/world$w")
	[ "${ms:-0}" -le "$noise" ] || noise=$ms
done
# a stall of the machine itself makes TCP wait twice as long for its next try
check "the longest stall is $longest ms (without a hold $noise ms)" \
	test "$longest" -le $((LIMIT + MARGIN + 2 * noise))

# Control: unprotected, they die.
topo_pod
masquerade
twin_up
serve srv node2 10.232.3.28 8899
open pod pod 30 10.232.3.28 8899
leave bare
judge bare reset srv pod "control"
done_testing
