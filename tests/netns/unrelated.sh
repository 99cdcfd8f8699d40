#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# On a kernel that flushes per address, moving a VIP to and fro disturbs no
# busy flow: vipsafe sees that nothing is to be done and does nothing. (The
# kernel that flushes everything is the business of tests/vm.)
# shellcheck source=tests/netns/lib/pair.sh
# shellcheck disable=SC2015 # two conditions and what to do when either fails
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
masquerade
run --json del 192.168.11.100/32 192.168.11.101/32 dev br-mgmt
is "$RC $(json .changed)" "0 false" "nothing to delete yet"
run --json add 192.168.11.100/32 dev br-mgmt
run --json del 192.168.11.100/32 dev br-mgmt
# a busy machine may not let a probe see in time what it waits for
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(json .kernel)" = unknown ] || break
	run probe
	run --json add 192.168.11.100/32 dev br-mgmt
	run --json del 192.168.11.100/32 dev br-mgmt
done
[ "$(json .kernel)" != affected ] || skip_all "this kernel flushes all entries of a device"
is "$(json '[.kernel, .strategy] | @text')" '["fixed","none"]' "the probe says so"

serve srv node2 10.232.3.28 8899
serve udp node2 -u 10.232.3.28 8899
for ns in pod node1; do
	job busy-$ns in_ns $ns "$FLOW" busy -n 50 -d 2 10.232.3.28 8899
	hear busy-$ns
	is "$REPLY" "open 50" "50 busy TCP flows from $ns"
	job busy-udp-$ns in_ns $ns "$FLOW" busy -u -n 50 -d 2 10.232.3.28 8899
	hear busy-udp-$ns
done

cycles() {
	local i

	for i in {1..20}; do
		"$VIPSAFE" add 192.168.11.100/32 fd00:11::100/128 dev br-mgmt >/dev/null &&
		"$VIPSAFE" del 192.168.11.100/32 fd00:11::100/128 dev br-mgmt >/dev/null || {
			echo "cycle $i: exit code $?"
			return 1
		}
	done
}
# How long an exchange takes on this machine while addresses come and go without vipsafe.
job calm in_ns pod "$FLOW" busy -n 50 -d 2 10.232.3.28 8899
hear calm
for ((i = 0; i < 400; i++)); do
	ip addr add 192.168.11.99/32 dev br-mgmt && ip addr del 192.168.11.99/32 dev br-mgmt ||
		bail_out "the control fails"
done
ask calm stop
[[ $REPLY =~ longest_ms=([0-9]+) ]] || bail_out "no control: $REPLY"
LIMIT=$((300 + 4 * BASH_REMATCH[1]))

check "20 times add and del" cycles
for ns in pod node1; do
	for f in busy-$ns busy-udp-$ns; do
		ask "$f" stop
		like "$REPLY" "^busy alive=50 reset=0 stalled=0 changed=0 exchanges=[0-9]{4,} " \
			"$f: no flow reset or changed"
		[[ $REPLY =~ longest_ms=([0-9]+) ]]
		check "$f: no exchange took $LIMIT ms (${BASH_REMATCH[1]})" test "${BASH_REMATCH[1]}" -lt $LIMIT
	done
done
done_testing
