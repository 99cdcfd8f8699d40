#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A pair of gateways whose master is switched off, and hands over: keepalived alone, with the
# calls of conntrackd's stock script, and with vipsafe, in the same run. PAIR_FLOWS connections of
# each of eight kinds (TCP and UDP, IPv4 and IPv6, SNAT and MASQUERADE, all fully random).
#
#   lost         connections whose next exchange fails or comes from another port
#   resets       that the server or the clients saw
#   first        ms from the new master's first advertisement to the first packet of a client
#   outage       ms from the switch to that packet
#   commit       connections a second, as conntrackd logs it
#   waited       ms that the addresses waited for it, and how it ended; for PAIR_COMMIT_MAX at most
#   memory       resident, of the new master's conntrackd and vipsafed
#   load         of the machine, just after it
# shellcheck source=tests/netns/lib/gateways.sh
. "$(dirname "$0")/../netns/lib/gateways.sh"; netns_main "$@"
need_gateways
N=${PAIR_FLOWS:-1250}
ALL=$((N * ${#FLOW_KINDS[@]}))
COMMIT_MAX=${PAIR_COMMIT_MAX:-500ms}

# owned: the words of keepalived.conf with which it owns the addresses
owned() {
	local a

	echo 'virtual_ipaddress {'
	for a in "${VIPS[@]}"; do [[ $a = *:* ]] || echo "$a dev $(dev_of "$a")"; done
	echo '}' 'virtual_ipaddress_excluded {'
	for a in "${VIPS[@]}"; do [[ $a != *:* ]] || echo "$a dev $(dev_of "$a")"; done
	echo '}'
}

# what conntrackd's stock script asks it for, in its order
stock_script() {
	cat >"$T/$1.stock" <<-.
		#!/bin/sh
		case \$1 in
		primary) set -- -c -f -R -B ;;
		*) set -- -t -n ;;
		esac
		for option; do conntrackd -C $T/$1.conntrackd \$option; done
	.
	chmod 755 "$T/$1.stock"
	echo "notify_master \"$T/$1.stock primary\"
		notify_backup \"$T/$1.stock backup\"
		notify_fault \"$T/$1.stock fault\""
}

bench_start() { # HOW
	local node

	for node in a b; do
		ctd_conf $node FTFW
		echo 0 >"$T/$node.prio"
		GUARD[$node]=
		case $1 in
		alone) keepalived_conf $node "$(owned)" ;;
		stock) keepalived_conf $node "$(owned)" "$(stock_script $node)" ;;
		vipsafe)
			guard_conf $node 'conntrackd = yes' "commit_max = $COMMIT_MAX"
			keepalived_conf $node 'virtual_ipaddress {' "$DECOY/32 dev lo" '}'
			;;
		esac
		ctd_start $node
		[ "$1" != vipsafe ] || guard_start $node
		keepalived_start $node
		[ $node = b ] || { raise a 100; wait_for 60 has_vips a || bail_out "A does not become master"; }
	done
}

bench_end() {
	local node

	for node in a b; do power_on $node; done
	for node in a b; do
		ip -n "n$node" link set sync0 up
		: >"$T/$node.ctd.log"
	done
}

resident() { # NODE PID: MB
	[ -n "$1" ] && awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status" 2>/dev/null || echo -
}

commit_rate() {
	sed -n 's/.*Committed \([0-9]*\) new.*/\1/p; s/.*commit has taken \([0-9.]*\) seconds.*/\1/p' "$T/b.ctd.log" |
		tail -n 2 | tr '\n' ' ' | awk 'NF == 2 && $2 > 0 { printf "%d", $1 / $2; exit } { printf "-" }'
}

commit_waited() { # HOW
	[ "$1" = vipsafe ] || { echo -; return; }
	vipsafe_on b --json status | jq -r '.instances[0].commit | "\(.took_us / 1000 | floor), \(.outcome)"'
}

# bench HOW CAUSE
bench() {
	local off lost rst known overrun

	servers_start
	bench_start "$1"
	flows_open "$N"
	wait_for 120 replicated b "$N"
	[ "$1" != vipsafe ] || [ -n "${PAIR_UNPINNED:-}" ] || wait_for 120 guard_pinned a "$ALL"
	resets_watch sv resets-sv
	resets_watch cl resets-cl
	serve sv-churn sv 192.168.11.60 8890
	job churn in_ns cl "$FLOW" churn -r 500 -l 100 -t 1 -s 20 192.168.11.60 8890
	: >"$T/first"
	sniff first sv eth0 -tt \
		'(ip proto 112 and src 192.168.11.8) or (dst 192.168.11.60 and dst port 8890 and tcp[tcpflags] & tcp-syn != 0)'
	wait_for 60 grep -q ' > 192.168.11.60.8890' "$T/first"
	flows_ping
	[ "$ALIVE" = "$ALL" ] || diag "$1, $2: only $ALIVE of $ALL are alive before it"
	known=$(ctd_cache b external)
	overrun=$(ctd_does a -s runtime | awk '/netlink overrun/ { print $NF }')
	off=$(date +%s.%N)
	case $2 in
	power)
		power_off a
		flows_tell # and they try again until somebody answers
		;;
	*)
		echo 0 >"$T/a.prio"
		raise b 150
		wait_for 60 not has_vips a
		wait_for 60 has_vips b
		flows_tell
		;;
	esac
	wait_for 60 has_vips b
	flows_hear
	lost=$((ALL - ALIVE))
	[ "$lost" = 0 ] || diag "$1, $2: $lost lost; before it, B knew $known, and A's conntrackd had lost events" \
		"$overrun times"
	sniff_end resets-sv
	sniff_end resets-cl
	rst=$(cat "$T/resets-sv" "$T/resets-cl" | grep -v '\.8890' | grep -c .)
	sniff_end first
	awk -v off="$off" -v how="$1" -v cause="$2" -v lost="$lost" -v all="$ALL" -v rst="$rst" \
		-v rate="$(commit_rate)" -v waited="$(commit_waited "$1")" -v busy="$(cut -d ' ' -f 1 /proc/loadavg)" -v ctd="$(resident "${CTD[b]}")" -v own="$(resident "${GUARD[b]}")" '
		$1 < off { next }
		/192.168.11.8 > 224/ && !master { master = $1 }
		/ > 192.168.11.60.8890/ && master && !first { first = $1 }
		{ last = $1 }
		END { printf "| %s | %s | %d of %d | %d | %d | %d | %s | %s | %s MB, %s MB | %s |\n", how, cause, lost, all, rst,
			(first - master) * 1000, (first - off) * 1000, rate, waited, ctd, own, busy }' "$T/first"
	jobs_end
	bench_end
}

topo_gateways
echo "commit_max = $COMMIT_MAX"
echo "| | cause | lost | resets | first (ms) | outage (ms) | commit (/s) | waited (ms) | conntrackd, vipsafed | load |"
echo "|---|---|---|---|---|---|---|---|---|---|"
for cause in ${PAIR_CAUSES:-power order}; do
	for how in ${PAIR_HOW:-alone stock vipsafe}; do bench "$how" "$cause"; done
done
