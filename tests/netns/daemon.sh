#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafed from the outside: who asks it, who may, and what happens without it.
# What it protects is tested elsewhere.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_nodes
config '[agent]' 'announce_again_after = 1s' '[device br-mgmt]'
asked() { grep -c "msg=asked asked=$1 " "$DAEMON_LOG"; }

# ---- without it ------------------------------------------------------------------
run status
is "$RC" 3 "status without a daemon: 3"
run add 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "add without a daemon"
run del 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "del without a daemon"

# ---- with it ---------------------------------------------------------------------
"$BUILD/unixsink" "$T/notify" >"$T/notified" &
wait_for 30 test -S "$T/notify" || bail_out "nobody listens on $T/notify"
NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=400000 daemon_start -v
check "the service manager is told it is ready" wait_for 30 grep -q '^READY=1' "$T/notified"
check "and kept up to date" wait_for 30 grep -q '^STATUS=br-mgmt live' "$T/notified"
check "and that it is alive" wait_for 30 grep -q '^WATCHDOG=1' "$T/notified"
is "$(stat -c %a "$SOCKET")" 600 "the socket is root's alone where there is no group vipsafe"

run status
is "$RC" 0 "status with a daemon: 0"
like "$OUT" "br-mgmt +continuous +yes +live" "it says what is guarded"
run --json status
is "$(json '.devices[0].device + " " + .devices[0].state')" "br-mgmt live" "in JSON as well"

run add 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "add"
is "$(asked add)" 1 "by the daemon"
check "the address is there" has_addr 192.168.11.100/32 br-mgmt
like "$OUT" "added 192.168.11.100/32 to br-mgmt" "and its text arrives"
run --json add 192.168.11.100/32 dev br-mgmt
is "$(json '.addresses_detail[0].outcome')" already "the result arrives as JSON"
run plan del 192.168.11.100/32 dev br-mgmt
is "$RC$(asked plan)" 01 "plan, by the daemon"
run --json del 192.168.11.100/32 dev br-mgmt
is "$RC$(asked del)$(json .changed)" 01true "del, by the daemon"
check "the address is gone" not has_addr 192.168.11.100/32 br-mgmt
run del 192.168.11.100/32 dev nosuch
is "$RC" 2 "an exit code arrives"
like "$ERR" "no device 'nosuch'" "and what it means"

run --local add 192.168.11.101/32 dev br-mgmt
is "$RC$(asked add)" 02 "--local never asks"
run --local del 192.168.11.101/32 dev br-mgmt
run --socket "$T/none" add 192.168.11.101/32 dev br-mgmt
is "$RC$(asked add)" 02 "--socket says where to ask"
run del 192.168.11.101/32 dev br-mgmt
run add fd00:11::100/128 dev br-mgmt dad
is "$RC$(asked add)" 02 "what waits for seconds is done without it"
run del fd00:11::100/128 dev br-mgmt

# The second burst comes from the daemon, when its client has long gone.
job listen in_ns node2 tcpdump -lni br-mgmt arp host 192.168.11.102
listening() { grep -q 'listening on' "$T/listen.err"; }
wait_for 30 listening || bail_out "tcpdump does not listen"
run add 192.168.11.102/32 dev br-mgmt
heard=0
while [ "$heard" -lt 10 ] && hear listen 5; do heard=$((heard + 1)); done
is "$heard" 10 "both bursts of announcements are sent"
job_end listen
run del 192.168.11.102/32 dev br-mgmt

# ---- others' runs -----------------------------------------------------------------
# Somebody has the device's lock: the daemon goes on answering meanwhile.
job locker flock /run/vipsafe/lock-br-mgmt sh -c 'echo locked; read -r _'
hear locker
n=$(asked add)
"$VIPSAFE" --timeout 120 add 192.168.11.103/32 dev br-mgmt >/dev/null &
waiting=$!
queued() { [ "$(asked add)" -gt "$n" ]; }
check "the daemon has taken what waits for its turn" wait_for 15 queued
run --timeout 1 add 192.168.11.104/32 dev br-mgmt
is "$RC" 6 "a run that gets no turn within its deadline: 6"
check "the daemon answers while others wait for a lock" answers
check "nothing has been done" not has_addr 192.168.11.103/32 br-mgmt
tell locker "done"
wait "${JOB_PID[locker]}"
job_end locker
wait $waiting
is $? 0 "its turn comes"
check "and the address" has_addr 192.168.11.103/32 br-mgmt
run del 192.168.11.103/32 dev br-mgmt

# ---- who may -----------------------------------------------------------------------
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if nobody true 2>/dev/null; then
	chmod 666 "$SOCKET" # as a socket unit with another mode would
	nobody "$VIPSAFE" status >/dev/null 2>"$T/err"
	is $? 4 "another user is not told"
	like "$(cat "$T/err")" "only root and the configured group" "but why"
	check "and it is logged" logged 'is not permitted" .*by_uid=65534 '
	chmod 600 "$SOCKET"
	nobody "$VIPSAFE" status >/dev/null 2>&1
	is $? 4 "nor can he connect where the mode forbids it"
else
	skip "another user is turned away" "no other user can be had here"
fi

# ---- configuration ---------------------------------------------------------------
config '[device br-mgmt]' 'pin = sometimes'
kill -HUP "$DAEMON"
check "a bad configuration is refused" wait_for 30 logged 'stays as it was" error=.*sometimes'
run status
like "$OUT" "was not reloaded: .*sometimes" "status says so"
like "$OUT" "br-mgmt +continuous +yes +live" "and the old one stays in force"
config '[device br-mgmt]' 'pin = on-demand' '[device eth7]'
kill -HUP "$DAEMON"
reloaded() { "$VIPSAFE" status | grep -qE 'br-mgmt +on demand +yes +live'; }
check "a good one comes into force" wait_for 30 reloaded
run status
like "$OUT" "eth7 +continuous +NO +absent" "a device that is not there is waited for"
check "the service manager was told" grep -q '^RELOADING=1' "$T/notified"
ip link add eth7 type veth peer name eth8
arrived() { "$VIPSAFE" status | grep -qE 'eth7 .* live'; }
check "and guarded when it comes" wait_for 30 arrived
config '[agent]' "socket = $T/other.sock" '[device br-mgmt]'
kill -HUP "$DAEMON"
moved() { "$VIPSAFE" --socket "$T/other.sock" status >/dev/null 2>&1; }
check "the socket moves" wait_for 30 moved
check "and is gone from its old place" not test -e "$SOCKET"
config '[device br-mgmt]'
kill -HUP "$DAEMON"
check "and back" wait_for 30 answers

"$VIPSAFED" --config "$CONF" --check
is $? 0 "--check of a good file: 0"
config 'x'
"$VIPSAFED" --config "$CONF" --check 2>/dev/null
is $? 78 "--check of a bad file: 78"
"$VIPSAFED" --config "$CONF" 2>/dev/null
is $? 78 "nor does it start with one"
config '[device br-mgmt]'
"$VIPSAFED" --config "$CONF" 2>"$T/err"
check "a second daemon is refused" grep -q "already running\" pid=$DAEMON$" "$T/err"
check "and the first one goes on" answers

# ---- its end -----------------------------------------------------------------------
run add 192.168.11.100/32 dev br-mgmt
kill -STOP "$DAEMON"
run_amply del 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "a daemon that does not answer: the client does it itself"
like "$ERR" "does not answer" "and says so"
check "the address is gone" not has_addr 192.168.11.100/32 br-mgmt
kill -CONT "$DAEMON"
check "the daemon finds nothing left to do" wait_for 30 answers
daemon_end KILL
run add 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "after SIGKILL: the client does it itself"
run status
is "$RC" 3 "and status says that nobody is there"
daemon_start -v
check "the next daemon takes the place of a killed one" answers
daemon_end TERM
is $? 0 "SIGTERM: 0"
check "its socket goes with it" not test -e "$SOCKET"
check "the address does not" has_addr 192.168.11.100/32 br-mgmt
is "$(nft list ruleset | grep -c vipsafe)" 0 "nor is a rule left behind"
# ---- the log -----------------------------------------------------------------------
# neither journal nor syslog is here, as in a container
check "operations are on stderr" logged '^vipsafe\[[0-9]*\]: op=del vip=192.168.11.100/32 dev=br-mgmt result=ok '
check "what went wrong with one, too" logged '^vipsafe\[[0-9]*\]: op=del .* result=failed .* error="no device '
VALUE='("[^"]*"|[^" =]+)'
nothing "$(grep -vE "^vipsafed?\[[0-9]+\]: [a-z_0-9]+=$VALUE( [a-z_0-9]+=$VALUE)*\$" "$DAEMON_LOG")" \
	"each line is key=value"
done_testing
