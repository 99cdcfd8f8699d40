#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Only the exact address and prefix length comes and goes, with the options
# asked for, and a second run of the same thing writes nothing.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL: set VIPSAFE_BUILD to the build directory"

topo_nodes
VIP=192.168.11.100
VIP6=fd00:11::100

addresses() { ip -j addr show dev br-mgmt | jq -c '[.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"] | sort'; }

# attribute ADDRESS NAME: of an address of br-mgmt, as the kernel lists it
attribute() {
	ip -j addr show dev br-mgmt |
		jq -r --arg a "$1" --arg n "$2" '.[0].addr_info[] | select(.local == $a) | .[$n]'
}

# quiet WORDS...: that run of vipsafe succeeds, says changed:false and makes
# the kernel announce no address change (the marker ends the listening).
quiet() {
	local events=0

	job monitor ip -o monitor address
	wait_for 30 marker_heard add || return
	run --json "$@"
	ip addr add 192.0.2.2/32 dev lo
	while hear monitor 3 && [[ $REPLY != *192.0.2.2/32* ]]; do events=$((events + 1)); done
	ip addr flush dev lo to 192.0.2.0/24
	job_end monitor
	[ "$RC $events $(json .changed)" = "0 0 false" ] || {
		echo "exit code $RC, $events address events, changed: $(json .changed)"
		return 1
	}
}

marker_heard() {
	ip addr replace 192.0.2.1/32 dev lo
	hear monitor 0.2 && [[ $REPLY == *192.0.2.1/32* ]]
}

run --json add $VIP/32 dev br-mgmt
is "$RC" 0 "add: exit code"
is "$(json '[.op, .device, .changed, .result, .addresses[0]] | @text')" \
	"[\"add\",\"br-mgmt\",true,\"ok\",\"$VIP/32\"]" "add: report"
check "add: the address is there" has_addr $VIP/32 br-mgmt
check "add again: nothing to do" quiet add $VIP/32 dev br-mgmt

# The host's own twin with another prefix length.
ip addr add $VIP/24 dev br-mgmt
run --json del $VIP/32 dev br-mgmt
is "$RC $(json .changed)" "0 true" "del: done"
check "del: the /32 is gone" not has_addr $VIP/32 br-mgmt
check "del: the /24 of the same address stays" has_addr $VIP/24 br-mgmt
check "del again: nothing to do, the /24 stays" quiet del $VIP/32 dev br-mgmt
check "del with a wrong length: nothing to do" quiet del $VIP/25 dev br-mgmt
check "the /24 is still there" has_addr $VIP/24 br-mgmt
ip addr add $VIP/32 dev br-mgmt
run del $VIP/24 dev br-mgmt
check "del /24: the /32 stays" has_addr $VIP/32 br-mgmt
check "del /24: the /24 is gone" not has_addr $VIP/24 br-mgmt
ip addr add $VIP/32 dev lo
run del $VIP/32 dev br-mgmt
check "the same address on another device stays" has_addr $VIP/32 lo
ip addr del $VIP/32 dev lo

before=$(addresses)
run --json add $VIP/32 192.168.11.101/32 $VIP6/128 dev br-mgmt
is "$RC $(json '.addresses | length')" "0 3" "several addresses in one call"
is "$(json .timing_us.total | grep -c '^[0-9][0-9]*$')" 1 "with one time for all"
for a in $VIP/32 192.168.11.101/32 $VIP6/128; do
	check "several: $a is there" has_addr "$a" br-mgmt
done
is "$(attribute $VIP6 tentative)" null "IPv6 is usable at once"
is "$(attribute $VIP6 deprecated)" true "and the node's own source only if that is asked for"
run --json del $VIP/32 192.168.11.101/32 192.168.11.102/32 $VIP6/128 dev br-mgmt
is "$RC $(json .changed)" "0 true" "del of several, one of them absent"
is "$(addresses)" "$before" "all are gone, nothing else is"

ip link property add dev br-mgmt altname management-network-0
run --json add $VIP/32 dev management-network-0
is "$RC $(json .changed)" "0 true" "add by alternative name"
check "add by alternative name: the address is there" has_addr $VIP/32 br-mgmt
run --json del $VIP/32 dev management-network-0
is "$RC $(addresses)" "0 $before" "del by alternative name"
run --json add $VIP/32 dev br-mgmt label br-mgmt:vip scope link brd + noprefixroute metric 300
is "$RC" 0 "add with options"
is "$(attribute $VIP label) $(attribute $VIP scope) $(attribute $VIP metric) $(attribute $VIP noprefixroute)" \
	"br-mgmt:vip link 300 true" "the options arrive"
run --json add $VIP6/64 dev br-mgmt preferred_lft 0
is "$RC $(attribute $VIP6 deprecated)" "0 true" "preferred_lft 0: deprecated, never a source"
run del $VIP/32 $VIP6/64 dev br-mgmt
is "$RC $(addresses)" "0 $before" "del whatever the options were"

# a peer: one address may have several
PEERS=192.168.11.21
run --json add $VIP peer $PEERS dev br-mgmt
is "$RC $(attribute $VIP address) $(json '.addresses_detail[0].peer')" "0 $PEERS $PEERS" "add with a peer"
run --json add $VIP/32 peer $PEERS/32 dev br-mgmt
is "$RC $(json .changed)" "0 false" "it is there already"
run plan add $VIP peer 192.168.11.22 dev br-mgmt
like "$RC $OUT" "^0 .*$VIP/32 peer 192.168.11.22" "plan names the peer"
run add $VIP/32 peer 192.168.11.22/32 dev br-mgmt
is "$RC $(attribute $VIP address | xargs)" "0 $PEERS 192.168.11.22" "the same with another peer"
run del $VIP/32 dev br-mgmt
like "$RC $ERR" '^5 .*several peers' "del without a peer: refused"
is "$(attribute $VIP address | xargs)" "$PEERS 192.168.11.22" "and nothing has gone"
run del $VIP/32 peer 192.168.11.23 dev br-mgmt
is "$RC $(attribute $VIP address | xargs)" "0 $PEERS 192.168.11.22" "del with a peer that it has not: nothing to do"
run del $VIP/32 peer 192.168.11.22 dev br-mgmt
is "$RC $(attribute $VIP address)" "0 $PEERS" "del takes the one that it names"
run --json del $VIP/32 dev br-mgmt
is "$RC $(json '.addresses_detail[0].peer') $(addresses)" "0 $PEERS $before" "there is no doubt any more"
run add $VIP6 peer fd00:11::200/64 dev br-mgmt
is "$RC $(ip -j addr show dev br-mgmt | jq -r --arg a $VIP6 '.[].addr_info[] | select(.local == $a) | "\(.address) \(.prefixlen)"')" \
	"0 fd00:11::200 64" "IPv6: the prefix length is the peer's"
run del $VIP6 peer fd00:11::200/64 dev br-mgmt
is "$RC $(addresses)" "0 $before" "and it goes"

run --json add $VIP6 dev br-mgmt home proto 18
is "$RC $(attribute $VIP6 home)" "0 true" "home arrives"
like "$("$CALL" list)" "$VIP6/128 peer .* proto 18"$'\n' "and proto"
is "$(json '.addresses_detail[0] | [.proto, .home] | @text')" '[18,true]' "and are told"
run del $VIP6/128 dev br-mgmt
run --json add 239.1.1.9 ff05::9 dev br-mgmt autojoin
is "$RC $(attribute 239.1.1.9 autojoin) $(attribute ff05::9 autojoin)" "0 true true" "autojoin arrives"
check "the group is joined" grep -q '^[[:space:]]*090101EF ' /proc/net/igmp
check "that of IPv6, too" grep -q 'ff050000000000000000000000000009' /proc/net/igmp6
run del 239.1.1.9/32 ff05::9/128 dev br-mgmt
is "$RC $(addresses)" "0 $before" "and they go"
printf '[instance V]\ndevice = br-mgmt\naddress = %s peer %s/32 proto 18\naddress = %s home\n' $VIP $PEERS $VIP6 >"$T/conf"
run --config "$T/conf" --local notify INSTANCE V MASTER 100
check "an instance's address comes with its options" wait_for 60 has_addr $VIP6/128 br-mgmt
is "$(attribute $VIP address) $(attribute $VIP6 home)" "$PEERS true" "and with these"
like "$("$CALL" list)" "$VIP/32 peer $PEERS .* proto 18"$'\n' "and with proto"
run --config "$T/conf" --local notify INSTANCE V BACKUP 100
went() { [ "$(addresses)" = "$before" ]; }
check "and goes" wait_for 60 went
check "the group is left" not grep -q '^[[:space:]]*090101EF ' /proc/net/igmp
done_testing
