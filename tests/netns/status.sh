#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What an operator is told: status with and without the daemon, the history, and
# that one operation has one id everywhere.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
VIPSAFED=$BUILD/vipsafed
[ -x "$VIPSAFED" ] || bail_out "no $VIPSAFED"

topo_nodes
know_verdict fixed
masquerade
CONF=$T/vipsafe.conf
printf '%s\n' '[device br-mgmt]' 'pin_after = 100ms' >"$CONF"
status() { run --config "$CONF" "$@" status; }
mkdir -p /run/systemd/journal
"$BUILD/unixsink" /run/systemd/journal/socket >"$T/journal" &
wait_for 60 test -S /run/systemd/journal/socket || bail_out "nobody listens to the log"

# ---- without the daemon -----------------------------------------------------------
run history
is "$RC$OUT" "0no operation since boot" "no history yet"
run add 192.168.11.100/32 dev br-mgmt
status
is "$RC" 3 "status without the daemon: 3"
like "$ERR" "daemon is not running" "it says why"
like "$OUT" "br-mgmt +continuous +NO .vipsafed is not running." "what would protect the device, and does not"
like "$OUT" "192.168.11.100/32 +br-mgmt +vipsafe +present" "an address of ours"
like "$OUT" "192.168.11.7/24 +br-mgmt +other +present" "an address of others"
like "$OUT" "add +192.168.11.100/32 +br-mgmt +ok" "what was done last"
like "$OUT" "warning: no-daemon" "and what needs attention"
status --json
is "$RC$(json '"\(.running) \(.devices[0] | "\(.state) \(.protection) \(.in_force) \(.reason)")"')" \
	"3false unguarded continuous false vipsafed is not running" "the same in JSON"
status --check
is "$RC $OUT $ERR" "3  vipsafe: vipsafed is not running" "--check: one line, and 3"

# an instance, whose state only the decoy tells now
ICONF=$T/instance.conf
printf '%s\n' '[device br-mgmt]' '[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.120/32' \
	'decoy = 10.255.255.1/32 dev lo' >"$ICONF"
check_instance() { run --config "$ICONF" status --check VI_1; }
ip addr add 10.255.255.1/32 dev lo
run --config "$ICONF" status
is "$RC" 3 "an instance: still 3"
like "$OUT" "instance VI_1: MASTER by decoy, 0 of 1 addresses there, NOT ALL THERE, keepalived's decoy is there" \
	"an instance: where keepalived's decoy stands"
like "$OUT" "  192.168.11.120/32 dev br-mgmt is MISSING" "an instance: the address that should be there"
run --config "$ICONF" --json status
is "$(json '.instances[0] | "\(.state) \(.decoy) \(.misplaced | join(" "))"')" "MASTER true 192.168.11.120/32" \
	"an instance: the same in JSON"
check_instance
is "$RC $OUT $ERR" "3  vipsafe: VI_1 is MASTER, and 1 of its 1 addresses is MISSING: vipsafed is not running" \
	"--check VI_1: says what is missing"
ip addr add 192.168.11.120/32 dev br-mgmt
check_instance
is "$RC$OUT$ERR" 0 "--check VI_1: its address is in place"
ip addr del 192.168.11.120/32 dev br-mgmt
ip addr del 10.255.255.1/32 dev lo
run --config "$ICONF" status
like "$OUT" "instance VI_1: unknown, 0 of 1 addresses there, keepalived's decoy is not there" "an instance: without its decoy"
run --config "$ICONF" status --check VI_9
is "$RC $ERR" '1 vipsafe: there is no instance "VI_9"' "--check: of one that is not configured"
run --config "$ICONF" status VI_1
is "$RC" 1 "status alone takes no word"

run history
id=$(awk 'NR == 2 { print $NF }' <<<"$OUT")
run --json history
is "$(json '.[0].id + " " + .[0].op')" "$id add" "the history in JSON has the same id"
run history "${id:0:6}"
like "$OUT" "operation $id" "one operation by a shortened id"
run history nosuch
is "$RC" 1 "an id that is none"
logged() { grep -aq "^VIPSAFE_ID=$id\$" "$T/journal"; }
check "the journal has the same id" wait_for 60 logged
run --json del 192.168.11.100/32 dev br-mgmt
id=$(json .id)
run --json history
is "$(json '.[0] | .id + " " + .op')" "$id del" "the id of a delete is the history's"
ends() { grep -a "^MESSAGE=op=del .*id=$id" "$T/journal"; }
check "and the journal's" wait_for 60 ends
is "$(ends | wc -l)" 1 "one line per operation"
run plan del 192.168.11.7/24 dev br-mgmt
run --json history
is "$(json 'length')" 2 "a plan is no operation"

nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if nobody true 2>/dev/null; then
	nobody "$VIPSAFE" --config "$CONF" status >"$T/out" 2>"$T/err"
	is $? 3 "another user sees that there is no daemon"
	like "$(cat "$T/out")" "192.168.11.7/24 +br-mgmt +unknown" "and the addresses"
	nobody "$VIPSAFE" history >/dev/null 2>"$T/err"
	is $? 77 "but not the history"
else
	skip "another user" "no other user can be had here"
fi

# ---- with it ------------------------------------------------------------------------
serve server node2 10.232.3.28 8899
"$VIPSAFED" --config "$CONF" 2>"$T/log" &
daemon=$!
live() { [ "$(jsons status 2>/dev/null | jq -r '.devices[0].state')" = live ]; }
wait_for 60 live || bail_out "vipsafed is not live: $(tail -n 3 "$T/log")"
open flows node1 5 10.232.3.28 8899
pinned() { [ "$(jsons status | jq -r '.devices[0].pinned')" -ge 5 ]; }
check "connections get pinned" wait_for 60 pinned
status
is "$RC" 0 "status with the daemon: 0"
like "$OUT" "vipsafed [0-9.]+ is running \(pid $daemon," "it says who it is"
like "$OUT" "br-mgmt +continuous +yes +live +(nft|iptables) +[0-9]+ +[0-9]+" "pinned and unpinned entries"
like "$OUT" "kernel: IPv4 (affected|fixed)" "what the kernel does"
like "$OUT" "conntrack: [0-9]+ of [0-9]+ entries" "how full the table is"
run add 192.168.11.101/32 dev br-mgmt
status --json
is "$(json '.operations[0] | .op + " " + .result')" "add ok" "an operation of the daemon's is there"
is "$(json '.addresses[] | select(.address == "192.168.11.101/32").owner')" vipsafe "and the owner"
is "$(json '.devices[0].in_force')" true "protection is in force"
run history
is "$(grep -c br-mgmt <<<"$OUT")" 3 "the history is one for all"
run status --check
is "$RC$OUT$ERR" 0 "--check: protection is in force, and nothing is printed"
run --json status --check
is "$RC $(json '"\(.ok)\(.reason)"')" "0 true" "--check: the same in JSON"
if nobody true 2>/dev/null; then
	nobody "$VIPSAFE" status --check >"$T/out" 2>"$T/err"
	is "$? $(cat "$T/out" "$T/err" | grep -c '')" "4 1" "--check: who may not ask gets 4 and one line"
fi

# ---- terminals ------------------------------------------------------------------------
if command -v script >/dev/null; then
	on_terminal() { # COLUMNS WORDS...
		local columns=$1
		shift
		TERM=vt100 script -qec "stty cols $columns 2>/dev/null; '$VIPSAFE' --config '$CONF' $*" /dev/null \
			</dev/null | tr '\r' '\n'
	}
	on_terminal 40 status >"$T/narrow"
	like "$(cat "$T/narrow")" "  PROTECTION  continuous" "40 columns: blocks instead of a table"
	is "$(sed -n '/^br-mgmt$/,/UNPINNED/p' "$T/narrow" | awk 'length > 40' | wc -l)" 0 \
		"and none of their lines is longer"
	like "$(on_terminal 80 status)" "br-mgmt +continuous +yes +live" "80 columns: a table"
	is "$(on_terminal 80 history | awk 'length > 80' | wc -l)" 0 "the history fits 80 columns"
	# somebody has the device's lock: an operation that takes longer
	job locker flock /run/vipsafe/lock-br-mgmt sh -c 'echo locked; read -r _'
	hear locker
	on_terminal 80 --local --timeout 3 del 192.168.11.250/32 dev br-mgmt >"$T/slow"
	job_end locker
	like "$(cat "$T/slow")" "vipsafe: del: [1-3] s of at most 3 s" "what takes over a second shows that it goes on"
	check "no colour, no control character" not grep -qP '[^\x20-\x7e\n]' "$T/narrow"
else
	skip "terminals of 40 and 80 columns" "no program script"
fi
for words in status "--json status" history "--json history" "--help" "doctor" "plan del 192.168.11.101/32 dev br-mgmt"; do
	# shellcheck disable=SC2086
	( trap - PIPE; "$VIPSAFE" --config "$CONF" $words 2>"$T/err"; echo $? >"$T/rc" ) | true
	check "$words: a reader that has gone is no crash" test "$(cat "$T/rc")" -lt 100
	# shellcheck disable=SC2086
	"$VIPSAFE" --config "$CONF" $words >&- 2>/dev/null
	check "$words: nor a closed output" test $? -lt 100
done
env TERM=nonsense LC_ALL=xx_YY.nonsense "$VIPSAFE" --config "$CONF" status >/dev/null 2>&1
is $? 0 "an unknown terminal and locale do no harm"
env -i "$VIPSAFE" --config "$CONF" status >/dev/null 2>&1
is $? 0 "nor no environment at all"
"$VIPSAFE" --config "$CONF" status >/dev/full 2>"$T/err"
is $? 1 "output that cannot be written is an error"
like "$(cat "$T/err")" "cannot write the result" "that is said"

# ---- more addresses than are listed -----------------------------------------------------
listed=$(jsons --config "$CONF" status | jq '.addresses | length')
for ((i = 0; i < 9000; i++)); do
	echo "addr add 10.99.$((i / 250)).$((i % 250 + 1))/32 dev br-mgmt"
done >"$T/batch"
ip -batch "$T/batch" || bail_out "no 9000 addresses"
jsons --config "$CONF" status >"$T/out"
is "$(json '(.addresses | length) + .addresses_more')" $((listed + 9000)) "all of 9000 addresses are counted"
check "not all are listed" [ "$(json .addresses_more)" -gt 0 ]
"$VIPSAFE" --config "$CONF" status >"$T/text"
check "the text says how many are not" grep -q "^and $(json .addresses_more) more addresses\$" "$T/text"

# ---- an instance and a device of the daemon's ------------------------------------------------
cp "$ICONF" "$CONF"
ip addr add 10.255.255.1/32 dev lo
kill -HUP $daemon
in_place() { "$VIPSAFE" status --check VI_1 2>"$T/err" && has_addr 192.168.11.120/32 br-mgmt; }
check "--check VI_1: the daemon puts its address there" wait_for 60 in_place
echo '[device eth9]' >>"$CONF"
kill -HUP $daemon
not_in_force() {
	run status --check
	[ "$RC" = 4 ] && [[ $ERR =~ ^vipsafe:\ eth9:\ continuous\ is\ not\ in\ force:\ absent ]]
}
check "--check: 4 if a device is not guarded, which, and why" wait_for 60 not_in_force
run status --check VI_1
is "$RC$ERR" 0 "--check VI_1: does not care"
ip addr del 10.255.255.1/32 dev lo

kill -TERM $daemon
wait $daemon
jobs_end
done_testing
