#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe isolate: a live address goes to a device of its own and back. No connection notices, neither
# those to the address nor those that are masqueraded to it, and the address is on one of the two
# devices at each moment. While it is there, nobody's delete of it breaks anything, without a daemon.
#
# The address is the one that everything is masqueraded to, a second time (192.168.11.7/32), as in
# pair.sh: to take it from br-mgmt flushes them on every kernel. With IPv6 it is fd00:11::7/64 itself.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon
VIP=192.168.11.100 VIP6=fd00:11::100
TWIN=192.168.11.7/32 TWIN6=fd00:11::7/64
OWN=vip-c0a80b07

# a client on the management network beside node2
client_up() {
	ip netns add client
	ip -batch - <<-. || bail_out "cannot build the client"
		link add c0 type veth peer name eth0 netns client
		link set c0 master br-mgmt up
	.
	ip -n client -batch - <<-. || bail_out "cannot build the client"
		link set lo up
		link set eth0 up
		addr add 192.168.11.50/24 dev eth0
		addr add fd00:11::50/64 dev eth0 nodad
		route add 10.232.1.0/24 via 192.168.11.7
	.
	ip -n pod route replace default via 10.232.1.1
}

topo_pod
need_macvlan
client_up
masquerade
ip -batch - <<-. || bail_out "cannot add the addresses"
	addr add $VIP/32 dev br-mgmt label br-mgmt:1
	addr add $VIP6/128 dev br-mgmt nodad preferred_lft 0
	addr add $TWIN dev br-mgmt
	addr add fd00:11::77/64 dev br-mgmt nodad preferred_lft 0
.
serve srv node2 10.232.3.28 8899
serve srv6 node2 fd00:3::28 8899
serve vip node1 $VIP 9000
serve vip6 node1 $VIP6 9000

ALL=()
open_all() { # PREFIX: connections to the addresses, and masqueraded ones
	ALL=("$1-client" "$1-client6" "$1-local" "$1-pod" "$1-out" "$1-out6")
	open "$1-client" client 20 $VIP 9000
	open "$1-client6" client 20 $VIP6 9000
	open "$1-local" node1 10 $VIP 9000
	open "$1-pod" pod 20 10.232.3.28 8899
	open "$1-out" node1 20 10.232.3.28 8899
	open "$1-out6" node1 20 fd00:3::28 8899
}
all_unharmed() { # WHAT
	local one

	for one in "${ALL[@]}"; do unharmed "$one" "$1: ${one#*-}"; done
}

# ---- the addresses that come and go, as the kernel tells it ------------------

addresses_watch() { # FILE
	ip -o monitor address >"$1" &
	MONITOR=$!
	# it listens as soon as it tells of an address that comes and goes
	wait_for 20 monitor_hears "$1" || bail_out "ip monitor does not hear"
}
monitor_hears() {
	ip addr add 10.99.99.99/32 dev lo
	ip addr del 10.99.99.99/32 dev lo
	sleep 0.05 # between two looks
	grep -q 'Deleted.*10\.99\.99\.99' "$1"
}
# never_missing FILE ADDR: on how many devices it was at least, having been on one before
least_holders() {
	awk -v a="$2" 'BEGIN { n = least = 1 }
		index($0, a "/") { n += /^Deleted/ ? -1 : 1; if (n < least) least = n }
		END { print least }' "$1"
}

holders() { ip -o addr show to "$1" | awk '{ print $2 }' | sort | tr '\n' ' '; }
marked() { ip -d link show "$1" 2>/dev/null | sed -n 's/^ *alias //p'; }

# ---- without vipsafe the move would lose them ---------------------------------

open_all bare
leave_bare() {
	ip addr del $TWIN dev br-mgmt
	ip addr add $TWIN dev br-mgmt
}
flushed() { leave_bare && sleep 0.1 && no_entries --reply-src 10.232.3.28 --reply-dst 192.168.11.7; }
check "a bare delete on the shared device flushes" wait_for 60 flushed
harmed bare-pod "control: forwarded connections are lost"
harmed bare-out "control: the node's own are lost"
for one in "${ALL[@]}"; do job_end "$one"; done
conntrack -F 2>/dev/null

# ---- there and back, under traffic ---------------------------------------------

bridge_knows() { bridge fdb show br br-mgmt | grep 'master br-mgmt permanent' | sort; }
BRIDGE=$(bridge_knows)
open_all move
job busy-pod in_ns pod "$FLOW" busy -n 10 -d 20 -t 60 10.232.3.28 8899
job busy-vip in_ns client "$FLOW" busy -n 10 -d 20 -t 60 $VIP 9000
job busy-vip6 in_ns client "$FLOW" busy -n 10 -d 20 -t 60 $VIP6 9000
for one in pod vip vip6; do hear "busy-$one"; done
addresses_watch "$T/moves"
# first what flushes on every kernel, as nothing is pinned yet
run --json isolate $TWIN dev br-mgmt
is "$RC $(json .result) $(json .made) $(json .changed)" "0 ok true true" "the address that all are masqueraded to"
is "$(json '.del.entries.lost')" 0 "none is lost"
check "some would have been (pinned or restored)" \
	test "$(json '.del.entries | .pinned + .restored')" -ge 40
run --json isolate $TWIN6 dev br-mgmt
is "$RC $(json .result) $(json .del.entries.lost)" "0 ok 0" "the IPv6 address that all are masqueraded to"
is "$(ip -o addr show dev "$(json .device)" scope global | awk '{ print $4 }')" fd00:11::7/128 \
	"on its own device it has all of its bits"
run isolate $VIP/32 dev br-mgmt
is "$RC" 0 "isolate (${ERR:0:200})"
is "$(holders $VIP)" "vip-c0a80b64 " "the address is on its own device only"
is "$(marked vip-c0a80b64)" "vipsafe: isolated $VIP/32 dev br-mgmt label br-mgmt:1" "which is marked"
run --json isolate $VIP6/128 dev br-mgmt name six
is "$RC $(json .device) $(json .type) $(json .del.result)" "0 six macvlan ok" "IPv6, to a device of a given name"
is "$(holders $VIP6)" "six " "it is on its own device only"
# of a new IPv6 address the kernel tells later than of the next delete; that it stays, "busy-vip6" says
check "the monitor has seen it" wait_for 60 grep -q "^Deleted .*br-mgmt.* $VIP/" "$T/moves"
is "$(least_holders "$T/moves" $VIP)" 1 "an address was on one device at each moment"
all_unharmed "on devices of their own"
open new-vip client 20 $VIP 9000
open new-vip6 client 20 $VIP6 9000
unharmed new-vip "new connections come to it"
unharmed new-vip6 "and with IPv6"
is "$(in_ns client ip -j neigh show $VIP dev eth0 | jq -r '.[0].lladdr')" \
	"$(ip -j link show vip-c0a80b64 | jq -r '.[0].address')" "the neighbours have been told"
like "$(cat /proc/sys/net/ipv4/conf/br-mgmt/{arp_ignore,rp_filter} | tr '\n' ' ')" '^0 0 $' \
	"settings of the old device are as they were"

# a bridge does not flood what is for the new device: of 500 requests node2 sees none
in_ns node2 nft -f - <<. || bail_out "cannot count"
	table netdev tally {
		counter c_own { }
		chain in {
			type filter hook ingress device br-mgmt priority 0;
			ether daddr $(ip -j link show vip-c0a80b64 | jq -r '.[0].address') counter name c_own
		}
	}
.
seen() { in_ns node2 nft -j list counter netdev tally c_own | jq '.nftables[] | .counter? | select(.) | .packets'; }
before=$(seen)
for _ in {1..25}; do ask new-vip ping; done
is "$(($(seen) - before))" 0 "the bridge does not flood others with its packets"
in_ns node2 nft delete table netdev tally

# ---- foreign deletes ----------------------------------------------------------

ids() { conntrack -L -o id -p tcp --dport 8899 2>/dev/null | grep ESTABLISHED | grep -o 'id=[0-9]*' | sort; }
open young-pod pod 20 10.232.3.28 8899
open young-out node1 20 10.232.3.28 8899
IDS=$(ids)
for ((i = 0; i < 100; i++)); do
	echo "addr del $TWIN dev $OWN"
	echo "addr add $TWIN dev $OWN"
done | ip -batch - || bail_out "ip addr fails"
unharmed young-pod "100 foreign deletes: forwarded connections live"
unharmed young-out "and the node's own"
is "$(ids)" "$IDS" "and not one entry was touched"
for ((i = 0; i < 20; i++)); do
	echo "addr del $VIP/32 dev vip-c0a80b64"
	echo "addr add $VIP/32 dev vip-c0a80b64"
done | ip -batch -
all_unharmed "foreign deletes"

# ---- and back --------------------------------------------------------------------

run isolate --undo
is "$RC" 1 "--undo needs to be told which of several"
run isolate --undo $VIP
is "$RC" 0 "--undo (${ERR:0:200})"
is "$(ip -o addr show dev br-mgmt to $VIP | grep -o 'br-mgmt:1')" br-mgmt:1 "it is back, with its label"
check "and its device is gone" not ip link show vip-c0a80b64
run --json isolate --undo dev six
is "$RC $(json .undo) $(json .deleted)" "0 true true" "IPv6 as well"
is "$(ip -o -6 addr show dev br-mgmt to $VIP6 | grep -o deprecated)" deprecated "with its lifetime"
run isolate --undo $TWIN
is "$RC" 0 "the address that all are masqueraded to"
run isolate --undo $TWIN6
is "$RC" 0 "with IPv6"
is "$(ip -o addr show dev br-mgmt to fd00:11::7 | awk '{ print $4 }')" $TWIN6 "with the length that it had"
all_unharmed "back again"
kill "$MONITOR" 2>/dev/null
wait "$MONITOR" 2>/dev/null
for one in pod vip vip6; do
	tell "busy-$one" quit
	hear "busy-$one" 60
	like "$REPLY" 'reset=0 stalled=0 changed=0' "busy all the time: $one"
done
is "$(ip -o link show type macvlan)" "" "no device is left"
is "$(bridge_knows)" "$BRIDGE" "nothing is left in the bridge"

# ---- with the daemon ----------------------------------------------------------------

config '[device br-mgmt]' 'pin = on-demand'
daemon_start
wait_for 60 guard_live || bail_out "the guard does not come up"
run --config "$CONF" --json isolate $TWIN dev br-mgmt
is "$RC $(json .result) $(json .del.before)" "0 ok shadow" "with the daemon, whose guard knows what to protect"
run --config "$CONF" --json isolate $TWIN6 dev br-mgmt
is "$RC $(json .result)" "0 ok" "and with IPv6"
all_unharmed "isolated by the daemon"
run --config "$CONF" isolate --undo $TWIN
is "$RC" 0 "and back"
run --config "$CONF" isolate --undo $TWIN6
is "$RC" 0 "and back with IPv6"
all_unharmed "put back by the daemon"
daemon_end
done_testing
