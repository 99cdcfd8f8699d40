#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody reads what is told: the journal, syslog, the service manager or stderr
# takes nothing any more. Addresses move all the same, the daemon answers, and
# what was dropped is told of later.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

JOURNAL=/run/systemd/journal/socket
FIFO=/run/vipsafe/keepalived.fifo
topo_nodes
know_verdict fixed
config '[agent]' 'announce_again = 0' \
	'[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.100/32'
there() { has_addr 192.168.11.100/32 br-mgmt; }
say() { echo "INSTANCE \"VI_1\" $1 100" 1<>"$FIFO" >&1; }
dropped() { jsons status | jq .log.dropped; }
# a daemon that waits for its log never does what it is told: any deadline shows it
moves() {
	say MASTER
	check "MASTER: the address comes $1" wait_for 20 there
	check "status answers $1" answers
	say BACKUP
	check "BACKUP: it goes $1" wait_for 20 not there
}

# listener NAME PATH: somebody who listens there and reads; LISTENER is its pid
listener() {
	"$BUILD/unixsink" "$2" >"$T/$1" &
	LISTENER=$!
	wait_for 30 test -S "$2" || bail_out "nobody listens on $2"
}

# asleep: nor does he read any more, and his queue is full
asleep() {
	kill -STOP $LISTENER
	stopped() { [ "$(awk '{ print $3 }' "/proc/$LISTENER/stat")" = T ]; }
	wait_for 30 stopped || bail_out "it does not stop"
	like "$("$BUILD/unixsink" -f "$1")" '^[0-9]+$' "the queue of $1 is full"
}

gone() {
	kill -KILL $LISTENER
	wait $LISTENER 2>/dev/null
	rm -f "$1"
}

# ---- the journal ---------------------------------------------------------------------
mkdir -p "${JOURNAL%/*}"
listener journal $JOURNAL
daemon_start
asleep $JOURNAL
moves "with a journal that does not read"
like "$(dropped)" '^[1-9]' "what was dropped is counted"
like "$("$VIPSAFE" status)" 'nobody reads the log' "and status says why"
for i in {1..15}; do
	timeout -k 1 20 "$VIPSAFE" --local add 10.9.9."$i"/32 dev br-mgmt >"$T/out" 2>"$T/err" || break
done
is "$i $(ip -o addr show dev br-mgmt to 10.9.9.0/24 | wc -l)" "15 15" "nor does the command line wait"
like "$(cat "$T/err")" 'the log is not read' "it says what is missing there"
before=$(dropped)
kill -CONT $LISTENER
check "when it reads again it is told how many are missing" \
	wait_for 30 grep -aqE 'MESSAGE=msg="messages were dropped: .*" dropped=[0-9]' "$T/journal"
run --json status
is "$(json .log.unread)" false "and nothing is missing since"
is "$(json .log.dropped)" "$before" "the count stays"
is "$("$VIPSAFE" metrics | awk '$1 == "vipsafe_log_dropped_total" { print $2 }')" "$before" "in the metrics, too"
daemon_end
gone $JOURNAL

# ---- syslog ----------------------------------------------------------------------------
# /dev is the machine's: ours, for its one socket
mount --bind "$(mkdir -p "$T/dev" && echo "$T/dev")" "$T/dev" && mkdir -p "$T/olddev" &&
	for f in null zero urandom tty ptmx pts fd stdin stdout stderr; do
		[ ! -e /dev/$f ] || cp -a /dev/$f "$T/dev/" 2>/dev/null
	done
mount --bind "$T/dev" /dev || bail_out "no /dev of our own"
listener syslog /dev/log
daemon_start
asleep /dev/log
moves "with a syslog that does not read"
like "$(dropped)" '^[1-9]' "what was dropped is counted"
timeout -k 1 20 "$VIPSAFE" --local add 10.9.9.30/32 dev br-mgmt >/dev/null 2>&1
is $? 0 "nor does the command line wait"
kill -CONT $LISTENER
check "and it is told of" wait_for 30 grep -aqE '<[0-9]+>vipsafed\[[0-9]+\]: msg="messages were dropped: .*" dropped=[0-9]' "$T/syslog"
daemon_end
gone /dev/log
umount -l /dev

# ---- the service manager ------------------------------------------------------------------
listener manager "$T/notify"
NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=400000 daemon_start
check "the service manager is told it is ready" wait_for 20 grep -aq '^READY=1' "$T/manager"
asleep "$T/notify"
: >"$T/manager"
moves "with a manager that does not read"
"$VIPSAFE" reload
check "a reload does not wait either" answers
kill -CONT $LISTENER
check "it is told what it has missed" wait_for 30 grep -aq '^READY=1' "$T/manager"
daemon_end
gone "$T/notify"

# ---- stderr ---------------------------------------------------------------------------------
mkfifo "$T/pipe"
exec 8<>"$T/pipe"
fill_pipe() { timeout 1 dd if=/dev/zero of="$T/pipe" bs=4096 oflag=nonblock 2>/dev/null; }
"$VIPSAFED" --config "$CONF" 2>"$T/pipe" &
DAEMON=$!
wait_for 60 answers || bail_out "vipsafed does not answer"
fill_pipe
moves "with an stderr that nobody reads"
like "$(dropped)" '^[1-9]' "what was dropped is counted"
like "$(sed -n 's/^flags:[[:space:]]*//p' /proc/$$/fdinfo/8)" '^0[0-9]*2$' "the pipe waits as before for all who share it"
timeout -k 1 30 "$VIPSAFE" --local add 10.9.9.40/32 dev nosuch 2>"$T/pipe"
is $? 2 "nor does the command line wait for ever"
timeout -k 1 30 "$VIPSAFE" notify NONSENSE 2>"$T/pipe"
is $? 1 "nor a hook that was called wrongly"
cat "$T/pipe" >"$T/read" &
reader=$!
check "and it is told of" wait_for 30 grep -aqE 'messages were dropped: .*" dropped=[0-9]' "$T/read"
kill $reader
daemon_end

done_testing
