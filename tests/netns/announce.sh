#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Announcements as the neighbours get them: the exact messages on their wire,
# and that they change where their packets go.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
command -v tcpdump >/dev/null || skip_all "no program tcpdump"
CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL: set VIPSAFE_BUILD to the build directory"

topo_nodes
MAC=$(ip -j link show br-mgmt | jq -r '.[].address')
WRONG=02:00:00:00:00:99

# sniff_anew: what node2 receives of us goes to $T/raw
sniff_anew() {
	: >"$T/raw"
	sniff raw node2 br-mgmt -e -t -vv "ether src $MAC and (arp or icmp6)"
}

# heard WORDS: how many packets have them (tcpdump indents their further lines)
heard() {
	awk '/^[^ \t]/ { if (p) print p; p = $0; next }
		{ sub(/^[ \t]+/, " "); p = p $0 }
		END { if (p) print p }' "$T/raw" | grep -c -F -- "$1"
}

heard_at_least() { [ "$(heard "$1")" -ge "$2" ]; }

call() { "$CALL" announce "$@"; }

# ---- on the wire --------------------------------------------------------------------

sniff_anew
put /proc/sys/net/ipv6/conf/br-mgmt/forwarding 1
is "$(call br-mgmt 192.168.11.100)" ok "an IPv4 announcement"
is "$(call br-mgmt fd00:11::100)" ok "an IPv6 announcement of a router"
put /proc/sys/net/ipv6/conf/br-mgmt/forwarding 0
is "$(call br-mgmt fd00:11::101)" ok "an IPv6 announcement of a host"
# The last one sent tells that the ones before were heard or never will be.
check "the neighbour hears them" wait_for 30 heard_at_least fd00:11::101 1

is "$(heard "$MAC > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Ethernet (len 6), \
IPv4 (len 4), Request who-has 192.168.11.100 tell 192.168.11.100, length 28")" 1 \
	"one ARP request: broadcast, sender and target the VIP, target MAC zero"
is "$(heard 192.168.11.100)" 1 "and nothing else about it"
NA="(hlim 255, next-header ICMPv6 (58) payload length: 32)"
is "$(heard "$MAC > 33:33:00:00:00:01, ethertype IPv6 (0x86dd), length 86: $NA fd00:11::100 > \
ff02::1: [icmp6 sum ok] ICMP6, neighbor advertisement, length 32, tgt is fd00:11::100, \
Flags [router, override]")" 1 "one advertisement: all nodes, hop limit, checksum, override, router"
is "$(heard "fd00:11::101 > ff02::1: [icmp6 sum ok] ICMP6, neighbor advertisement, length 32, \
tgt is fd00:11::101, Flags [override]")" 1 "a host's has no router flag"
is "$(heard "destination link-address option (2), length 8 (1): $MAC")" 2 \
	"both carry the MAC as an option"

for _ in {1..20}; do call br-mgmt 192.168.11.120 >/dev/null; done
call br-mgmt 192.168.11.121 >/dev/null
check "twenty more and one" wait_for 30 heard_at_least 192.168.11.121 1
is "$(heard "Request who-has 192.168.11.120 tell 192.168.11.120")" 20 "each is one message"
sniff_end raw

# ---- what it does: packets for the VIP follow -------------------------------------------

put /proc/sys/net/ipv6/conf/br-mgmt/forwarding 1
ip addr add 192.168.11.100/32 dev br-mgmt
ip addr add fd00:11::100/128 dev br-mgmt nodad

serve tcp4 node1 192.168.11.100 7777
serve tcp6 node1 fd00:11::100 7777
# reaches ADDR [SECONDS]
reaches() { in_ns node2 timeout "${2:-30}" bash -c "exec 3<>/dev/tcp/$1/7777"; }

for vip in 192.168.11.100 fd00:11::100; do
	check "$vip: is reached" reaches $vip
	# node2 believes that the VIP is where it was before it moved here.
	ip -n node2 neigh replace $vip lladdr $WRONG dev br-mgmt nud reachable
	check "$vip: not reached while the neighbour knows the old place" not reaches $vip 1
	ip -n node2 neigh replace $vip lladdr $WRONG dev br-mgmt nud reachable
	is "$(call br-mgmt $vip)" ok "$vip: announced"
	moved() { ip -n node2 neigh show "$vip" | grep -q "lladdr $MAC"; }
	check "$vip: the neighbour has the new place" wait_for 30 moved
	check "$vip: and is reached again" reaches $vip
done
jobs_end

# ---- an address that is not there yet, a firewall, and devices that cannot -----------------

nft -f - <<-'.'
	table inet strict {
		chain out { type filter hook output priority 0; policy drop; }
	}
.
sniff_anew
is "$(call br-mgmt fd00:11::55)" ok "not yet set, behind an output chain that drops everything"
check "it is heard all the same" wait_for 30 heard_at_least "tgt is fd00:11::55, Flags [router, override]" 1
sniff_end raw
nft delete table inet strict

is "$(call lo 192.168.11.100)" EOPNOTSUPP "the loopback device has no neighbours"
ip link add down0 type bridge
is "$(call down0 192.168.11.100)" ENETDOWN "a device that is down"
is "$(call nosuch 192.168.11.100)" ENODEV "no such device"
is "$(call down0 fd00:11::100)" ENETDOWN "IPv6 on a device that is down"
done_testing
