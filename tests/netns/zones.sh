#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two pods with the same address and the same source ports, kept apart by
# conntrack zones of one direction, both keep their flows; so do flows whose
# zone holds for both directions.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

#        pod, 10.232.1.5  -- cali0 --  zone-orig 1 \
#                                                   node1 -- br-mgmt -- node2
#       pod2, 10.232.1.5  -- cali1 --  zone-orig 2 /
topo_pod
ip netns add pod2
ip -batch - <<. || bail_out "cannot build the topology"
	link add cali1 type veth peer name eth0 netns pod2
	link set cali1 up
	addr add 10.232.1.1/32 dev cali1
	route add 10.232.1.5/32 dev cali1 table 2
	rule add fwmark 2 lookup 2
.
ip -n pod2 -batch - <<. || bail_out "cannot build the topology"
	link set lo up
	link set eth0 up
	addr add 10.232.1.5/24 dev eth0
	route add default via 10.232.1.1
.
for dev in all cali0 cali1; do put /proc/sys/net/ipv4/conf/$dev/rp_filter 0; done
{
	iptables -w 5 -t raw -A PREROUTING -i cali0 -p tcp --dport 8898 -j CT --zone 5 &&
	iptables -w 5 -t raw -A PREROUTING -i br-mgmt -p tcp --sport 8898 -j CT --zone 5 &&
	iptables -w 5 -t raw -A PREROUTING -i cali0 -p tcp --dport 8899 -j CT --zone-orig 1 &&
	iptables -w 5 -t raw -A PREROUTING -i cali1 -p tcp --dport 8899 -j CT --zone-orig 2 &&
	iptables -w 5 -t mangle -A PREROUTING -i cali1 -j CONNMARK --set-mark 2 &&
	iptables -w 5 -t mangle -A PREROUTING -i br-mgmt -j CONNMARK --restore-mark
} 2>/dev/null || skip_all "this kernel has no conntrack zones by direction"
masquerade

# half HOW PORT: source ports of its own, since the far end, or a socket that
# still waits for an answer, may remember those of the other half
half() {
	local how=$1 port=$2

	twin_up
	serve srv node2 10.232.3.28 8899
	serve both node2 10.232.3.28 8898
	open pod pod 10 -P "$port" 10.232.3.28 8899
	open pod2 pod2 10 -P "$port" 10.232.3.28 8899
	open pod-both pod 10 -P "$port" 10.232.3.28 8898
	leave "$how"
	judge "$how" reset srv pod "zone of one direction, first pod"
	judge "$how" reset srv pod2 "zone of one direction, second pod, equal tuples"
	judge "$how" reset both pod-both "zone of both directions"
	fresh
}

half bare 40000
half vipsafe 41000
done_testing
