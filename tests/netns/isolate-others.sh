#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe isolate and what is not its own: other addresses on the new device, secondary addresses of
# the old one, a device that was prepared before, one that only has the name of a half-made one.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
VIP=192.168.11.100/32 OWN=vip-c0a80b64

topo_nodes
need_macvlan
ip addr add $VIP dev br-mgmt || bail_out "cannot add the address"
has() { [[ $(ip -o addr show dev "$1" 2>/dev/null) == *" $2 "* ]]; }
alias_of() { ip -d link show "$1" 2>/dev/null | sed -n 's/^ *alias //p'; }
there() { ip link show "$1" >/dev/null 2>&1; }

# ---- an address that somebody has put beside it --------------------------------

run isolate $VIP dev br-mgmt
is "$RC" 0 "isolated (${ERR:0:200})"
ip addr add 198.51.100.9/32 dev $OWN
BEFORE=$(state)
for words in "isolate --undo" "plan isolate --undo"; do
	# shellcheck disable=SC2086 # words
	run $words
	is "$RC" 5 "$words: refused while there is another address"
	like "$ERR" '198.51.100.9/32.*nothing changed' "it names the address"
	is "$(state)" "$BEFORE" "nothing is changed"
done
ip link set $OWN alias "vipsafe: isolating $VIP dev br-mgmt"
ip addr del $VIP dev $OWN
ip addr add $VIP dev br-mgmt
run recover
like "$ERR" 'not deleted.*198.51.100.9/32' "recover says what it leaves"
check "and leaves it" has $OWN 198.51.100.9/32
ip addr del 198.51.100.9/32 dev $OWN
run recover
is "$RC" 0 "without the address (${ERR:0:200})"
check "a device that was half made is deleted" not there $OWN

# ---- a device that was there before the call ---------------------------------------

run isolate $VIP dev br-mgmt --prepare
is "$RC" 0 "prepared"
MARK=$(alias_of $OWN)
mount -o bind,ro /proc/sys /proc/sys || bail_out "cannot make /proc/sys read-only"
run isolate $VIP dev br-mgmt
is "$RC" 2 "settings that cannot be written: failed"
umount /proc/sys
is "$(alias_of $OWN)" "$MARK" "a prepared device is as it was"
run recover
check "and not taken for a half-made one" there $OWN
ip link set $OWN alias "vipsafe: entering $VIP dev br-mgmt"
run recover
is "$RC $(alias_of $OWN)" "0 $MARK" "nor after a kill before the address came to it"
like "$OUT" 'stays where it is' "which is said"
run isolate $VIP dev br-mgmt
is "$RC" 0 "it serves"
check "and has the address" has $OWN $VIP
ip addr add $VIP dev br-mgmt
ip link set $OWN alias "vipsafe: entering $VIP dev br-mgmt"
run recover
is "$RC $(alias_of $OWN)" "0 $MARK" "a kill after it: the move is finished"
check "it is not on the old device" not has br-mgmt $VIP
run isolate --undo
is "$RC" 0 "back (${ERR:0:200})"

# ---- a device of somebody else ---------------------------------------------------------

ip link add vipsafe-isolate type bridge || bail_out "cannot make a bridge"
ip addr add 203.0.113.1/24 dev vipsafe-isolate
run isolate $VIP dev br-mgmt
is "$RC" 2 "its name is taken: failed"
check "the device of somebody else is there" has vipsafe-isolate 203.0.113.1/24
check "the address is where it was" has br-mgmt $VIP
ip link del vipsafe-isolate

# ---- names --------------------------------------------------------------------------------

for name in 'n%d' all default; do
	run isolate $VIP dev br-mgmt name "$name"
	is "$RC" 1 "name $name: refused"
done
run isolate $VIP dev br-mgmt name $'n\e[7m'
is "$RC" 0 "a name with an escape sequence"
is "$(tr -d '\n' <<<"$OUT" | tr -d ' -~')" "" "is not written to the terminal as it is"
run isolate --undo
is "$RC" 0 "and back"
is "$(tr -d '\n' <<<"$OUT" | tr -d ' -~')" "" "there neither"

# ---- secondary addresses ---------------------------------------------------------------

put /proc/sys/net/ipv4/conf/all/promote_secondaries 0
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 0
ip addr add 10.6.6.100/24 dev br-mgmt
ip addr add 10.6.6.7/24 dev br-mgmt
iptables -w 5 -A INPUT -i br-mgmt -p tcp --dport 9000 -j ACCEPT
BEFORE=$(state)
for force in "" --force; do
	run isolate 10.6.6.100/24 dev br-mgmt type macvlan ${force:+"$force"}
	is "$RC" 5 "${force:-without --force}: no other address goes along"
	is "$(state)" "$BEFORE" "nothing is changed"
done
like "$ERR" 'promote_secondaries=1' "it says what helps"
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
run isolate 10.6.6.100/24 dev br-mgmt type macvlan --force
is "$RC" 0 "where they are promoted (${ERR:0:200})"
check "they stay" has br-mgmt 10.6.6.7/24
run isolate --undo
iptables -w 5 -F INPUT

# ---- devices in named sets of nft ----------------------------------------------------------

nft_rule() {
	nft delete table inet t 2>/dev/null
	nft -f - <<-.
		table inet t {
			set lan {
				type ifname
				elements = { "lo", "br-mgmt" }
			}
			chain c {
				type filter hook input priority 0
				$1
			}
		}
	.
}
for rule in 'iifname @lan accept' 'iifname . ip protocol vmap { "lo" . tcp : accept, "br-mgmt" . tcp : accept }'; do
	nft_rule "$rule" || bail_out "nft does not take: $rule"
	run isolate $VIP dev br-mgmt type macvlan
	is "$RC" 5 "no macvlan: $rule"
done
nft_rule 'iifname "lo" tcp dport { 22, 80 } accept' || bail_out "nft"
run plan isolate $VIP dev br-mgmt type macvlan
is "$RC" 0 "a rule by another device"
is "$ERR" "" "which was read"
nft delete table inet t
NFT=$(readlink -f "$(command -v nft)")
mount --bind "$(readlink -f "$(type -P false)")" "$NFT" || bail_out "cannot put another program over nft"
run plan isolate $VIP dev br-mgmt type macvlan
is "$RC" 0 "rules that cannot be read are no reason to refuse"
like "$ERR" 'warning: firewall rules cannot be read' "but are told of"
umount "$NFT"
done_testing
