#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# small.sh ENTRIES ROUNDS: a node with few connections, all of them live flows of a pod, and an
# address that goes by `vipsafe del`, and by a keepalived script without a daemon and with one.
# vipsafe-bench calls it and reads the lines it prints:
#
#   WAY KEY=VALUE ...    one per way and round; times in microseconds, as who started it waits
#
# WAY: del, alone (script without a daemon), daemon. killed: flows that were reset or got another
# port when the kernel's flush came (tests/netns/lib/pair.sh); late: the address was still there
# when the script had ended.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/../netns/lib/pair.sh"

# timed COMMAND...: what it took into TOTAL, as keepalived calls: no word of what it prints is kept
timed() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$BUILD/vipsafe-bench" --time "$T/took" "$@" \
		</dev/null >"$T/out" 2>"$T/err" || diag "$1: $? $(head -c 500 "$T/err")"
	read -r TOTAL <"$T/took"
}

by_del() {
	# shellcheck disable=SC2153 # of netns.sh
	timed "$VIPSAFE" --json --strategy pin del "$TWIN" dev br-mgmt
	WORDS=$(jq -r '(.timing_us | "inside=\(.total) hold=\(.hold) pin=\(.pin) verify=\(.verify)"),
		(.entries | "pinned=\(.pinned)")' "$T/out" | tr '\n' ' ')
}

by_hook() {
	env -i "$HOOKS/notify" INSTANCE VI_1 MASTER 100 </dev/null >/dev/null 2>&1
	wait_for 30 there || bail_out "the script adds no address: $(tail -n 3 "$T/log")"
	timed "$HOOKS/notify" INSTANCE VI_1 BACKUP 100
	WORDS=late=0
	gone || WORDS=late=1
	wait_for 30 gone || bail_out "the script left the address there: $(tail -n 3 "$T/log")"
}

guards_all() {
	[ "$(jsons status | jq '.devices[] | select(.device == "br-mgmt") | .pinned')" -ge "$N" ]
}

daemon_up() {
	"$VIPSAFED" 2>>"$T/log" &
	DAEMON=$!
	wait_for 60 guards_all || bail_out "vipsafed does not pin them: $(tail -n 3 "$T/log")"
}

daemon_down() {
	kill -TERM "$DAEMON"
	wait "$DAEMON"
}

# round WAY
round() {
	local way=$1

	open pod pod "$N" 10.232.3.28 8899
	case $way in
	del)
		twin_up
		by_del
		;;
	alone) by_hook ;;
	daemon)
		daemon_up
		by_hook
		daemon_down
		;;
	esac
	gone || bail_out "$way: the address is still there"
	flushes_over
	ask pod ping
	[[ $REPLY =~ alive=([0-9]+) ]] || bail_out "flows: $REPLY"
	echo "$way total=$TOTAL $WORDS killed=$((N - BASH_REMATCH[1]))"
	job_end pod
	forget_all
}

small_main() {
	local rounds=$2 way i

	N=$1
	topo_pod
	masquerade nft
	# shellcheck source=tests/netns/lib/notify.sh
	. "$SRC/tests/netns/lib/notify.sh"
	VIP=$TWIN
	install_here
	install_vipsafe
	config '[agent]' 'announce_again = 0' '[device br-mgmt]' 'pin = continuous' \
		'[instance VI_1]' 'device = br-mgmt' "address = $TWIN"
	know_verdict affected
	serve server node2 10.232.3.28 8899
	for ((i = 0; i < rounds; i++)); do
		for way in del alone daemon; do
			round $way
		done
	done
}

netns_main "$@"
need_vipsafe
small_main "$@"
