#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# [lvs] keep_apart: connections through a service leave from ports that direct ones never have, so no
# pair crosses, of the node's sockets and of clients behind it; what the node's own rules translate is
# theirs. The table follows the map and goes with the daemon, or is removed after it was killed.
#
#    pod              node1                     lvs                       rs
#   10.8.1.5 ---- 10.8.1.1  10.9.1.2 c0 ---- 10.9.1.1  10.9.2.1 ---- 10.9.2.2:3269
#   fd08::5       fd08::1   fd09:1::2        fd09:1::1 fd09:2::1     fd09:2::2
#                                       VIP 10.9.9.1:3306, fd09:9::1  ->  rs:3269, NAT
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

C=10.9.1.2 RS=10.9.2.2 VIP=10.9.9.1 POD=10.8.1.5
C6=fd09:1::2 RS6=fd09:2::2 VIP6=fd09:9::1 POD6=fd08::5

topo() {
	local ns

	for ns in pod lvs rs; do ip netns add $ns || bail_out "cannot make a network namespace"; done
	ip link add p1 type veth peer name p0 netns pod
	ip link add c0 type veth peer name l0 netns lvs
	ip -n lvs link add l1 type veth peer name r0 netns rs
	for ns in pod node1 lvs rs; do
		# shellcheck disable=SC2016 # that is for the other shell
		in_ns $ns sh -c 'ip link set lo up
			echo 1 >/proc/sys/net/ipv4/ip_forward
			for i in all default; do
				echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad
				echo 1 >/proc/sys/net/ipv6/conf/$i/forwarding
			done'
	done
	ip -n pod -batch - <<-. || bail_out "cannot build the topology"
		link set p0 up
		addr add $POD/24 dev p0
		addr add $POD6/64 dev p0 nodad
		route add default via 10.8.1.1
		route add default via fd08::1
	.
	ip -batch - <<-. || bail_out "cannot build the topology"
		link set p1 up
		link set c0 up
		addr add 10.8.1.1/24 dev p1
		addr add fd08::1/64 dev p1 nodad
		addr add $C/24 dev c0
		addr add $C6/64 dev c0 nodad
		route add default via 10.9.1.1
		route add default via fd09:1::1
	.
	ip -n lvs -batch - <<-. || bail_out "cannot build the topology"
		link set l0 up
		link set l1 up
		addr add 10.9.1.1/24 dev l0
		addr add fd09:1::1/64 dev l0 nodad
		addr add 10.9.2.1/24 dev l1
		addr add fd09:2::1/64 dev l1 nodad
		addr add $VIP/32 dev lo
		addr add $VIP6/128 dev lo nodad
		route add 10.8.1.0/24 via $C
		route add fd08::/64 via $C6
	.
	ip -n rs -batch - <<-. || bail_out "cannot build the topology"
		link set r0 up
		addr add $RS/24 dev r0
		addr add $RS6/64 dev r0 nodad
		route add default via 10.9.2.1
		route add default via fd09:2::1
	.
	lvs_of ip ipv4_addr $VIP $RS
	lvs_of ip6 ipv6_addr $VIP6 $RS6
}

# The LVS: rules without state, and a set that remembers its connections (as in lvs-crossing.sh).
lvs_of() { # FAMILY TYPE VIP RS
	in_ns lvs nft -f - <<-. || bail_out "cannot build the LVS"
		table $1 lvs {
			set conns { type $2 . inet_service; flags dynamic,timeout; timeout 15m; }
			chain in {
				type filter hook prerouting priority raw;
				$1 daddr $3 tcp dport 3306 add @conns { $1 saddr . tcp sport } \
					$1 daddr set $4 tcp dport set 3269 notrack
				$1 saddr $4 tcp sport 3269 notrack
				$1 daddr $4 tcp dport 3269 notrack
			}
			chain out {
				type filter hook forward priority 100;
				$1 saddr $4 tcp sport 3269 $1 daddr . tcp dport @conns \
					$1 saddr set $3 tcp sport set 3306
			}
		}
	.
}
forgets() { in_ns lvs nft flush set ip lvs conns && in_ns lvs nft flush set ip6 lvs conns; }

# pairs NS N CLIENT SERVER SERVICE FIRST-PORT: a direct connection and one through the service from each
# port; REPLY is what became of them
pairs() {
	forgets
	REPLY=$(in_ns "$1" "$FLOW" pairs -t 60 -n "$2" -b "$3" -P "$6" "$4" 3269 "$5" 3306 2>"$T/pairs.err")
	[ ! -s "$T/pairs.err" ] || diag "$(cat "$T/pairs.err")"
}
apart_is() { [ "$(jsons status | jq -r ".lvs_apart | $1")" = "$2" ]; }
tables() { nft list tables | grep vipsafe_apart; }
# Every rule that is not ours, as it is saved; not how many packets there were.
others() {
	nft -s list ruleset | sed '/^table ip6\? vipsafe_apart/,/^}/d'
	{ iptables-legacy-save && ip6tables-legacy-save; } 2>/dev/null |
		sed '/^#/d; /VIPSAFE-APART/d; s/ \[[0-9]*:[0-9]*\]$//'
}

topo
serve real rs 10.9.2.2 3269
serve real6 rs $RS6 3269

services() { # LINES...: of [lvs], besides
	config '[lvs]' 'sources =' "$@" \
		'[lvs-service mysql]' "vip = $VIP:3306 ; method = nat" "real = $RS:3269" \
		'[lvs-service six]' "vip = [$VIP6]:3306 ; method = nat" "real = [$RS6]:3269"
}

# ---- without it pairs cross ----------------------------------------------------------------
services
# not always each: a port that is still remembered for another connection is replaced
CROSSING='^pairs [0-9]* crossed=[1-9][0-9]* failed=0$'
pairs node1 3 $C $RS $VIP 40000
like "$REPLY" "$CROSSING" "control: pairs of the node cross"
pairs pod 3 $POD $RS $VIP 40000
like "$REPLY" "$CROSSING" "control: those of a client behind it"
pairs node1 3 $C6 $RS6 $VIP6 40000
like "$REPLY" "$CROSSING" "control: IPv6"
daemon_start
check "it is off by default" apart_is .asked false
is "$(tables)" "" "so there is no table"

# ---- with it none does ------------------------------------------------------------------------------
iptables-nft -t nat -A POSTROUTING -s 10.8.2.0/24 -o c0 -j MASQUERADE || bail_out "cannot masquerade"
iptables-legacy -t nat -A POSTROUTING -s 10.8.3.0/24 -o c0 -j MASQUERADE 2>/dev/null
others >"$T/before"
services 'keep_apart = yes'
run reload
is "$RC" 0 "a reload asks for it"
check "it is in force" apart_is '"\(.in_force) \(.kept) \(.left)"' "true 2 0"
others | diff "$T/before" - >"$T/diff"
is "$(cat "$T/diff")" "" "all other rules are as they were"
pairs node1 3000 $C $RS $VIP 40000
is "$REPLY" "pairs 3000 crossed=0 failed=0" "no pair of the node crosses"
pairs node1 1000 $C $RS $VIP 20000
is "$REPLY" "pairs 1000 crossed=0 failed=0" "nor one whose port is among the chosen ones"
pairs pod 1000 $POD $RS $VIP 40000
is "$REPLY" "pairs 1000 crossed=0 failed=0" "nor one of a client behind the node"
pairs pod 1000 $POD $RS $VIP 20000
is "$REPLY" "pairs 1000 crossed=0 failed=0" "nor of such a port"
pairs node1 1000 $C6 $RS6 $VIP6 40000
is "$REPLY" "pairs 1000 crossed=0 failed=0" "IPv6: none of the node"
pairs pod 1000 $POD6 $RS6 $VIP6 40000
is "$REPLY" "pairs 1000 crossed=0 failed=0" "IPv6: none of a client behind it"
run status
like "$OUT" "LVS: 2 kept apart from direct connections, by ports [0-9]+-[0-9]+" "status tells of it"
run metrics
like "$OUT" 'vipsafe_lvs_apart_services\{kept="yes"\} 2' "so do the metrics"

nft delete table ip vipsafe_apart
check "if somebody removes the table it is made again" wait_for 30 nft list table ip vipsafe_apart
pairs node1 100 $C $RS $VIP 40000
is "$REPLY" "pairs 100 crossed=0 failed=0" "and no pair crosses"

# ---- what the node's own rules translate is theirs -------------------------------------------------------
ip -n pod addr add fd08:2::5/64 dev p0 nodad
ip addr add fd08:2::1/64 dev p1 nodad
nft 'table ip6 theirs { chain out { type nat hook postrouting priority 100; ip6 saddr fd08:2::/64 masquerade; }; }' ||
	bail_out "cannot masquerade IPv6"
others >"$T/before"
ip -n pod addr add 10.8.2.5/24 dev p0
ip addr add 10.8.2.1/24 dev p1
in_ns lvs ip route add 10.8.2.0/24 via $C # so that only a translation could be missed
open own pod 20 -b 10.8.2.5 -P 45000 $VIP 3306
open one pod 1 -b 10.8.2.5 -P 45100 $VIP 3306
ask one ports
is "$REPLY" "45100 $C 45100" "a client that the node masquerades is masqueraded"
check "it is told that those have other ports" wait_for 20 apart_is .other_ports 21

# ---- unless it is told whose they are ------------------------------------------------------------------
unharmed own "nothing is done to its connections"
open hog pod 40 -b 10.8.2.5 -P 48000 $RS 3269
pairs node1 40 $C $RS $VIP 48000
is "$REPLY" "pairs 40 crossed=0 failed=0" "no pair of the node crosses whose port it has towards the server"
job_end hog
job_end own
job_end one
pairs pod 30 10.8.2.5 $RS $VIP 47000
like "$REPLY" "$CROSSING" "pairs of a client that the node masquerades cross"
clients_are() { apart_is '[.clients[].in_force] | @text' "[$1]"; }
services 'keep_apart = yes' "keep_apart_clients = 10.8.2.0/24 to $C" \
	"keep_apart_clients = 10.8.7.0/24 to 10.9.1.77" "keep_apart_clients = fd08:2::/64 to $C6"
run reload
check "it is in force for those whose address is here" clients_are true,false,true
pairs pod 1000 10.8.2.5 $RS $VIP 40000
is "$REPLY" "pairs 1000 crossed=0 failed=0" "no pair of a client that was described crosses"
pairs pod 1000 10.8.2.5 $RS $VIP 20000
is "$REPLY" "pairs 1000 crossed=0 failed=0" "nor of such a port"
pairs pod 300 fd08:2::5 $RS6 $VIP6 40000
is "$REPLY" "pairs 300 crossed=0 failed=0" "IPv6: nor of a described client"
open own pod 20 -b 10.8.2.5 -P 45000 $VIP 3306
open one pod 1 -b 10.8.2.5 -P 45100 $VIP 3306
ask one ports
like "$REPLY" "45100 $C [0-9]+" "it has the address that the node's rule gives"
pairs pod 300 $POD $RS $VIP 40000
is "$REPLY" "pairs 300 crossed=0 failed=0" "nor of others"
run status
like "$OUT" "clients from 10.8.7.0/24 are left alone: this node does not have 10.9.1.77" "status tells of the others"
ip addr add 10.9.1.77/32 dev c0
check "it is in force when the address comes" wait_for 30 clients_are true,true,true
check "and the rules are" grep -q 10.9.1.77 <(nft list table ip vipsafe_apart)
ip addr del 10.9.1.77/32 dev c0
check "no longer when it has gone" wait_for 30 clients_are true,false,true
check "nor are the rules" not grep -q 10.9.1.77 <(nft list table ip vipsafe_apart)
others | diff "$T/before" - >"$T/diff"
is "$(cat "$T/diff")" "" "all other rules are as they were"
unharmed own "open connections live on"

# ---- it follows the map -----------------------------------------------------------------------------
open via node1 5 -b $C -P 46000 $VIP 3306
config '[lvs]' 'sources =' 'keep_apart = yes' \
	'[lvs-service mysql]' "vip = $VIP:3306 ; method = nat" "real = $RS:3269" \
	'[lvs-service twin]' "vip = $VIP:3307 ; method = nat" "real = $RS:3269" \
	'[lvs-service far]' "vip = 10.9.9.2:80 ; method = nat" "real = 10.9.2.9:80" \
	'[lvs-service names]' "vip = $VIP:53 ; proto = udp ; method = nat" "real = $RS:53" \
	'[lvs-service tunnel]' "vip = $VIP:99 ; method = tun" "real = $RS:99"
run reload
check "what can be done is done" apart_is '"\(.in_force) \(.kept) \(.left)"' "true 3 1"
check "services of one server have ports of their own" apart_is \
	'[.services[] | select(.kept_apart) | .port_low] | unique | length' 2
is "$(nft list set ip vipsafe_apart window1 | grep -oE '10.[0-9.]+ . [0-9]+' | sort | xargs)" \
	"10.9.9.1 . 3306 10.9.9.2 . 80" "the table has the new ones"
is "$(nft list set ip6 vipsafe_apart window1 | grep -c elements)" 0 "and no others"
run doctor
like "$OUT" "lvs-not-apart: 1 LVS service cannot be kept apart" "the doctor tells of what is left alone"
run status
like "$OUT" "names .$VIP:53. is left alone: it is not TCP" "status says why"
unharmed via "open connections live on"
unharmed own "those of the described client, too"

# ---- it ends, and connections do not -----------------------------------------------------------------
services
run reload
is "$RC" 0 "a reload that no longer asks for it"
nothing "$(nft list ruleset | sed -n '/^table ip6\? vipsafe_apart/,/^}/p' | grep elements)" "no address is left"
unharmed via "connections that it translates live on"
others | diff "$T/before" - >"$T/diff"
is "$(cat "$T/diff")" "" "all other rules are as they were"
job_end via
job_end own
job_end one
ended() { ! conntrack -L -p tcp --state ESTABLISHED 2>/dev/null | grep -q "dst=$VIP "; }
wait_for 30 ended || bail_out "the entries do not end"
run reload
is "$(tables)" "" "when they have ended the table goes"
services 'keep_apart = yes'
run reload
check "it is in force again" apart_is .in_force true
daemon_end
is "$? $(tables)" "0 " "nothing is left when the daemon stops"
others | diff "$T/before" - >"$T/diff"
is "$(cat "$T/diff")" "" "but all others' rules"

# ---- the daemon is killed ----------------------------------------------------------------------------
killed() { daemon_start; wait_for 20 apart_is .in_force true || bail_out "not in force"; daemon_end KILL; }
killed
is "$(tables | wc -l)" 2 "killed: the table stays"
pairs node1 300 $C $RS $VIP 40000
is "$REPLY" "pairs 300 crossed=0 failed=0" "killed: no pair crosses"
daemon_start
check "the next one takes it over" apart_is .in_force true
run recover
is "$RC $(tables | wc -l)" "0 2" "recover leaves it to the daemon"
daemon_end KILL
services
daemon_start
is "$(tables)" "" "one that is not asked for it removes it"
daemon_end
services 'keep_apart = yes'
killed
open via node1 5 -b $C -P 46000 $VIP 3306
run recover
like "$OUT" "tables vipsafe_apart .* stay, without effect" "recover does not break what it translates"
unharmed via "which lives on"
job_end via
wait_for 30 ended || bail_out "the entries do not end"
run recover
like "$OUT" "removed the rules of a killed run: tables vipsafe_apart" "recover removes it"
is "$RC $(tables)" "0 " "all of it"

# ---- by ip_tables, as on kernels before 4.18 ----------------------------------------------------------
legacy() { # LINES...: of [lvs], besides
	services "$@"
	printf '[agent]\nhold = iptables\n' >>"$CONF"
}
chains() { iptables-legacy-save -t nat 2>/dev/null | grep -c VIPSAFE-APART; }
ip6tables-legacy -t nat -L >/dev/null 2>&1
if ! grep -qx nat /proc/net/ip_tables_names 2>/dev/null || ! grep -qx nat /proc/net/ip6_tables_names 2>/dev/null; then
	skip "by ip_tables" "this kernel has no table nat of ip_tables"
	done_testing
fi
iptables-legacy -t nat -A POSTROUTING -s 10.8.9.0/24 -j MASQUERADE # what is appended later, too
others >"$T/before"
legacy 'keep_apart = yes' "keep_apart_clients = 10.8.2.0/24 to $C"
daemon_start
check "ip_tables: it is in force" apart_is .in_force true
is "$(tables)" "" "ip_tables: there is no table of nft"
pairs node1 1000 $C $RS $VIP 40000
is "$REPLY" "pairs 1000 crossed=0 failed=0" "ip_tables: no pair of the node crosses"
pairs node1 300 $C6 $RS6 $VIP6 20000
is "$REPLY" "pairs 300 crossed=0 failed=0" "ip_tables: IPv6: no pair of the node crosses"
pairs pod 300 10.8.2.5 $RS $VIP 20000
is "$REPLY" "pairs 300 crossed=0 failed=0" "ip_tables: nor one of a described client"
open via node1 5 -b $C -P 46000 $VIP 3306
others | diff "$T/before" - >"$T/diff"
is "$(cat "$T/diff")" "" "ip_tables: all other rules are as they were"
run reload
is "$RC" 0 "ip_tables: a reload changes nothing"
legacy
run reload
check "ip_tables: without it nothing leads to the chains" not grep -q -- "-j VIPSAFE-APART" <(iptables-legacy-save -t nat)
unharmed via "ip_tables: what is translated lives on"
job_end via
wait_for 30 ended || bail_out "the entries do not end"
daemon_end
daemon_start
is "$(chains)" 0 "ip_tables: the chains go"
daemon_end
legacy 'keep_apart = yes'
killed
check "ip_tables: killed: the chains stay" [ "$(chains)" -gt 0 ]
run recover
like "$OUT" "removed the rules of a killed run: tables vipsafe_apart, chains VIPSAFE-APART" "ip_tables: recover removes them"
is "$(chains)" 0 "ip_tables: all of them"
others | diff "$T/before" - >"$T/diff"
is "$(cat "$T/diff")" "" "ip_tables: all other rules are as they were"
done_testing
