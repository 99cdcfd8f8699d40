#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Namespaces that share /run, as those of `ip netns` do: neither a daemon nor
# what a killed run left of one is taken for the other's, though their devices
# have one name.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
vip=192.0.2.77/32
in_ns pod ip link add name br-mgmt type bridge
in_ns pod ip link set br-mgmt up
in_ns pod ip addr add 192.0.2.1/24 dev br-mgmt

here() { ip -o addr show dev br-mgmt to $vip | wc -l; }
there() { in_ns pod ip -o addr show dev br-mgmt to $vip | wc -l; }

printf '[device br-mgmt]\npin = continuous\n' >"$T/conf"
"$BUILD/vipsafed" --config "$T/conf" >"$T/log" 2>&1 &
guard=$!
wait_for 20 test -S /run/vipsafe/control.sock || bail_out "no daemon: $(cat "$T/log")"

check "add in the other namespace" in_ns pod "$VIPSAFE" add $vip dev br-mgmt
is "$(here) $(there)" "0 1" "goes there, and not to the daemon's"
check "add in the daemon's namespace" "$VIPSAFE" add $vip dev br-mgmt
check "del in the other namespace" in_ns pod "$VIPSAFE" del $vip dev br-mgmt
is "$(here) $(there)" "1 0" "leaves the daemon's alone"
in_ns pod "$VIPSAFE" status >"$T/out" 2>&1
is $? 3 "status there: no daemon is running"
check "status here: one is" "$VIPSAFE" status

# a killed run of there is not finished here
kill $guard
wait $guard
in_ns pod ip addr add $vip dev br-mgmt
left() { find /run/vipsafe-netns-* -name 'move-*' | grep -q .; }
# at the note that the address has gone, which follows the journal
in_ns pod strace -f -o /dev/null -e trace=pwrite64 -e inject=pwrite64:signal=KILL \
	"$VIPSAFE" --local --strategy restore del $vip dev br-mgmt >"$T/out" 2>&1
wait_for 30 not pgrep -x vipsafe || bail_out "vipsafe does not end"
check "a run was killed there with its journal on disk" left
before=$(find /run/vipsafe* -type f | sort)
check "recover here" "$VIPSAFE" recover
is "$(find /run/vipsafe* -type f | grep -c '/run/vipsafe/move-')" 0 "there was nothing to recover here"
is "$(find /run/vipsafe-netns-* -type f | sort)" "$(echo "$before" | grep netns-)" \
	"and it left the files of the other namespace alone"
check "recover there" in_ns pod "$VIPSAFE" recover
is "$(find /run/vipsafe-netns-* -name 'move-*' | wc -l)" 0 "which finishes it"

# whoever gives the directory means that one
rm -f /run/vipsafe/control.sock
printf '[agent]\nrun_dir = /run/vipsafe\n' >"$T/given"
in_ns pod "$BUILD/vipsafed" --config "$T/given" >"$T/log" 2>&1 &
guard=$!
check "a run_dir that is given is used there, too" wait_for 20 test -S /run/vipsafe/control.sock
kill $guard
wait $guard
done_testing
