# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside the VM: the network of the cases and live flows. A case sources this, makes
# its checks in the words of tests/lib/tap.sh and ends with `done_testing`.
#
#   client --- node1 (root namespace) === br-mgmt === node2 --- pod
#   10.20.0.2  192.168.11.7, fd00:11::7       192.168.11.8   10.232.3.28
#   fd00:20::2        MASQUERADE towards the pod             fd00:3::28
#
# Everything is judged by answers on live connections and by the source port
# the pod saw; conntrack listings serve only to wait for something.

# the console takes TAP, and no progress display
export TERM=dumb
POD4=10.232.3.28 POD6=fd00:3::28 PORT=8899
VIP4=192.168.11.100/32 VIP6=fd00:11::100/128
WORK=${WORK:-/tmp}
SWITCH=/sys/module/oldmasq/parameters/flush_all
T=$WORK
# shellcheck source=tests/lib/tap.sh
. "${TAP:-/t/tap.sh}"
declare -A FLOW_IN FLOW_OUT FLOW_N FLOW_PID FLOW_PORTS

note() {
	local up
	read -r up _ </proc/uptime
	echo "[$up] $*"
}

# wait_until SECONDS COMMAND...: poll, by the guest's clock
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.05 <>"$WORK/never" || true
	done
}

n2() { ip netns exec node2 "$@"; }
client() { ip netns exec client "$@"; }

listening() { [ "$(n2 ss -Hltun "sport = :$PORT" | wc -l)" -ge "$1" ]; }

# topology: namespaces, addresses, routes, the pod's servers
topology() {
	local name
	mkfifo "$WORK/never"
	modprobe -a nf_nat nf_conntrack_netlink 2>/dev/null || true # may be built in
	[ ! -e /t/oldmasq.ko ] || insmod /t/oldmasq.ko || bail_out "oldmasq.ko does not load"
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	# on a slow machine idle flows must not end by themselves
	for name in udp_timeout udp_timeout_stream; do
		[ ! -e /proc/sys/net/netfilter/nf_conntrack_$name ] ||
			echo 600 >/proc/sys/net/netfilter/nf_conntrack_$name
	done
	ip netns add node2
	ip netns add client
	ip -batch - <<-B || bail_out "no topology"
		link add br-mgmt type bridge
		link add p1 type veth peer name eth0 netns node2
		link add c1 type veth peer name eth0 netns client
		link set p1 master br-mgmt up
		link set br-mgmt up
		link set c1 up
		addr add 192.168.11.7/24 dev br-mgmt
		addr add fd00:11::7/64 dev br-mgmt nodad
		addr add 10.20.0.1/24 dev c1
		addr add fd00:20::1/64 dev c1 nodad
		route add 10.232.3.0/24 via 192.168.11.8 dev br-mgmt
		route add fd00:3::/64 via fd00:11::8 dev br-mgmt
	B
	ip -n node2 -batch - <<-B || bail_out "no topology"
		link set lo up
		link set eth0 up
		addr add 192.168.11.8/24 dev eth0
		addr add fd00:11::8/64 dev eth0 nodad
		addr add $POD4/32 dev lo
		addr add $POD6/128 dev lo nodad
	B
	ip -n client -batch - <<-B || bail_out "no topology"
		link set lo up
		link set eth0 up
		addr add 10.20.0.2/24 dev eth0
		addr add fd00:20::2/64 dev eth0 nodad
		route add default via 10.20.0.1
		route add default via fd00:20::1
	B
	# a server whose stdin ends would end too
	n2 flow serve $POD4 $PORT <>"$WORK/never" >/dev/null &
	n2 flow serve -u $POD4 $PORT <>"$WORK/never" >/dev/null &
	n2 flow serve $POD6 $PORT <>"$WORK/never" >/dev/null &
	n2 flow serve -u $POD6 $PORT <>"$WORK/never" >/dev/null &
	wait_until 20 listening 4 || bail_out "the pod's servers did not come up"
}

nat_rules() { # PROGRAM PODS SERVICE POD:PORT
	if ! "$1" -t nat -A POSTROUTING -d "$2" -j MASQUERADE --random-fully ||
		! "$1" -t nat -A PREROUTING -d "$3" -p tcp --dport 80 -j DNAT --to-destination "$4" ||
		! "$1" -t nat -A OUTPUT -d "$3" -p tcp --dport 80 -j DNAT --to-destination "$4"; then
		bail_out "$1 refuses the rules"
	fi
}

# masquerade iptables|nft: the randomising rule, both families, and a service
# address in front of the pod (without randomising, a lost entry gets its old
# port again and nothing breaks)
masquerade() {
	case $1 in
	iptables)
		nat_rules iptables 10.232.3.0/24 10.96.0.10 "$POD4:$PORT"
		nat_rules ip6tables fd00:3::/64 fd00:96::10 "[$POD6]:$PORT"
		;;
	nft)
		nft -f - <<-N || bail_out "nft refuses the rules"
			table ip nat {
			 chain post { type nat hook postrouting priority 100; ip daddr 10.232.3.0/24 masquerade fully-random; }
			 chain pre { type nat hook prerouting priority -100; ip daddr 10.96.0.10 tcp dport 80 dnat to $POD4:$PORT; }
			 chain out { type nat hook output priority -100; ip daddr 10.96.0.10 tcp dport 80 dnat to $POD4:$PORT; }
			}
			table ip6 nat {
			 chain post { type nat hook postrouting priority 100; ip6 daddr fd00:3::/64 masquerade fully-random; }
			 chain pre { type nat hook prerouting priority -100; ip6 daddr fd00:96::10 tcp dport 80 dnat to [$POD6]:$PORT; }
			 chain out { type nat hook output priority -100; ip6 daddr fd00:96::10 tcp dport 80 dnat to [$POD6]:$PORT; }
			}
		N
		;;
	esac
	# the service addresses lie behind the default route
	ip route add 10.96.0.0/24 via 192.168.11.8 dev br-mgmt
	ip route add fd00:96::/64 via fd00:11::8 dev br-mgmt
}

# old_rule 1|0: the rule of affected kernels, or that of fixed ones
old_rule() {
	if [ -e $SWITCH ]; then
		echo "$1" >$SWITCH
	elif [ "$1" = 0 ]; then
		return 1 # a genuine old kernel: its rule cannot be switched off
	fi
}

# every IPv6 flush due by now has run
settle() { [ ! -e $SWITCH ] || echo 1 >/sys/module/oldmasq/parameters/settle; }

# flow_open NAME N [client] ARGS...: N live connections, one exchange on each
flow_open() {
	local name=$1 n=$2 where='' in out line
	shift 2
	if [ "$1" = client ]; then
		where="ip netns exec client"
		shift
	fi
	mkfifo "$WORK/$name.in" "$WORK/$name.out"
	exec {in}<>"$WORK/$name.in" {out}<>"$WORK/$name.out"
	$where flow open -n "$n" "$@" <"$WORK/$name.in" >"$WORK/$name.out" 2>"$WORK/$name.err" &
	FLOW_PID[$name]=$! FLOW_IN[$name]=$in FLOW_OUT[$name]=$out FLOW_N[$name]=$n
	if ! read -rt 120 -u "$out" line || [ "$line" != "open $n" ]; then
		bail_out "$name: no $n connections: '$line' $(cat "$WORK/$name.err")"
	fi
	FLOW_PORTS[$name]=$(flow_ports "$name")
}

# the ports the pod saw, one per flow
flow_ports() {
	local line i
	echo ports >&"${FLOW_IN[$1]}"
	for ((i = 0; i < FLOW_N[$1]; i++)); do
		read -rt 120 -u "${FLOW_OUT[$1]}" line || return 1
		echo "$line"
	done
}

flow_ping() {
	local line=
	echo ping >&"${FLOW_IN[$1]}"
	read -rt 60 -u "${FLOW_OUT[$1]}" line
	echo "$line"
}

flow_close() {
	local name
	for name; do
		echo quit >&"${FLOW_IN[$name]}"
		kill "${FLOW_PID[$name]}" 2>/dev/null
		wait "${FLOW_PID[$name]}" 2>/dev/null
		eval "exec ${FLOW_IN[$name]}>&- ${FLOW_OUT[$name]}>&-"
		rm -f "$WORK/$name.in" "$WORK/$name.out"
	done
}

# kept TEXT NAME...: every flow answers, from the port it had
kept() {
	local text=$1 name got
	shift
	for name; do
		got=$(flow_ping "$name")
		case $got in
		"ping alive=${FLOW_N[$name]} reset=0 stalled=0 changed=0")
			if [ "$(flow_ports "$name")" = "${FLOW_PORTS[$name]}" ]; then
				report 0 "$text: $name alive, ports unchanged"
			else
				report 1 "$text: $name alive, ports unchanged" "the pod saw other ports"
			fi
			;;
		*) report 1 "$text: $name alive, ports unchanged" "$got" ;;
		esac
	done
}

# broken TEXT NAME...: the flows are reset (TCP) or come from a new port (UDP).
# A random port is now and then one the pod still knows, its own or another
# flow's: of those that must be broken one, and a tenth, may go otherwise.
broken() {
	local text=$1 name got n reset changed
	shift
	for name; do
		got=$(flow_ping "$name")
		n=${FLOW_N[$name]}
		reset=${got#*reset=} changed=${got#*changed=}
		if [ $((${reset%% *} + ${changed%% *})) -ge $((n - 1 - n / 10)) ]; then
			report 0 "$text: $name broken"
		else
			report 1 "$text: $name broken" "$got"
		fi
	done
}

no_entries() { ! conntrack -L -f "ipv$1" -p "$2" 2>/dev/null | grep -q "port=$PORT"; }

# move_bare FAMILY [FLUSHED]: the VIP comes and goes by ip(8) alone; with
# FLUSHED the old rule must have emptied the table, else the VM proves nothing
move_bare() {
	local vip
	eval "vip=\$VIP$1"
	ip addr add "$vip" dev br-mgmt || bail_out "ip addr add fails"
	ip addr del "$vip" dev br-mgmt || bail_out "ip addr del fails"
	settle
	[ -z "${2:-}" ] || wait_until 10 no_entries "$1" tcp ||
		bail_out "deleting $vip did not flush the device: this kernel does not have the old rule"
}

has_address() { [ -n "$(ip addr show dev br-mgmt to "$1")" ]; }
lacks_address() { ! has_address "$1"; }
