#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe watch: what happens arrives as it happens, one line each; it ends when
# it is told to, when nobody reads it and when the daemon goes; and whoever reads
# too slowly holds nobody up.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
VIPSAFED=$BUILD/vipsafed
[ -x "$VIPSAFED" ] || bail_out "no $VIPSAFED"

topo_nodes
know_verdict fixed
CONF=$T/vipsafe.conf
printf '%s\n' '[agent]' 'announce_count = 0' 'announce_again = 0' '[device br-mgmt]' \
	'[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.105/32' >"$CONF"

run watch
is "$RC" 75 "without the daemon: 75"
like "$ERR" "not running" "and why"

live() { [ "$(jsons status 2>/dev/null | jq -r '.devices[0].state')" = live ]; }
start() {
	"$VIPSAFED" --config "$CONF" 2>>"$T/log" &
	DAEMON=$!
	wait_for 60 live || bail_out "vipsafed is not live: $(tail -n 3 "$T/log")"
}
start

# until_heard JOB REGEX: lines up to one that matches; into REPLY
until_heard() {
	local i

	for ((i = 0; i < 50; i++)); do
		hear "$1" 60 || return 1
		[[ $REPLY =~ $2 ]] && return
	done
	return 1
}
# heard JOB REGEX WHAT
heard() {
	until_heard "$1" "$2"
	like "$REPLY" "$2" "$3"
}

job text "$VIPSAFE" watch
job json "$VIPSAFE" --json watch
heard text "^$(date +%Y)-[0-9-]{5} [0-9:]{8}\.[0-9]{3} br-mgmt state: live\$" "it begins with how things are, and when"
hear json
like "$(jq -r .when <<<"$REPLY")" "^$(date +%Y)-[0-9-]{5}T[0-9:]{8}\.[0-9]{3}[+-][0-9]{2}:[0-9]{2}\$" "in JSON: RFC 3339"
wall=$(date -d "$(jq -r .when <<<"$REPLY")" +%s)
check "it is the wall clock" test $(($(date +%s) - wall)) -lt 60
check "beside the monotonic time" test "$(jq .at_us <<<"$REPLY")" -gt 0
is "$(jq -r '.event + " " + .device + " " + .text' <<<"$REPLY")" "state br-mgmt live" "in JSON, too"

run --json add 192.168.11.100/32 dev br-mgmt
id=$(json .id)
heard text "br-mgmt move: add 192.168.11.100/32: ok, .* id $id\$" "a move is told"
hear json
is "$(jq -r '.event + " " + .report.id' <<<"$REPLY")" "move $id" "with its report"
run --local del 192.168.11.100/32 dev br-mgmt
heard text 'address: somebody else has deleted 192.168.11.100/32' "and what is done without the daemon"
run notify INSTANCE VI_1 MASTER 100
heard text 'br-mgmt move: add 192.168.11.105/32: ok' "what comes of what keepalived says"
heard text 'br-mgmt instance: VI_1 is MASTER \(hook\): its addresses are added' "and why"

# an address of the device that entries are pinned to goes for good
# shellcheck disable=SC2119
masquerade
serve server node2 10.232.3.28 8899
open flows node1 5 10.232.3.28 8899
pinned() { [ "$(jsons status | jq '.devices[0].pinned')" -ge 5 ]; }
wait_for 60 pinned || bail_out "nothing gets pinned"
put /proc/sys/net/ipv4/conf/all/promote_secondaries 1
ip addr add 192.168.11.20/24 dev br-mgmt
ip addr del 192.168.11.7/24 dev br-mgmt
heard text 'br-mgmt address: somebody else has deleted 192.168.11.7/24' "an address that somebody else deletes"
heard text 'br-mgmt removed: an address is gone, and [0-9]+ entries' "entries that go with their address"
ip addr add 192.168.11.7/24 dev br-mgmt
jobs_server() { job_end flows; job_end server; }
jobs_server

cp "$CONF" "$T/good"
echo 'nonsense = 1' >>"$CONF"
kill -HUP $DAEMON
heard text '! config: not reloaded: .*nonsense' "a refused configuration"
cp "$T/good" "$CONF"
kill -HUP $DAEMON
heard text ' config: reloaded$' "and one that was taken"
printf '%s\n' '[device eth7]' >>"$CONF"
kill -HUP $DAEMON
heard text 'eth7 ! state: absent' "a device that is not there"
ip link add eth7 type veth peer name eth8
heard text 'eth7 state: live' "and that has come"

# ---- its end ------------------------------------------------------------------------
job_end text INT
is $? 0 "Ctrl-C: 0"
job_end json TERM
is $? 0 "SIGTERM: 0"
gone() { [ "$("$VIPSAFE" metrics | awk '$1 == "vipsafe_watchers" { print $2 }')" = 0 ]; }
check "the daemon sees them gone" wait_for 60 gone
for limit in 500ms 3s 20s 60s; do # which is too little for a slow machine
	run --timeout $limit watch
	[ -z "$OUT" ] || break
done
is "$RC" 0 "--timeout ends it"
like "$OUT" "state: live" "after what there was"
line=$("$VIPSAFE" watch | head -n 1) # ends though nothing more happens
like "$line" "state: live" "a reader that has gone ends it"
"$VIPSAFE" watch --timeout 500ms >&- 2>/dev/null
check "a closed output is no crash" test $? -lt 100

# ---- the slow ---------------------------------------------------------------------------
# One that does not read at all: it is dropped, and everybody else is served.
"$VIPSAFE" --json watch >"$T/slow" &
slow=$!
watching() { ! gone; }
wait_for 60 watching
kill -STOP $slow
dropped() { [ "$("$VIPSAFE" metrics | awk '$1 == "vipsafe_watchers_dropped_total" { print $2 }')" = 1 ]; }
# Nothing to be done, but told all the same: about a kilobyte each.
n=0
until dropped || [ $n -ge 3000 ]; do
	for ((i = 0; i < 50; i++)); do
		"$VIPSAFE" del 192.168.11.250/32 dev br-mgmt >/dev/null || break
	done
	n=$((n + 50))
done
check "a watcher that does not read is dropped (after $n moves)" dropped
check "and the daemon goes on" live
kill -CONT $slow
wait $slow
is $? 75 "it is told that it missed something"
check "what it has was whole" jq -e . "$T/slow"

# too many
pids=()
for ((i = 0; i < 16; i++)); do
	"$VIPSAFE" watch >/dev/null 2>&1 &
	pids+=($!)
done
all() { [ "$("$VIPSAFE" metrics | awk '$1 == "vipsafe_watchers" { print $2 }')" = 16 ]; }
check "sixteen may watch" wait_for 60 all
run watch
like "$RC $ERR" "^7.*too many" "more are turned away"
check "and others are served" live
kill "${pids[@]}"
wait "${pids[@]}"

"$VIPSAFE" watch >/dev/null 2>"$T/err" &
last=$!
check "there is room again" wait_for 60 watching
kill -TERM $DAEMON
wait $DAEMON
wait $last
is $? 75 "the daemon goes: 75"
jobs_end
done_testing
