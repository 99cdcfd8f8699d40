#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# del.sh ENTRIES ROUNDS: an address goes while live flows run through a
# masqueraded table of ENTRIES: by `vipsafe del` with either strategy, and as it
# is done without it: conntrack -L -o save, ip addr del, conntrack --load-file.
# vipsafe-bench calls it and reads the lines it prints:
#
#   WAY KEY=VALUE ...    one per way and round; times in microseconds
#
# The flush is a real one (tests/netns/lib/pair.sh): the masqueraded address is there
# twice, and one of the two goes. All entries are made by traffic through the
# rule, so all of them are flushed.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/../netns/lib/pair.sh"

BENCH=$BUILD/vipsafe-bench
LIVE=200  # request/response flows
THINK=20  # milliseconds between an answer and the next request
MORE=0.3  # seconds that flows go on afterwards: some ten requests each
PATIENCE=60

now_us() { echo $(($(date +%s%N) / 1000)); }

count() {
	read -r REPLY </proc/sys/net/netfilter/nf_conntrack_count
}

filled() { count && [ "$REPLY" -ge "$1" ]; }

# The kernel flushes from a work queue; on the kernels this is about it is part
# of the address delete. So the wait for it is part of the peers' time.
flushed() {
	local was=$1 before=-1 end

	end=$((SECONDS + PATIENCE))
	while count; [ "$REPLY" -gt $((was / 2)) ] || [ "$REPLY" != "$before" ]; do
		[ $SECONDS -lt $end ] || bail_out "the kernel flushed nothing"
		before=$REPLY
		read -r -t 0.002 <> <(:) # two milliseconds, without a process
	done
}

by_vipsafe() {
	local began

	began=$(now_us)
	"$VIPSAFE" --json --strategy "$1" --hold auto --timeout $PATIENCE del "$TWIN" dev br-mgmt \
		>"$T/out" 2>"$T/err" </dev/null || diag "vipsafe: $? $(head -c 500 "$T/err")"
	TOTAL=$(($(now_us) - began))
	MORE_WORDS=$(jq -r '(.timing_us | to_entries[] | "\(.key)=\(.value)"),
		(.entries | "candidates=\(.candidates)", "pinned=\(.pinned)",
			"restored=\(.restored)", "lost=\(.lost)"),
		"hold_by=\(.hold)"' "$T/out" | sed 's/^total=/inside=/' | tr '\n' ' ')
}

# In sessions of their own, as vipsafe works in one: where the scheduler shares
# out among sessions, nobody has to share with the flows.
by_peers() {
	local began saved

	count
	local was=$REPLY
	began=$(now_us)
	setsid -w conntrack -L -o save >"$T/saved" 2>/dev/null
	saved=$(now_us)
	setsid -w ip addr del "$TWIN" dev br-mgmt
	flushed "$was"
	local gone
	gone=$(now_us)
	setsid -w conntrack --load-file "$T/saved" >/dev/null 2>"$T/err" || diag "conntrack: $(tail -1 "$T/err")"
	TOTAL=$(($(now_us) - began))
	MORE_WORDS="snapshot=$((saved - began)) move=$((gone - saved)) restore=$((began + TOTAL - gone))"
}

# round WAY ENTRIES
round() {
	local way=$1 n=$2

	twin_up
	serve server node2 10.232.3.28 8899
	job busy "$FLOW" busy -n $LIVE -d $THINK -t 5 10.232.3.28 8899
	hear busy
	[ "$REPLY" = "open $LIVE" ] || bail_out "flows: $REPLY"
	"$BENCH" --fill "$n" || bail_out "cannot fill the table"
	filled $((n + LIVE)) || bail_out "the table has $REPLY entries instead of $((n + LIVE))"
	job watch "$BENCH" --watch "$n"
	hear watch
	[ "$REPLY" = watching ] || bail_out "watch: $REPLY"
	case $way in
	peers) by_peers ;;
	*) by_vipsafe "$way" ;;
	esac
	not has_addr "$TWIN" br-mgmt || bail_out "$way: the address is still there"
	sleep $MORE
	ask watch "" || bail_out "watch: $REPLY"
	local watch=${REPLY#watch }
	ask busy "" 30 || bail_out "flows: $REPLY"
	[[ $REPLY =~ alive=([0-9]+) ]]
	echo "$way total=$TOTAL $MORE_WORDS flows=$LIVE killed=$((LIVE - BASH_REMATCH[1])) $watch"
	fresh
}

bench_main() {
	local n=$1 rounds=$2 way i

	topo_nodes
	ip route add 198.18.0.0/16 via 192.168.11.8
	masquerade iptables
	iptables -w 5 -t nat -A POSTROUTING -o br-mgmt -d 198.18.0.0/16 \
		-j MASQUERADE --random-fully || bail_out "cannot set up masquerading"
	"$VIPSAFE" probe >/dev/null || true # asked once per boot; not in any round
	for ((i = 0; i < rounds; i++)); do
		for way in pin restore peers; do
			round $way "$n"
		done
	done
}

netns_main "$@"
need_vipsafe
bench_main "$@"
