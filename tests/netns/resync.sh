#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon has lost events of a large table and reads it again: clients and the watchdog are
# answered while it does, what it knows in the end is right, and a flush after it breaks nothing.
# Counted are answers, not milliseconds.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

ENTRIES=${ENTRIES:-200000}
max=$(cat /proc/sys/net/netfilter/nf_conntrack_max 2>/dev/null)
[ "$ENTRIES" -lt $((${max:-262144} * 8 / 10)) ] || ENTRIES=$((max * 8 / 10))
diag "ENTRIES=$ENTRIES"

topo_pod
masquerade
serve srv node2 10.232.3.28 8899

# ---- the control: nobody guards ----------------------------------------------------------
open bare pod 10 10.232.3.28 8899
leave_unguarded
ask bare ping
like "$REPLY" ' (reset|changed)=[1-9]' "without the guard a flush breaks connections (${REPLY#ping })"
job_end bare
forget_all

# ---- a table that tells of more than the socket holds ---------------------------------------
"$BUILD/unixsink" "$T/notify" >"$T/notified" &
wait_for 20 test -S "$T/notify"
config '[device br-mgmt]' 'pin = on-demand'
export NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=20000
daemon_start
unset NOTIFY_SOCKET WATCHDOG_USEC
wait_for 60 guard_live || bail_out "the guard is not live"
open pod pod 20 10.232.3.28 8899
open local node1 10 10.232.3.28 8899
known() { [ "$(guard .unpinned)" -ge 30 ]; }
check "connections are known" wait_for 60 known
overruns=$(guard .overruns) relists=$(guard .relists)
kill -STOP "$DAEMON"
awk -v n="$ENTRIES" 'BEGIN { for (i = 0; i < n; i++)
	printf "-A -p udp -s 10.77.%d.%d -d 10.78.0.1 --sport %d --dport 53 " \
		"-r 10.78.0.1 -q 10.77.%d.%d --reply-port-src 53 --reply-port-dst %d " \
		"-t 600 -u SEEN_REPLY,ASSURED\n", \
		int(i / 250) % 250, i % 250 + 1, 1024 + int(i / 62500), \
		int(i / 250) % 250, i % 250 + 1, 1024 + int(i / 62500) }' >"$T/table"
conntrack --load-file "$T/table" >"$T/loaded" 2>&1
there=$(conntrack -C)
check "the table is large ($there)" test "$there" -ge $((ENTRIES * 9 / 10))
barks=$(grep -c WATCHDOG=1 "$T/notified")
kill -CONT "$DAEMON"

read_again() { [ "$(guard .relists)" -gt "$relists" ] && guard_live; }
while ! read_again; do
	"$BUILD/say" "$SOCKET" '{"v":2,"words":["status"]}' 20
done >"$T/answers" 2>&1
answered=$(grep -c syncing "$T/answers")
barks=$(($(grep -c WATCHDOG=1 "$T/notified") - barks))
check "events were lost" test "$(guard .overruns)" -gt "$overruns"
check "$answered times a client was answered while the table was read" test "$answered" -ge 5
check "the watchdog had its turn ($barks times)" test "$barks" -ge 5
check "all connections are known" known
goes() {
	twin_up
	ip addr del $TWIN dev br-mgmt
}
repaired() { [ "$(guard .restored)" -ge 30 ]; }
# nothing holds what sends before
check "a flush after it is repaired" until_done repaired -- goes
for name in pod local; do
	ask $name ping
	is "$REPLY" "ping alive=${FLOWS[$name]} reset=0 stalled=0 changed=0" \
		"$name: a flush after it breaks nothing"
done
daemon_end TERM
is $? 0 "it ends"
jobs_end
done_testing
