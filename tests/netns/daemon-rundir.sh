#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Somebody empties or replaces the run directory while the daemon runs: it is
# found again, and keepalived, which opened the FIFO once, is still heard.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

FIFO=/run/vipsafe/keepalived.fifo
topo_nodes
know_verdict fixed
config '[agent]' 'announce_again = 0' \
	'[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.100/32'
there() { has_addr 192.168.11.100/32 br-mgmt; }
there_again() { [ -S "$SOCKET" ] && [ -p "$FIFO" ]; }
# over NAME: MASTER and BACKUP to the descriptor 9
moves() {
	echo 'INSTANCE "VI_1" MASTER 100' >&9
	check "$1: MASTER is heard" wait_for 30 there
	echo 'INSTANCE "VI_1" BACKUP 100' >&9
	check "$1: BACKUP is heard" wait_for 30 not there
}

daemon_start
exec 9<>"$FIFO"
moves "as it was"
find /run/vipsafe -mindepth 1 -delete
check "emptied: socket and FIFO come back" wait_for 30 there_again
check "emptied: it answers" wait_for 30 answers
moves "emptied, over the FIFO that is open"
exec 9>&-
exec 9<>"$FIFO"
moves "emptied, over the new one"
kept() { grep -q '^BACKUP ' /run/vipsafe/instances; }
check "emptied: what was said is written down" wait_for 30 kept

mv /run/vipsafe /run/away
check "replaced: all is made anew" wait_for 30 there_again
check "replaced: it answers" wait_for 30 answers
moves "replaced, over the FIFO that is open"
exec 9>&-
exec 9<>"$FIFO"
moves "replaced, over the new one"
mv /run/vipsafe /run/gone && rm -rf /run/gone
check "removed: all is made anew" wait_for 30 there_again
check "removed: it answers" wait_for 30 answers
moves "removed, over the FIFO that is open"
rm -f "$FIFO"
check "the watch is on the new directory" wait_for 30 there_again
# ---- what inotify says nothing of ----------------------------------------------------
exec 9>&-
exec 9<>"$FIFO"
mount -t tmpfs -o mode=755 none /run/vipsafe
check "mounted over: all is made there" wait_for 30 there_again
check "mounted over: it answers" wait_for 30 answers
moves "mounted over, over the FIFO that is open"
exec 9>&-
exec 9<>"$FIFO"
moves "mounted over, over the new one"
umount -l /run/vipsafe
rm -rf /run/vipsafe
check "unmounted: all is made anew" wait_for 30 there_again
check "unmounted: it answers" wait_for 30 answers
moves "unmounted, over the FIFO that is open"
exec 9>&-
exec 9<>"$FIFO"
moves "unmounted, over the new one"
run add 192.168.11.101/32 dev br-mgmt
is "$RC" 0 "addresses move"
daemon_end
is $? 0 "it ends"
check "and leaves no socket" not test -e "$SOCKET"
done_testing
