#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# FULLNAT with a toa that rewrites packets: the director hides the client, and
# the real server's own rules bring it back. The direct way never sees the LVS.
#
#     node1 (client)               lvs                       rs
#   10.9.1.2 c0 ------ l0 10.9.1.1   10.9.2.1 l1 ------ r0 10.9.2.2
#   10.9.3.2 c1 ------------------------------------------ r1 10.9.3.1
#          VIP 10.9.9.1:3306  ->  from 10.9.2.1:40000 to 10.9.2.2:3269
# shellcheck source=tests/netns/lib/lvs.sh
. "$(dirname "$0")/lib/lvs.sh"; netns_main "$@"
need_vipsafe

PORT=61902 LIP=10.9.2.1

topo_fullnat() {
	local ns

	ip netns add lvs || bail_out "cannot make a network namespace"
	ip netns add rs
	ip link add c0 type veth peer name l0 netns lvs
	ip link add c1 type veth peer name r1 netns rs
	ip -n lvs link add l1 type veth peer name r0 netns rs
	# shellcheck disable=SC2016 # that is for the other shell
	for ns in node1 lvs rs; do # a reply on another way is what this is about
		in_ns $ns sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done
			echo 1 >/proc/sys/net/ipv4/ip_forward'
	done
	ip -batch - <<-. || bail_out "cannot build the topology"
		link set c0 up
		link set c1 up
		addr add $C/24 dev c0
		addr add 10.9.3.2/24 dev c1
		route add default via 10.9.1.1
		route add $RS/32 via 10.9.3.1
	.
	ip -n lvs -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set l0 up
		link set l1 up
		addr add 10.9.1.1/24 dev l0
		addr add $LIP/24 dev l1
		addr add $VIP/32 dev lo
	.
	ip -n rs -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set r0 up
		link set r1 up
		addr add $RS/24 dev r0
		addr add 10.9.3.1/24 dev r1
		route add 10.9.1.0/24 via 10.9.3.2
	.
	# Own addresses as sources must not be seen before routing.
	in_ns lvs nft -f - <<-. || bail_out "cannot build the LVS"
		table ip lvs {
			chain in {
				type filter hook prerouting priority raw;
				ip daddr $VIP tcp dport 3306 ip daddr set $RS tcp dport set 3269
				ip daddr $LIP tcp dport 40000 ip daddr set $C tcp dport set $PORT
			}
			chain out {
				type filter hook postrouting priority 300;
				ip daddr $RS tcp dport 3269 ip saddr set $LIP tcp sport set 40000
				ip saddr $RS tcp sport 3269 ip saddr set $VIP tcp sport set 3306
			}
		}
	.
}

# Where the director's packets are from a client, and what goes to that client
# belongs to the director from then on.
toa_packet() {
	in_ns rs nft -f - <<-. || bail_out "cannot build the toa"
		table ip toa {
			set seen { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 15m; }
			chain in {
				type filter hook prerouting priority raw;
				ip saddr $LIP tcp sport 40000 ip saddr set $C tcp sport set $PORT \
					add @seen { ip saddr . tcp sport }
			}
			chain out {
				type route hook output priority mangle;
				ip daddr . tcp dport @seen ip daddr set $LIP tcp dport set 40000
			}
		}
	.
}

topo_fullnat
serve real rs $RS 3269

# ---- without a toa the server can tell them apart --------------------------------
connect direct $PORT $RS 3269
connect via $PORT $VIP 3306
pings direct "$alive" "no toa: the direct connection lives"
pings via "$alive" "no toa: the one through the VIP lives"
ask via ports
is "$REPLY" "$PORT $LIP 40000" "no toa: the server sees the director"
is "$(counters)" "0 0" "no toa: the server noticed nothing"
for toa in none socket; do
	known 'method = fullnat' "toa = $toa"
	silent 0 "toa = $toa"
done
job_end direct
job_end via

# ---- with one that rewrites packets it cannot --------------------------------------
# A server that knows of nothing: what is left of the first two is in its way.
job_end real
ip link del c0
ip link del c1
ip netns del rs
ip netns del lvs
topo_fullnat
toa_packet
serve real rs $RS 3269
connect direct $PORT $RS 3269
connect via $PORT $VIP 3306
ask via ports
is "$REPLY" "$PORT $C $PORT" "toa: the server sees the client"
known 'method = fullnat' 'toa = packet'
names critical certain $PORT "toa = packet"
is "$(found '"\(.method) \(.toa)"')" "fullnat packet" "toa = packet: it says why"
known 'method = fullnat' 'toa = unknown'
names warning possible $PORT "toa = unknown"
is "$RC" 10 "toa = unknown: one step less severe"
pings direct "$stalled" "toa: the direct connection hangs"
names critical manifest $PORT "toa = unknown, but seen"
pings via "$alive" "toa: the one through the VIP works"
is "$(counters)" "1 1" "toa: challenged once, and one session reset"
done_testing
