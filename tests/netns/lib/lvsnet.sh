# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A client, an LVS and a real server:   . "$(dirname "$0")/lib/lvsnet.sh"; netns_main "$@"
#
#      pod        node1 (client)             lvs                          rs
#   10.232.1.5  10.9.1.2 c0 ---- l0 10.9.1.1   10.9.2.1 l1 ---- r0 10.9.2.2, .3
#               fd00:1::2                                          fd00:2::2
#
# The LVS is stateless rules with a memory: conntrack would mend what IPVS does
# not. (Real IPVS is in tests/vm/lvs.sh.) Ports 3306 and 3307 of a VIP are port
# 3269 of the server. VIPs by their last byte:
#    1 to 19  NAT; 7 is of the second server, 10 and 11 keep the port, 12 is UDP
#   20 to 29  FULLNAT: the server sees an address of the LVS
#   30 to 39  FULLNAT with a toa that rewrites packets
#   40 to 42  direct routing: the server has the VIP
#   60 to 63  direct routing to the client's node
# shellcheck disable=SC2034 # much of it is for the cases

# shellcheck source=tests/netns/lib/lvs.sh
. "$(dirname "${BASH_SOURCE[0]}")/lvs.sh"

C2=10.9.1.3 RS2=10.9.2.3 C6=fd00:1::2 RS6=fd00:2::2 POD=10.232.1.5
V=10.9.9 V6=fd00:9:: DR6=fd00:9::40

topo_lvs() {
	local ns

	for ns in lvs rs pod; do ip netns add $ns || bail_out "cannot make a network namespace"; done
	ip link add c0 type veth peer name l0 netns lvs
	ip link add cali0 type veth peer name eth0 netns pod
	ip -n lvs link add l1 type veth peer name r0 netns rs
	ip -batch - <<-. || bail_out "cannot build the topology"
		link set c0 up
		link set cali0 up
		addr add $C/24 dev c0
		addr add $C2/24 dev c0
		addr add $C6/64 dev c0 nodad
		addr add 10.232.1.1/24 dev cali0
		route add default via 10.9.1.1
		route add default via fd00:1::1
	.
	ip -n lvs -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set l0 up
		link set l1 up
		addr add 10.9.1.1/24 dev l0
		addr add 10.9.2.1/24 dev l1
		addr add 10.9.2.4/32 dev lo
		addr add fd00:1::1/64 dev l0 nodad
		addr add fd00:2::1/64 dev l1 nodad
		route add $V.40/30 via $RS
		route add $V.60/30 via $C
		route add $DR6/128 via $RS6
	.
	ip -n rs -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set r0 up
		addr add $RS/24 dev r0
		addr add $RS2/24 dev r0
		addr add $RS6/64 dev r0 nodad
		addr add $V.40/32 dev lo
		addr add $V.41/32 dev lo
		addr add $V.42/32 dev lo
		addr add $DR6/128 dev lo nodad
		route add default via 10.9.2.1
		route add default via fd00:2::1
	.
	ip -n pod -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set eth0 up
		addr add $POD/24 dev eth0
		route add default via 10.232.1.1
	.
	put /proc/sys/net/ipv4/ip_forward 1
	# shellcheck disable=SC2016 # that is for the other shell
	in_ns lvs sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
	# shellcheck disable=SC2016 # the same
	in_ns rs sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
	lvs_rules
	lvs_toa
}

# Where the answers to a client's port go is what the first connection made of it. What goes back is
# rewritten in forward: before routing it would come from an address of the LVS itself, and be
# dropped for it.
lvs_rules() {
	in_ns lvs nft -f - <<-. || bail_out "cannot build the LVS"
		table ip lvs {
			map nat { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			map kept { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			map other { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			map full { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			map dgram { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			chain in {
				type filter hook prerouting priority raw;
				ip daddr $V.7 tcp dport 3306 add @other { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS2 tcp dport set 3269
				ip daddr $V.10-$V.11 meta l4proto tcp add @kept { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS
				ip daddr $V.1-$V.19 tcp dport { 3306, 3307 } add @nat { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS tcp dport set 3269
				ip daddr $V.1-$V.19 udp dport 53 add @dgram { ip saddr . udp sport : ip daddr } \
					ip daddr set $RS
				ip daddr $V.20-$V.29 tcp dport 3306 add @full { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS tcp dport set 3269 meta mark set 4
				ip daddr $V.30-$V.39 tcp dport 3306 add @full { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS tcp dport set 3269 meta mark set 1
				ip saddr $RS ip daddr { 10.9.2.1, 10.9.2.4 } tcp sport 3269 ip daddr set $C meta mark set 2
			}
			chain out {
				type filter hook forward priority 100;
				meta mark 2 ip saddr set ip daddr . tcp dport map @full tcp sport set 3306 accept
				ip saddr $RS tcp sport 3269 ip saddr set ip daddr . tcp dport map @kept accept
				ip saddr $RS tcp sport 3269 ip saddr set ip daddr . tcp dport map @nat tcp sport set 3306
				ip saddr $RS2 tcp sport 3269 ip saddr set ip daddr . tcp dport map @other tcp sport set 3306
				ip saddr $RS udp sport 53 ip saddr set ip daddr . udp dport map @dgram
			}
			chain last {
				type filter hook postrouting priority 300;
				meta mark 1 ip saddr set 10.9.2.1
				meta mark 4 ip saddr set 10.9.2.4
			}
		}
		table ip6 lvs {
			set one { type ipv6_addr . inet_service; flags dynamic,timeout; timeout 15m; }
			set two { type ipv6_addr . inet_service; flags dynamic,timeout; timeout 15m; }
			set dgram { type ipv6_addr . inet_service; flags dynamic,timeout; timeout 15m; }
			chain in {
				type filter hook prerouting priority raw;
				ip6 daddr ${V6}1 tcp dport 3306 add @one { ip6 saddr . tcp sport }
				ip6 daddr ${V6}2 tcp dport 3306 add @two { ip6 saddr . tcp sport }
				ip6 daddr ${V6}1-${V6}2 tcp dport 3306 ip6 daddr set $RS6 tcp dport set 3269
				ip6 daddr ${V6}1 udp dport 53 add @dgram { ip6 saddr . udp sport } ip6 daddr set $RS6
			}
			chain out {
				type filter hook forward priority 100;
				ip6 saddr $RS6 tcp sport 3269 ip6 daddr . tcp dport @one ip6 saddr set ${V6}1 tcp sport set 3306
				ip6 saddr $RS6 tcp sport 3269 ip6 daddr . tcp dport @two ip6 saddr set ${V6}2 tcp sport set 3306
				ip6 saddr $RS6 udp sport 53 ip6 daddr . udp dport @dgram ip6 saddr set ${V6}1
			}
		}
	.
}

# Where the packets of the LVS are from a client, and what goes to that client goes to the LVS from
# then on.
lvs_toa() {
	in_ns rs nft -f - <<-. || bail_out "cannot build the toa"
		table ip toa {
			set seen { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 15m; }
			chain in {
				type filter hook prerouting priority raw;
				ip saddr 10.9.2.1 tcp dport 3269 ip saddr set $C add @seen { ip saddr . tcp sport }
			}
			chain out {
				type route hook output priority mangle;
				ip daddr . tcp dport @seen ip daddr set 10.9.2.1
			}
		}
	.
	ip -n rs route add 10.9.2.4/32 via 10.9.2.1
}
