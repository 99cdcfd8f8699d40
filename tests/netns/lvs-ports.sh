#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How this kernel chooses local ports and translated ones: what the collision
# check takes for granted. Judged by the port the server sees, except that of a
# socket of our own.
#
# Two destinations, A and B, stand for a real server and the service in front of
# it: no rule of the kernel keeps their clients from using one port.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"

A=10.232.3.28 B=10.232.3.29
LVSCALL=$BUILD/lvscall
[ -x "$LVSCALL" ] || bail_out "no $LVSCALL"

topo_pod
ip -n node2 addr add $B/32 dev lo
serve a node2 $A 8899
serve b node2 $B 8899

# ---- sockets ------------------------------------------------------------------

range() { put /proc/sys/net/ipv4/ip_local_port_range "$1" || bail_out "cannot set the range"; }
reserve() { put /proc/sys/net/ipv4/ip_local_reserved_ports "$1" || bail_out "cannot reserve"; }

# local_ports NAME: those of its flows
local_ports() {
	local i

	tell "$1" ports
	for ((i = 0; i < FLOWS[$1]; i++)); do
		hear "$1"
		echo "${REPLY%% *}"
	done >"$T/$1.ports"
}
count() { # NAME even|odd|all
	awk -v w="$2" 'w == "all" || $1 % 2 == (w == "odd")' "$T/$1.ports" | wc -l
}
shared() { sort "$T/$1.ports" "$T/$2.ports" | uniq -d | wc -l; }
says() { "$LVSCALL" ports | cut -d' ' -f 1-5; }

# Of 100 ports with the parity of the lowest, 60 and 60 cannot all differ.
range "40000 40199"
is "$(says)" "40000-40199 all 200 first-pass 100" "vipsafe counts 100 ports of the first pass"
open to_a node1 60 $A 8899
open to_b node1 60 $B 8899
local_ports to_a
local_ports to_b
is "$(count to_a even) $(count to_b even)" "60 60" "connect() uses the parity of the lowest port"
check "two destinations share local ports" test "$(shared to_a to_b)" -ge 20
diag "$(shared to_a to_b) of 60 ports are used for both"
job_end to_b

# All of the first pass are taken before any of the second is.
open more node1 40 $A 8899
local_ports more
is "$(count more even) $(count more odd)" "40 0" "the first pass is used up"
open beyond node1 10 $A 8899
local_ports beyond
is "$(count beyond even) $(count beyond odd)" "0 10" "then comes the second pass"
job_end to_a
job_end more
job_end beyond

# A port that bind() has chosen is nobody else's.
range "41000 41199"
open to_a node1 60 -b 192.168.11.7 $A 8899
open to_b node1 60 $B 8899
local_ports to_a
local_ports to_b
is "$(shared to_a to_b)" 0 "a port chosen by bind() is not shared"
job_end to_a
job_end to_b

range "42001 42200"
open to_a node1 30 $A 8899
local_ports to_a
is "$(count to_a odd)" 30 "an odd lowest port makes all of them odd"
job_end to_a

range "43000 43039"
reserve "43000-43019,43030"
is "$(says)" "43000-43039 all 19 first-pass 9" "vipsafe counts no reserved port"
open to_a node1 19 $A 8899
local_ports to_a
is "$(awk '$1 < 43020 || $1 == 43030' "$T/to_a.ports" | wc -l)" 0 "connect() leaves reserved ports alone"
open bound node1 1 -P 43030 $A 8899
local_ports bound
is "$(cat "$T/bound.ports")" 43030 "a program that names a reserved port gets it"
job_end to_a
job_end bound

# ---- translated ports ------------------------------------------------------------

ip netns add pod2
ip -batch - <<-. || bail_out "cannot build the topology"
	link add cali1 type veth peer name eth0 netns pod2
	link set cali1 up
	addr add 10.232.2.1/24 dev cali1
.
ip -n pod2 -batch - <<-. || bail_out "cannot build the topology"
	link set lo up
	link set eth0 up
	addr add 10.232.2.5/24 dev eth0
	route add default via 10.232.2.1
.

# rule WORDS...: the one rule for what leaves to node2's pods
rule() {
	iptables -w 5 -t nat -F POSTROUTING
	conntrack -F >/dev/null 2>&1
	iptables -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 -p tcp \
		-j MASQUERADE "$@" ||
		bail_out "cannot set up masquerading"
}

# from NAME NS PORT ADDR: one connection; REPLY is the port the server sees
from() {
	open "$1" "$2" 1 -P "$3" "$4" 8899
	ask "$1" ports
	REPLY=${REPLY##* }
}

# Each row: rule | who:port->where, in turn | what the server must see. "=" is
# the port asked for, x and y others that are not, nor each other.
row=0
while IFS='|' read -r words first second third want what; do
	[ -n "$what" ] || continue
	row=$((row + 1)) port=$((50000 + 10 * row)) got='' x=''
	# shellcheck disable=SC2086
	rule $words
	for step in $first $second $third; do
		who=${step%>*} n=$((${#got} + 1))
		from "flow$n" "$who" $port "$([ "${step#*>}" = A ] && echo $A || echo $B)"
		if [ "$REPLY" = $port ]; then
			got=$got=
		elif [ -z "$x" ] || [ "$x" = "$REPLY" ]; then
			x=$REPLY got=${got}x
		else
			got=${got}y
		fi
	done
	is "$got" "${want// /}" "$what"
	for n in 1 2 3; do job_end "flow$n"; done
done <<'.'
|pod>B|pod>A||==|one client, two destinations: one port, and it is kept
|pod>B|pod2>A||==|two clients, two destinations: one port
|node1>A|pod>B||==|a socket of the node and a client behind it: one port
|pod>B|pod2>B|pod2>A|=xx|a port that had to be changed stays so for other destinations
--to-ports 20000-20010|pod>B|pod>A||xx|a range common to both separates nothing
.

# A window of its own for what is sent to one of them (remedy 4), from 61000 on.
# window [RULE-WORDS]: for B; and for A what is given
window() {
	rule "$@"
	iptables -w 5 -t nat -I POSTROUTING -o br-mgmt -d $B -p tcp --dport 8899 \
		-j MASQUERADE --to-ports 61000-65535 || bail_out "cannot set up the window"
}

# apart WHO FIRST SECOND PORT: where the server sees the two, as < and > of 61000
apart() {
	local to got=

	for to in "$2" "$3"; do
		from "to_$to" "$1" "$4" "${!to}"
		got=$got$([ "$REPLY" -ge 61000 ] && echo '>' || echo '<')
	done
	job_end "to_$2"
	job_end "to_$3"
	REPLY=$got
}

window
apart node1 B A 50100
is "$REPLY" '><' "a window for B, socket of the node: B is in it, A keeps its port"
apart node1 A B 50110
is "$REPLY" '<>' "a window for B, socket of the node, A first: the same"
apart pod A B 50120
is "$REPLY" '<>' "a window for B, client behind the node, A first: the same"
apart pod B A 50130
is "$REPLY" '>>' "a window for B, client behind the node: A follows into it"
window --to-ports 1024-60999
apart pod B A 50140
is "$REPLY" '><' "a window each: A does not follow"
apart pod A B 50150
is "$REPLY" '<>' "a window each, A first: the same"

# Reserved ports are for sockets.
reserve 20000
rule --to-ports 20000
from flow1 pod 50160 $A
is "$REPLY" 20000 "translation takes a reserved port"
jobs_end
done_testing
