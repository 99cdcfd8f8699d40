#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is refused for safety, what is only warned about, and what needs rights.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"; netns_main "$@"
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
run --json del 192.168.11.7/24 192.168.11.100/24 dev br-mgmt
is "$RC $(json .changed)" "0 true" "a primary together with all its secondaries is fine"

# The last IPv4 address takes the device's routes along.
ip addr add 192.168.11.7/24 dev br-mgmt
ip route add 10.77.0.0/16 via 192.168.11.8
run --json del 192.168.11.7/24 dev br-mgmt
is "$RC $(json .result)" "0 ok" "the last IPv4 address may go"
check "with a warning about the routes" warned last-ipv4-address
is "$(ip route show 10.77.0.0/16)" "" "which are really gone"

# Without the capability nothing happens, and the exit code says why.
before=$(state)
powerless() {
	setpriv --bounding-set -all --inh-caps -all --ambient-caps -all "$VIPSAFE" "$@" \
		>"$T/out" 2>"$T/err" </dev/null
}
powerless add 192.168.11.100/32 dev br-mgmt
is $? 77 "add without CAP_NET_ADMIN: 77"
is "$(grep -c '' "$T/err")" 1 "add without CAP_NET_ADMIN: one line says why"
powerless del fd00:11::7/64 dev br-mgmt
is $? 77 "del without CAP_NET_ADMIN: 77"
is "$(state)" "$before" "nothing changed"
done_testing
