#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A masqueraded connection to a server is flushed by a delete, and before it can
# be restored another pod gets its port, to the same server through an LVS
# service. The server has given the 4-tuple to the newcomer by then: the entry is
# not put back, the report says why, and everything else is restored.
#
# The newcomer needs its moment: vipsafe is stopped when the address has gone. So
# that it is not faster than whoever stops it, each of its requests waits a while.
# That it was stopped before it had restored anything is seen by the entry; if it
# was not, the case tries again.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
# shellcheck disable=SC2054 # the commas are words of strace
SLOWLY=(strace -f -o "$T/calls" -e trace=sendto,sendmsg -e inject=sendto,sendmsg:delay_enter=30000)
if ! command -v strace >/dev/null || ! "${SLOWLY[@]}" true 2>/dev/null; then
	skip_all "no strace that can delay a system call"
fi

SERVER=10.232.3.28 VIP=10.232.3.99 TRIES=20

# conf TOA: what the service is to this node
conf() {
	cat >"$T/conf" <<-.
		[lvs]
		on_certain = ${2:-skip}
		[lvs-service mysql]
		vip = $VIP:3306 ; method = fullnat ; toa = $1
		real = $SERVER:3269 weight=1
	.
}

# The entry of the direct connection; its port as the server sees it.
direct_entry() { conntrack -L -p tcp --orig-src 10.232.1.5 --orig-dst $SERVER --orig-port-dst 3269 2>/dev/null; }
direct_gone() { [ -z "$(direct_entry)" ]; }
direct_port() { direct_entry | sed 's/.*dport=\([0-9]*\) .*/\1/'; }
stopped() { [ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = T ]; }
twin_gone() { ! has_addr $TWIN br-mgmt; }

# snatch: one connection through the service, from the port of the direct one
snatch() {
	iptables -w 5 -t nat -I POSTROUTING -p tcp -d $VIP --dport 3306 \
		-j SNAT --to-source "192.168.11.7:$1" || bail_out "cannot set up the newcomer"
	open newcomer pod 1 $VIP 3306
	iptables -w 5 -t nat -D POSTROUTING 1
}

# delete_and_snatch: until the newcomer has really come in between; its report is
# $T/out then
delete_and_snatch() {
	local i port pid

	for ((i = 1; i <= TRIES; i++)); do
		conntrack -R "$T/fill" >/dev/null 2>&1
		has_addr $TWIN br-mgmt || twin_up
		open direct pod 1 $SERVER 3269
		open others pod 30 $SERVER 8899
		port=$(direct_port)
		[[ $port =~ ^[0-9]+$ ]] || bail_out "no entry of the direct connection: $port"
		"${SLOWLY[@]}" "$VIPSAFE" --config "$T/conf" --local --json --timeout 30 \
			--strategy restore del $TWIN dev br-mgmt >"$T/out" 2>"$T/err" </dev/null &
		pid=$!
		until twin_gone || [ ! -e "/proc/$pid" ]; do :; done
		stop_all
		if direct_gone; then
			snatch "$port"
			CAME=$(conntrack -L -p tcp --orig-dst $VIP 2>/dev/null)
			cont_all
			wait $pid
			RC=$?
			diag "try $i: port $port"
			return
		fi
		cont_all
		wait $pid
		fresh
		serve_all
	done
	bail_out "vipsafe was faster $TRIES times"
}

# Every process of it: the one that works is not the one that was started.
stop_all() {
	mapfile -t PIDS < <(pgrep -x vipsafe) # all in our own pid namespace
	[ ${#PIDS[@]} = 0 ] || kill -STOP "${PIDS[@]}" 2>/dev/null
}
cont_all() { [ ${#PIDS[@]} = 0 ] || kill -CONT "${PIDS[@]}" 2>/dev/null; }

serve_all() {
	serve direct_server node2 $SERVER 3269
	serve other_server node2 $SERVER 8899
	serve via_server node2 $VIP 3306
}

topo_pod
ip -n node2 addr add $VIP/32 dev lo
masquerade
# a table that takes a while to list
awk 'BEGIN { for (i = 0; i < 20000; i++) {
	pod = "10.9." int(i / 200) "." i % 200
	printf "-A -t 3600 -u ASSURED,SEEN_REPLY -s %s -d 10.8.0.1 -r 10.8.0.1 -q %s -p udp", pod, pod
	print " --sport 1000 --dport 53 --reply-port-src 53 --reply-port-dst 1000"
} }' >"$T/fill"

warning='.warnings[] | select(.code == "lvs-collision")'

conf packet
serve_all
delete_and_snatch
is "$RC" 0 "the move is none the worse"
like "$CAME" "ASSURED" "the newcomer was there before anything was restored"
is "$(json '[.changed, .result, .entries.superseded, .entries.lost] | @text')" '[true,"ok",1,0]' \
	"one entry is not put back, and none is lost"
check "and it is that of the direct connection" direct_gone
is "$(json "[$warning | .text | contains(\"is not restored\") and contains(\"service mysql\")] | @text")" \
	'[true]' "the report says so, once"
ask newcomer ping
is "$REPLY" "ping alive=1 reset=0 stalled=0 changed=0" "the newcomer lives"
ask others ping
is "$REPLY" "ping alive=30 reset=0 stalled=0 changed=0" "and so do all others"
ask direct ping
is "$REPLY" "ping alive=0 reset=1 stalled=0 changed=0" "the direct connection ends at once"
fresh

conf packet restore
serve_all
delete_and_snatch
is "$(json "[$warning | .text | contains(\"is restored: \")] | @text")" '[true]' \
	"on_certain = restore: it is put back, and told of"
check "on_certain = restore: its entry is there" not direct_gone
fresh

conf none
serve_all
delete_and_snatch
is "$(json "[$warning] | length")" 0 "without toa: nothing to tell"
check "without toa: the entry is put back" not direct_gone
ask direct ping
is "$REPLY" "ping alive=1 reset=0 stalled=0 changed=0" "without toa: the direct connection lives"
done_testing
