#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How many files of agent/ somebody has to read who follows one event through the
# programs: those in which a function is entered by
#   del      vipsafe del, without a daemon
#   daemon   the same by the daemon: what the client and what the daemon enters
#   fifo     a line of keepalived's FIFO, by which a VIP goes
#   foreign  an address delete by somebody else, which flushed connections: the
#            guard sees it and puts them back
# `make walk` builds for it, prints the table and leaves the names, of functions as well, in walk.txt.
# shellcheck disable=SC2317 # functions given to wait_for
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/../netns/lib/guarded.sh"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/../netns/lib/pair.sh"; netns_main "$@"
need_daemon
VIP=192.168.11.100/32
FIFO=/run/vipsafe/keepalived.fifo
mkdir "$T/walk"
: >"$T/files"

# recorded COMMAND...: with what it and its children enter being written down
recorded() { VIPSAFE_WALK=$T/walk LD_PRELOAD=$BUILD/walk.so "$@"; }

running() { [ -n "$DAEMON" ]; }

# walk_begin: what has been entered until now does not count
walk_begin() {
	local f

	! running || wait_for 60 settled || bail_out "the daemon does not come to rest"
	for f in "$T/walk"/*; do
		[ ! -e "$f" ] || dd if=/dev/zero "of=$f" bs="$(stat -c %s "$f")" count=1 conv=notrunc status=none
	done
}

# walk_end NAME: when there is nothing more to be done, lines "NAME FILE FUNCTION" in $T/files
walk_end() {
	local program

	! running || wait_for 60 settled || bail_out "the daemon does not come to rest"
	for program in vipsafe vipsafed; do
		[ ! -e "$T/walk/$program" ] || od -An -v -w8 -tx8 "$T/walk/$program" | grep -v ' 0000000000000000' |
			addr2line -f -e "$BUILD/$program" |
			sed -n 'N; s|^\(.*\)\n.*/\(agent/[^:]*\.c\):.*|\2 \1|p'
	done | sort -u | sed "s/^/$1 /" >>"$T/files"
}

# settled: in half a second nothing has been entered that had not been before
entered() { cat "$T/walk"/* | cksum; }
settled() {
	local before

	before=$(entered)
	sleep 0.5
	[ "$before" = "$(entered)" ]
}

topo_pod
masquerade
serve server node2 10.232.3.28 8899
know_verdict affected

# ---- without a daemon
open local pod 10 10.232.3.28 8899
twin_up
recorded "$VIPSAFE" del $TWIN dev br-mgmt >"$T/out" 2>&1 || bail_out "del: $(cat "$T/out")"
walk_end del
job_end local

# ---- by the daemon
config '[agent]' 'announce_again = 0' '[device br-mgmt]' 'pin = on-demand'
DAEMON_UNDER=(env "VIPSAFE_WALK=$T/walk" "LD_PRELOAD=$BUILD/walk.so")
daemon_start -v
wait_for 60 guard_live || bail_out "no guard"
open daemon pod 10 10.232.3.28 8899
twin_up
walk_begin
recorded "$VIPSAFE" del $TWIN dev br-mgmt >"$T/out" 2>&1 || bail_out "del: $(cat "$T/out")"
walk_end daemon

# ---- a delete by somebody else
restored() { logged 'deleted addresses" .*restored=[1-9]'; }
open foreign pod 10 10.232.3.28 8899
walk_begin
for ((i = 0; i < 10; i++)); do
	printf '%s\n' "addr add $TWIN dev br-mgmt" "addr del $TWIN dev br-mgmt" | ip -batch -
	! wait_for 4 restored || break
done
restored || bail_out "nothing was flushed or restored: $(tail -n 3 "$DAEMON_LOG")"
walk_end foreign
daemon_end

# ---- a line of the FIFO, with everything pinned, as a guard does by itself
all_pinned() { pinned_at_least 20; }
config '[agent]' 'announce_again = 0' '[device br-mgmt]' \
	'[instance VI_1]' 'device = br-mgmt' "address = $VIP"
daemon_start -v
wait_for 60 all_pinned || bail_out "nothing gets pinned"
printf 'INSTANCE "VI_1" MASTER 100\n' 1<>"$FIFO" >&1
wait_for 60 has_addr $VIP br-mgmt || bail_out "MASTER does not add the VIP"
walk_begin
printf 'INSTANCE "VI_1" BACKUP 90\n' 1<>"$FIFO" >&1
wait_for 60 not has_addr $VIP br-mgmt || bail_out "BACKUP does not delete the VIP"
walk_end fifo
daemon_end

for walk in del:60 daemon:75 fifo:50 foreign:45; do
	printf '%-8s %3d files (goal %s)\n' "${walk%:*}" \
		"$(awk -v walk="${walk%:*}" '$1 == walk && !seen[$2]++' "$T/files" | wc -l)" "${walk#*:}"
done
cp "$T/files" "$BUILD/walk.txt"
