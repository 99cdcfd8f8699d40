#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe connections: the table as conntrack(8) lists it, with the protection of each entry; the same
# with and without the daemon; filters; and a reader that is slow holds up nobody and costs nothing.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_pod
masquerade
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 1h' 'linger = 10min'
nft 'table inet marks { chain pre { type filter hook prerouting priority -150
	udp dport 8899 ct mark set 0x15; }; }' || bail_out "cannot mark"
N=5
SPRAYED=20000
serve server node2 10.232.3.28 8899
serve server6 node2 fd00:3::28 8899
serve userver node2 -u 10.232.3.28 8899
open local node1 $N 10.232.3.28 8899
open pod pod $N 10.232.3.28 8899
open six pod $N fd00:3::28 8899
open udp pod $N -u 10.232.3.28 8899

lines() { grep -c . <<<"$OUT"; }
# Without what differs between two looks: the timeout; and what only conntrack(8) knows.
plain() { sed -E 's/ # .*//; s/^([a-z0-9]+ +[0-9]+) [0-9]+/\1/; s/ use=[0-9]+//; s/ delay=[0-9]+//' | sort; }
theirs() { conntrack -L 2>/dev/null | grep 'dport=8899 ' | plain; }
marked() { grep -c " # $1 br-mgmt\$" <<<"$OUT"; }

# ---- without the daemon -----------------------------------------------------------

run connections dport 8899
is "$RC $(lines)" "0 $((4 * N))" "without the daemon what is masqueraded is listed"
is "$(plain <<<"$OUT")" "$(theirs)" "line by line as conntrack lists it"
is "$(marked unpinned)" $((4 * N)) "none of it is pinned"
run connections pinned
is "$RC$OUT" 0 "none is listed as pinned"
run connections at-risk dev br-mgmt proto tcp src 10.232.1.5
is "$(lines)" $N "filters restrict the list"
run connections dst fd00:3::/64 dport 8000-8899
is "$(lines)" $N "prefixes and ranges, too"
run connections dport 8900-9000
is "$RC$OUT" 0 "down to nothing"
run connections dev cali0
is "$RC$OUT" 0 "another device has none"
run connections dev nosuch
is "$RC" 4 "a device that is none: 4"
like "$ERR" 'there is no device "nosuch"' "by name"
run connections src host
is "$RC" 1 "a filter that is none: 1"
like "$ERR" 'src "host" is not an address or a prefix' "and what is wrong with it"
run connections dev br-mgmt dev br-mgmt
is "$RC" 1 "twice the device: 1"

# ---- from the daemon -----------------------------------------------------------------

daemon_start
check "the guard comes up" wait_for 60 guard_live
check "TCP gets pinned" wait_for 60 pinned_at_least $((3 * N))
run connections dport 8899
is "$RC $(lines)" "0 $((4 * N))" "the daemon lists the same connections"
is "$(plain <<<"$OUT")" "$(theirs)" "line by line as conntrack lists it"
is "$(marked pinned) $(marked unpinned)" "$((3 * N)) $N" "and what is pinned"
run connections pinned src 10.232.1.5
is "$(lines) $(marked pinned)" "$N $N" "of one client"
run connections at-risk dport 8899
is "$(lines) $(grep -c ^udp <<<"$OUT")" "$N $N" "what a flush would take"
run connections pinned dport 8899 at-risk
is "$(lines)" $((4 * N)) "two protections are both meant"
run --local connections dport 8899
is "$(marked pinned) $(marked unpinned)" "$((3 * N)) $N" "--local knows the pinned ones by their marks"
run --json connections proto udp
is "$(jq -s -r 'length, (map(select(.protection == "unpinned" and .at_risk and .device == "br-mgmt" and
	.protocol == "udp" and .original.src == "10.232.1.5" and .original.dport == 8899 and
	.reply.dst == "192.168.11.7" and .reply.sport == 8899 and .zone == 0)) | length)' <<<"$OUT" | xargs)" \
	"$N $N" "an object for each in JSON"
run --json connections proto tcp dst fd00:3::28
is "$(jq -s -r 'map(.state + " " + .protection) | unique | .[]' <<<"$OUT")" "ESTABLISHED pinned" "IPv6, too"
run connections dev cali0
is "$RC" 4 "a device without a guard: 4"
like "$ERR" 'device cali0 is not guarded: --local' "and how it is listed"
run connections mark 0x10/0xf0
is "$(lines) $(grep -c 'mark=21' <<<"$OUT")" "$N $N" "by mark"
run connections dport 8899 mark 0
is "$(lines)" $((3 * N)) "the others have none"

# ---- a plan knows what is pinned ---------------------------------------------------------

know_verdict affected
for how in "" --local; do # an IGMP report of the node itself may count as one more
	# shellcheck disable=SC2086 # nothing, or an option
	run $how -v plan del 192.168.11.99/32 dev br-mgmt
	like "$OUT" "at risk +[56] +would be flushed.*pinned +$((2 * N)) +already.*would be lost +[56] " \
		"plan ${how:-by the guard}: what is pinned is not flushed"
	is "$(marked pinned) $(grep -c 'dport=8899.* # unpinned br-mgmt$' <<<"$OUT")" "$((2 * N)) $N" "and -v lists both"
done

# ---- an address that is gone, and back again ------------------------------------------

ip addr add 192.168.11.9/24 dev br-mgmt
ip addr del 192.168.11.7/24 dev br-mgmt
# without promote_secondaries both are gone
lingering() { [ "$("$VIPSAFE" connections lingering proto tcp dst 10.232.3.28 | wc -l)" = $((2 * N)) ]; }
check "what lingers is listed as such" wait_for 20 lingering
run connections pinned proto tcp
is "$(lines)" $N "and what has its address is not"
ip addr add 192.168.11.7/24 dev br-mgmt
ip route replace 10.232.3.0/24 via 192.168.11.8
is_back() { [ "$("$VIPSAFE" connections pinned proto tcp | wc -l)" = $((3 * N)) ]; }
check "until it is back" wait_for 20 is_back

# ---- a long list, and a slow reader -----------------------------------------------------

in_ns pod "$FLOW" spray -n $SPRAYED -P 1024 10.232.3.28 0 >/dev/null || bail_out "cannot fill the table"
sprayed() { entries -p udp --reply-src 10.232.3.28 --reply-dst 192.168.11.7; }
known() { [ "$(guard .unpinned)" -ge $SPRAYED ]; }
check "many more are known" wait_for 60 known
"$VIPSAFE" connections proto udp >"$T/all"
is "$(grep -c ' # [a-z]* br-mgmt$' "$T/all")" "$(sprayed)" "each of them is listed"
is "$(sort -u "$T/all" | wc -l)" "$(sprayed)" "once"
before=$(resident_kb)
for i in 1 2 3 4; do
	mkfifo "$T/slow$i"
	"$VIPSAFE" connections >"$T/slow$i" &
done
exec {slow1}<"$T/slow1" {slow2}<"$T/slow2" {slow3}<"$T/slow3" {slow4}<"$T/slow4"
for fd in "$slow1" "$slow2" "$slow3" "$slow4"; do IFS= read -r -u "$fd" _; done
run connections
is "$RC" 75 "more than four lists at a time are refused"
like "$ERR" "too many lists" "and why"
check "meanwhile the daemon answers" answers
open late pod $N 10.232.3.28 8899
late() { [ "$("$VIPSAFE" --local connections pinned proto tcp | wc -l)" = $((4 * N)) ]; }
check "and pins what is new" wait_for 60 late
# four times 20000 lines are 13 MB
check "it keeps nothing of the lists ($before kB, now $(resident_kb) kB)" \
	test "$(resident_kb)" -lt $((before + 10240))
exec {slow1}<&- # one goes away
is "$(($(wc -l <&"$slow2") + 1 >= SPRAYED))" 1 "the next one gets all of it, late as it is"
again() { [ "$("$VIPSAFE" connections pinned proto tcp | wc -l)" = $((4 * N)) ]; }
check "there is room again" wait_for 60 again
exec {slow2}<&- {slow3}<&- {slow4}<&-
daemon_end TERM
jobs_end
done_testing
