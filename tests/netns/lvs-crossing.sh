#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One local port, used directly to a real server and through an LVS service in
# front of it: the server sees one connection, and it takes the direct one down.
#
#     node1 (client)             lvs                       rs
#   10.9.1.2 c0 ---- l0 10.9.1.1   10.9.2.1 l1 ---- r0 10.9.2.2
#                       VIP 10.9.9.1:3306  ->  10.9.2.2:3269, NAT
#
# The LVS is stateless rules and a set that remembers its connections: conntrack
# would mend what IPVS does not. The port is chosen here: to wait for the
# kernel to choose it twice would prove nothing more.
# shellcheck source=tests/netns/lvs.sh
. "$(dirname "$0")/lvs.sh"; netns_main "$@"
need_vipsafe

topo_lvs() {
	ip netns add lvs || bail_out "cannot make a network namespace"
	ip netns add rs
	ip link add c0 type veth peer name l0 netns lvs
	ip -n lvs link add l1 type veth peer name r0 netns rs
	ip -batch - <<-. || bail_out "cannot build the topology"
		link set c0 up
		addr add $C/24 dev c0
		route add default via 10.9.1.1
	.
	ip -n lvs -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set l0 up
		link set l1 up
		addr add 10.9.1.1/24 dev l0
		addr add 10.9.2.1/24 dev l1
		addr add $VIP/32 dev lo
	.
	ip -n rs -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set r0 up
		addr add $RS/24 dev r0
		route add default via 10.9.2.1
	.
	in_ns lvs sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	# What goes back is rewritten in forward: before routing it would come
	# from an address of the LVS itself, and be dropped for it.
	in_ns lvs nft -f - <<-. || bail_out "cannot build the LVS"
		table ip lvs {
			set conns { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 15m; }
			chain in {
				type filter hook prerouting priority raw;
				ip daddr $VIP tcp dport 3306 add @conns { ip saddr . tcp sport } \
					ip daddr set $RS tcp dport set 3269 notrack
				ip saddr $RS tcp sport 3269 notrack
				ip daddr $RS tcp dport 3269 notrack
			}
			chain out {
				type filter hook forward priority 100;
				ip saddr $RS tcp sport 3269 ip daddr . tcp dport @conns \
					ip saddr set $VIP tcp sport set 3306
			}
		}
	.
}

topo_lvs
serve real rs $RS 3269
serve other rs $RS 80

# ---- another port of the real server: no crossing ------------------------------
connect direct 61900 $RS 80
connect via 61900 $VIP 3306
pings direct "$alive" "other port: the direct connection lives"
pings via "$alive" "other port: the one through the VIP lives"
is "$(counters)" "0 0" "other port: the server noticed nothing"
job_end direct
job_end via

# ---- direct first: the server resets it ---------------------------------------
connect direct 61902 $RS 3269
connect via 61902 $VIP 3306
pings direct "$stalled" "direct, VIP: the direct connection hangs"
pings via "$alive" "direct, VIP: the one through the VIP works"
is "$(counters)" "1 1" "direct, VIP: challenged once, and one session reset"
job_end direct
job_end via

# ---- VIP first: the direct one cannot open ------------------------------------------
connect via 61904 $VIP 3306
begin direct 61904 $RS 3269
hear direct
is "$REPLY" "open 0 of 1" "VIP, direct: the direct connection does not open"
pings via "$alive" "VIP, direct: the one through the VIP lives"
job_end direct
job_end via

done_testing
