#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --netns and [agent] netns: what is called in one network namespace acts in
# another one, protects the connections there, and leaves its own alone.
# shellcheck disable=SC2317 # functions given to check
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
VIPSAFED=$BUILD/vipsafed
DAEMON=

topo_nodes
# shellcheck disable=SC2119
masquerade
know_verdict fixed
NODE1=$T/node1
touch "$NODE1"
mount --bind /proc/self/ns/net "$NODE1" || bail_out "no file for a network namespace"

# ---- traffic: called in node2, which has a br-mgmt as well, for this node ----
plain_run=$(declare -f run)
# shellcheck disable=SC2153,SC2034 # set and read by the library
run() { # the words of run, in node2
	timeout -k 2 120 nsenter --net=/run/netns/node2 -- "$VIPSAFE" --netns "$NODE1" "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
	OUT=$(cat "$T/out") ERR=$(cat "$T/err")
}
serve server node2 10.232.3.28 8899
for how in bare vipsafe; do
	twin_up
	open flows node1 10 10.232.3.28 8899
	before=$(in_ns node2 ip -j addr | jq -S 'map(.addr_info[]? |= del(.valid_life_time, .preferred_life_time))')
	leave $how
	judge $how reset server flows "called in another namespace"
	is "$(in_ns node2 ip -j addr | jq -S 'map(.addr_info[]? |= del(.valid_life_time, .preferred_life_time))')" "$before" \
		"$how: the caller's namespace is as it was"
	job_end flows
done
run --json history
is "$(json '.[0].op')" del "its history is that of this namespace"
eval "$plain_run"
run --json history
is "$(json '.[0].op')" del "where it is found without the option"

# ---- names, and a directory for each ------------------------------------------
VIP=192.0.2.77/32
here() { ip -o addr show dev br-mgmt to $VIP | wc -l; }
there() { in_ns node2 ip -o addr show dev br-mgmt to $VIP | wc -l; }
ino=$(stat -Lc %i /run/netns/node2)
run --netns node2 add $VIP dev br-mgmt
is "$RC $(here) $(there)" "0 0 1" "add goes to the namespace of that name"
check "which has a directory of its own" test -f "/run/vipsafe-netns-$ino/history"
run --json --netns /run/netns/node2 --local history
is "$RC $(json '.[0].addresses[0]')" "0 $VIP" "a path means the same"
run --netns node2 plan del $VIP dev br-mgmt
is "$RC $(there)" "0 1" "plan looks there"

# ---- a daemon in it ------------------------------------------------------------
printf '[agent]\nnetns = node2\n[device br-mgmt]\n' >"$T/conf"
"$VIPSAFED" --config "$T/conf" 2>"$T/log" &
DAEMON=$!
wait_for 60 test -S "/run/vipsafe-netns-$ino/control.sock" || bail_out "no daemon: $(cat "$T/log")"
run --netns node2 status
is "$RC" 0 "it runs there"
is "$(in_ns node2 "$VIPSAFE" status >/dev/null 2>&1; echo $?)" 0 "which is seen there"
run status
is "$RC" 3 "and not here"
run --config "$T/conf" del $VIP dev br-mgmt
is "$RC $(here) $(there)" "0 0 0" "with its configuration, commands go there as well"
heard() { in_ns node2 "$VIPSAFE" --json status | jq -e '.devices[] | select(.device == "br-mgmt").state == "live"'; }
check "it guards the device of there" wait_for 60 heard
setpriv --reuid 65534 --clear-groups "$VIPSAFE" --netns node2 status >"$T/out" 2>"$T/err"
like "$? $(cat "$T/err")" '^4 vipsafe: not permitted to ask the daemon' "who may not enter still asks the daemon"
setpriv --reuid 65534 --clear-groups "$VIPSAFE" --netns node2 --local connections >"$T/out" 2>"$T/err"
is "$? $(cat "$T/err")" "77 vipsafe: not permitted to enter the network namespace /run/netns/node2: only root may" \
	"and looks at no other"
printf '[agent]\nnetns = %s\n[device br-mgmt]\n' "$NODE1" >"$T/conf"
run --netns node2 reload
like "$RC $ERR" "^78 .*only a restart" "a reload does not change the namespace"
kill $DAEMON
wait $DAEMON 2>/dev/null

# ---- errors: one line ------------------------------------------------------------
refuses() { # CODE TEXT NAME
	run --netns "$3" add $VIP dev br-mgmt
	is "$RC $(grep -c '' "$T/err") $(here)" "$1 1 0" "--netns \"$3\": exit code $1"
	like "$ERR" "$2" "and one line says why"
}
refuses 1 'there is no network namespace /run/netns/nosuch: No such file' nosuch
refuses 1 'is neither a name of ip-netns\(8\) nor an absolute path' ./node2
refuses 1 'is neither a name' ''
refuses 1 'is no network namespace' "$T/conf"
refuses 1 'is no network namespace' /proc/self/ns/mnt
refuses 1 'is longer than' "$(printf '%0200d' 0)"
printf '[agent]\nnetns = nosuch\n' >"$T/conf"
run --config "$T/conf" add $VIP dev br-mgmt
like "$RC $ERR" '^78 .*there is no network namespace /run/netns/nosuch' "a wrong name in the configuration"
timeout 20 "$VIPSAFED" --config "$T/conf" 2>"$T/log"
is "$? $(grep -c '' "$T/log")" "78 1" "vipsafed does not start with it"
: >"$T/conf"
"$VIPSAFED" --netns /proc/self/ns/mnt --config "$T/conf" 2>"$T/log"
is "$? $(cat "$T/log")" "78 vipsafed: /proc/self/ns/mnt is no network namespace" "nor with a wrong option"
done_testing
