#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafed under valgrind, or built with sanitizers, from its start to its end:
# it reads and writes only what is its own, and gives everything back.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

if grep -q __asan_init "$VIPSAFED"; then
	JUDGE=sanitizers
	export ASAN_OPTIONS=detect_leaks=1
else
	command -v valgrind >/dev/null || skip_all "no valgrind here"
	JUDGE=valgrind
	# shellcheck disable=SC2054
	DAEMON_UNDER=(valgrind --log-file="$T/valgrind.%p" --error-exitcode=99 --track-origins=yes
		--leak-check=full --show-leak-kinds=definite,indirect,possible
		--errors-for-leak-kinds=definite,indirect,possible)
fi
diag "judged by $JUDGE"

topo_pod
masquerade
serve srv node2 10.232.3.28 8899
serve usrv node2 -u 10.232.3.28 8899
open before pod 10 10.232.3.28 8899
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 200ms' '[device eth7]'
daemon_start -v
check "the guard is live" wait_for 60 guard_live

# ---- moves, pins, deletes by others -----------------------------------------------
open after pod 10 10.232.3.28 8899
open udp node1 5 -u 10.232.3.28 8899
check "connections are pinned" wait_for 60 pinned_at_least 25
run add 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "add"
run plan del 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "plan"
run --timeout 120 del 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "del"
run del 192.168.11.100/32 dev nosuch
is "$RC" 2 "a refusal"
for ((i = 0; i < 3; i++)); do
	twin_up
	ip addr del $TWIN dev br-mgmt
	bounce
done
unharmed before "deletes by others and bounces harm nothing"
unharmed after "nor what has come later"
twin_up
run --timeout 120 --strategy pin del $TWIN dev br-mgmt
is "$RC" 0 "a move with the pins of its own"

# ---- a real loss, devices that come and go -------------------------------------------
ip addr add 192.168.11.77/24 dev br-mgmt
ip addr del 192.168.11.77/24 dev br-mgmt
ip link add eth7 type veth peer name eth8
arrived() { [ "$(guard .state eth7)" = live ]; }
check "a device comes, and goes" wait_for 60 arrived
ip link del eth7

# ---- repairs, reloads ------------------------------------------------------------------
config '[device br-mgmt]' 'pin = on-demand'
run --timeout 120 reload
is "$RC" 0 "reload"
check "on demand" wait_for 60 guard_live
# Not how many come back counts here: a flush can be late on a slow machine.
repaired() { [ "$(guard .repairs)" -gt 0 ]; }
for ((i = 0; i < 5; i++)); do
	open unpinned pod 5 -t 9 10.232.3.28 8899
	known() { [ "$(guard .unpinned)" -ge 5 ]; }
	wait_for 60 known || bail_out "the guard does not know them"
	twin_up
	ip addr del $TWIN dev br-mgmt
	! wait_for 10 repaired || break
	job_end unpinned
done
check "what a delete by somebody else flushed is repaired" repaired
config '[device br-mgmt]' 'pin = nonsense'
kill -HUP "$DAEMON"
check "a bad configuration is refused" wait_for 60 logged 'stays as it was'
config '[agent]' "socket = $T/other.sock" '[device br-mgmt]'
kill -HUP "$DAEMON"
moved() { timeout 60 "$VIPSAFE" --socket "$T/other.sock" status >/dev/null 2>&1; }
check "the socket moves" wait_for 60 moved

# ---- clients of all kinds ------------------------------------------------------------
job crowd "$BUILD/crowd" "$T/other.sock" 80
hear crowd 60
served() { timeout 310 "$VIPSAFE" --socket "$T/other.sock" --timeout 300 status >/dev/null; }
check "clients of all kinds are there" test "$REPLY" = crowded
check "it answers in the crowd" served
tell crowd end
hear crowd 700
like "$REPLY" ' unserved=0 ' "everybody who asked properly was answered"
diag "$REPLY $(head -n 5 "$T/crowd.err")"

# ---- the end, with an address to give back ------------------------------------------------
config '[agent]' "socket = $T/other.sock" 'on_stop = release' '[device br-mgmt]' \
	'[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.100/32'
run --socket "$T/other.sock" --timeout 60 reload
is "$RC" 0 "reload, with an instance"
run --socket "$T/other.sock" notify INSTANCE VI_1 MASTER 100
check "its address is added" wait_for 60 has_addr 192.168.11.100/32 br-mgmt
daemon_end TERM
is $? 0 "it ends well"
check "the address is given back" not has_addr 192.168.11.100/32 br-mgmt
case $JUDGE in
valgrind)
	log=$T/valgrind.$DAEMON
	is "$(grep -o 'ERROR SUMMARY: [0-9]*' "$log")" "ERROR SUMMARY: 0" "no error, no leak"
	grep -q 'ERROR SUMMARY: 0 errors' "$log" || diag "$(cat "$log")"
	# a child ends without giving back what it has of its parent, which is no leak
	bad=$(grep -lE 'uninitialised|Invalid (read|write|free)' "$T"/valgrind.*)
	is "$bad" "" "nor in what it has started"
	# shellcheck disable=SC2086 # names
	[ -z "$bad" ] || diag "$(head -n 60 $bad)"
	;;
sanitizers)
	is "$(grep -c -E 'Sanitizer|runtime error' "$DAEMON_LOG")" 0 "no error, no leak"
	! grep -q -E 'Sanitizer|runtime error' "$DAEMON_LOG" || diag "$(cat "$DAEMON_LOG")"
	;;
esac
jobs_end
done_testing
