# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the cases about LVS share: one client port used twice, and what the real
# server says of it.
# shellcheck disable=SC2034 # much of it is for the cases

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

C=10.9.1.2 RS=10.9.2.2 VIP=10.9.9.1

# What works does so at once; what hangs is given so many seconds.
SOON=3

# counter FILE PREFIX NAME: of the real server
# shellcheck disable=SC2016 # what looks like $1 belongs to awk
counter() {
	in_ns rs awk -v p="$2:" -v n="$3" '
		$1 == p && !head { for (i = 2; i <= NF; i++) if ($i == n) col = i; head = 1; next }
		$1 == p { print $col }' "/proc/net/$1"
}

# How often a SYN made it challenge a session, and how many it has given up.
counters() { echo "$(counter netstat TcpExt TCPSYNChallenge) $(counter snmp Tcp EstabResets)"; }

# connect NAME PORT ADDR PORT: one connection from the given local port
connect() { hold "$1" node1 1 -b $C -P "$2" -t $SOON "$3" "$4"; }

# begin NAME PORT ADDR PORT: the same, when it need not open
begin() { job "$1" in_ns node1 "$FLOW" hold -b $C -P "$2" -t $SOON "$3" "$4"; }

pings() { # NAME WANTED TEXT
	ask "$1" ping
	is "$REPLY" "ping $2" "$3"
}
alive='alive=1 reset=0 stalled=0 changed=0' stalled='alive=0 reset=0 stalled=1 changed=0' \
	reset='alive=0 reset=1 stalled=0 changed=0'
