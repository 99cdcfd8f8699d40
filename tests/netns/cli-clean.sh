#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe under valgrind, or built with sanitizers, without the daemon: it reads only
# what it has written, above all what it hands to the kernel, paddings included.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

if grep -q __asan_init "$VIPSAFE"; then
	UNDER=() JUDGE=sanitizers
else
	command -v valgrind >/dev/null || skip_all "no valgrind here"
	# --track-origins=yes says where it comes from, and takes half as long again
	UNDER=(valgrind --log-file="$T/valgrind.%p") JUDGE=valgrind
fi
diag "judged by $JUDGE"

topo_pod
masquerade
serve srv node2 10.232.3.28 8899
serve usrv node2 -u 10.232.3.28 8899
open pod pod 5 10.232.3.28 8899
open udp node1 5 -u 10.232.3.28 8899
serve srv6 node2 fd00:3::28 8899
open pod6 pod 5 fd00:3::28 8899
cat >"$T/keepalived.conf" <<'.'
vrrp_instance VI_1 {
	interface br-mgmt
	virtual_router_id 7
	virtual_ipaddress {
		192.168.11.100/32
	}
}
.
config '[device br-mgmt]' '[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.101/32'

complaints() {
	case $JUDGE in
	valgrind) grep -l 'ERROR SUMMARY: [1-9]' "$T"/valgrind.* ;;
	sanitizers) grep -l -E 'Sanitizer|runtime error' "$T/err" ;;
	esac 2>/dev/null
}
workers() { pgrep -f "$VIPSAFE" >/dev/null; }

# clean WANTED WORDS...: no complaint of it or of what it leaves at work
clean() {
	local wanted=$1 bad

	shift
	rm -f "$T"/valgrind.*
	timeout 300 "${UNDER[@]}" "$VIPSAFE" --config "$CONF" --timeout 60 "$@" >"$T/out" 2>"$T/err" </dev/null
	like $? "^($wanted)$" "$*: exit code"
	wait_for 60 not workers || diag "$*: somebody is at work still"
	bad=$(complaints)
	is "$bad" "" "$*: clean"
	# shellcheck disable=SC2086 # names
	[ -z "$bad" ] || diag "$(head -n 60 $bad)"
}

clean '0' probe
for hold in nft iptables off; do
	for strategy in pin restore; do
		twin_up
		clean 0 --hold $hold --strategy $strategy plan del $TWIN dev br-mgmt
		clean '0|3|6' --hold $hold --strategy $strategy del $TWIN dev br-mgmt
	done
done
twin6_up
clean '0|3|6' del $TWIN6 dev br-mgmt
clean 0 add 192.168.11.100/32 dev br-mgmt label br-mgmt:1 brd + preferred_lft 0
clean 0 add fd00:11::100/128 dev br-mgmt dad
if ip link add m0 link br-mgmt type macvlan 2>/dev/null; then
	ip link del m0
	clean 0 plan isolate 192.168.11.100/32 dev br-mgmt
	clean '0|3|4' isolate 192.168.11.100/32 dev br-mgmt
	clean 0 recover
	clean '0|3|4' --json isolate --undo 192.168.11.100
fi
clean 2 isolate --undo
open own node1 3 -b 192.168.11.100 10.232.3.28 8899
clean '0|3|6' --hold nft --vip-flows reset del 192.168.11.100/32 dev br-mgmt
ip addr add 192.168.11.100/32 dev br-mgmt
clean '0|3|6' --hold iptables --vip-flows drop del 192.168.11.100/32 dev br-mgmt
clean '2|5' del 192.168.11.200/32 dev nosuch
clean 0 notify INSTANCE VI_1 MASTER 100
clean 0 notify INSTANCE VI_1 BACKUP 100
clean '0|3' status
clean '0|10|11' doctor
clean '0|10|11' doctor --keepalived "$T/keepalived.conf"
clean '0|10' import "$T/keepalived.conf"
clean '0|10' --json import "$T/keepalived.conf"
clean 78 --json import "$T/nosuch"
clean 0 --json version
clean 0 --json help del
clean 1 --json nonsense
clean '0|3' --json status
clean '0|10|11' --json doctor
clean 0 --json history
clean '0|4|10|11' --json lvs check
clean 0 history
clean 0 recover
clean 0 recover --stale
clean '0|4|10|11' lvs check
clean '0|4' lvs map
clean 75 metrics
jobs_end
done_testing
