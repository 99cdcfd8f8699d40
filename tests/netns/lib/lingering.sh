# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Addresses that a node lives by, and that go and come back: 192.168.11.7/24 and
# fd00:11::7/64, to which everything is masqueraded, and a VIP beside each. What takes
# them away and brings them back here is what a network manager, a DHCP client or a cable
# does elsewhere. Flows are of both families, from the node itself and from the pod:
# half of them TCP that never rests, a quarter TCP that does, a quarter UDP.

. "$(dirname "${BASH_SOURCE[0]}")/guarded.sh"

OWN=192.168.11.7 OWN6=fd00:11::7
VIP=192.168.11.100 VIP6=fd00:11::100
SERVED=10.232.3.28 SERVED6=fd00:3::28

# ---- the node's addresses --------------------------------------------------------

routes() {
	ip route replace 10.232.3.0/24 via 192.168.11.8
	ip -6 route replace fd00:3::/64 via fd00:11::8 dev br-mgmt
}

vips_up() {
	ip addr replace $VIP/32 dev br-mgmt
	ip addr replace $VIP6/128 dev br-mgmt nodad
}

own_gone() {
	ip -4 addr flush dev br-mgmt
	ip -6 addr flush dev br-mgmt scope global
}

# own_back [ORDER]: all of them, first the long prefixes or last, or on lo to begin with,
# or with the own address as /32 until it has its network
own_back() {
	case ${1:-0} in
	0)
		ip addr replace $OWN/24 dev br-mgmt
		ip addr replace $OWN6/64 dev br-mgmt nodad
		vips_up
		;;
	1)
		vips_up
		ip addr add $OWN/24 dev br-mgmt
		ip addr add $OWN6/64 dev br-mgmt nodad
		;;
	2)
		ip addr add $OWN/32 dev br-mgmt
		vips_up
		ip addr add $OWN/24 dev br-mgmt
		ip addr del $OWN/32 dev br-mgmt
		ip addr add $OWN6/64 dev br-mgmt nodad
		;;
	3)
		ip addr add $OWN/32 dev lo
		ip addr add $OWN6/128 dev lo nodad
		ip addr add $OWN6/64 dev br-mgmt nodad
		ip addr add $OWN/24 dev br-mgmt
		vips_up
		ip addr del $OWN/32 dev lo
		ip addr del $OWN6/128 dev lo
		;;
	esac
	routes
}

# address_bounce SECONDS [ORDER]
address_bounce() {
	own_gone
	[ "$1" = 0 ] || sleep "$1"
	own_back "${2:-0}"
}

# link_bounce SECONDS: the IPv6 addresses go with the link
link_bounce() {
	ip link set br-mgmt down
	[ "$1" = 0 ] || sleep "$1"
	ip link set br-mgmt up
	ip addr replace $OWN6/64 dev br-mgmt nodad
	vips_up
	routes
}

# ---- traffic ----------------------------------------------------------------------

serve_all() {
	serve s4 node2 $SERVED 8899
	serve s4-busy node2 $SERVED 8900
	serve s4-udp node2 -u $SERVED 8899
	serve s6 node2 $SERVED6 8899
	serve s6-busy node2 $SERVED6 8900
	serve s6-udp node2 -u $SERVED6 8899
}

RESTING=() BUSY=()

# open_all HOW N [OPTION...]: N flows of each family from the pod and as many from the
# node; options are for the busy ones
open_all() {
	local how=$1 n=$2 quarter=$(($2 / 4)) from f to name

	shift 2
	RESTING=() BUSY=()
	for from in pod node1; do
		for f in 4 6; do
			to=$SERVED
			[ $f = 4 ] || to=$SERVED6
			name=$how-$from$f
			open "$name" $from $quarter -t 20 "$to" 8899
			open "$name-udp" $from $quarter -t 20 -u "$to" 8899
			RESTING+=("$name" "$name-udp")
			job "$name-busy" in_ns $from "$FLOW" busy -n $((n - 2 * quarter)) -d 200 -t 200 "$@" "$to" 8900
			hear "$name-busy"
			[ "$REPLY" = "open $((n - 2 * quarter))" ] || bail_out "busy flows: $REPLY"
			FLOWS[$name-busy]=$((n - 2 * quarter))
			BUSY+=("$name-busy")
		done
	done
}

# resting_live: all that rest answer, as they were; else REPLY tells which do not
resting_live() {
	local name bad=

	for name in "${RESTING[@]}"; do tell "$name" ping; done
	for name in "${RESTING[@]}"; do
		hear "$name"
		[ "$REPLY" = "ping alive=${FLOWS[$name]} reset=0 stalled=0 changed=0" ] ||
			bad="$bad $name: ${REPLY#ping };"
	done
	REPLY=$bad
	[ -z "$bad" ]
}

busy_end() {
	local name

	for name in "${BUSY[@]}"; do tell "$name" end; done
}

# entries_of ADDRESS [WORDS...]: that are translated to it
entries_of() {
	local family=ipv4

	[ "${1%%:*}" = "$1" ] || family=ipv6
	entries -f $family --reply-dst "$@"
}
none_of() { [ "$(entries_of "$@")" = 0 ]; }

# In hundredths of a second since $1.
since() { uptime_cs; REPLY=$((REPLY - $1)); }
