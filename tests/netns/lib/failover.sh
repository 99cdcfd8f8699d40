# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two nodes with the real keepalived, a client who watches the VIP, and a
# server that both nodes' pods talk to.
#
#      pa                na                 lan                nb                pb
#   10.1.1.5 ---- 10.1.1.1  192.168.11.7 -- switch -- 192.168.11.8  10.1.2.1 ---- 10.1.2.5
#                                           |     |
#                                 cl 192.168.11.50   sv 192.168.11.60, fd00:11::60
#
# The VIP is 192.168.11.100, fd00:11::100. What the pods send to sv is
# masqueraded to the node's own address: flows that have nothing to do with the
# VIP. A failover with a link loss flushes those of its node on every kernel.

# shellcheck source=tests/netns/lib/nodes.sh
. "$(dirname "${BASH_SOURCE[0]}")/nodes.sh"

VIP=192.168.11.100 VIP6=fd00:11::100
VIPWATCH=$BUILD/vipwatch
ADVERT_MS=300
# What noise may add to a time that is compared with another of the same run, at
# least; how_slow adds to it.
NOISE_MS=1500

declare -A MAC=() BASE=() BASE6=()
declare -A STARVED=() # what starved says of each vipsafed, at SINCE
SINCE=0 REACH=0 SLOW=0 # of the last failover
QUIET_MS=0             # from that to the next one
MASTER=a OTHER=b # who holds the VIP, and who will after the next failover

need_failover() {
	need_nodes keepalived tcpdump
	[ -x "$VIPWATCH" ] || bail_out "no $VIPWATCH: set VIPSAFE_BUILD to the build directory"
}

now_ms() { uptime_cs; NOW=$((REPLY * 10)); }

# ---- the network ----------------------------------------------------------------

topo_port() { # NS ADDRESS ADDRESS6: a namespace on the lan
	ip netns add "$1"
	# addresses have to prove themselves, as on a real network
	# shellcheck disable=SC2016 # $c is the inner shell's
	in_ns "$1" sh -c 'for c in all default; do
		echo 1 >/proc/sys/net/ipv6/conf/$c/accept_dad
		echo 1 >/proc/sys/net/ipv4/ip_forward; done'
	rest_long "$1"
	ip -n lan link add "$1" type veth peer name eth0 netns "$1" ||
		bail_out "cannot build the topology"
	ip -n lan link set "$1" master switch up
	ip -n "$1" -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set eth0 up
		addr add $2/24 dev eth0
		addr add $3/64 dev eth0 nodad
	.
}

topo_failover() {
	local x n

	ip netns add lan
	ip -n lan link add switch type bridge mcast_snooping 0
	ip -n lan link set switch up
	topo_port na 192.168.11.7 fd00:11::7
	topo_port nb 192.168.11.8 fd00:11::8
	topo_port cl 192.168.11.50 fd00:11::50
	topo_port sv 192.168.11.60 fd00:11::60
	for x in a b; do
		n=$([ $x = a ] && echo 1 || echo 2)
		ip netns add p$x
		ip -n n$x link add pod0 type veth peer name eth0 netns p$x
		ip -n n$x link set pod0 up
		ip -n n$x addr add "10.1.$n.1/24" dev pod0
		ip -n p$x link set lo up
		ip -n p$x link set eth0 up
		ip -n p$x addr add "10.1.$n.5/24" dev eth0
		ip -n p$x route add default via "10.1.$n.1"
		# fully random: a flow that was flushed gets another port
		in_ns n$x iptables -w 5 -t nat -A POSTROUTING -o eth0 -s 10.1.0.0/16 \
			-j MASQUERADE --random-fully || bail_out "cannot set up masquerading"
		MAC[$x]=$(ip -n n$x -j link show eth0 | jq -r '.[].address')
	done
	serve server sv 192.168.11.60 8899
	nsenter --net=/run/netns/cl -- "$VIPWATCH" eth0 $VIP "${MAC[a]}" "${MAC[b]}" >"$T/watch4" &
	nsenter --net=/run/netns/cl -- "$VIPWATCH" eth0 $VIP6 "${MAC[a]}" "${MAC[b]}" >"$T/watch6" &
}

# ---- keepalived -------------------------------------------------------------------

# keepalived_signal SIGNAL NODE: to both of its processes; the child first, which
# would otherwise be told of the death of its parent and say goodbye
keepalived_signal() {
	# shellcheck disable=SC2046
	kill -"$1" $(cat "$T/$2.vrrp.pid") "${KA[$2]}" 2>/dev/null
}

# Who is to be MASTER; the other one becomes BACKUP by itself, when it can.
prefer() {
	raise "$1" 100
	echo 0 >"$T/$([ "$1" = a ] && echo b || echo a).prio"
}

# keepalived_both: both started, A is MASTER and alone when this returns
keepalived_both() {
	local node

	MASTER=a OTHER=b
	for node in a b; do
		echo 0 >"$T/$node.prio"
		keepalived_conf $node
	done
	keepalived_start a
	prefer a
	keepalived_start b
	wait_for 60 held_by A || bail_out "A does not become MASTER: $(tail -n 5 "$T/a.log")"
}

# held_by A|B: it alone has answered for the last ten ticks
held_by() {
	[ "$(tail -qn 10 "$T/watch4" | awk '{ print $2, $3 }' | sort -u)" = "$1 $1" ] &&
		[ "$(tail -qn 10 "$T/watch6" | awk '{ print $3 }' | sort -u)" = "$1" ]
}

# ---- one failover --------------------------------------------------------------------

# The event that is to move the VIP away from $1, and what brings the node back.
cause_prio() { prefer "$OTHER"; }
cause_link() { ip -n "n$1" link set eth0 down; }
cause_term() { keepalived_end "$1"; }
cause_kill() { keepalived_signal KILL "$1"; wait "${KA[$1]}" 2>/dev/null; }
cause_freeze() { keepalived_signal STOP "$1"; }
back_prio() { :; }
back_link() { ip -n "n$1" link set eth0 up; ip -n "n$1" addr replace "$(own6 "$1")/64" dev eth0 nodad; }
back_term() { keepalived_start "$1"; }
back_kill() { keepalived_start "$1"; }
# Who was frozen as MASTER does not know yet that it is to give way.
back_freeze() { raise "$OTHER" 150; keepalived_signal CONT "$1"; }
own6() { [ "$1" = a ] && echo fd00:11::7 || echo fd00:11::8; }

# reached FILE COLUMN SINCE NODE: ms until the first answer from there
reached() {
	awk -v since="$3" -v who="$4" -v col="$2" '
		$1 >= since && index($col, who) { print $1 - since; exit }' "$1"
}
has_reached() { [ -n "$(reached "$@")" ]; }

# ticked MS: the time that has been watched is past this
ticked() { [ "$(tail -qn 1 "$T/watch4" | cut -d ' ' -f 1)" -ge "$1" ]; }

# doubled SINCE: the longest time in which both answer ARP
doubled() {
	awk -v since="$1" '$1 < since { next }
		$2 == "AB" { if (!begin) begin = $1; if ($1 - begin > most) most = $1 - begin; next }
		{ begin = 0 }
		END { print most + 0 }' "$T/watch4"
}

# doubled_until SINCE: for how long after SINCE both still answer
doubled_until() {
	awk -v since="$1" '$1 >= since && $2 == "AB" { last = $1 - since } END { print last + 0 }' \
		"$T/watch4"
}

# failover CAUSE: from $MASTER to $OTHER; REACH and REACH6 are the ms until it
# answers there, DOUBLE those in which both answered although nothing kept the
# old one from giving it up.
failover() {
	local who back node

	who=${OTHER^}
	wait_for 30 ticked $((SINCE + REACH + QUIET_MS))
	for node in a b; do
		starved "${GUARD[$node]:-0}"
		STARVED[$node]=$REPLY
	done
	now_ms
	SINCE=$NOW
	"cause_$1" "$MASTER"
	wait_for 60 has_reached "$T/watch4" 3 "$SINCE" "$who" || {
		not_ok "$1: $OTHER takes over"
		diag "$(tail -n 5 "$T/$OTHER.log")"
		bail_out "no failover, nothing to judge"
	}
	wait_for 60 has_reached "$T/watch6" 3 "$SINCE" "$who" || bail_out "$1: the IPv6 VIP is not taken over"
	REACH=$(reached "$T/watch4" 3 "$SINCE" "$who")
	REACH6=$(reached "$T/watch6" 3 "$SINCE" "$who")
	prefer "$OTHER"
	"back_$1" "$MASTER"
	now_ms
	back=$NOW
	wait_for 60 held_by "$who" || {
		diag "$(tail -n 3 "$T/watch4" "$T/watch6")"
		bail_out "$1: the VIP does not come to rest at $OTHER"
	}
	case $1 in
	# who is dead or frozen cannot give it up before it is back
	kill | freeze) DOUBLE=$(doubled_until "$back") ;;
	*) DOUBLE=$(doubled "$SINCE") ;;
	esac
	read -r MASTER OTHER <<<"$OTHER $MASTER"
}

# measure_alone CAUSE...: what keepalived alone needs
measure_alone() {
	local cause

	for cause; do
		failover "$cause"
		BASE[$cause]=$REACH BASE6[$cause]=$REACH6
		diag "keepalived alone, $cause: VIP reached after $REACH ms, IPv6 $REACH6 ms," \
			"both answer for $DOUBLE ms"
	done
}

# starved PID: how many ms a process has waited for a processor that others had, in all
starved() {
	local run delay=0 rest

	# shellcheck disable=SC2034 # the others have their place
	read -r run delay rest 2>/dev/null <"/proc/$1/schedstat" || delay=0
	REPLY=$((delay / 1000000))
}

# How much later than meant things happen on this machine just now, in ms: ten
# times what a tick of the watch was late at most since SINCE, what it takes to ask
# a vipsafed, and for how long both had no processor since SINCE: those of $1 and
# of what it calls, which waits as long. Next to nothing where the machine is not
# overloaded.
how_slow() {
	local begun

	now_ms
	begun=$NOW
	vipsafe_on "$1" status >/dev/null 2>&1
	now_ms
	SLOW=$((10 * (NOW - begun) + 10 * $(awk -v since="$SINCE" '
		$1 >= since { if (last && $1 - last - 20 > most) most = $1 - last - 20; last = $1 }
		END { print most + 0 }' "$T/watch4")))
	starved "${GUARD[$1]:-0}"
	[ "$REPLY" -le "${STARVED[$1]:-0}" ] || SLOW=$((SLOW + 2 * (REPLY - STARVED[$1])))
}

within() { # MS BASE
	[ "$1" -le $(($2 * 3 / 2)) ] || [ "$1" -le $(($2 + NOISE_MS + SLOW)) ]
}

# judge_failover CAUSE WHAT
judge_failover() {
	failover "$1"
	how_slow "$OTHER"
	diag "$2, $1: VIP reached after $REACH ms (alone ${BASE[$1]}), IPv6 $REACH6 ms" \
		"(${BASE6[$1]}), both answer for $DOUBLE ms, machine slow by $SLOW ms"
	check "$2, $1: the VIP is reached in time" within "$REACH" "${BASE[$1]}"
	check "$2, $1: and so is the IPv6 one" within "$REACH6" "${BASE6[$1]}"
	check "$2, $1: only one node answers" test "$DOUBLE" -le $((3 * ADVERT_MS + SLOW))
}

# ---- vipsafed ----------------------------------------------------------------------------

# guard_conf NODE LINES...: its configuration, in a run directory of its own
guard_conf() {
	local node=$1

	shift
	printf '%s\n' '[agent]' "run_dir = $T/$node.run" "$@" >"$T/$node.conf"
}

# The kernel flushes from a work queue.
flushed() { [ "$(in_ns "n$1" conntrack -L -p tcp --dport 8899 2>/dev/null | wc -l)" = 0 ]; }
