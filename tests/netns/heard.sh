#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Other hosts that speak for an address: heard; everything else does not even
# wake the one who listens. A packet that must not be heard is followed by one
# that is: the next line is that one.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL: set VIPSAFE_BUILD to the build directory"

topo_nodes
V4=192.168.11.100 V6=fd00:11::100
MAC=$(ip -j link show br-mgmt | jq -r '.[].address')
MAC2=$(in_ns node2 ip -j link show br-mgmt | jq -r '.[].address')
job ear "$CALL" heard br-mgmt

mac_hex() { echo "${1//:/}"; }
# ip_hex ADDR, ip6_hex ADDR (of the form fd00:11::N)
ip_hex() { IFS=. read -r -a octets <<<"$1"; printf %02x "${octets[@]}"; }
ip6_hex() { printf 'fd000011%020x%04x' 0 "0x${1##*::}"; }

# frame DST ETHERTYPE-AND-REST: from node2's device as it is
frame() { in_ns node2 "$CALL" frame br-mgmt "$1$(mac_hex "$MAC2")$2" >/dev/null; }
# arp OPERATION SENDER-MAC SENDER-IP TARGET-IP: its bytes
arp() {
	echo "000108000604000$1$(mac_hex "$2")$(ip_hex "$3")$(mac_hex "$MAC")$(ip_hex "$4")"
}

ALL=ff020000000000000000000000000001
# nd TYPE SOURCE TARGET OPTION MAC [HOPS]: its bytes (nobody looks at the checksum)
nd() {
	printf %s 6000000000203a "${6:-ff}" "$2" "$ALL" "$1" 00000020000000 "$3" "0$4" 01 "$(mac_hex "$5")"
}

say() { in_ns "${2:-node2}" "$CALL" announce br-mgmt "$1" >/dev/null; }

# hears ADDR WHAT: that is the next line
hears() { hear ear; is "$REPLY" "heard $1" "$2"; }

# ---- who is heard ---------------------------------------------------------------------

ask ear "for $V4 $V6"
is "$REPLY" ok "listening"
say $V4
hears $V4 "a gratuitous ARP request"
frame "$(mac_hex "$MAC")" "0806$(arp 2 "$MAC2" $V4 192.168.11.7)"
hears $V4 "an ARP reply to us"
frame ffffffffffff "81000000""0806$(arp 2 "$MAC2" $V4 $V4)000000000000000000000000000000000000"
hears $V4 "an announcement by reply, with a priority tag and padding"
say $V6
hears $V6 "an unsolicited advertisement"
frame "$(mac_hex "$MAC")" "86dd$(nd 88 "$(ip6_hex fd00:11::8)" "$(ip6_hex $V6)" 2 "$MAC2")"
hears $V6 "an advertisement to us, from another address"

# A host that has the address, and only does what hosts do. What it asks for is
# nobody's address, so that only it speaks.
ip -n node2 addr add $V4/32 dev br-mgmt
ip -n node2 addr add $V6/128 dev br-mgmt nodad
ip -n node2 route add 192.168.11.66/32 dev br-mgmt src $V4
ip -n node2 -6 route add fd00:11::66/128 dev br-mgmt src $V6
in_ns node2 bash -c 'echo x >/dev/udp/192.168.11.66/9'
hears $V4 "its ARP requests"
ip -n node2 addr del $V4/32 dev br-mgmt
# It asks again and again: its own end is where the next part begins.
in_ns node2 bash -c 'echo x >/dev/udp/fd00:11::66/9'
hear ear
while [ "$REPLY" = "heard $V4" ]; do hear ear; done # asked again, before the address went
is "$REPLY" "heard $V6" "its neighbour solicitations"
ip -n node2 addr del $V6/128 dev br-mgmt
ip -n node2 neigh flush all 2>/dev/null

# fresh: a listener that has heard nothing yet
fresh() {
	job_end ear
	job ear "$CALL" heard br-mgmt
	ask ear "for $V4 $V6"
	[ "$REPLY" = ok ] || bail_out "cannot listen: $REPLY"
}

# ---- who is not -----------------------------------------------------------------------

fresh
say $V4 node1
say 192.168.11.101
frame ffffffffffff "0806$(arp 1 "$MAC2" 0.0.0.0 $V4)"
frame ffffffffffff "0806$(arp 1 "$MAC2" 192.168.11.8 $V4)"
frame ffffffffffff "81000005""0806$(arp 2 "$MAC2" $V4 $V4)"
frame ffffffffffff "0806$(arp 2 "$MAC2" $V4 $V4 | cut -c1-34)"
frame ffffffffffff "0806$(arp 2 "$MAC2" $V4 $V4 | sed 's/^000108000604/000108000804/')"
frame ffffffffffff "0806$(arp 2 "$MAC2" $V4 $V4 | sed 's/^000108000604/000108000606/')"
frame ffffffffffff "0806$(arp 2 "$MAC2" $V4 $V4 | sed 's/^00010800/000186dd/')"
frame ffffffffffff "0800$(arp 2 "$MAC2" $V4 $V4)"
say $V4
hears $V4 "our own ARP, others' addresses, a probe, another VLAN, a cut packet, wrong lengths: none wakes"
say $V6 node1
say fd00:11::101
frame 333300000001 "86dd$(nd 88 "$(ip6_hex fd00:11::8)" "$(ip6_hex $V6)" 2 "$MAC2" fe)"
frame 333300000001 "81000005""86dd$(nd 88 "$(ip6_hex $V6)" "$(ip6_hex $V6)" 2 "$MAC2")"
frame 333300000001 "86dd$(nd 87 "$(printf %032x 0)" "$(ip6_hex $V6)" 1 "$MAC2")"
frame 333300000001 "86dd$(nd 86 "$(ip6_hex $V6)" "$(ip6_hex $V6)" 2 "$MAC2")"
frame 333300000001 "86dd$(nd 88 "$(ip6_hex $V6)" "$(ip6_hex $V6)" 2 "$MAC2" | cut -c1-80)"
serve s6 node1 fd00:11::7 7001
serve s4 node1 192.168.11.7 7001
open six node2 5 fd00:11::7 7001
open four node2 5 192.168.11.7 7001
unharmed six "(traffic to us, IPv6)"
unharmed four "(traffic to us, IPv4)"
say $V6
hears $V6 "the same of IPv6, a DAD probe, a routed one, a router's, and traffic: none wakes"

# Ours by what it says, though it comes from outside: that is told by looking.
frame ffffffffffff "0806$(arp 2 "$MAC" $V4 $V4)"
hear ear
is "$REPLY" woken "an ARP packet that a switch has sent back: not heard"
frame 333300000001 "86dd$(nd 88 "$(ip6_hex $V6)" "$(ip6_hex $V6)" 2 "$MAC")"
hear ear
is "$REPLY" woken "nor such an advertisement"

# Our own VIP on a device beside the one that listens
ip link add vip0 link br-mgmt type macvlan mode bridge
ip link set vip0 up
ip addr add $V4/32 dev vip0
"$CALL" announce vip0 $V4 >/dev/null
say $V4
hears $V4 "our own macvlan's announcement does not wake, either"
hear ear 0.3 && not_ok "there was another: $REPLY"
ip link del vip0

# A VLAN is another network, also when it has a device here.
if ip link add link br-mgmt name br-mgmt.5 type vlan id 5 2>/dev/null; then
	ip link set br-mgmt.5 up
	job ear5 "$CALL" heard br-mgmt.5
	ask ear5 "for $V4"
	is "$REPLY" ok "listening on a VLAN's device"
	frame ffffffffffff "81000005""0806$(arp 2 "$MAC2" $V4 $V4)"
	hear ear5
	is "$REPLY" "heard $V4" "it hears its own network"
	say "$V4"
	hears $V4 "the device below has heard its own only"
	hear ear 0.3 && not_ok "there was another: $REPLY"
	job_end ear5
	ip link del br-mgmt.5
else
	diag "this kernel has no VLAN devices"
fi

# ---- what is listened for changes -----------------------------------------------------

ask ear "for 192.168.11.102"
is "$REPLY" ok "for another address"
say $V4
say $V6
say 192.168.11.102
hears 192.168.11.102 "only that one is heard"
ask ear "for"
is "$REPLY" ok "for nothing"
say 192.168.11.102
say $V4
ask ear "for $V4"
is "$REPLY" ok "again, and what was said in between is not heard"
say $V4
hears $V4 "the next one is"
# shellcheck disable=SC2046
ask ear "for $(printf '192.168.12.%s ' {1..63}) $V6"
is "$REPLY" ok "for 64 addresses"
say $V4
say 192.168.12.63
hears 192.168.12.63 "the last but one"
say $V6
hears $V6 "and the last"
ask ear "for $(printf '192.168.12.%s ' {1..65})"
say 192.168.12.65
hears 192.168.12.65 "of more than 64 each is heard"
say $V4
hears $V4 "and everybody else, for the caller to look up"

# ---- a link that bounces, and what cannot be ------------------------------------------

fresh
ip link set br-mgmt down
ip link set br-mgmt up
# it may be woken by the link
hears_in_time() {
	say "$V4"
	hear ear 0.2
	[ "$REPLY" = "heard $V4" ]
}
check "after the link was down" wait_for 20 hears_in_time

job deaf setpriv --bounding-set -net_raw --inh-caps -net_raw "$CALL" heard br-mgmt
ask deaf "for $V4"
is "$REPLY" EPERM "without CAP_NET_RAW"
job_end deaf
job deaf "$CALL" heard lo
ask deaf "for $V4"
is "$REPLY" EOPNOTSUPP "the loopback device has no neighbours"
jobs_end
done_testing
