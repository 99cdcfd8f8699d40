#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One vipsafed in a network namespace: two would pin each other's entries for
# ever. Whatever their configurations, the second sees the first; nobody without
# rights can pretend to be one.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_nodes
know_verdict fixed
config '[device br-mgmt]'
daemon_start
first=$DAEMON

# second [WORDS...]: start one more; RC and $T/err are what came of it
second() {
	timeout -k 1 60 "$VIPSAFED" --config "$T/second.conf" 2>"$T/err"
	RC=$?
}
printf '%s\n' '[device br-mgmt]' >"$T/second.conf"
second
is "$RC" 5 "a second one with the same configuration ends"
like "$(cat "$T/err")" "vipsafed is already running\" pid=$first\$" "and names the first"
printf '%s\n' '[agent]' "socket = $T/two.sock" '[device br-mgmt]' >"$T/second.conf"
second
is "$RC" 5 "with another socket"
printf '%s\n' '[agent]' "run_dir = $T/two" '[device br-mgmt]' >"$T/second.conf"
second
is "$RC" 5 "with another run directory"
cat >"$T/container" <<-'.'
	mount -t tmpfs none /run && mkdir -p /run/t && echo '[device br-mgmt]' >/run/t/conf &&
		exec timeout -k 1 60 "$1" --config /run/t/conf
.
unshare --mount sh "$T/container" "$VIPSAFED" 2>"$T/err"
is $? 5 "with another /run, as in a container on the host's network"
unshare --pid --fork --mount-proc timeout -k 1 60 "$VIPSAFED" --config "$CONF" 2>"$T/err"
is $? 5 "in another PID namespace"
like "$(cat "$T/err")" 'already running" pid=0 in="another container"' "where the first has no number"
check "the first one goes on" answers

# as many who look as the queue has room for, and more
for i in {1..40}; do timeout 5 "$BUILD/unixsink" -c vipsafed || break; done
is "$i" 40 "who looks is let in and turned away"
check "the first one answers" answers

# in another network namespace there may be one
in_ns node2 "$VIPSAFED" --config "$CONF" 2>"$T/other.log" &
other=$!
ready() { grep -q 'msg=ready' "$T/other.log"; }
check "in another network namespace one more starts" wait_for 60 ready
kill $other
wait $other

# ---- taking over ---------------------------------------------------------------------
kill -TERM "$first"
"$VIPSAFED" --config "$CONF" 2>>"$DAEMON_LOG" &
DAEMON=$!
wait "$first"
is $? 0 "the first one ends"
check "one that was started meanwhile takes over" wait_for 60 answers
kill -STOP "$DAEMON"
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
daemon_start
ok "after a kill nothing is in the way"
daemon_end

# ---- who only pretends ------------------------------------------------------------------
job squatter setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/unixsink" -l vipsafed
hear squatter
: >"$DAEMON_LOG"
daemon_start
ok "a name that an ordinary user took does not keep it from starting"
check "but is told" logged "name @vipsafed is taken\" by_pid=${JOB_PID[squatter]} by_uid=65534"
daemon_end
job_end squatter
job caps setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$BUILD/unixsink" -l vipsafed
hear caps
: >"$DAEMON_LOG"
daemon_start
ok "nor does root without the right to change a network"
check "which is told" logged "name @vipsafed is taken\" by_pid=${JOB_PID[caps]} by_uid=0"
daemon_end
job_end caps
done_testing
