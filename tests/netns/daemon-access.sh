#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may use the control socket, and the socket that a service manager hands
# over: clients may come before the daemon does.
# shellcheck source=tests/netns/guarded.sh
. "$(dirname "$0")/guarded.sh"; netns_main "$@"
need_daemon

topo_nodes
GROUP=daemon # on every Linux
gid=$(awk -F: -v g=$GROUP '$1 == g { print $3 }' /etc/group)
[ -n "$gid" ] || bail_out "no group $GROUP in /etc/group"
as() { setpriv --reuid "$1" --regid "$2" --groups "$3" --inh-caps=-all "${@:4}"; }
as 65534 65534 "$gid" true 2>/dev/null || skip_all "no other user can be had here"

# try UID GID GROUPS WORDS...: vipsafe by somebody; RC and ERR tell
try() {
	as "$1" "$2" "$3" timeout -k 2 20 "$VIPSAFE" "${@:4}" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
	ERR=$(cat "$T/err")
}

# ---- the group ---------------------------------------------------------------------
config '[agent]' "group = $GROUP" '[device br-mgmt]'
daemon_start
is "$(stat -c '%a %g' "$SOCKET")" "660 $gid" "the socket is root's and the group's"
try 65534 65534 "$gid" status
is "$RC" 0 "a member of the group may ask"
try 65533 "$gid" 65534 status
is "$RC" 0 "also when it is his first group"
try 65534 65534 "$gid" add 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "and move addresses"
check "the address is there" has_addr 192.168.11.100/32 br-mgmt
try 65534 65534 "$gid" --local del 192.168.11.100/32 dev br-mgmt
is "$RC" 77 "but not without the daemon"
try 65534 65534 "$gid" del 192.168.11.100/32 dev br-mgmt
check "the daemon deletes it for him" not has_addr 192.168.11.100/32 br-mgmt
try 65534 65534 65534 status
is "$RC" 3 "who is not a member does not reach it"
chmod 666 "$SOCKET" # as another unit file would have it
try 65534 65534 65534 status
is "$RC" 4 "and is turned away where the mode lets him in"
like "$ERR" "only root and the configured group" "told why"
check "and logged" logged 'process [0-9]* of user 65534 is not permitted'
try 65534 65534 65534 del 192.168.11.7/24 dev br-mgmt
check "he changes nothing" has_addr 192.168.11.7/24 br-mgmt

config '[agent]' "group = no-such-group-here" '[device br-mgmt]'
run reload
is "$RC" 0 "another group"
is "$(stat -c %a "$SOCKET")" 600 "which does not exist: root alone"
try 65534 65534 "$gid" status
is "$RC" 3 "the old one may no more"
config '[agent]' "group = $GROUP" '[device br-mgmt]'
run reload
try 65534 65534 "$gid" status
is "$RC" 0 "and may again"
daemon_end TERM

# ---- handed over -------------------------------------------------------------------
# The daemon runs in handover's place, so its process id is the job's.
config '[agent]' "socket = $T/asked.sock" "group = $GROUP" '[device br-mgmt]'
job unit "$BUILD/handover" seqpacket "$T/asked.sock" 600 "$VIPSAFED" --config "$CONF" -v
hear unit 10
is "$REPLY" listening "a socket is there before the daemon"
"$VIPSAFE" --socket "$T/asked.sock" --timeout 15 add 192.168.11.101/32 dev br-mgmt &
early=$!
queued() { [ -n "$(ss -xlnH src "$T/asked.sock" | awk '$3 > 0')" ]; }
check "a client waits on it" wait_for 10 queued
tell unit start
wait $early
is $? 0 "and is answered when the daemon is there"
check "the address is there" has_addr 192.168.11.101/32 br-mgmt
check "it was the daemon that added it" grep -q "asked to add" "$T/unit.err"
run --socket "$T/asked.sock" status
like "$OUT" "pid ${JOB_PID[unit]}" "it serves the socket it was handed"
is "$(stat -c %a "$T/asked.sock")" 600 "and leaves its mode to who made it"
try 65534 65534 "$gid" --socket "$T/asked.sock" status
is "$RC" 3 "that mode keeps the group out"
config '[agent]' "socket = $T/other.sock" "group = $GROUP" '[device br-mgmt]'
run --socket "$T/asked.sock" reload
is "$RC" 0 "a reload with another path"
check "does not leave the socket it was handed" not test -e "$T/other.sock"
job_end unit
is $? 0 "it ends"
check "and leaves the socket to who made it" test -S "$T/asked.sock"

for kind in stream dgram two; do
	job wrong "$BUILD/handover" $kind "$T/wrong.sock" 600 "$VIPSAFED" --config "$CONF" -v
	hear wrong 10
	tell wrong start
	check "$kind: refused" wait_for 10 grep -q 'not one SOCK_SEQPACKET listener' "$T/wrong.err"
	wait "${JOB_PID[wrong]}"
	is $? 2 "$kind: and it does not start"
	job_end wrong
done
is "$(nft list ruleset | grep -c vipsafe)" 0 "no rule is left behind"
done_testing
