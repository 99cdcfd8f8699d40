#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe isolate on nodes of all sorts: the address answers wherever it is moved to, which needs the
# right type and settings, and what cannot answer is refused with nothing changed.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
VIP=192.168.11.100 OWN=vip-c0a80b64

topo_nodes
need_macvlan
ip netns add client
ip -batch - <<-. || bail_out "cannot build the client"
	link add c0 type veth peer name eth0 netns client
	link set c0 master br-mgmt up
	addr add $VIP/32 dev br-mgmt
.
ip -n client -batch - <<-. || bail_out "cannot build the client"
	link set lo up
	link set eth0 up
	addr add 192.168.11.50/24 dev eth0
.
serve vip node1 $VIP 9000
N=0
forget() { ip -n client neigh flush dev eth0 2>/dev/null; }
# a new connection of a client that has to ask where the address is
comes_to() { # WHAT
	N=$((N + 1))
	forget
	open "new$N" client 1 $VIP 9000
	unharmed "new$N" "$1"
	job_end "new$N"
}
mac_of() { ip -j link show "$1" | jq -r '.[0].address'; }
# told WHAT DEVICE [ADDRESS]: the client knows the address by the MAC address of this device
told() {
	told_so() { [ "$(in_ns client ip -j neigh show "$2" dev eth0 | jq -r '.[0].lladdr')" = "$(mac_of "$1")" ]; }
	check "$1" wait_for 30 told_so "$2" "${3:-$VIP}"
}
setting() { cat "/proc/sys/net/ipv4/conf/$1/$2"; }
all_settings() { (cd /proc/sys/net && grep -rs . ipv4/conf ipv6/conf | grep -v "/$OWN/\|stable_secret" | sort); }
BEFORE=$(state)
unchanged() { is "$(state)" "$BEFORE" "$1: nothing is changed"; }
undo() { "$VIPSAFE" isolate --undo >"$T/undo" 2>&1 || bail_out "cannot undo: $(cat "$T/undo")"; }

# ---- reverse path filter, arp_ignore ---------------------------------------------

put /proc/sys/net/ipv4/conf/all/rp_filter 1
SETTINGS=$(all_settings)
run isolate $VIP/32 dev br-mgmt
is "$RC $(setting $OWN rp_filter)" "0 2" "where the way back is checked: a device that takes any"
is "$(all_settings)" "$SETTINGS" "no setting of another device has changed"
comes_to "it answers"
forget
ip -n client neigh replace $VIP lladdr "$(mac_of $OWN)" dev eth0 nud permanent
put /proc/sys/net/ipv4/conf/$OWN/rp_filter 1
job deaf in_ns client "$FLOW" open -n 1 -t 1 $VIP 9000
hear deaf
check "control: with a strict one what comes to it is dropped ($REPLY)" test "$REPLY" != "open 1"
job_end deaf KILL
run isolate $VIP/32 dev br-mgmt
is "$RC $(setting $OWN rp_filter)" "0 2" "the same command again sets it right"
open again client 1 $VIP 9000
unharmed again "it answers again"
ip -n client neigh del $VIP dev eth0 2>/dev/null
undo
unharmed again "and lives when it is put back"
put /proc/sys/net/ipv4/conf/all/rp_filter 0

put /proc/sys/net/ipv4/conf/br-mgmt/arp_ignore 1
run isolate $VIP/32 dev br-mgmt type dummy
is "$RC" 5 "arp_ignore 1: no dummy"
like "$ERR" 'arp_ignore is 1.*type macvlan' "it says why, and what can"
is "$(ip -o addr show to $VIP | awk '{ print $2 }')" br-mgmt "the address is where it was"
run isolate $VIP/32 dev br-mgmt
is "$RC" 0 "a macvlan"
comes_to "which answers"
told "with its own MAC address" $OWN
in_ns client ip neigh flush dev eth0
job other in_ns client "$FLOW" open -n 1 -t 1 192.168.11.7 9
hear other
job_end other KILL
told "and not for the node's other addresses" br-mgmt 192.168.11.7
undo
put /proc/sys/net/ipv4/conf/br-mgmt/arp_ignore 0

# ---- a dummy ----------------------------------------------------------------------

open live client 5 $VIP 9000
run --json isolate $VIP/32 dev br-mgmt type dummy
is "$RC $(json .type) $(json .mac)" "0 dummy " "arp_ignore 0: a dummy, if asked for"
unharmed live "its connections live"
comes_to "new ones come"
told "the old device answers for it" br-mgmt
forget
ip -n client neigh replace $VIP lladdr 02:00:00:00:00:01 dev eth0 nud stale
run del $VIP/32 dev $OWN
is "$RC" 0 "vipsafe deletes the only address of a device of its own"
run add $VIP/32 dev $OWN
is "$RC" 0 "vipsafe adds it to the dummy"
told "and announces it out of the old device" br-mgmt
undo
unharmed live "and back"

# ---- refusals ------------------------------------------------------------------------

BEFORE=$(state)
refused() { # WHAT PATTERN WORDS...
	local what=$1 pattern=$2

	shift 2
	run isolate "$@"
	is "$RC" 5 "$what: refused"
	like "$ERR" "$pattern.*nothing changed" "$what: it says why"
	unchanged "$what"
}
ip link add p0 type veth peer name p1
ip link set p0 up
ip link set p1 up
ip addr add 10.7.7.7/32 dev p0
ip addr add 10.8.8.8/24 dev p1
ip addr add 10.9.9.9/32 dev p1
ip addr add $VIP/32 dev lo
ip addr add 192.168.11.101/32 dev eth0
BEFORE=$(state)
refused "the last address" 'last IPv4 address of p0' 10.7.7.7/32 dev p0
refused "the route to its network" 'route to the network of 10.8.8.8/24' 10.8.8.8/24 dev p1
refused "the loopback device" 'nothing is masqueraded to lo' $VIP/32 dev lo
refused "a port of a bridge" 'eth0 belongs to br-mgmt' 192.168.11.101/32 dev eth0
refused "a name that is taken" 'there is a device p0' $VIP/32 dev br-mgmt name p0
put /proc/sys/net/ipv4/conf/all/arp_ignore 8
refused "nobody answers" 'arp_ignore is 3 or more.*arp_ignore is 8' $VIP/32 dev br-mgmt
put /proc/sys/net/ipv4/conf/all/arp_ignore 0
ip addr del 192.168.11.101/32 dev eth0
ip addr del $VIP/32 dev lo
BEFORE=$(state)
run isolate 192.168.11.200/32 dev br-mgmt
is "$RC" 2 "an address that is not there"
unchanged "that"
run isolate $VIP/32 dev nosuch
is "$RC" 2 "a device that is not there"
run isolate $VIP/24 dev br-mgmt
is "$RC" 2 "the address with another length"
run isolate $VIP dev br-mgmt
is "$RC" 1 "no length at all"
run isolate $VIP/32 dev br-mgmt --vip-flows keep
is "$RC" 1 "--vip-flows"
run add --undo $VIP/32 dev br-mgmt
is "$RC" 1 "--undo with another command"
run plan add --prepare $VIP/32 dev br-mgmt
is "$RC" 1 "and with the plan of another"
unchanged "all of them"
run --json plan isolate $VIP/32 dev br-mgmt
is "$RC $(json .plan) $(json .device) $(json .type) $(json .del.plan)" "0 true $OWN macvlan true" "a plan"
unchanged "a plan"
setpriv --inh-caps -all --bounding-set -all "$VIPSAFE" isolate $VIP/32 dev br-mgmt >/dev/null 2>&1
is $? 77 "without permission"
unchanged "that"

# ---- firewall rules by device -------------------------------------------------------------

iptables -w 5 -A INPUT -i br-mgmt -p tcp --dport 9000 -j ACCEPT
run --json isolate $VIP/32 dev br-mgmt
is "$RC $(json .type)" "0 dummy" "a rule by the incoming device: a dummy, which leaves that as it is"
undo
run isolate $VIP/32 dev br-mgmt type macvlan
is "$RC" 5 "no macvlan"
like "$ERR" 'firewall rule.*-i br-mgmt.*--force' "unless one insists"
run isolate $VIP/32 dev br-mgmt type macvlan --force
is "$RC" 0 "who insists gets it"
like "$ERR" 'warning: firewall rules match' "with a warning"
undo
iptables -w 5 -F INPUT
nft -f - <<-'.'
	table inet t {
		chain c {
			type filter hook input priority 0
			iifname { "lo", "br-*" } accept
		}
	}
.
run isolate $VIP/32 dev br-mgmt type macvlan
is "$RC" 5 "a rule of nft, with a pattern in a set"
nft delete table inet t

# ---- keepalived and instances -----------------------------------------------------------------

cp "$(command -v bash)" "$T/keepalived"
cat >"$T/keepalived.conf" <<-.
	vrrp_instance VI_1 {
		interface br-mgmt
		virtual_router_id 51
		virtual_ipaddress {
			$VIP/32
		}
	}
.
job ka "$T/keepalived" -c 'echo up; read -r _' keepalived -f "$T/keepalived.conf"
hear ka
BEFORE=$(state)
run isolate $VIP/32 dev br-mgmt
is "$RC" 5 "keepalived has the address"
like "$ERR" 'gives up MASTER.*--prepare' "it says what to do"
unchanged "keepalived"
run isolate $VIP/32 dev br-mgmt --prepare
is "$RC" 0 "the device alone is made"
is "$(ip -o addr show to $VIP | awk '{ print $2 }')" br-mgmt "and the address stays"
sed -i "s|$VIP/32|& dev $OWN|" "$T/keepalived.conf"
run isolate $VIP/32 dev br-mgmt
is "$RC" 5 "it has not read its configuration again"
ip addr add $VIP/32 dev $OWN # as it does then
run isolate $VIP/32 dev br-mgmt
is "$RC $(ip -o addr show to $VIP | awk '{ print $2 }')" "0 $OWN" "then what is left behind goes"
unharmed live "connections live"
run isolate --undo
is "$RC" 5 "--undo of what keepalived has there"
job_end ka
undo
cat >"$T/conf" <<-.
	[instance VI_1]
	address = $VIP/32
	device = br-mgmt
.
run --config "$T/conf" isolate $VIP/32 dev br-mgmt
is "$RC" 5 "an instance has it"
like "$ERR" 'instance VI_1' "it says which"
run --config "$T/conf" isolate $VIP/32 dev br-mgmt --prepare
sed -i "s|^address.*|& dev $OWN|" "$T/conf"
run --config "$T/conf" isolate $VIP/32 dev br-mgmt
is "$RC $(ip -o addr show to $VIP | awk '{ print $2 }')" "0 $OWN" "when it wants it there, it goes"
undo
unharmed live "connections live through all of this"

# ---- others make way ---------------------------------------------------------------------------

ip link add link br-mgmt name $OWN type macvlan mode private
run isolate --undo
is "$RC" 2 "--undo leaves a device of others alone"
run isolate $VIP/32 dev br-mgmt
is "$RC" 5 "and so does isolate"
ip link del $OWN
ip link add vipsafe-isolate link br-mgmt type macvlan # what a kill leaves
run recover
check "recover removes what has no mark yet" not ip link show vipsafe-isolate
done_testing
