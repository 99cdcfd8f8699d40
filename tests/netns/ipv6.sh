#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# IPv6 masqueraded flows (NAT66) outlive an address delete. Their flush runs
# from a work queue on every kernel since 4.5, some time after the delete.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
twin6_up
in_ns node2 sh -c 'echo 1 >/proc/sys/net/ipv6/icmp/echo_ignore_all'
ip6tables -w 5 -t nat -A PREROUTING -d fd00:96::1 -p tcp --dport 80 \
	-j DNAT --to-destination '[fd00:3::28]:8899'

declare -A LOSS=([tcp]=reset [udp]=changed [icmp]=changed [sctp]=changed [253]=deaf)

half() {
	local how=$1 p

	for p in tcp udp icmp sctp 253; do
		serve "srv-$p" node2 -p "$p" fd00:3::28 8899
		if [ "$p" = 253 ]; then
			open "$p" pod 1 -t 1 -p "$p" fd00:3::28 8899
		else
			open "$p" pod 5 -p "$p" fd00:3::28 8899
		fi
	done
	open local node1 20 fd00:3::28 8899
	open dnat pod 20 fd00:96::1 80
	leave6 "$how"
	for p in tcp udp icmp sctp 253; do
		judge "$how" "${LOSS[$p]}" "srv-$p" "$p" "IPv6 protocol $p, forwarded"
	done
	judge "$how" reset srv-tcp local "IPv6 tcp, local"
	judge "$how" reset srv-tcp dnat "IPv6 tcp, forwarded, behind DNAT"
	fresh
}

masquerade
half bare
ip addr add $TWIN6 dev br-mgmt nodad
half vipsafe
done_testing
