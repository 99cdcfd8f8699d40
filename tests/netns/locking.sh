#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs on one device take turns, other devices do not wait, and a deadline
# ends the waiting. A caller that is killed does not end the run.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe

topo_nodes
ip link add eth1 type veth peer name eth2
ip link set eth1 up
run add 192.168.11.100/32 dev br-mgmt # makes the lock file
LOCK=$(find /run/vipsafe -name '*lock*br-mgmt*')
[ -f "$LOCK" ] || bail_out "no lock file of br-mgmt in /run/vipsafe"

# Somebody else's run on br-mgmt, as long as the test likes.
lock() {
	job locker flock "$LOCK" sh -c 'echo locked; read -r _'
	hear locker
}
unlock() { tell locker "done"; wait "${JOB_PID[locker]}"; job_end locker; }

waits_for_lock() { grep -q vipsafe "/proc/$1/comm"; }

lock
before=$(state)
run --timeout 1 del 192.168.11.100/32 dev br-mgmt
is "$RC" 6 "a run that gets no turn within its deadline: 6"
is "$(state)" "$before" "and it changed nothing"
run_amply add 10.1.1.1/32 dev eth1
is "$RC" 0 "another device does not wait"

"$VIPSAFE" --timeout 120 del 192.168.11.100/32 dev br-mgmt >/dev/null &
waiting=$!
run add 10.1.1.2/32 dev eth1 # its turn comes and goes meanwhile
check "a second run waits for its turn" has_addr 192.168.11.100/32 br-mgmt
check "and is still there" waits_for_lock $waiting
unlock
wait $waiting
is $? 0 "then it is done"
check "as asked" not has_addr 192.168.11.100/32 br-mgmt

# keepalived kills the process group of a script that takes too long.
run add 192.168.11.100/32 dev br-mgmt
lock
setsid "$VIPSAFE" --timeout 120 del 192.168.11.100/32 dev br-mgmt &
caller=$!
# a child of the caller outside its process group (an earlier add's may linger)
# shellcheck disable=SC2009 # by process group, which pgrep does not print
detached() { ps --ppid "$caller" -o pgid= | grep -qvw "$caller"; }
check "the work is done by a process of its own" wait_for 30 detached
kill -KILL -- -$caller
wait $caller 2>/dev/null
unlock
check "killing the caller's process group does not end the work" \
	wait_for 30 not has_addr 192.168.11.100/32 br-mgmt

# Many at once, coming and going: everybody gets what he asked for.
many() {
	local i pids=() bad=0

	for i in {1..16}; do
		"$VIPSAFE" --timeout 120 "$1" "192.168.11.$((100 + i))/32" dev br-mgmt \
			>/dev/null 2>>"$T/many.err" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || bad=$((bad + 1)); done
	[ "$bad" = 0 ] || { echo "$bad of 16 failed"; cat "$T/many.err"; return 1; }
}
count() { ip -o addr show dev br-mgmt to 192.168.11.96/27 | grep -c /32; }
check "16 adds at once on one device" many add
is "$(count)" 16 "all 16 addresses are there"
check "16 dels at once on one device" many del
is "$(count)" 0 "all 16 addresses are gone"
done_testing
