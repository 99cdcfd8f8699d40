#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Masqueraded TCP and UDP flows outlive the delete of a VIP: local and
# forwarded ones, plain and behind a DNATed service, with iptables and nft.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
ip route add 10.96.0.0/16 via 192.168.11.8
for chain in PREROUTING OUTPUT; do
	for proto in tcp udp; do
		iptables -w 5 -t nat -A $chain -d 10.96.0.1 -p $proto --dport 80 \
			-j DNAT --to-destination 10.232.3.28:8899
	done
done

half() {
	local how=$1 proto loss ns

	twin_up
	serve tcp node2 10.232.3.28 8899
	serve udp node2 -u 10.232.3.28 8899
	for proto in tcp udp; do
		for ns in node1 pod; do
			open $proto-$ns $ns 20 -p $proto 10.232.3.28 8899
			open $proto-$ns-dnat $ns 20 -p $proto 10.96.0.1 80
		done
	done
	leave "$how"
	for proto in tcp udp; do
		[ $proto = tcp ] && loss=reset || loss=changed
		for ns in node1 pod; do
			judge "$how" $loss $proto $proto-$ns "$2: $proto from $ns"
			judge "$how" $loss $proto $proto-$ns-dnat "$2: $proto from $ns, behind DNAT"
		done
	done
	fresh
}

masquerade iptables
half bare iptables
half vipsafe iptables
like "$(json ".entries | .flushed + .pinned")" '^1[6-9][0-9]$' "the 160 flows really were in danger"
iptables -w 5 -t nat -F POSTROUTING
masquerade nft
half bare nft
half vipsafe nft
done_testing
