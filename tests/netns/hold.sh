#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# The hold, on traffic: with it, data sent while a flow's entry is missing does
# no harm, whoever sends first; without it the flow is reset. New connections
# pass, and a killed process holds nothing for longer than it asked for.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"

N=4 # flows of each kind
CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL"
need_vipsafe
VIP=192.168.11.100/32
topo_pod
know_verdict affected

# Counts TCP of the far end's port before the hold sees it and after: what was
# sent in the gap, and what of it passed.
nft -f - <<. || bail_out "cannot count"
table inet tally {
	counter c_before { }
	counter c_after { }
	chain pre1 { type filter hook prerouting priority -160; iif br-mgmt tcp sport 8899 counter name c_before; }
	chain pre2 { type filter hook prerouting priority -140; iif br-mgmt tcp sport 8899 counter name c_after; }
	chain out1 { type filter hook output priority -160; oif br-mgmt tcp dport 8899 counter name c_before; }
	chain out2 { type filter hook output priority -140; oif br-mgmt tcp dport 8899 counter name c_after; }
	chain fwd1 { type filter hook forward priority -160; oif br-mgmt tcp dport 8899 counter name c_before; }
	chain fwd2 { type filter hook forward priority -140; oif br-mgmt tcp dport 8899 counter name c_after; }
}
.
counted() { nft -j list counter inet tally "c_$1" | jq '.nftables[] | .counter? | select(.) | .packets'; }
counts_reset() { nft reset counters table inet tally >/dev/null; }
reached() { [ "$(counted "$1")" -ge "$2" ]; }

# gap: delete every entry of the flows and remember how to make it again.
gap() {
	conntrack -L -p tcp --orig-port-dst 8899 2>/dev/null >"$T/entries"
	[ "$(wc -l <"$T/entries")" = $((2 * N)) ] || bail_out "entries: $(cat "$T/entries")"
	conntrack -D -p tcp --orig-port-dst 8899 >/dev/null 2>&1
	wait_for 30 no_entries -p tcp --orig-port-dst 8899 || bail_out "entries do not go"
}

# The reply's destination is what the flow is translated to. As documented, the
# reply tuple itself is left to the kernel.
mend() {
	local line word words src dst sport dport

	while read -r -a line; do
		words=()
		for word in "${line[@]}"; do
			[[ ! $word =~ ^(src|dst|sport|dport)=(.*)$ ]] || words+=("${BASH_REMATCH[2]}")
		done
		src=${words[0]} dst=${words[1]} sport=${words[2]} dport=${words[3]}
		conntrack -I -p tcp -s "$src" -d "$dst" --sport "$sport" --dport "$dport" \
			--src-nat "${words[5]}:${words[7]}" --state ESTABLISHED \
			-u SEEN_REPLY,ASSURED --timeout 300 >/dev/null 2>>"$T/mend.err"
	done <"$T/entries"
}

flows_up() {
	serve srv node2 10.232.3.28 8899
	# Patient: TCP sends again ever more rarely.
	open local node1 $N -t 20 10.232.3.28 8899
	open pod pod $N -t 20 10.232.3.28 8899
}

flows_down() {
	jobs_end
	forget_all
}

# send client|server: data of every flow, in the gap
send() {
	counts_reset
	case $1 in
	client)
		tell local ping
		tell pod ping
		;;
	server) ask srv push ;;
	esac
	wait_for 30 reached before $((2 * N)) || bail_out "nothing was sent: $(counted before)"
}

# pong NAME: the answer to a ping, asked for already when the client sent first
pong() {
	[ "$2" = client ] || {
		ask "$1" heard
		[ "$REPLY" = "heard $N of $N" ] || return
		tell "$1" ping
	}
	hear "$1"
}

# held WHAT WHO WORDS...: with the hold open and armed; `kernelcall hold` WORDS
held() {
	local what="$1, $2 sends" who=$2 name

	shift 2
	flows_up
	job agent "$CALL" hold "$@" br-mgmt
	hear agent
	like "$REPLY" "^${BACKEND:-$1} ok [0-9]+$" "$what: opened"
	ask agent "arm 30000"
	like "$REPLY" '^ok ' "$what: armed"
	gap
	send "$who"
	is "$(counted after)" 0 "$what: nothing passes"
	mend
	for name in local pod; do
		pong $name "$who"
		is "$REPLY" "ping alive=$N reset=0 stalled=0 changed=0" "$what: $name alive, same port"
	done
	open new node1 $N 10.232.3.28 8899
	open new-pod pod $N 10.232.3.28 8899
	ok "$what: new connections pass, armed"
	ask agent close
	like "$REPLY" '^ok ' "$what: closed"
	flows_down
}

# bare WHO: the same without a hold
bare() {
	local name

	flows_up
	gap
	send "$1"
	[ "$1" = client ] || wait_for 5 reached before $((4 * N)) # the resets, too
	mend
	for name in local pod; do
		[ "$1" = client ] || tell $name ping
		hear $name
		[[ $REPLY =~ reset=([0-9]+) ]]
		# a random port is now and then the old one
		check "no hold, $1 sends: $name reset (${REPLY#ping })" \
			test "${BASH_REMATCH[1]:-0}" -ge $((N - 1))
	done
	flows_down
}

# die MS WORDS...: the agent dies, armed for MS, and data is sent: PASSED of it
# pass at once. False when this machine was so slow that the time was over.
die() {
	local ms=$1

	shift
	flows_up
	job agent "$CALL" hold "$@" br-mgmt
	hear agent
	gap
	ask agent "arm $ms"
	uptime_cs
	START=$REPLY
	job_end agent KILL 2>/dev/null
	send client
	PASSED=$(counted after)
	uptime_cs
	[ $(((REPLY - START) * 10)) -lt $((ms - 20)) ]
}

# killed MS WORDS...: when does TCP pass again? The machine may stand still, but not each time.
killed() {
	local ms=$1 took go

	shift
	for go in 1 2 3 4 5; do
		killed_once "$ms" "$@"
		[ "$took" -ge $((3 * ms + 10000)) ] || break
		diag "go $go: $took ms"
	done
	check "$*: not for longer ($took ms)" test "$took" -lt $((3 * ms + 10000))
}
killed_once() {
	local ms=$1

	shift
	until die "$ms" "$@"; do
		[ "$ms" -lt 30000 ] || bail_out "too slow a machine"
		flows_down
		ms=$((ms * 3))
	done
	is "$PASSED" 0 "$*: held after SIGKILL"
	wait_for $((ms / 250 + 20)) reached after 1 || diag "still held"
	uptime_cs
	took=$(((REPLY - START) * 10))
	diag "$*: armed for $ms ms, TCP passed after $took ms"
	# Not earlier (the clock ticks in 10 ms); later by the backend's rounding
	# to seconds, the retransmission that finds it open, and a slow machine.
	check "$*: held for as long as asked for ($took ms)" test $took -ge $((ms - 20))
	# else what iptables cannot read while the sets are hidden is in the way
	like "$("$CALL" hold-clean)" '^[12]$' "$*: cleaned up after it"
	flows_down
}

BACKEND=
masquerade nft
bare client
bare server
for who in client server; do held "nft" $who nft; done
killed 700 nft
BACKEND=nft held "auto on a node with nft" client auto

for who in client server; do held "iptables" $who iptables; done
killed 1000 iptables

# Without the match that reads sets iptables holds nothing, which the report says,
# and leaves nothing. (Without -t: asking ip_tables for a table makes it.)
libs=$(ls /usr/lib*/xtables/libxt_set.so /usr/lib/*/xtables/libxt_set.so 2>/dev/null)
hide_sets() {
	local lib

	[ -n "$libs" ] || return
	for lib in $libs; do mount --bind /dev/null "$lib" || return; done
}
show_sets() { for lib in $libs; do umount "$lib"; done; }
no_rules() {
	! {
		iptables-save
		! command -v iptables-legacy-save >/dev/null || iptables-legacy-save
		! command -v ipset >/dev/null || ipset save
	} 2>/dev/null | grep -qi vipsafe
}
without_sets() {
	if ! hide_sets; then
		skip "$1" "libxt_set.so cannot be hidden"
		return
	fi
	like "$("$CALL" hold iptables br-mgmt </dev/null)" '^iptables: .*EOPNOTSUPP' "$1: no hold"
	check "$1: nothing of it stays" wait_for 30 no_rules
	ip addr add $VIP dev br-mgmt
	run --json --local --strategy pin --hold iptables del $VIP dev br-mgmt
	is "$RC $(json .hold)" "0 off" "$1: the address moves without one"
	like "$(json '.warnings[] | select(.code == "no-hold") | .text')" 'iptables: ' \
		"$1: which the report says"
	show_sets
}
without_sets "iptables without sets"

# A node whose rules are in ip_tables itself.
nft delete table inet masq
if command -v iptables-legacy >/dev/null &&
	iptables-legacy -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 -j MASQUERADE \
		--random-fully 2>"$T/legacy.err"; then
	bare client
	for who in client server; do BACKEND=iptables held "iptables-legacy" $who auto; done
	killed 1000 iptables
	without_sets "iptables-legacy without sets"
else
	skip "iptables-legacy" "$(head -c 200 "$T/legacy.err" 2>/dev/null || echo no program)"
fi
done_testing
