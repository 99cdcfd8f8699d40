#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The address change has priority: whatever else fails, the VIP ends where it
# was asked for, and the report says what was not done.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"; netns_main "$@"
need_vipsafe

topo_nodes
VIP=192.168.11.100/32

# moves WHAT: add and del work, exit 0 or 4, with a warning that has a text
moves() {
	run --json add $VIP dev br-mgmt
	like "$RC" '^[04]$' "$1: add is done"
	check "$1: add: the address is there" has_addr $VIP br-mgmt
	run --json --strategy restore del $VIP dev br-mgmt
	like "$RC" '^[04]$' "$1: del is done"
	check "$1: del: the address is gone" not has_addr $VIP br-mgmt
	check "$1: del warns" test "$(json '.warnings | length > 0')" = true
}

mkdir -p /run/vipsafe
mount -t tmpfs -o ro none /run/vipsafe
moves "read-only run directory"
umount /run/vipsafe
mount -t tmpfs -o size=4k,nr_inodes=1 none /run/vipsafe
moves "full run directory"
umount /run/vipsafe
rmdir /run/vipsafe && : >/run/vipsafe
moves "a file in place of the run directory"
rm -f /run/vipsafe
mkdir -m 777 /run/vipsafe
moves "a run directory others may write"
rm -rf /run/vipsafe

# The device goes while a run on it waits for its turn.
ip link add eth1 type veth peer name eth2
ip addr add $VIP dev eth1
run add 10.1.1.1/32 dev eth1
LOCK=$(find /run/vipsafe -name '*lock*eth1*')
job locker flock "$LOCK" sh -c 'echo locked; read -r _'
hear locker 5
"$VIPSAFE" --timeout 15 del $VIP dev eth1 >"$T/out" 2>"$T/err" </dev/null &
pid=$!
blocked() { grep -q . /proc/locks && pgrep -x vipsafe >/dev/null; }
wait_for 5 blocked
ip link del eth1
tell locker done
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
