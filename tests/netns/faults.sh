#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The address change has priority: whatever else fails, the VIP ends where it
# was asked for, and the report says what was not done.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
masquerade
VIP=192.168.11.100/32
serve srv node2 10.232.3.28 8899

# moves WHAT: add and del are done with exit code 0 or 4. What could not be
# kept in the run directory is told, and 0 is only claimed of flows that live.
moves() {
	run --json add $TWIN dev br-mgmt
	like "$RC" '^[04]$' "$1: add is done"
	check "$1: add: the address is there" has_addr $TWIN br-mgmt
	open flows pod 10 -t 30 10.232.3.28 8899
	run --json --strategy restore del $TWIN dev br-mgmt
	like "$RC $(json .result)" '^(0 ok|4 unprotected)$' "$1: del is done"
	check "$1: del: the address is gone" not has_addr $TWIN br-mgmt
	check "$1: del warns" \
		test "$(json '[.warnings[] | select(.code != "other-holder" and .code != "kernel-unknown")] | length > 0')" = true
	if [ "$RC" = 0 ]; then
		ask flows ping
		is "$REPLY" "ping alive=10 reset=0 stalled=0 changed=0" "$1: the flows live"
	fi
	job_end flows
}

mkdir -p /run/vipsafe
mount -t tmpfs -o ro none /run/vipsafe
moves "read-only run directory"
umount /run/vipsafe
mount -t tmpfs -o size=4k,nr_inodes=1 none /run/vipsafe
moves "full run directory"
umount /run/vipsafe
rm -rf /run/vipsafe && : >/run/vipsafe
[ -f /run/vipsafe ] || bail_out "cannot put a file in place of /run/vipsafe"
moves "a file in place of the run directory"
rm -f /run/vipsafe
mkdir -p /run/vipsafe && chmod 777 /run/vipsafe
moves "a run directory others may write"
rm -rf /run/vipsafe

# The device goes while a run on it waits for its turn.
ip link add eth1 type veth peer name eth2
ip addr add $VIP dev eth1
run add 10.1.1.1/32 dev eth1
LOCK=$(find /run/vipsafe -name '*lock*eth1*')
job locker flock "$LOCK" sh -c 'echo locked; read -r _'
hear locker
"$VIPSAFE" --timeout 120 del $VIP dev eth1 >"$T/out" 2>"$T/err" </dev/null &
pid=$!
blocked() { grep -q . /proc/locks && pgrep -x vipsafe >/dev/null; }
wait_for 30 blocked
ip link del eth1
tell locker "done"
wait $pid
rc=$?
like "$rc" '^[02]$' "a device that vanishes: no success is claimed that is none"
check "a device that vanishes: it is named in one line" grep -q eth1 "$T/err" "$T/out"

# A corrupt verdict or journal is put aside, not obeyed.
run probe
for f in /run/vipsafe/*; do
	case $f in
	*lock*) ;;
	*) head -c 4096 /dev/urandom >"$f" ;;
	esac
done
head -c 4096 /dev/urandom >/run/vipsafe/move-br-mgmt
chmod 600 /run/vipsafe/*
run recover
like "$RC" '^[034]$' "recover with unreadable files ends"
like "$OUT" 'set aside a file that cannot be read: /run/vipsafe/move-br-mgmt' "and says which it has set aside"
run --json add $VIP dev br-mgmt
is "$RC" 0 "add after it"
run --json del $VIP dev br-mgmt
is "$RC" 0 "del after it"
check "and the address is gone" not has_addr $VIP br-mgmt

if [ -w /proc/sys/net/netfilter/nf_conntrack_max ]; then
	skip "table full" "nf_conntrack_max is shared with the host here"
else
	skip "table full" "nf_conntrack_max cannot be set in a network namespace"
fi
skip "no connection tracking" "it is part of this kernel"
done_testing
