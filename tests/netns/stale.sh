#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What was asked for and given up is not done later: not by a daemon that stood
# still or was not there yet, not by a run that was stopped itself, and not for an
# asker that was killed while it waited.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_nodes
know_verdict fixed
VIP=192.168.11.100/32
there() { has_addr $VIP br-mgmt; }

# Requests are taken in the order in which they came: when this one has been
# answered, all before it have been looked at.
goes_on() {
	kill -CONT "$DAEMON"
	check "$1: the daemon goes on" wait_for 60 answers
}

# ---- the daemon stands still ---------------------------------------------------------
config '[agent]' 'hold_max = 200ms' '[device br-mgmt]' 'pin = off'
daemon_start -v
run add $VIP dev br-mgmt
kill -STOP "$DAEMON"
run_amply del $VIP dev br-mgmt
is "$RC" 0 "del: done without a daemon that stands still"
check "del: the address is gone" not there
run --local --timeout 120 add $VIP dev br-mgmt
is "$RC" 0 "del: then it is added again on purpose"
goes_on del
check "del: and stays" there
check "del: what was given up is said to be left out" logged 'gone without waiting'

run del $VIP dev br-mgmt
is "$RC" 0 "the daemon works"
kill -STOP "$DAEMON"
run_amply add $VIP dev br-mgmt
is "$RC" 0 "add: done without it"
run --local --timeout 120 del $VIP dev br-mgmt
is "$RC" 0 "add: then it is deleted on purpose"
check "add: it is gone" not there
goes_on add
check "add: and does not come back" not there

# Who still waits when the daemon goes on is told, and does it himself.
# (for 5 s, PATIENCE_MORE of agent/cli/move.c: where the machine is slower, once more)
queued() { [ "$(ss -xlnH src "$SOCKET" | awk '{ print $3 }')" -gt 0 ]; }
past_its_deadline() { uptime_cs; [ $((REPLY - began)) -gt $((limit * 100 + 50)) ]; }
limit=1
for _ in 1 2 3 4 5; do
	! there || run --local --timeout 120 del $VIP dev br-mgmt
	kill -STOP "$DAEMON"
	"$VIPSAFE" --timeout $limit add $VIP dev br-mgmt >"$T/out" 2>"$T/err" &
	waiting=$!
	check "a client waits" wait_for 30 queued
	uptime_cs; began=$REPLY
	check "past its deadline" wait_for 30 past_its_deadline
	goes_on wait
	wait $waiting
	RC=$?
	grep -q 'does not answer' "$T/err" || [ $RC = 6 ] || break
done
is "$RC $(there && echo there)" "0 there" "who waits longer does it himself"
like "$(cat "$T/err")" "after its deadline.*done without it" "told why"
run del $VIP dev br-mgmt
daemon_end

# ---- the daemon comes later ----------------------------------------------------------
config '[agent]' 'hold_max = 200ms' "socket = $T/a.sock" '[device br-mgmt]' 'pin = off'
ip addr add $VIP dev br-mgmt
job unit "$BUILD/handover" seqpacket "$T/a.sock" 600 "$VIPSAFED" --config "$CONF" -v
hear unit
run --socket "$T/a.sock" --timeout 5 del $VIP dev br-mgmt
is "$RC" 0 "queued: done without a daemon"
run --local --timeout 120 add $VIP dev br-mgmt
is "$RC" 0 "queued: then added again on purpose"
tell unit start
answers_there() { timeout 10 "$VIPSAFE" --socket "$T/a.sock" status >/dev/null 2>&1; }
check "queued: the daemon comes" wait_for 60 answers_there
check "queued: and leaves the address" there
check "queued: said" grep -q 'gone without waiting' "$T/unit.err"
job_end unit

# ---- the run itself stands still -----------------------------------------------------
LOCK=$(find /run/vipsafe -name '*lock*br-mgmt*')
lock() {
	job locker flock "$LOCK" sh -c 'echo locked; read -r _'
	hear locker
}
unlock() { tell locker "done"; wait "${JOB_PID[locker]}"; job_end locker; }

# what does the work for $caller, and whether it waits for its turn
worker_of() { worker=$(pgrep -P "$caller" 2>/dev/null) && [ -n "$worker" ]; }
waits() { worker_of && find "/proc/$worker/fd" -lname "$LOCK" 2>/dev/null | grep -q .; }

# stopped OP: a run of OP that is stopped while it waits for its turn, past its
# deadline; meanwhile NOW is done by somebody else
stopped() {
	local caller worker limit

	lock
	for limit in 1 5 20; do # a slow machine needs more, to stop it in time
		uptime_cs; began=$REPLY
		"$VIPSAFE" --local --config "$CONF" --timeout $limit "$1" $VIP dev br-mgmt >"$T/out" 2>"$T/err" &
		caller=$!
		waits_or_ended() { waits || ! kill -0 "$caller" 2>/dev/null; }
		wait_for 30 waits_or_ended
		if waits && kill -STOP "$worker"; then
			uptime_cs
			[ $((REPLY - began)) -ge $((limit * 100)) ] || break
			kill -CONT "$worker"
		fi
		wait "$caller"
	done
	check "$1: it waits for its turn" waits
	uptime_cs; began=$REPLY
	check "$1: stopped beyond its deadline" wait_for 30 past_its_deadline
	unlock
	kill -CONT "$worker"
	wait "$caller"
	RC=$?
}
stopped del
is "$RC" 6 "del: it finds that it is too late"
check "del: the address stays" there
like "$(cat "$T/err")" "too late.*nothing changed" "del: and says so"
run --local --timeout 120 del $VIP dev br-mgmt
is "$RC" 0 "del: asked anew it is done"
stopped add
is "$RC" 6 "add: it finds that it is too late"
check "add: the address does not come" not there
is "$(nft list ruleset | grep -c vipsafe)" 0 "no rule is left behind"

# ---- the asker is killed while it waits ----------------------------------------------
# killed WHAT WAITS [OPTION...]: an add, and what asks for it killed when WAITS
killed() {
	local caller worker what=$1 waits=$2

	shift 2
	lock
	"$VIPSAFE" --config "$CONF" --timeout 60 "$@" add $VIP dev br-mgmt >"$T/out" 2>"$T/err" &
	caller=$!
	check "$what: it waits for its turn" wait_for 20 "$waits"
	kill -KILL "$worker"
	wait "$caller"
	is "$?" 2 "$what: killed, and told so"
	like "$(cat "$T/err")" "killed by signal 9.*address did not change" "$what: and that nothing changed"
	unlock
	# whoever comes later has its turn later
	run --timeout 60 add 192.168.11.101/32 dev br-mgmt
	is "$RC" 0 "$what: the next one has its turn"
	check "$what: the address does not come" not there
	run --timeout 60 del 192.168.11.101/32 dev br-mgmt
}
killed "without a daemon" waits --local

config '[agent]' 'hold_max = 200ms' '[device br-mgmt]' 'pin = off'
daemon_start -v
asked() { grep -c 'msg=asked asked=add ' "$DAEMON_LOG"; }
before=$(asked)
is_queued() { worker_of && [ "$(asked)" -gt "$before" ]; }
killed "in the daemon's queue" is_queued

# Keepalived kills a script and its group; what it began is finished all the same, but
# not after its deadline.
lock
before=$(asked)
"$VIPSAFE" --config "$CONF" --timeout 2 add $VIP dev br-mgmt >"$T/out" 2>"$T/err" &
caller=$!
check "only the front: it waits for its turn" wait_for 20 is_queued
kill -KILL "$caller"
wait "$caller" 2>/dev/null
# nobody may be there to take its status
gone() { ! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$worker/status" 2>/dev/null; }
check "only the front: at its deadline the rest ends, too" wait_for 60 gone
unlock
run --timeout 60 add 192.168.11.101/32 dev br-mgmt
is "$RC" 0 "only the front: the next one has its turn"
check "only the front: the address does not come" not there
daemon_end
done_testing
