# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A pair of gateways: two nodes with the real keepalived and the real conntrackd, clients behind
# them, a server in front of them that sees the VIP.
#
#                    +--- 10.1.0.7  na  192.168.11.7 ---+
#   cl 10.1.0.50 ----+    VIP 10.1.0.1     192.168.11.100    +---- sv 192.168.11.60, 192.168.12.60
#      (inner)       |                     192.168.12.100    |        (outer)
#                    +--- 10.1.0.8  nb  192.168.11.8 ---+
#                             172.16.9.1 -- sync -- 172.16.9.2
#
# The same for IPv6: fd00:1::/64 inside, fd00:11::/64 and fd00:12::/64 outside. What the clients
# send to 192.168.11.60 is translated by SNAT to 192.168.11.100, what they send to 192.168.12.60 by
# MASQUERADE, for which the kernel chooses the node's only address there, 192.168.12.100.

# shellcheck source=tests/netns/lib/nodes.sh
. "$(dirname "${BASH_SOURCE[0]}")/nodes.sh"

DECOY=169.254.77.1
VIPS=(10.1.0.1/32 fd00:1::1/128 192.168.11.100/32 fd00:11::100/128 192.168.12.100/24 fd00:12::100/64)
ADVERT_MS=500 # a busy node is not taken for a dead one at once

declare -A CTD=()

need_gateways() { need_nodes keepalived conntrackd tcpdump; }

# ---- the network ----------------------------------------------------------------

gateways_ns() { # NS
	ip netns add "$1" || bail_out "cannot make a network namespace"
	# shellcheck disable=SC2016 # $c is the inner shell's
	in_ns "$1" sh -c 'for c in all default; do
		echo 0 >/proc/sys/net/ipv6/conf/$c/accept_dad
		echo 1 >/proc/sys/net/ipv6/conf/$c/forwarding; done
		echo 1 >/proc/sys/net/ipv4/ip_forward'
	ip -n "$1" link set lo up
	rest_long "$1"
}

gateways_port() { # SWITCH NS DEVICE ADDRESS...: a device on a switch
	local switch=$1 ns=$2 dev=$3 a nodad

	shift 3
	ip -n "$switch" link add "$ns" type veth peer name "$dev" netns "$ns" ||
		bail_out "cannot build the topology"
	ip -n "$switch" link set "$ns" master switch up
	ip -n "$ns" link set "$dev" up
	for a; do
		nodad=$([[ $a != *:* ]] || echo nodad)
		# shellcheck disable=SC2086
		ip -n "$ns" addr add "$a" dev "$dev" $nodad || bail_out "cannot build the topology"
	done
}

topo_gateways() {
	local x n

	for x in inner outer; do
		gateways_ns $x
		ip -n $x link add switch type bridge mcast_snooping 0
		ip -n $x link set switch up
	done
	for x in na nb cl sv; do gateways_ns $x; done
	gateways_port inner na in0 10.1.0.7/24 fd00:1::7/64
	gateways_port inner nb in0 10.1.0.8/24 fd00:1::8/64
	gateways_port outer na eth0 192.168.11.7/24 fd00:11::7/64
	gateways_port outer nb eth0 192.168.11.8/24 fd00:11::8/64
	gateways_port inner cl eth0 10.1.0.50/24 fd00:1::50/64
	gateways_port outer sv eth0 192.168.11.60/24 fd00:11::60/64 192.168.12.60/24 fd00:12::60/64
	ip -n cl route add default via 10.1.0.1
	ip -n cl -6 route add default via fd00:1::1
	ip -n na link add sync0 type veth peer name sync0 netns nb
	for x in a b; do
		n=$([ $x = a ] && echo 1 || echo 2)
		ip -n n$x addr add "172.16.9.$n/24" dev sync0
		ip -n n$x link set sync0 up
		in_ns n$x nft -f - <<-. || bail_out "cannot set up translation"
			table inet gateway {
				chain post {
					type nat hook postrouting priority srcnat;
					oifname "eth0" ip saddr 10.1.0.0/24 ip daddr 192.168.11.60 snat ip to 192.168.11.100 fully-random
					oifname "eth0" ip saddr 10.1.0.0/24 masquerade fully-random
					oifname "eth0" ip6 saddr fd00:1::/64 ip6 daddr fd00:11::60 snat ip6 to fd00:11::100 fully-random
					oifname "eth0" ip6 saddr fd00:1::/64 masquerade fully-random
				}
			}
		.
	done
}

# ---- conntrackd -----------------------------------------------------------------

# ctd_conf NODE MODE: its configuration; vipsafe and the case run it as $T/NODE.ctd
ctd_conf() {
	local own=1 peer=2

	[ "$1" = a ] || own=2 peer=1
	cat >"$T/$1.conntrackd" <<-.
		Sync {
			Mode $2 {
				StartupResync yes
			}
			UDP {
				IPv4_address 172.16.9.$own
				IPv4_Destination_Address 172.16.9.$peer
				Port 3780
				Interface sync0
				SndSocketBuffer 8388608
				RcvSocketBuffer 8388608
				Checksum on
			}
			${CTD_SYNC_LINES:-}
		}
		General {
			Systemd no
			HashSize 32768
			HashLimit 131072
			LogFile $T/$1.ctd.log
			LockFile $T/$1.ctd.lock
			UNIX {
				Path $T/$1.ctd.sock
			}
			NetlinkBufferSize 8388608
			NetlinkBufferSizeMaxGrowth 16777216
			Filter From Userspace {
				Address Ignore {
					IPv4_address 127.0.0.1
					IPv4_address 172.16.9.1
					IPv4_address 172.16.9.2
					IPv6_address ::1
				}
			}
			${CTD_GENERAL_LINES:-}
		}
	.
	cat >"$T/$1.ctd" <<-.
		#!/bin/sh
		read -r up rest </proc/uptime # starts no program: the addresses wait for this
		echo "\$up \$*" >>$T/$1.ctd.calls
		exec conntrackd -C $T/$1.conntrackd "\$@"
	.
	chmod 755 "$T/$1.ctd"
}

ctd_does() { in_ns "n$1" conntrackd -C "$T/$1.conntrackd" "${@:2}"; }

ctd_start() {
	nsenter --net="/run/netns/n$1" -- conntrackd -C "$T/$1.conntrackd" >>"$T/$1.ctd.out" 2>&1 </dev/null &
	CTD[$1]=$!
	wait_for 60 ctd_does "$1" -s || bail_out "conntrackd of $1 does not start: $(tail -n 5 "$T/$1.ctd.out" "$T/$1.ctd.log")"
}

ctd_end() {
	kill -TERM "${CTD[$1]}" 2>/dev/null
	wait "${CTD[$1]}" 2>/dev/null
}

# ctd_cache NODE internal|external: how many connections are in it
ctd_cache() {
	ctd_does "$1" -s 2>/dev/null | awk -v what="cache $2:" '
		index($0, what) == 1 { there = 1 }
		there && /current active connections/ { print $NF; exit }'
}
ctd_has() { [ "$(ctd_cache "$1" "$2")" -ge "$3" ] 2>/dev/null; }

# ---- vipsafed -----------------------------------------------------------------------

# guard_conf NODE LINES...: LINES go into the instance
guard_conf() {
	local node=$1 a

	shift
	{
		printf '%s\n' '[agent]' "run_dir = $T/$node.run" "conntrackd = $T/$node.ctd" \
			'conntrackd_timeout = 1min' '[instance VI_1]' "decoy = $DECOY/32 dev lo"
		for a in "${VIPS[@]}"; do echo "address = $a dev $(dev_of "$a")"; done
		printf '%s\n' "$@"
	} >"$T/$node.conf"
}

dev_of() {
	case $1 in
	10.* | fd00:1::*) echo in0 ;;
	*) echo eth0 ;;
	esac
}

# pair_start MODE LINES...: both nodes, with LINES in the instance; A is master when it returns
pair_start() {
	local node mode=$1

	shift
	for node in a b; do
		ctd_conf $node "$mode"
		guard_conf $node "$@"
		keepalived_conf $node 'virtual_ipaddress {' "$DECOY/32 dev lo" '}'
		echo 0 >"$T/$node.prio"
		node_start $node
		[ $node = b ] || { raise a 100; wait_for 60 has_vips a || bail_out "A does not become master"; }
	done
}
node_start() {
	ctd_start "$1"
	guard_start "$1"
	keepalived_start "$1"
}
pair_end() { # also of nodes that are switched off
	power_on a
	power_on b
	ip -n na link set sync0 up
}

# hand_over FROM TO: by priority, as an operator does
hand_over() {
	echo 0 >"$T/$1.prio"
	raise "$2" 150
	wait_for 60 has_vips "$2" || bail_out "$2 does not become master: $(tail -n 5 "$T/$2.log")"
}

has_vips() { # NODE: all of them
	local a

	for a in "${VIPS[@]}"; do
		[ -n "$(ip -n "n$1" -o addr show to "$a" | awk -v a="$a" '$4 == a')" ] || return 1
	done
}

# ---- the master is switched off --------------------------------------------------------

power_off() { # NODE: its processes freeze, its links vanish
	# shellcheck disable=SC2046
	kill -STOP $(programs_of "$1") 2>/dev/null
	ip -n inner link set "n$1" down
	ip -n outer link set "n$1" down
	ip -n "n$(other "$1")" link set sync0 down
}
programs_of() { echo "$(cat "$T/$1.vrrp.pid")" "${KA[$1]}" "${GUARD[$1]}" "${CTD[$1]}"; }

# power_on NODE: it boots, and knows nothing any more; its programs are not running
power_on() {
	local a

	# shellcheck disable=SC2046
	kill -KILL $(programs_of "$1") 2>/dev/null
	wait "${KA[$1]}" "${GUARD[$1]}" "${CTD[$1]}" 2>/dev/null
	rm -rf "${T:?}/$1.run" "$T/$1.ctd.lock" "$T/$1.ctd.sock"
	for a in "${VIPS[@]}"; do
		ip -n "n$1" addr del "$a" dev "$(dev_of "$a")" 2>/dev/null
	done
	ip -n "n$1" addr del $DECOY/32 dev lo 2>/dev/null
	in_ns "n$1" conntrack -F >/dev/null 2>&1
	# A socket that has outlived its program would speak for it once more, and so would what waits for a
	# neighbour.
	in_ns "n$1" ss -K -t state connected exclude time-wait >/dev/null 2>&1
	ip -n "n$1" neigh flush all 2>/dev/null
	ip -n "n$(other "$1")" link set sync0 up
	ip -n inner link set "n$1" up
	ip -n outer link set "n$1" up
	wait_for 60 is_plugged "$1" || bail_out "$1 is not on the networks"
}

# is_plugged NODE: the switches forward what it sends. They notice up to a second later that a link is
# up, and who asks for a neighbour before that may give up.
is_plugged() {
	local x

	for x in inner outer; do
		[ "$(ip -n $x -d -j link show "n$1" | jq -r '.[].linkinfo.info_slave_data.state')" = forwarding ] || return 1
	done
	for x in in0 eth0; do
		[ "$(ip -n "n$1" -j link show $x | jq -r '.[].operstate')" = UP ] || return 1
	done
}

other() { [ "$1" = a ] && echo b || echo a; }

# ---- traffic ------------------------------------------------------------------------------

# What is opened for each: a name, the address of the server, the options of flow.
FLOW_KINDS=('snat4 192.168.11.60' 'masq4 192.168.12.60' 'snat6 fd00:11::60' 'masq6 fd00:12::60'
	'usnat4 192.168.11.60 -u' 'umasq4 192.168.12.60 -u' 'usnat6 fd00:11::60 -u' 'umasq6 fd00:12::60 -u')
FLOW_NAMES=(snat4 masq4 snat6 masq6 usnat4 umasq4 usnat6 umasq6)

servers_start() {
	local name address options

	while read -r name address options; do
		# shellcheck disable=SC2086
		serve "sv-$name" sv $options "$address" "$(port_of "$options")"
	done < <(printf '%s\n' "${FLOW_KINDS[@]}")
}
port_of() { [ -n "$1" ] && echo 8898 || echo 8899; }

# flows_open N: N flows of each kind, from the client to the server; an exchange takes PATIENCE
# seconds at most
flows_open() {
	local name address options

	while read -r name address options; do
		# shellcheck disable=SC2086
		open "$name" cl "$1" -t "${PATIENCE:-60}" $options "$address" "$(port_of "$options")"
	done < <(printf '%s\n' "${FLOW_KINDS[@]}")
}

flows_close() {
	local name

	for name in "${FLOW_NAMES[@]}"; do job_end "$name"; done
}

# flows_tell, flows_hear: one exchange on each of them; ALIVE, RESET, STALLED and CHANGED are the sums
flows_tell() {
	local name

	for name in "${FLOW_NAMES[@]}"; do tell "$name" ping; done
}
flows_hear() {
	local name

	ALIVE=0 RESET=0 STALLED=0 CHANGED=0
	for name in "${FLOW_NAMES[@]}"; do
		hear "$name" 120
		[[ $REPLY =~ alive=([0-9]+)\ reset=([0-9]+)\ stalled=([0-9]+)\ changed=([0-9]+) ]] || {
			diag "$name: $REPLY"
			continue
		}
		ALIVE=$((ALIVE + BASH_REMATCH[1])) RESET=$((RESET + BASH_REMATCH[2]))
		STALLED=$((STALLED + BASH_REMATCH[3])) CHANGED=$((CHANGED + BASH_REMATCH[4]))
		[ "${BASH_REMATCH[1]}" = "${FLOWS[$name]}" ] || diag "$name: ${REPLY#ping }"
	done
}

flows_ping() { flows_tell; flows_hear; }

# replicated NODE N: conntrackd has told NODE of N flows, and that TCP is established
replicated() {
	local n

	ctd_has "$1" external $(($2 * ${#FLOW_KINDS[@]})) || return 1
	n=$(ctd_does "$1" -e ct | grep -c 'ESTABLISHED.* dport=8899 ')
	[ "$n" -ge $(($2 * ${#FLOW_KINDS[@]} / 2)) ]
}

# not_translated NODE: it has no connection any more that is translated to a VIP
not_translated() {
	! in_ns "n$1" conntrack -L 2>/dev/null | grep -qE 'dport=889[89] .* dst=(192\.168\.1[12]\.100|fd00:1[12]::100) '
}

# resets_watch NS NAME: who sends resets there goes to $T/NAME, until sniff_end NAME
resets_watch() {
	: >"$T/$2"
	sniff "$2" "$1" eth0 -tt 'tcp[tcpflags] & tcp-rst != 0 or (ip6 and ip6[6] = 6 and ip6[53] & 4 != 0)'
}
