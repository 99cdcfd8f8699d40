#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# keepalived's notify FIFO: whose it is, what may be written to it, and what
# becomes of lines that nobody has read.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
# shellcheck source=tests/netns/lib/notify.sh
. "$SRC/tests/netns/lib/notify.sh"

topo_nodes
install_here
install_vipsafe
config '[agent]' 'announce_again = 0' \
	'[instance VI_1]' 'device = br-mgmt' "address = $VIP" \
	'[instance VI 2]' 'device = br-mgmt' 'address = 192.168.11.101/32' \
	'[instance VI_3]' 'device = br-mgmt' 'group = VG' 'address = 192.168.11.103/32'
other() { has_addr 192.168.11.101/32 br-mgmt; }
third() { has_addr 192.168.11.103/32 br-mgmt; }

# say LINE...: as keepalived does, which never waits for a reader
say() { printf '%s\n' "$@" 1<>"$FIFO" >&1; }
master() { say 'INSTANCE "VI_1" MASTER 100'; }
backup() { say 'INSTANCE "VI_1" BACKUP 100'; }

# ---- what is told ------------------------------------------------------------------
start_daemon
check "the daemon makes the FIFO" [ -p "$FIFO" ]
is "$(stat -c '%u %a' "$FIFO")" "0 600" "it is root's alone"
master
check "MASTER: the address comes" wait_for 60 there
told_by() { [ "$(jsons history | jq -r '.[0] | [.by_text, .by.instance, .by.source] | @text')" = "$1" ]; }
check "the history tells who it was" wait_for 60 told_by '["VI_1 (FIFO)","VI_1","fifo"]'
wait_for 60 quiet
operations=$(of_instance operations)
say 'INSTANCE "VI_1" MASTER_PRIORITY 90' 'INSTANCE "VI_1" BACKUP_PRIORITY 90' \
	'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 100' 'GROUP "VG_9" BACKUP 0' \
	'INSTANCE "VI_1" MASTER 100' 'VS [192.168.11.100]:tcp:80 DOWN'
check "lines that change nothing are heard" wait_for 60 counted groups 1
wait_for 60 counted lines 6
is "$(of_instance operations) $(of_instance state)" "$operations MASTER" "and change nothing"
is "$(of_notify bad) $(of_notify unknown)" "0 0" "none of them is bad"
say 'INSTANCE "VI 2" MASTER 100' 'GROUP "VG" MASTER 0'
check "a name with a blank" wait_for 60 other
check "an instance by its group" wait_for 60 third
quiet_third() { [ "$(of_instance moving VI_3)" = false ]; }
wait_for 60 quiet_third
operations=$(of_instance operations VI_3)
say 'INSTANCE "VI_3" MASTER 100' 'GROUP "VG" MASTER 0' 'INSTANCE "VI 2" DELETED 0' 'INSTANCE "VI 2" FAULT 0'
check "a deleted instance is released" wait_for 60 not other
is "$(of_instance operations VI_3)" "$operations" "instance and group together are one operation"

# Fifty changes in a second, the last of them BACKUP.
lines=$(of_notify lines) operations=$(of_instance operations)
uptime_cs
begin=$REPLY
for _ in {1..25}; do
	backup
	sleep 0.02 # the pace of the flapping, not a wait
	master
	sleep 0.02
done
backup
check "fifty changes are heard" wait_for 60 counted lines $((lines + 51))
check "the last state wins" wait_for 60 gone
check "and stays" wait_for 60 quiet
n=$(($(of_instance operations) - operations))
uptime_cs
# the first ones close together, then one in 0.8 s, however slow this machine is
check "by a few operations ($n)" [ "$n" -le $((6 + (REPLY - begin) / 80)) ]

# ---- what is not to be understood -----------------------------------------------------
bad=$(of_notify bad)
{
	head -c 65536 /dev/zero | tr '\0' x
	printf '\n'
	head -c 300 /dev/zero
	printf '\n\n\n"\n""\nINSTANCE\nINSTANCE "VI_1"\nINSTANCE "VI_1" SLEEPING 1\nINSTANCE VI_1 MASTER\n'
	printf 'INSTANCE "VI_1" MASTER 1 2 3\nINSTANCE "VI_1" MASTER 1000\nINSTANCE "V\tI" MASTER 1\n'
	printf 'INSTANCE "VI_1\0" MASTER 100\n\xff\xfe\xfd\n'
} | timeout 20 dd of="$FIFO" conv=notrunc status=none
check "bad lines are counted" wait_for 60 counted bad $((bad + 15))
is "$(of_notify bad)" $((bad + 15)) "each of them"
check "and change nothing" gone
say 'INSTANCE "VI_9" MASTER 100'
check "an instance that is not configured is counted" wait_for 60 counted unknown 1
check "and told of" wait_for 60 logged 'reason="there is no section .*" instance=VI_9 '
master
check "the next good line is understood" wait_for 60 there

# ---- nobody reads ----------------------------------------------------------------------
# While the daemon is stopped far more is said than a pipe takes, the last words
# only by scripts.
overruns=$(of_notify overruns)
kill -STOP "$DAEMON"
filler=$(printf 'INSTANCE "VI_9" BACKUP_PRIORITY %s\n' {1..250})
full=
for _ in {1..400}; do
	printf '%s\n' "$filler" | timeout 2 dd of="$FIFO" conv=notrunc oflag=nonblock status=none \
		2>/dev/null || { full=1 && break; }
done
check "the FIFO takes no more" [ -n "$full" ]
timeout 20 vipsafe notify INSTANCE VI_1 BACKUP 100
check "nothing happens meanwhile" there
kill -CONT "$DAEMON"
check "the daemon knows that lines were lost" wait_for 60 counted overruns $((overruns + 1))
check "what only a script has told counts" wait_for 60 gone

# ---- whose it is --------------------------------------------------------------------------
inode() { stat -c %i "$FIFO" 2>/dev/null; }
exec {held}<>"$FIFO" # as keepalived holds it: its number is not given away
before=$(inode)
rm "$FIFO"
another() { [ -p "$FIFO" ] && [ "$(inode)" != "$before" ]; }
check "a FIFO that was removed is made again" wait_for 60 another
exec {held}>&-
master
check "and read" wait_for 60 there
# keepalived makes its own as well, when it comes first, and removes that
mkfifo -m 644 "$T/theirs" && mv -f "$T/theirs" "$FIFO"
heard_backup() {
	backup
	wait_for 2 gone
}
check "one that keepalived has made is read" wait_for 60 heard_backup
rm "$FIFO"
check "and when it is gone there is ours" wait_for 60 test -p "$FIFO"
heard_master() {
	master
	wait_for 2 there
}
check "which is read" wait_for 60 heard_master

problem() { [[ $(of_notify fifo_problem) == *$1* ]]; }
mkfifo -m 666 "$T/open" && mv -f "$T/open" "$FIFO"
check "one that others may write to is not read" wait_for 60 problem "others may write"
echo 'INSTANCE "VI_1" BACKUP 100' >"$T/file" && mv -f "$T/file" "$FIFO"
check "nor is a file" wait_for 60 problem "no FIFO"
mkfifo -m 600 "$T/elsewhere" && ln -s "$T/elsewhere" "$T/link" && mv -fT "$T/link" "$FIFO"
check "nor what a link points to" wait_for 60 problem "symbolic link"
rm -f "$FIFO"
mended() { [ -p "$FIFO" ] && [ -z "$(of_notify fifo_problem)" ]; }
check "it is made again when the place is free" wait_for 60 mended
check "meanwhile nothing was changed" there

# ---- in between -------------------------------------------------------------------------
# What is said while no daemon runs waits in the FIFO, as keepalived has it open.
exec {keep}<>"$FIFO"
end_daemon KILL
master
backup
check "without a daemon nothing happens" there
start_daemon
check "the next one hears what was said meanwhile" wait_for 60 gone
end_daemon TERM
check "it leaves the FIFO to keepalived" [ -p "$FIFO" ]
master
start_daemon
check "and hears it again later" wait_for 60 there
exec {keep}>&-
config '[agent]' 'fifo = /run/vipsafe/another' '[instance VI_1]' 'device = br-mgmt' "address = $VIP"
kill -HUP "$DAEMON"
check "a reload moves it" wait_for 60 test -p /run/vipsafe/another
FIFO=/run/vipsafe/another
backup
check "and it is read there" wait_for 60 gone
end_daemon TERM
done_testing
