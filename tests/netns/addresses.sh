#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Addresses and devices on the real kernel: every option arrives as asked and
# is listed as it is, and a delete takes exactly what it names.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL: set VIPSAFE_BUILD to the build directory"

topo_nodes
DEV=$(ip -j link show br-mgmt | jq '.[].ifindex')

# shown ADDR FILTER: what iproute2 says about it
shown() {
	ip -j -d addr show dev br-mgmt | jq -r --arg a "${1%/*}" --argjson l "${1#*/}" \
		".[].addr_info[]? | select(.local == \$a and .prefixlen == \$l) | $2"
}

# listed ADDR: our own line for it, without the device
listed() { "$CALL" list | sed -n "s|^$DEV $1 ||p"; }

gone() { [ -z "$(shown "$1" .local)" ]; }

add() { "$CALL" add "$@" 2>&1; }
del() { "$CALL" del "$@" 2>&1; }

PLAIN='preferred 4294967295 valid 4294967295 metric 0'

# ---- options ---------------------------------------------------------------------

is "$(add 192.168.11.100/32 br-mgmt)" ok "IPv4 address, plain"
is "$(shown 192.168.11.100/32 '"\(.scope) \(.label) \(.broadcast) \(.address)"')" \
	"global br-mgmt null null" "it is what iproute2 would have made"
is "$(listed 192.168.11.100/32)" \
	"peer ? brd ? scope 0 flags 0x80 label 'br-mgmt' $PLAIN" "and is listed so"
is "$(add 192.168.11.100/32 br-mgmt)" EEXIST "a second time: EEXIST"

is "$(add 192.168.12.1/24 br-mgmt label br-mgmt:vip1 scope 253 brd 192.168.12.255)" ok \
	"label, scope, broadcast"
is "$(shown 192.168.12.1/24 '"\(.scope) \(.label) \(.broadcast)"')" \
	"link br-mgmt:vip1 192.168.12.255" "they arrive"
is "$(listed 192.168.12.1/24)" \
	"peer ? brd 192.168.12.255 scope 253 flags 0x80 label 'br-mgmt:vip1' $PLAIN" "and are listed"

is "$(add 192.168.13.1/24 br-mgmt flags 0x200 metric 0)" ok "noprefixroute, a flag beyond 8 bits"
is "$(shown 192.168.13.1/24 .noprefixroute)" true "it arrives"
is "$(ip route show 192.168.13.0/24)" "" "there is no prefix route"
is "$(listed 192.168.13.1/24)" "peer ? brd ? scope 0 flags 0x280 label 'br-mgmt' $PLAIN" \
	"and it is listed"

is "$(add 192.168.14.1/24 br-mgmt metric 777)" ok "metric"
like "$(ip route show 192.168.14.0/24)" 'metric 777' "the prefix route has it"
like "$(listed 192.168.14.1/24)" 'metric 777$' "and it is listed"

is "$(add 192.168.15.1/24 br-mgmt preferred 0)" ok "preferred_lft 0"
is "$(shown 192.168.15.1/24 '"\(.valid_life_time) \(.deprecated)"')" "4294967295 true" \
	"deprecated, valid for ever"
# The kernel lists a permanent IPv4 address as preferred for ever all the same.
like "$(listed 192.168.15.1/24)" 'flags 0xa0 .* valid 4294967295' "and is listed"

is "$(add 192.168.16.1/32 br-mgmt peer 192.168.16.2)" ok "a peer"
is "$(shown 192.168.16.1/32 .address)" 192.168.16.2 "it arrives"
like "$(listed 192.168.16.1/32)" '^peer 192.168.16.2 ' "and is listed"

is "$(add 192.168.16.1/32 br-mgmt peer 192.168.16.3)" ok "the same with another peer"
is "$(shown 192.168.16.1/32 .address | xargs)" "192.168.16.2 192.168.16.3" "is an address of its own"
is "$("$CALL" del 192.168.16.1/32 br-mgmt peer 192.168.16.3 2>&1)" ok "which goes alone"
is "$(shown 192.168.16.1/32 .address)" 192.168.16.2 "and the other stays"

is "$(add 192.168.17.1/32 br-mgmt proto 18)" ok "proto"
is "$(listed 192.168.17.1/32)" "peer ? brd ? scope 0 flags 0x80 label 'br-mgmt' $PLAIN proto 18" "and is listed"
is "$(del 192.168.17.1/32 br-mgmt)" ok "and it goes"
is "$(add 239.1.1.9/32 br-mgmt flags 0x400)" ok "autojoin"
check "the group is joined" grep -q '^[[:space:]]*090101EF ' /proc/net/igmp
is "$(del 239.1.1.9/32 br-mgmt)" ok "and it goes"

is "$(add 192.168.11.101/24 br-mgmt)" ok "a second address of a subnet"
is "$(shown 192.168.11.101/24 .secondary)" true "is a secondary"
like "$(listed 192.168.11.101/24)" 'flags 0x81 ' "and is listed as one"

is "$(add fd00:11::100/128 br-mgmt flags 2)" ok "IPv6 address, nodad"
is "$(shown fd00:11::100/128 '"\(.nodad) \(.tentative) \(.scope)"')" "true null global" \
	"usable at once"
is "$(listed fd00:11::100/128)" "peer ? brd ? scope 0 flags 0x82 label '' $PLAIN" "and is listed"
is "$(add fd00:11::100/128 br-mgmt flags 2)" EEXIST "a second time: EEXIST"

is "$(add fd00:12::1/64 br-mgmt flags 0x202 preferred 0)" ok "IPv6 noprefixroute, preferred_lft 0"
is "$(shown fd00:12::1/64 '"\(.noprefixroute) \(.deprecated) \(.preferred_life_time)"')" \
	"true true 0" "they arrive"
is "$(ip -6 route show fd00:12::/64)" "" "there is no prefix route"
like "$(listed fd00:12::1/64)" 'flags 0x2a2 label .. preferred 0 valid 4294967295' "and are listed"

put /proc/sys/net/ipv6/conf/br-mgmt/accept_dad 1
put /proc/sys/net/ipv6/conf/all/accept_dad 1
is "$(add fd00:11::101/128 br-mgmt)" ok "IPv6 with duplicate address detection"
like "$(listed fd00:11::101/128)" 'flags 0x(c0|80) ' "is tentative first, and listed so"
settled() { [[ $(listed fd00:11::101/128) == *"flags 0x80 "* ]]; }
check "and settles" wait_for 30 settled

# A VIP that node2 has already: DAD must fail, and be visible.
ip -n node2 addr add fd00:11::102/128 dev br-mgmt nodad
is "$(add fd00:11::102/128 br-mgmt)" ok "an IPv6 address that somebody else has"
failed() { [[ $(listed fd00:11::102/128) =~ flags\ 0x(c8|88)\  ]]; }
check "is listed as dadfailed" wait_for 30 failed

is "$(add fd00:11::103/128 br-mgmt label br-mgmt:x)" EINVAL "an IPv6 label is refused"
is "$(add 192.168.11.103/33 br-mgmt 2>&1)" "kernelcall: ADDR/LEN DEV?" "an impossible length, too"

# ---- deletes take what they name --------------------------------------------------

is "$(add 192.168.11.7/32 br-mgmt)" ok "a /32 twin of the node's own /24"
before=$(state)
for len in 8 23 25 31; do
	is "$(del 192.168.11.7/$len br-mgmt)" EADDRNOTAVAIL "delete with prefix length $len"
done
is "$(del fd00:11::7/128 br-mgmt)" EADDRNOTAVAIL "IPv6 delete with another prefix length"
is "$(del 192.168.11.200/24 br-mgmt)" EADDRNOTAVAIL "delete of a neighbour in the same subnet"
is "$(del 192.168.11.100/32 lo)" EADDRNOTAVAIL "delete on another device"
is "$(del 192.168.16.1/32 br-mgmt)" EADDRNOTAVAIL "delete without the peer it has"
is "$(state)" "$before" "none of them changed anything"

is "$(del 192.168.11.7/32 br-mgmt)" ok "delete of the /32 twin"
is "$(shown 192.168.11.7/24 .local)" 192.168.11.7 "the /24 is still there"
check "the /32 is gone" gone 192.168.11.7/32
is "$(add 192.168.11.7/32 br-mgmt)$(del 192.168.11.7/24 br-mgmt)" okok "the other way round"
is "$(shown 192.168.11.7/32 .local)" 192.168.11.7 "the /32 is still there"
check "the /24 is gone" gone 192.168.11.7/24

for a in 192.168.11.100/32 192.168.12.1/24 192.168.13.1/24 192.168.14.1/24 192.168.15.1/24 \
	fd00:11::100/128 fd00:12::1/64 fd00:11::102/128; do
	is "$(del $a br-mgmt)" ok "delete $a"
	check "it is gone" gone $a
done
is "$(del 192.168.16.1/32 br-mgmt peer 192.168.16.2)" ok "delete with the peer"
check "it is gone" gone 192.168.16.1/32
is "$(del fd00:11::100/128 br-mgmt)" EADDRNOTAVAIL "a second time: EADDRNOTAVAIL"

# ---- devices ------------------------------------------------------------------------

like "$("$CALL" link br-mgmt)" "^$DEV br-mgmt up running type 1 mac [0-9a-f:]{17}\$" "a device by name"
is "$("$CALL" link br-mgmt | sed 's/.* //')" "$(ip -j link show br-mgmt | jq -r '.[].address')" "its MAC"
like "$("$CALL" link lo)" '^1 lo up running type 772 ' "the loopback device"
ip link add down0 type bridge
like "$("$CALL" link down0)" ' down0 down idle ' "a device that is down"
is "$(add 192.0.2.1/24 down0)" ok "may have addresses"
if ip link property add dev br-mgmt altname management-network-of-the-rack altname mgmt 2>/dev/null; then
	like "$("$CALL" link management-network-of-the-rack)" "^$DEV br-mgmt " "by a long alternative name"
	like "$("$CALL" link mgmt)" "^$DEV br-mgmt " "by a short alternative name"
else
	skip "by alternative name" "this kernel or iproute2 has none"
fi
for name in nosuch 'br-mgmt ' br-mgmt0123456789012345 "$(printf 'x%.0s' {1..200})" a/b . .. ''; do
	is "$("$CALL" link "$name")" ENODEV "no device '${name:0:24}'"
done

# ---- promotion ------------------------------------------------------------------------

put /proc/sys/net/ipv4/conf/all/promote_secondaries 0
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 0
is "$("$CALL" promotes br-mgmt)" 0 "secondaries go along when neither sysctl says otherwise"
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
is "$("$CALL" promotes br-mgmt)" 1 "the device's own suffices"
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 0
put /proc/sys/net/ipv4/conf/all/promote_secondaries 1
is "$("$CALL" promotes br-mgmt)" 1 "so does the one for all"
ip link add eth0.100 type bridge
is "$("$CALL" promotes eth0.100)" 1 "a name with a dot"

# ---- many addresses, while they change --------------------------------------------------

ip link add many type bridge
ip link set many up
for i in {0..3}; do for j in {1..250}; do echo "addr add 10.7.$i.$j/32 dev many"; done; done |
	ip -batch -
churn() {
	while ip addr add 10.8.0.1/32 dev lo && ip addr del 10.8.0.1/32 dev lo; do :; done
}
churn &
churner=$!
bad=0
for i in {1..30}; do
	"$CALL" list >"$T/list" || bad=$((bad + 1))
	[ "$(grep -c ' 10\.7\.' "$T/list")" = 1000 ] || bad=$((bad + 1))
	[ "$(sort "$T/list" | uniq -d | wc -l)" = 0 ] || bad=$((bad + 1))
done
kill $churner 2>/dev/null
wait $churner 2>/dev/null
is $bad 0 "1000 addresses listed 30 times, each once, while others come and go"

# ---- lists that are given up --------------------------------------------------------------

# so many that the kernel has not made all of them when the first ones are refused
for i in {0..7}; do for j in {1..250}; do echo "addr add 10.77.$i.$j/32 dev lo"; done; done | ip -batch -
n=$("$CALL" list | wc -l)
check "there are 2000 addresses more" test "$n" -gt 3000
is "$("$CALL" refuse 20)" "$n 20 $n" "20 lists that are given up: none hears of another, and the next one is whole"
done_testing
