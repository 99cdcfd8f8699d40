#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An address of the real keepalived goes to a device of its own as vipsafe says: the device alone is
# made on both nodes, keepalived.conf says "dev N", keepalived reads it again. Its connections live, and
# at the next failover the other node announces the address by its own such device.
# shellcheck source=tests/netns/lib/failover.sh
. "$(dirname "$0")/lib/failover.sh"; netns_main "$@"
need_failover
OWN=vip-c0a80b64

topo_failover
VRRP_LINES="virtual_ipaddress {
	$VIP/32 dev eth0
}
virtual_ipaddress_excluded {
	$VIP6/64 dev eth0
}"
GLOBAL_LINES='dynamic_interfaces'
ip -n na link add m0 link eth0 type macvlan 2>/dev/null || skip_all "this kernel has no macvlan"
ip -n na link del m0
keepalived_both
serve service na $VIP 9000
open live cl 10 $VIP 9000
open flows pa 20 192.168.11.60 8899

vipsafe_on() { # NODE WORDS...
	local node=$1

	shift
	printf '[agent]\nrun_dir = %s\n' "$T/$node.run" >"$T/$node.conf"
	timeout 20 nsenter --net="/run/netns/n$node" -- "$VIPSAFE" --config "$T/$node.conf" "$@" \
		>"$T/out" 2>"$T/err" </dev/null
	RC=$? ERR=$(cat "$T/err")
}
holder() { ip -n "n$1" -o addr show to $VIP | awk '{ print $2 }' | tr '\n' ' '; }
is_on_own() { [ "$(holder "$1")" = "$OWN " ]; }
told() { in_ns cl ip -j neigh show $VIP dev eth0 | jq -r '.[0].lladdr'; }
mac_on() { ip -n "n$1" -j link show $OWN | jq -r '.[0].address'; }
is_told() { [ "$(told)" = "$(mac_on "$1")" ]; }

vipsafe_on a isolate $VIP/32 dev eth0
is "$RC" 5 "the MASTER's address is not taken away behind its back"
like "$ERR" 'keepalived has it in .*a\.keepalived.*--prepare' "it says what to do"
is "$(holder a)" "eth0 " "and nothing has changed"
for node in a b; do
	vipsafe_on $node isolate $VIP/32 dev eth0 --prepare
	is "$RC" 0 "the device alone, on $node (${ERR:0:160})"
	vipsafe_on $node isolate $VIP6/64 dev eth0 name six --prepare
	is "$RC" 0 "and for IPv6 (${ERR:0:160})"
done
check "each node's has its own MAC address" test "$(mac_on a)" != "$(mac_on b)"

VRRP_LINES="virtual_ipaddress {
	$VIP/32 dev $OWN
}
virtual_ipaddress_excluded {
	$VIP6/128 dev six
}"
for node in b a; do keepalived_conf $node; done

# a reload does not make the MASTER move it (2.2.7); then it would later delete it from eth0
kill -HUP "${KA[a]}"
check "keepalived reads its file again" wait_for 60 grep -q 'Reload \(complete\|finished\)' "$T/a.log"
if [ "$(holder a)" = "eth0 " ]; then
	vipsafe_on a isolate $VIP/32 dev eth0 --force
	is "$RC $(holder a)" "5 eth0 " "what keepalived has not moved nobody else moves"
	like "$ERR" 'restart it' "it says what to do"
fi
unharmed live "its connections live"

# where it is BACKUP first
keepalived_end b
keepalived_start b
prefer b
check "the other node takes over, on its own device" wait_for 60 is_on_own b
has_let_go() { [ -z "$(holder "$1")" ]; }
check "the first has let it go" wait_for 60 has_let_go a
check "the client is told" wait_for 60 is_told b
serve service2 nb $VIP 9000
open after cl 5 $VIP 9000
unharmed after "the address answers there"
keepalived_end a
keepalived_start a
prefer a
check "and back, on its own device" wait_for 60 is_on_own a
check "the other one has let it go" wait_for 60 has_let_go b
check "the client is told" wait_for 60 is_told a
vipsafe_on a isolate $VIP/32 dev eth0
is "$RC $(holder a)" "0 $OWN " "then there is nothing left to do"
unharmed flows "connections of others live through all of this"

vipsafe_on a isolate --undo
is "$RC" 1 "--undo on a node that has two"
vipsafe_on a isolate --undo dev $OWN
is "$RC $(holder a)" "5 $OWN " "and not behind keepalived's back"
VRRP_LINES="virtual_ipaddress {
	$VIP/32 dev eth0
}"
keepalived_conf b
vipsafe_on b isolate --undo dev $OWN
is "$RC" 0 "where it is not, it is enough that keepalived is told (${ERR:0:160})"
done_testing
