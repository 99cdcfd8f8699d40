#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# When the address of pinned flows is taken away by somebody else, the kernel
# does not remove their entries; `vipsafe recover --stale` does. Without it the
# node goes on sending from an address that another node has by then.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
be_patient

N=20
topo_pod
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
ip addr add 192.168.11.6/24 dev br-mgmt # the source when 192.168.11.7 is gone
masquerade
ip netns add node3
ip -batch - <<. || bail_out "cannot build the topology"
	link add eth3 type veth peer name br-mgmt netns node3
	link set eth3 master br-mgmt
	link set eth3 up
.
in_ns node3 ip link set br-mgmt up
# What the bridge passes on to node3 is not this node's to translate.
put /proc/sys/net/bridge/bridge-nf-call-iptables 0
mac=$(ip -j link show br-mgmt | jq -r '.[0].address')
# What node2 receives from this node, by the address it claims to have.
in_ns node2 nft -f - <<. || bail_out "cannot count"
table inet tally {
	counter c_7 { }
	counter c_6 { }
	chain pre {
		type filter hook prerouting priority -300;
		ether saddr $mac udp dport 8899 ip saddr 192.168.11.7 counter name c_7
		ether saddr $mac udp dport 8899 ip saddr 192.168.11.6 counter name c_6
	}
}
.
# Since the last look.
seen() {
	in_ns node2 nft -j reset counters table inet tally |
		jq -r '[.nftables[].counter? | select(.) | "\(.name)=\(.packets > 0)"] | sort | join(" ")'
}

# pin: an unrelated VIP comes and goes, which pins every flow
pin() {
	ip addr add 192.168.11.100/32 dev br-mgmt
	run --json --strategy pin del 192.168.11.100/32 dev br-mgmt
	check "$1: the counts add up" adds_up "$T/out"
	is "$RC $(json "[.result, .entries.pinned >= $N] | @text")" '0 ["ok",true]' "$1: pinned"
}

removed() { json '.[] | select(.op == "stale").removed'; }

serve udp node2 -u 10.232.3.28 8899
serve tcp node2 10.232.3.28 8899
open udp-pod pod $N -t 2 -u 10.232.3.28 8899
open tcp-pod pod 3 -t 2 10.232.3.28 8899
pin "before"
run --json recover --stale
is "$RC $(removed)" "0 0" "while the address is there nothing is stale"
judge vipsafe changed udp udp-pod "then"
seen >/dev/null

# The address moves to node3 without vipsafe.
ip addr del 192.168.11.7/24 dev br-mgmt
in_ns node3 ip addr add 192.168.11.7/24 dev br-mgmt
in_ns node2 ip neigh replace 192.168.11.7 dev br-mgmt nud permanent \
	lladdr "$(in_ns node3 ip -j link show br-mgmt | jq -r '.[0].address')"
ask udp-pod ping
is "$REPLY" "ping alive=0 reset=0 stalled=$N changed=0" "without recover the flows stand still"
is "$(seen)" "c_6=false c_7=true" "and leave as an address that node3 has"

run --json recover --stale
is "$RC" 0 "recover --stale: exit code"
like "$(removed)" "^$((N + 3))|$((N + 4))\$" "recover --stale: what was pinned is removed"
ask udp-pod ping
is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=$N" "the flows begin anew"
is "$(seen)" "c_6=true c_7=false" "as an address that this node has"
# (TCP cannot begin anew: the far end does not know it by another address.)
open new pod 3 10.232.3.28 8899
ok "new connections work"
pin "after"
run --json recover --stale
is "$RC $(removed)" "0 0" "and are not stale"
judge vipsafe reset tcp new "afterwards"
done_testing
