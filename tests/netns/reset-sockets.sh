#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --vip-flows reset on a kernel that closes no socket of another program (before Linux 4.5): both
# ends are sent resets all the same. Here the request to close one is refused on its way to the
# kernel.
# shellcheck disable=SC2317 # called by name
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
command -v strace >/dev/null || skip_all "no program strace"

N=70 M=4 # more than are asked at once, and some
topo_pod
masquerade # so that connections are tracked, though none of these is translated
know_verdict affected

flows_up() { # VIP LEN NEAR OWN: of both directions, and of an address that stays
	if [[ $1 == *:* ]]; then
		ip addr replace "$1/$2" dev br-mgmt nodad
	else
		ip addr replace "$1/$2" dev br-mgmt
	fi
	serve own node1 "$1" 7000
	serve near node2 "$3" 8899
	open visitor node2 $N -t 30 "$1" 7000
	open client node1 $M -b "$1" -t 30 "$3" 8899
	[[ $1 == *:* ]] || open mapped node1 $M -b "::ffff:$1" -t 30 "::ffff:$3" 8899
	open bystander node1 $M -b "$4" -t 30 "$3" 8899
}
flows_down() {
	for name in visitor client mapped bystander own near; do job_end "$name"; done
}

# The place of the first request to close a socket among the messages of its process.
place() {
	awk '$2 ~ /^sendto/ { n[$1]++ } /SOCK_DESTROY|nlmsg_type=0x15/ { print n[$1]; exit }' "$T/trace"
}
refused() { grep -m 1 -E 'SOCK_DESTROY|nlmsg_type=0x15' "$T/trace" | grep -q INJECTED; }
# sockets_of ADDR: how many connections has it on node1, and node2 with it
sockets_of() {
	ss -Htn state established | awk '{ print $3 }' | grep -cF "$1"
	in_ns node2 ss -Htn state established | awk '{ print $4 }' | grep -cF "$1"
}

# leave WHEN VIP/LEN: the VIP goes, with message number WHEN refused. Nothing is pinned, which takes
# a number of messages that varies; and without rules, no process stays that removes them later.
leave() {
	timeout -k 2 120 strace -f -qq -o "$T/trace" -e trace=sendto \
		-e inject=sendto:error=EOPNOTSUPP:when="$1" \
		"$VIPSAFE" --json --local --timeout 30 --strategy none --hold off --vip-flows reset \
		del "$2" dev br-mgmt \
		>"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

# Which message it is depends on what else is asked: known from the run before.
half() { # WHAT VIP LEN NEAR OWN
	local when=60000 tries name names="visitor client"

	[[ $2 == *:* ]] || names+=" mapped"
	for ((tries = 0; tries < 10; tries++)); do
		flows_up "$2" "$3" "$4" "$5"
		leave "$when" "$2/$3"
		! refused || break
		when=$(place)
		flows_down
		[ -n "$when" ] || when=60000 # another message was refused, before any of these
	done
	[ $tries -lt 10 ] || bail_out "the request to close a socket is never the same one"
	is "$RC $(json '[.warnings[] | select(.code == "sockets-not-reset")] | length')" "0 0" "$1: done, for all"
	is "$(sockets_of "$2" | xargs)" "0 0" "$1: nobody has a connection of it any more"
	for name in $names; do
		ask "$name" ping
		like "$REPLY" '^ping alive=0 reset=[1-9][0-9]* stalled=0 changed=0$' "$1: $name: all are reset"
	done
	unharmed bystander "$1: others go on" $M
	check "$1: who listens goes on" listens
	flows_down
}
listens() { ss -Hltn "sport = :7000" | grep -q .; }
unharmed() {
	ask "$1" ping
	is "$REPLY" "ping alive=$3 reset=0 stalled=0 changed=0" "$2"
}

# The control: nobody tells them.
flows_up 192.168.11.100 32 192.168.11.8 192.168.11.7
run --json --local --vip-flows drop del 192.168.11.100/32 dev br-mgmt
is "$(sockets_of 192.168.11.100 | xargs)" "$((N + 2 * M)) $((N + 2 * M))" "without resets both ends have all their connections"
flows_down

half IPv4 192.168.11.100 32 192.168.11.8 192.168.11.7
half IPv6 fd00:11::100 128 fd00:11::8 fd00:11::7
done_testing
