#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may use the control socket, and the socket that a service manager hands
# over: clients may come before the daemon does.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_nodes
GROUP=daemon # on every Linux
gid=$(awk -F: -v g=$GROUP '$1 == g { print $3 }' /etc/group)
[ -n "$gid" ] || bail_out "no group $GROUP in /etc/group"
as() { setpriv --reuid "$1" --regid "$2" --groups "$3" --inh-caps=-all "${@:4}"; }
as 65534 65534 "$gid" true 2>/dev/null || skip_all "no other user can be had here"

# try UID GID GROUPS WORDS...: vipsafe by somebody; RC and ERR tell
try() {
	as "$1" "$2" "$3" timeout -k 2 120 "$VIPSAFE" "${@:4}" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
	ERR=$(cat "$T/err")
}

# ---- the group ---------------------------------------------------------------------
ALLOW='allow = 192.168.11.100, 10.20.0.0/16'
config '[agent]' "group = $GROUP" "$ALLOW" '[device br-mgmt]' \
	'[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.110/32'
daemon_start
is "$(stat -c '%a %g' "$SOCKET")" "660 $gid" "the socket is root's and the group's"
try 65534 65534 "$gid" status
is "$RC" 0 "a member of the group may ask"
try 65533 "$gid" 65534 status
is "$RC" 0 "also when it is his first group"
try 65534 65534 "$gid" add 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "and move addresses that it may move"
check "the address is there" has_addr 192.168.11.100/32 br-mgmt
try 65534 65534 "$gid" --local del 192.168.11.100/32 dev br-mgmt
is "$RC" 77 "but not without the daemon"
try 65534 65534 "$gid" del 192.168.11.100/32 dev br-mgmt
check "the daemon deletes it for him" not has_addr 192.168.11.100/32 br-mgmt
try 65534 65534 "$gid" add 192.168.11.110/32 dev br-mgmt
is "$RC" 0 "and those of an instance"
try 65534 65534 "$gid" del 192.168.11.110/32 dev br-mgmt

# ---- what is root's ------------------------------------------------------------------
before=$(state)
for words in 'del 192.168.11.7/24 dev br-mgmt' 'add 192.168.11.8/24 dev br-mgmt' \
	'add 169.254.169.254/32 dev lo' 'add 192.168.11.110/24 dev br-mgmt' \
	'add 192.168.11.110/32 dev lo' '--force del 192.168.11.100/32 dev br-mgmt' \
	'add 10.20.0.1/16 brd 192.168.11.8 dev br-mgmt' reload; do
	# shellcheck disable=SC2086 # words
	try 65534 65534 "$gid" $words
	is "$RC $(grep -c '' "$T/err")" "77 1" "a member may not: $words"
done
like "$ERR" "only for root" "which is said"
is "$(state)" "$before" "nothing changed"
check "and logged, with who asked" logged 'msg="a request is not permitted" asked=.* by_uid=65534 by_pid=[0-9]* by=vipsafe '
try 65534 65534 "$gid" plan del 192.168.11.7/24 dev br-mgmt
check "he may plan all of it" test "$RC" -ne 77
try 65534 65534 "$gid" notify INSTANCE VI_1 BACKUP 100
is "$RC" 0 "and notify"

# ---- who it was ----------------------------------------------------------------------
# A process is called what its file is.
odd=$T/$(printf 'odd\033[31m')
cp "$VIPSAFE" "$odd" && chmod 755 "$odd"
as 65534 65534 "$gid" "$odd" --json add 192.168.11.100/32 dev br-mgmt >"$T/out" 2>"$T/err"
is $? 0 "a member adds an address"
is "$(json '[.by.uid, .by.command] | @text')" '[65534,"odd\\x1b[31m"]' "the answer tells who it was"
pid=$(json .by.pid)
run --json history
is "$(json "[.[] | select(.by.pid == $pid)][0] | [.op, .by.uid, .by.command] | @text")" \
	'["add",65534,"odd\\x1b[31m"]' "and so does the history"
run history "$(jsons history | jq -r '.[0].id')"
like "$OUT" "asked by +odd.x1b.31m .pid $pid, uid 65534." "also for people"
run --local --json del 192.168.11.100/32 dev br-mgmt
is "$(json '[.by.uid, .by.command] | @text')" '[0,"vipsafe"]' "without the daemon, too"

# ---- how often -------------------------------------------------------------------------
reloaded() { grep -c 'configuration reloaded' "$DAEMON_LOG"; }
lines=$(reloaded)
timeout 600 "$BUILD/say" "$SOCKET" '{"v":2,"words":["reload"]}' 3000 >"$T/said"
is "$(grep -c '' "$T/said")" 3000 "each of 3000 reloads is answered"
check "most of them that it is too often" test "$(grep -c '"too-many"' "$T/said")" -gt 2000
check "and few are done" test $(($(reloaded) - lines)) -lt 500
check "which is said once" logged 'msg="somebody asks too often" asked=reload '
run status
is "$RC" 0 "others are answered"

# barred WHO MAY UID GID GROUPS: the socket is not for them, and none says that nobody listens. It is
# one line that names those who MAY.
barred() {
	local words who=$1 may=$2

	shift 2
	try "$@" status
	is "$RC $(grep -c '' "$T/out")" "4 0" "$who: status is not known"
	is "$ERR" "vipsafe: not permitted to ask the daemon: $may may" "$who: and why"
	try "$@" --json status
	is "$RC $(json '[.running, .error, .exit_code] | @text')" "4 [null,\"${ERR#vipsafe: }\",4]" "$who: not in JSON either"
	for words in metrics watch reload connections 'notify INSTANCE VI_1 MASTER 100' \
		'add 192.168.11.100/32 dev br-mgmt' 'del 192.168.11.7/24 dev br-mgmt' \
		'plan del 192.168.11.7/24 dev br-mgmt'; do
		# shellcheck disable=SC2086 # words
		try "$@" $words
		is "$RC $(grep -c '' "$T/out") $(grep -c '' "$T/err")" "77 0 1" "$who: may not: $words"
		like "$ERR" "not permitted to ask the daemon: $may may" "$who: which is said"
	done
	try "$@" --json doctor
	like "$(json '.findings[].code | select(test("daemon"))')" '^daemon-unseen$' \
		"$who: doctor does not call the daemon absent"
	like "$(json '.findings[] | select(.code == "daemon-unseen").text')" "$may may" "$who: and says why"
	check "$who: nobody says that it does not run" not grep -rq 'not running' "$T/out" "$T/err"
}
barred "who is not a member" "only root and the group $GROUP" 65534 65534 65534
: >/run/vipsafe/move-eth9 # what a killed run has left
try 65534 65534 65534 recover
is "$RC $(grep -c '' "$T/out")" "77 0" "recover does not say that there is nothing"
like "$ERR" 'recover: not permitted: only root may' "but who may"
rm /run/vipsafe/move-eth9
chmod 700 /run/vipsafe
barred "who may not even look for the socket" "only root and the configured group" 65534 65534 65534
chmod 755 /run/vipsafe
chmod 666 "$SOCKET" # as another unit file would have it
try 65534 65534 65534 status
is "$RC" 4 "and is turned away where the mode lets him in"
like "$ERR" "only root and the configured group $GROUP may ask" "told why"
check "and logged" logged 'is not permitted" by_uid=65534 by_pid=[0-9]* '
try 65534 65534 65534 notify INSTANCE VI_1 MASTER 100
is "$(grep -c 'may ask' "$T/err")" 1 "his hook says so once"
try 65534 65534 65534 del 192.168.11.7/24 dev br-mgmt
check "he changes nothing" has_addr 192.168.11.7/24 br-mgmt

config '[agent]' "group = no-such-group-here" '[device br-mgmt]'
check "another group" wait_for 20 timeout 20 "$VIPSAFE" reload
is "$(stat -c %a "$SOCKET")" 600 "which does not exist: root alone"
try 65534 65534 "$gid" status
is "$RC" 4 "the old one may no more"
reloads() { timeout 20 "$VIPSAFE" reload; } # there were too many just now
config '[agent]' "group = $GROUP" '[device br-mgmt]'
check "back again" wait_for 20 reloads
try 65534 65534 "$gid" status
is "$RC" 0 "and may again"
config '[agent]' "group = none" '[device br-mgmt]'
check "none: read" wait_for 20 reloads
is "$(stat -c %a "$SOCKET")" 600 "none: root alone"
try 65534 65534 "$gid" status
is "$RC" 4 "none: no member"
daemon_end TERM

# ---- handed over -------------------------------------------------------------------
# The daemon runs in handover's place, so its process id is the job's.
config '[agent]' "socket = $T/asked.sock" "group = $GROUP" '[device br-mgmt]'
job unit "$BUILD/handover" seqpacket "$T/asked.sock" 600 "$VIPSAFED" --config "$CONF" -v
hear unit
is "$REPLY" listening "a socket is there before the daemon"
"$VIPSAFE" --socket "$T/asked.sock" --timeout 120 add 192.168.11.101/32 dev br-mgmt &
early=$!
queued() { [ -n "$(ss -xlnH src "$T/asked.sock" | awk '$3 > 0')" ]; }
check "a client waits on it" wait_for 30 queued
tell unit start
wait $early
is $? 0 "and is answered when the daemon is there"
check "the address is there" has_addr 192.168.11.101/32 br-mgmt
check "it was the daemon that added it" grep -q "msg=asked asked=add " "$T/unit.err"
run --socket "$T/asked.sock" status
like "$OUT" "pid ${JOB_PID[unit]}" "it serves the socket it was handed"
is "$(stat -c %a "$T/asked.sock")" 600 "and leaves its mode to who made it"
try 65534 65534 "$gid" --socket "$T/asked.sock" status
is "$RC" 4 "that mode keeps the group out"
config '[agent]' "socket = $T/other.sock" "group = $GROUP" '[device br-mgmt]'
run --socket "$T/asked.sock" reload
is "$RC" 0 "a reload with another path"
check "does not leave the socket it was handed" not test -e "$T/other.sock"
job_end unit
is $? 0 "it ends"
check "and leaves the socket to who made it" test -S "$T/asked.sock"

for kind in stream dgram two; do
	job wrong "$BUILD/handover" $kind "$T/wrong.sock" 600 "$VIPSAFED" --config "$CONF" -v
	hear wrong
	tell wrong start
	check "$kind: refused" wait_for 30 grep -q 'not one SOCK_SEQPACKET listener' "$T/wrong.err"
	wait "${JOB_PID[wrong]}"
	is $? 2 "$kind: and it does not start"
	job_end wrong
done
is "$(nft list ruleset | grep -c vipsafe)" 0 "no rule is left behind"
done_testing
