#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is refused for safety, what is only warned about, and what needs rights.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe

topo_nodes
PROMOTE=/proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries
put /proc/sys/net/ipv4/conf/all/promote_secondaries 0
put $PROMOTE 0

# warned CODE: the last report has that warning, with a text
warned() { [ "$(json ".warnings[] | select(.code == \"$1\") | .text | length > 10")" = true ]; }

# 192.168.11.7/24 is the primary of both.
ip addr add 192.168.11.100/24 dev br-mgmt
ip addr add 192.168.11.101/24 dev br-mgmt
before=$(state)
run --json del 192.168.11.7/24 dev br-mgmt
is "$RC" 5 "deleting a primary with secondaries is refused"
is "$(json '[.result, .changed] | @text')" '["refused",false]' "and reported as refused"
like "$ERR$OUT" "192.168.11.100/24.*192.168.11.101/24" "naming the secondaries"
is "$(state)" "$before" "nothing changed"
run --json plan del 192.168.11.7/24 dev br-mgmt
is "$RC" 5 "plan says so beforehand"

run --json del 192.168.11.100/24 dev br-mgmt
is "$RC $(json .result)" "0 ok" "deleting a secondary is fine"
check "the primary and the other secondary stay" has_addr 192.168.11.101/24 br-mgmt

put $PROMOTE 1
run --json del 192.168.11.7/24 dev br-mgmt
is "$RC $(json .result)" "0 ok" "with promote_secondaries the primary may go"
check "and the secondary stays" has_addr 192.168.11.101/24 br-mgmt
put $PROMOTE 0
ip addr add 192.168.11.102/24 dev br-mgmt
run --json --force del 192.168.11.101/24 dev br-mgmt
is "$RC" 0 "--force deletes a primary all the same"
check "with its secondary" not has_addr 192.168.11.102/24 br-mgmt

# Several at once: nothing is left behind that was not asked for.
ip addr add 192.168.11.7/24 dev br-mgmt
ip addr add 192.168.11.100/24 dev br-mgmt
run --json --force del 192.168.11.7/24 192.168.11.100/24 dev br-mgmt
is "$RC $(json .changed)" "0 true" "a primary together with all its secondaries is fine"

# The last IPv4 address takes the device's routes along.
ip addr add 192.168.11.7/24 dev br-mgmt
ip route add 10.77.0.0/16 via 192.168.11.8
before=$(state)
run --json del 192.168.11.7/24 dev br-mgmt
is "$RC $(json .result)" "5 refused" "the last IPv4 address stays"
like "$(json .error)" "the last IPv4 address of br-mgmt.*--force" "the reason and the way out are named"
run --json plan del 192.168.11.7/24 dev br-mgmt
is "$RC" 5 "plan says so beforehand"
is "$(state)" "$before" "nothing changed"
run --json --force del 192.168.11.7/24 dev br-mgmt
is "$RC $(json .result)" "0 ok" "it goes where somebody insists"
check "with a warning about the routes" warned last-ipv4-address
is "$(ip route show 10.77.0.0/16)" "" "which are really gone"

# Who gave an address a lifetime looks after it.
ip addr add 192.168.11.7/24 dev br-mgmt
ip addr add 192.168.11.30/24 dev br-mgmt valid_lft 3600 preferred_lft 3600
run del 192.168.11.30/24 dev br-mgmt
is "$RC" 5 "an address with a lifetime stays"
like "$ERR" "has a lifetime .3[56][0-9]* s are left.*--force" "the reason is named"
run --force del 192.168.11.30/24 dev br-mgmt
is "$RC" 0 "and goes where somebody insists"
ip -6 addr flush dev br-mgmt
ip addr add fd00:11::7/64 dev br-mgmt nodad
run del fd00:11::7/64 dev br-mgmt
is "$RC" 5 "the last IPv6 address stays"

# The kernel itself says since Linux 5.18 what it has made.
ip link add eth3 type veth peer name eth4
ip link set eth4 up
ip link set eth3 up
made() { own=$(ip -6 -o addr show dev eth3 scope link | awk '{ print $4 }') && [ -n "$own" ]; }
check "the kernel makes an address" wait_for 20 made
ip addr add fd00:77::1/64 dev eth3 nodad
if printf '5.18\n%s\n' "$(uname -r)" | sort -CV; then
	run del "$own" dev eth3
	is "$RC" 5 "what the kernel has made stays"
	like "$ERR" "the kernel has made" "the reason is named"
else
	skip "what the kernel has made stays" "this kernel does not tell"
fi

# ---- instances -----------------------------------------------------------------------
CONF=$T/vipsafe.conf
printf '%s\n' '[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.100/32' >"$CONF"
is_there() { has_addr 192.168.11.100/32 br-mgmt; }
here() { run --config "$CONF" "$@"; }
told() { # STATE WHO, and what is to be seen then
	here notify INSTANCE VI_1 "$1" 100
	check "$2: it is $1" wait_for 60 "${@:3}"
}
# refused_by WHO: what is asked for against the state of the instance
refused_by() {
	told MASTER "$1" is_there
	here del 192.168.11.100/32 dev br-mgmt
	is "$RC" 5 "$1: the address of a MASTER stays"
	like "$ERR" "instance VI_1, which is MASTER.*--force" "$1: the instance is named"
	here plan del 192.168.11.100/32 dev br-mgmt
	is "$RC" 5 "$1: plan says so beforehand"
	check "$1: it is there" is_there
	told BACKUP "$1" not is_there
	here add 192.168.11.100/32 dev br-mgmt
	is "$RC" 5 "$1: that of a BACKUP does not come"
	like "$ERR" "instance VI_1, which is BACKUP.*--force" "$1: the instance is named"
	check "$1: it is not there" not is_there
	here del 192.168.11.100/32 dev br-mgmt
	is "$RC" 0 "$1: what goes with the state is done"
	here --force add 192.168.11.100/32 dev br-mgmt
	is "$RC $(is_there && echo there)" "0 there" "$1: and what somebody insists on"
	here --force del 192.168.11.100/32 dev br-mgmt
}
here add 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "of an instance that nobody has told of anything is done"
here del 192.168.11.100/32 dev br-mgmt
is "$RC" 0 "either way"
refused_by "without a daemon"
"$BUILD/vipsafed" --config "$CONF" 2>"$T/vipsafed.log" &
DAEMON=$!
answers() { timeout 10 "$VIPSAFE" status >/dev/null 2>&1; }
check "the daemon comes" wait_for 60 answers
refused_by "with a daemon"
told MASTER "with a daemon" is_there
run --local --config "$CONF" del 192.168.11.100/32 dev br-mgmt
is "$RC" 5 "beside the daemon, too"
kill $DAEMON
wait $DAEMON 2>/dev/null
here --force del 192.168.11.100/32 dev br-mgmt

# Without the capability nothing happens, and the exit code says why.
before=$(state)
powerless() {
	setpriv --bounding-set -all --inh-caps -all --ambient-caps -all "$VIPSAFE" "$@" \
		>"$T/out" 2>"$T/err" </dev/null
}
powerless add 192.168.11.105/32 dev br-mgmt
is $? 77 "add without CAP_NET_ADMIN: 77"
is "$(grep -c '' "$T/err")" 1 "add without CAP_NET_ADMIN: one line says why"
powerless --force del fd00:11::7/64 dev br-mgmt
is $? 77 "del without CAP_NET_ADMIN: 77"
is "$(state)" "$before" "nothing changed"
done_testing
