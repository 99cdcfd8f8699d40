#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A table of pairs, each from one local port, with what the real server makes of
# them by its traffic, beside what one `vipsafe lvs check` says of all: how many
# false alarms there are, and how many misses.
#
#      pod        node1 (client)             lvs                          rs
#   10.232.1.5  10.9.1.2 c0 ---- l0 10.9.1.1   10.9.2.1 l1 ---- r0 10.9.2.2, .3
#               fd00:1::2                                          fd00:2::2
#
# The LVS is stateless rules with a memory, as in lvs-crossing.sh. VIPs by their
# last byte: 1 to 19 NAT, 20 to 29 FULLNAT (the server sees an address of the
# LVS), 30 to 39 FULLNAT with a toa that rewrites packets, 40 to 49 direct
# routing (the server has the VIP). Real IPVS is in tests/vm/lvs.sh.
# shellcheck source=tests/netns/lib/lvs.sh
. "$(dirname "$0")/lib/lvs.sh"; netns_main "$@"
need_vipsafe

C2=10.9.1.3 RS2=10.9.2.3 DEAD=10.9.2.9 C6=fd00:1::2 RS6=fd00:2::2 NAT6=fd00:9::1 DR6=fd00:9::40

topo() {
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
		addr add fd00:1::1/64 dev l0 nodad
		addr add fd00:2::1/64 dev l1 nodad
		route add 10.9.9.40/29 via $RS
		route add $DR6/128 via $RS6
	.
	ip -n rs -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set r0 up
		addr add $RS/24 dev r0
		addr add $RS2/24 dev r0
		addr add $RS6/64 dev r0 nodad
		addr add $DR6/128 dev lo nodad
		addr add 10.9.9.40/32 dev lo
		addr add 10.9.9.41/32 dev lo
		addr add 10.9.9.42/32 dev lo
		route add default via 10.9.2.1
		route add default via fd00:2::1
	.
	ip -n pod -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set eth0 up
		addr add 10.232.1.5/24 dev eth0
		route add default via 10.232.1.1
	.
	put /proc/sys/net/ipv4/ip_forward 1
	# shellcheck disable=SC2016 # that is for the other shell
	in_ns lvs sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
	# shellcheck disable=SC2016 # the same
	in_ns rs sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
}

# Where the answers to a client's port go is what the first connection made of it.
lvs_rules() {
	in_ns lvs nft -f - <<-. || bail_out "cannot build the LVS"
		table ip lvs {
			map back { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			map other { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			map full { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			map dgram { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout 15m; }
			chain in {
				type filter hook prerouting priority raw;
				ip daddr 10.9.9.7 tcp dport 3306 add @other { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS2 tcp dport set 3269
				ip daddr 10.9.9.1-10.9.9.19 tcp dport { 3306, 3307 } add @back { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS tcp dport set 3269
				ip daddr 10.9.9.10 tcp dport 3269 add @back { ip saddr . tcp sport : ip daddr } ip daddr set $RS
				ip daddr 10.9.9.1-10.9.9.19 udp dport 53 add @dgram { ip saddr . udp sport : ip daddr } \
					ip daddr set $RS
				ip daddr 10.9.9.20-10.9.9.29 tcp dport 3306 add @full { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS tcp dport set 3269 meta mark set 4
				ip daddr 10.9.9.30-10.9.9.39 tcp dport 3306 add @full { ip saddr . tcp sport : ip daddr } \
					ip daddr set $RS tcp dport set 3269 meta mark set 1
				ip saddr $RS ip daddr { 10.9.2.1, 10.9.2.4 } tcp sport 3269 ip daddr set $C meta mark set 2
			}
			chain out {
				type filter hook forward priority 100;
				meta mark 2 ip saddr set ip daddr . tcp dport map @full tcp sport set 3306
				meta mark 0 ip saddr $RS tcp sport 3269 ip saddr set ip daddr . tcp dport map @back tcp sport set 3306
				ip saddr $RS2 tcp sport 3269 ip saddr set ip daddr . tcp dport map @other tcp sport set 3306
				ip saddr 10.9.9.10 tcp sport 3306 tcp sport set 3269
				ip saddr $RS udp sport 53 ip saddr set ip daddr . udp dport map @dgram
			}
			chain last {
				type filter hook postrouting priority 300;
				meta mark 1 ip saddr set 10.9.2.1
				meta mark 4 ip saddr set 10.9.2.4
			}
		}
		table ip6 lvs {
			set back { type ipv6_addr . inet_service; flags dynamic,timeout; timeout 15m; }
			chain in {
				type filter hook prerouting priority raw;
				ip6 daddr $NAT6 tcp dport 3306 add @back { ip6 saddr . tcp sport } \
					ip6 daddr set $RS6 tcp dport set 3269
			}
			chain out {
				type filter hook forward priority 100;
				ip6 saddr $RS6 tcp sport 3269 ip6 daddr . tcp dport @back \
					ip6 saddr set $NAT6 tcp sport set 3306
			}
		}
	.
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
	ip -n lvs addr add 10.9.2.4/32 dev lo
	ip -n rs route add 10.9.2.4/32 via 10.9.2.1
	iptables -w 5 -t nat -A POSTROUTING -s 10.232.1.0/24 -j MASQUERADE
	iptables -w 5 -t nat -A POSTROUTING -p tcp --sport 61054 -d 10.9.9.1 -j SNAT --to-source $C:62054
}

# ---- the table -----------------------------------------------------------------
# pair NAME TRUTH WHERE FROM PORT "FIRST" "SECOND" SECTION...: TRUTH is
#   crossed   the server takes the two for one: one of them is dead
#   lives     both are answered
#   outage    the first is dead since its server is
# and SECTION is what vipsafe is told, lines with ; between. The truth is measured.
NAMES=()
declare -A TRUTH WHERE FROM PORT FIRST SECOND
pair() {
	NAMES+=("$1") TRUTH[$1]=$2 WHERE[$1]=$3 FROM[$1]=$4 PORT[$1]=$5 FIRST[$1]=$6 SECOND[$1]=$7
	[ $# = 7 ] || printf '[%s]\n%s\n' "$8" "${9//; /$'\n'}" >>"$T/conf"
}
nat() { printf 'vip = %s; real = %s; method = nat' "$1" "${2:-$RS:3269}"; }

table() {
	local v=10.9.9 four="real = $RS:3269; real = $RS2:3269; real = 10.9.2.8:3269; real = $DEAD:3269"

	printf '[lvs]\nsources = save:%s\n' "$T/saved" >"$T/conf"
	printf -- '-A -t %s:3306 -s rr -p 600\n-a -t %s:3306 -r %s:3269 -m -w 1\n' $v.13 $v.13 $RS >"$T/saved"
	printf -- '-A -t %s:3306 -s rr\n-a -t %s:3306 -r %s:3269 -m -w 0\n' $v.14 $v.14 $RS >>"$T/saved"
	pair nat-direct-first crossed node1 $C 61000 "$RS 3269" "$v.1 3306" "lvs-service a1" "$(nat $v.1:3306)"
	pair nat-service-first crossed node1 $C 61001 "$v.1 3306" "$RS 3269"
	pair other-port lives node1 $C 61002 "$RS 80" "$v.1 3306"
	pair other-server lives node1 $C 61003 "$RS2 3269" "$v.1 3306"
	pair other-client lives node1 "$C $C2" 61004 "$RS 3269" "$v.1 3306"
	pair two-services crossed node1 $C 61005 "$v.1 3306" "$v.2 3306" "lvs-service a2" "$(nat $v.2:3306)"
	pair services-apart lives node1 $C 61006 "$v.1 3306" "$v.7 3306" "lvs-service a7" "$(nat $v.7:3306 $RS2:3269)"
	pair two-vips-of-one crossed node1 $C 61007 "$v.3 3306" "$v.4 3306" "lvs-service a3" "vip = $v.3:3306; $(nat $v.4:3306)"
	pair two-ports-of-one crossed node1 $C 61008 "$v.5 3306" "$RS 3269" "lvs-service a5" "$(nat $v.5:3306,3307)"
	pair range crossed node1 $C 61009 "$RS 3269" "$v.17 3306" "lvs-service a16" "$(nat $v.16-18:3306)"
	pair all-ports crossed node1 $C 61010 "$RS 3269" "$v.10 3269" "lvs-service a10" "$(nat $v.10:0 $RS:0)"
	pair persistent crossed node1 $C 61011 "$RS 3269" "$v.13 3306"
	pair weight-0 crossed node1 $C 61012 "$RS 3269" "$v.14 3306"
	pair by-mark crossed node1 $C 61013 "$RS 3269" "$v.15 3306" "lvs-fwmark 77" "match = tcp $v.15:3306; real = $RS:3269; method = nat"
	pair no-method crossed node1 $C 61014 "$RS 3269" "$v.6 3306" "lvs-service a6" "vip = $v.6:3306; real = $RS:3269"
	pair no-method-dr lives node1 $C 61015 "$RS 3269" "$v.40 3306" "lvs-service a40" "vip = $v.40:3306; real = $RS:3269"
	pair no-map crossed node1 $C 61016 "$RS 3269" "$v.8 3306"
	pair no-map-service-first crossed node1 $C 61017 "$v.8 3306" "$RS 3269"
	pair no-map-lives lives node1 $C 61018 "$RS 80" "$v.8 3306"
	pair dr lives node1 $C 61019 "$RS 3269" "$v.41 3306" "lvs-service a41" "vip = $v.41:3306; real = $RS:3306; method = dr"
	pair tun lives node1 $C 61020 "$v.42 3306" "$RS 3269" "lvs-service a42" "vip = $v.42:3306; real = $RS:3306; method = tun"
	pair fullnat lives node1 $C 61021 "$RS 3269" "$v.20 3306" "lvs-service a20" "vip = $v.20:3306; real = $RS:3269; method = fullnat; toa = none"
	pair fullnat-socket-toa lives node1 $C 61022 "$v.21 3306" "$RS 3269" "lvs-service a21" "vip = $v.21:3306; real = $RS:3269; method = fullnat; toa = socket"
	pair fullnat-called-packet lives node1 $C 61023 "$RS 3269" "$v.22 3306" "lvs-service a22" "vip = $v.22:3306; real = $RS:3269; method = fullnat; toa = packet"
	pair fullnat-unknown-lives lives node1 $C 61024 "$RS 3269" "$v.23 3306" "lvs-service a23" "vip = $v.23:3306; real = $RS:3269; method = fullnat"
	pair fullnat-toa crossed node1 $C 61025 "$RS 3269" "$v.30 3306" "lvs-service a30" "vip = $v.30:3306; real = $RS:3269; method = fullnat; toa = packet"
	pair fullnat-toa-service-first crossed node1 $C 61026 "$v.30 3306" "$RS 3269"
	pair fullnat-unknown crossed node1 $C 61027 "$RS 3269" "$v.31 3306" "lvs-service a31" "vip = $v.31:3306; real = $RS:3269; method = fullnat"
	pair one-of-four crossed node1 $C 61028 "$RS 3269" "$v.9 3306" "lvs-service a9" "vip = $v.9:3306; $four; method = nat"
	pair another-of-four lives node1 $C 61029 "$RS2 3269" "$v.9 3306"
	pair outage-of-four outage node1 $C 61030 "$DEAD 3269" "$v.9 3306"
	pair outage-unknown outage node1 $C 61031 "$DEAD 3269" "$v.8 3306"
	pair outage-beside-direct outage node1 $C 61032 "$DEAD 80" "$RS 3269"
	pair ipv6 crossed node1 $C6 61033 "$RS6 3269" "$NAT6 3306" "lvs-service b1" "$(nat [$NAT6]:3306 [$RS6]:3269)"
	pair ipv6-service-first crossed node1 $C6 61034 "$NAT6 3306" "$RS6 3269"
	pair ipv6-dr lives node1 $C6 61035 "$RS6 3269" "$DR6 3306" "lvs-service b40" "vip = [$DR6]:3306; real = [$RS6]:3306; method = dr"
	pair udp crossed node1 $C 61036 "-p udp $v.12 53" "-p udp $RS 53" "lvs-service u1" "proto = udp; $(nat $v.12:53 $RS:53)"
	pair udp-other-port lives node1 $C 61037 "-p udp $v.12 53" "-p udp $RS 54"
	pair behind crossed pod '' 61038 "$RS 3269" "$v.1 3306"
	pair behind-dr lives pod '' 61039 "$RS 3269" "$v.41 3306"
	pair moved-port lives node1 $C 61054 "$RS 3269" "$v.1 3306"
}

# ---- the connections -------------------------------------------------------------
start() { # NAME WHERE FROM PORT WORDS: one connection that may come to nothing
	# shellcheck disable=SC2086
	job "$1" in_ns "$2" "$FLOW" open ${3:+-b $3} -P "$4" -t ${TIMES[$1]:-4} $5
}
declare -A TIMES GOT

# The first one is open, or its server is dead, before the second is tried.
open_all() {
	local n from

	for n in "${NAMES[@]}"; do
		read -r from _ <<<"${FROM[$n]}"
		start "$n.1" "${WHERE[$n]}" "$from" "${PORT[$n]}" "${FIRST[$n]}"
	done
	for n in "${NAMES[@]}"; do
		hear "$n.1"
		[ "$REPLY" = "open 1" ] || bail_out "$n: the first does not open: $REPLY"
	done
	in_ns rs iptables -w 5 -A INPUT -d $DEAD -j DROP
	for n in "${NAMES[@]}"; do
		read -r _ from <<<"${FROM[$n]}"
		TIMES[$n.2]=30
		start "$n.2" "${WHERE[$n]}" "${from:-${FROM[$n]}}" "${PORT[$n]}" "${SECOND[$n]}"
	done
}

alive() { [[ $REPLY = "ping alive=1 "* ]]; }

# What the server makes of each: both answered, or not.
measure() {
	local n second

	# what opens at all does so at once: no longer than the others need
	for n in "${NAMES[@]}"; do [ "${TRUTH[$n]}" = crossed ] || { hear "$n.2" && GOT[$n.2]=$REPLY; }; done
	for n in "${NAMES[@]}"; do [ "${TRUTH[$n]}" != crossed ] || { hear "$n.2" 0.3 && GOT[$n.2]=$REPLY; }; done
	for n in "${NAMES[@]}"; do
		[ "${GOT[$n.2]:-}" != "open 1" ] || tell "$n.2" ping
		tell "$n.1" ping
	done
	for n in "${NAMES[@]}"; do
		second=dead
		if [ "${GOT[$n.2]:-}" = "open 1" ]; then
			hear "$n.2" && alive && second=alive
		fi
		hear "$n.1"
		if alive && [ $second = alive ]; then GOT[$n]=lives; else GOT[$n]=crossed; fi
		# the direct one of two that live is used on
		[ "${GOT[$n]}" != lives ] || ask "$n.1" ping
		[ "${TRUTH[$n]}" != outage ] || [ "${GOT[$n]}" = lives ] || [ $second = dead ] || GOT[$n]=outage
	done
}

judge() {
	local n said false=0 missed=0 wrong=0

	"$VIPSAFE" --config "$T/conf" --json lvs check >"$T/check" 2>"$T/err" </dev/null
	for n in "${NAMES[@]}"; do
		if [ "${GOT[$n]}" != "${TRUTH[$n]}" ]; then
			diag "$n: the server says ${GOT[$n]}, not ${TRUTH[$n]}"
			wrong=$((wrong + 1))
		fi
		said=$(jq -r --argjson p "${PORT[$n]}" '[.findings[] | select(.via.sport == $p or .direct.sport == $p) |
			select(.severity == "critical") | .verdict] | first // "silent"' "$T/check")
		diag "$(printf '%-28s %-8s %s' "$n" "${GOT[$n]}" "$said")"
		case ${GOT[$n]}-$said in
		crossed-silent) missed=$((missed + 1)) ;;
		crossed-*) ;;
		*-silent) ;;
		*) false=$((false + 1)) ;;
		esac
	done
	is "$wrong" 0 "the server makes of ${#NAMES[@]} pairs what the table says"
	is "$false" 0 "false alarms"
	is "$missed" 0 "misses"
	is "$(jq -r '[.findings[] | select(.fix | startswith("ss -K")) | .verdict] | unique | join(" ")' "$T/check")" \
		manifest "no socket is closed on presumption"
	[ $((false + missed + wrong)) = 0 ] || jq -c '.findings[] | select(.severity == "critical")' "$T/check" | cut -c1-300 >&2
}

i=0
topo
lvs_rules
for w in "$RS 3269" "$RS 80" "$RS2 3269" "10.9.9.40 3306" "10.9.9.41 3306" "10.9.9.42 3306" "$RS6 3269" \
	"$DR6 3306" "-p udp $RS 53" "-p udp $RS 54"; do
	# shellcheck disable=SC2086
	serve "s$((i++))" rs $w
done
ip -n rs addr add $DEAD/32 dev r0
serve dead rs $DEAD 3269
serve dead80 rs $DEAD 80
table
open_all
measure
judge
jobs_end
done_testing
