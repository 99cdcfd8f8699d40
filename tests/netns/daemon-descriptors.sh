#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# More devices than there are descriptors for, and no descriptor left at all: the
# daemon says what it cannot guard, answers, and does not spin.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon
command -v strace >/dev/null || skip_all "no program strace"
command -v prlimit >/dev/null || skip_all "no program prlimit"

N=60
know_verdict fixed
for ((i = 1; i <= N; i++)); do echo "link add v$i type bridge"; done >"$T/batch"
ip -batch "$T/batch" || bail_out "no devices"
for ((i = 1; i <= N; i++)); do echo "[device v$i]"; done >"$CONF"
state_is() { [ "$(jsons status | jq "[.devices[] | select(.state == \"$1\")] | length")" = "$2" ]; }
limits() { awk '/open files/ { print $4 }' "/proc/$DAEMON/limits"; }

# ---- the soft limit is not what counts -----------------------------------------------
ulimit -S -n 256
daemon_start
is "$(limits)" "$(ulimit -H -n)" "the limit is raised as far as is allowed"
check "all devices have a guard" wait_for 60 state_is absent 0
check "and are live" wait_for 60 state_is unguarded 0
daemon_end

# ---- more devices than it allows -------------------------------------------------------
ulimit -n 400
: >"$DAEMON_LOG"
daemon_start
unguarded() { jsons status | jq '[.devices[] | select(.state == "unguarded")] | length'; }
like "$(unguarded)" '^[1-9]' "some are not guarded"
is "$(jsons status | jq '.devices | length')" $N "none of them is left out of the status"
like "$(jsons status | jq -r '.devices[] | select(.device == "v60") | .reason')" \
	'the limit of open files' "which says why"
check "the log, too" logged 'msg="cannot be guarded" dev=v60 error="the limit of open files'
is "$(find "/proc/$DAEMON/fd" -mindepth 1 | wc -l | awk '{ print ($1 < 350) }')" 1 "room for others is left"
run add 10.1.1.1/32 dev v1
is "$RC" 0 "an address moves on a guarded device"
run add 10.1.1.2/32 dev v60
is "$RC" 0 "and on one that is not"

# ---- no descriptor at all ------------------------------------------------------------------
# the limit is one on numbers: all that are below it are in use
free=0
while [ -e "/proc/$DAEMON/fd/$free" ]; do free=$((free + 1)); done
prlimit --pid "$DAEMON" --nofile=$free:400
check "with no descriptor left it answers" answers
"$VIPSAFE" watch >"$T/watch" &
watcher=$!
watches() { grep -q v1 "$T/watch"; }
check "one who stays has the last one" wait_for 60 watches
timeout 60 "$VIPSAFE" status >"$T/status" 2>&1 &
waiting=$!
queued() { ss -xlnH src "$SOCKET" | awk '{ exit !($3 > 0) }'; }
check "another one waits" wait_for 60 queued
# a slow machine has fewer rounds, never more
timeout 3 strace -qq -e trace=epoll_wait -p "$DAEMON" -o "$T/rounds"
is "$(awk 'END { print (NR < 300) }' "$T/rounds")" 1 "without keeping the loop busy ($(wc -l <"$T/rounds") rounds)"
kill $watcher
wait $watcher
wait $waiting
is $? 0 "and is answered when there is one again"
prlimit --pid "$DAEMON" --nofile=400:400
run add 10.1.1.3/32 dev v2
is "$RC" 0 "nothing of it is left"
daemon_end
is $? 0 "it ends"

# ---- too few to start with -------------------------------------------------------------------
# with each limit until one that lets it run
: >"$CONF"
for ((n = 4; n < 64; n++)); do
	prlimit --nofile=$n:$n "$VIPSAFED" --config "$CONF" 2>"$T/why" </dev/null &
	DAEMON=$!
	runs_or_ended() { ! kill -0 $DAEMON 2>/dev/null || answers; }
	wait_for 60 runs_or_ended || bail_out "with $n descriptors it neither runs nor ends"
	if kill -0 $DAEMON 2>/dev/null; then
		kill -TERM $DAEMON
		wait $DAEMON
		break
	fi
	wait $DAEMON && not_ok "with $n descriptors it does not run and says 0"
	[ -s "$T/why" ] || echo "$n" >>"$T/silent"
done
nothing "$(cat "$T/silent" 2>/dev/null)" "with too few descriptors to start it says why, whatever lacks them"
done_testing
