#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A VIP comes to a node that has forwarded and masqueraded its clients to the node where it was.
# The kernel goes on translating them: a UDP server that listens on any address sees this node as
# the client, and its answers go astray. However the address comes, vipsafe removes those entries;
# without it the same clients get no answer. What is not harmed is left alone.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

VIP=192.168.11.100
VIP6=fd00:11::100

topo_pod
know_verdict affected
for t in iptables ip6tables; do
	$t -w 5 -t nat -A POSTROUTING -o br-mgmt -j MASQUERADE --random-fully ||
		bail_out "cannot set up masquerading"
done
# servers stay where they are while the address goes
for f in ipv4 ipv6; do in_ns node2 sh -c "echo 1 >/proc/sys/net/$f/ip_nonlocal_bind"; done
# a slow machine must not outlast an idle datagram flow
put /proc/sys/net/netfilter/nf_conntrack_udp_timeout 600
config '[agent]' 'announce_again = 0' '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms' \
	'[instance VI_1]' 'device = br-mgmt' "address = $VIP/32" "address = $VIP6/128"

# ---- words ---------------------------------------------------------------------------

# The VIP, both families, at node2, and nothing remembered here.
elsewhere() {
	[ -z "$DAEMON" ] || daemon_end
	DAEMON=
	ip addr del $VIP/32 dev br-mgmt 2>/dev/null
	ip -6 addr del $VIP6/128 dev br-mgmt 2>/dev/null
	ip -n node2 addr replace $VIP/32 dev br-mgmt
	ip -n node2 addr replace $VIP6/128 dev br-mgmt nodad
	ip neigh flush dev br-mgmt
	conntrack -F >/dev/null 2>&1
}

leaves_node2() {
	ip -n node2 addr del $VIP/32 dev br-mgmt
	ip -n node2 addr del $VIP6/128 dev br-mgmt
}

led_away() { [ "$(guard .led_away)" = "$1" ]; }

syns() { [ "$(entries --orig-dst $VIP -p tcp --state SYN_SENT)" = "$1" ]; }

all_pinned() { [ "$(guard .unpinned)" = 0 ]; }

# come HOW: the VIP comes to this node
come() {
	case $1 in
	bare)
		ip addr add $VIP/32 dev br-mgmt && ip addr add $VIP6/128 dev br-mgmt nodad
		;;
	local)
		run --local --json add $VIP/32 $VIP6/128 dev br-mgmt
		is "$RC" 0 "local: exit code"
		;;
	daemon)
		run --json add $VIP/32 $VIP6/128 dev br-mgmt
		is "$RC" 0 "daemon: exit code"
		;;
	instance)
		run notify INSTANCE VI_1 MASTER 100
		check "instance: the address comes" wait_for 60 has_addr $VIP/32 br-mgmt
		wait_for 60 has_addr $VIP6/128 br-mgmt
		;;
	foreign)
		ip addr add $VIP/32 dev br-mgmt && ip addr add $VIP6/128 dev br-mgmt nodad
		;;
	esac
}

daemon_for() { # HOW
	case $1 in
	daemon | instance | foreign)
		daemon_start
		wait_for 60 guard_live || bail_out "the guard does not come up"
		;;
	esac
}

# answered NAME, unanswered NAME: all of its clients, or none, are answered; as whom the server
# sees them does not matter
counts() {
	ask "$1" ping
	[[ $REPLY =~ alive=([0-9]+)\ reset=([0-9]+)\ stalled=([0-9]+)\ changed=([0-9]+) ]]
	ANSWERED=$((BASH_REMATCH[1] + BASH_REMATCH[4]))
}
answered() {
	counts "$1"
	is "$ANSWERED" "${FLOWS[$1]}" "$2 (${REPLY#ping })"
}
unanswered() {
	counts "$1"
	is "$ANSWERED" 0 "$2 (${REPLY#ping })"
}

# ---- UDP servers that listen on any address, by every way that an address comes --------------

serve udp2 node2 -u $VIP 53
serve udp6-2 node2 -u $VIP6 53
serve here node1 -u 0.0.0.0 53
serve here6 node1 -u :: 54
serve udp54-2 node2 -u $VIP6 54

for how in bare local daemon foreign instance; do
	elsewhere
	daemon_for $how
	# DNS: one socket that asks again and again; and one that is bound
	open dns pod 20 -a -u $VIP 53
	open dns-port pod 10 -a -u -P 20000 $VIP 53
	open six pod 20 -a -u $VIP6 54
	[ -z "$DAEMON" ] || wait_for 60 all_pinned
	leaves_node2
	come $how
	case $how in
	bare)
		unanswered dns "bare: the clients get no answer"
		unanswered dns-port "bare: nor those with a port of their own"
		unanswered six "bare: nor those of IPv6"
		tell dns "more 5"
		hear dns
		is "$REPLY" "open 5" "bare: those that ask from a new port do"
		conntrack -D --orig-dst $VIP >/dev/null 2>&1
		FLOWS["dns"]=25
		answered dns "bare: all do once the entries are deleted: they are the cause"
		;;
	*)
		[ $how != foreign ] || check "foreign: the guard removes entries" wait_for 60 led_away 50
		answered dns "$how: the clients are answered"
		answered dns-port "$how: those with a port of their own, too"
		answered six "$how: those of IPv6, too"
		answered dns "$how: and go on being answered"
		;;
	esac
	case $how in
	local | daemon)
		is "$(json '.arrivals | [.found, .removed, .left] | @text')" '[50,50,0]' \
			"$how: the report counts them"
		;;
	foreign)
		is "$(guard '[.arrivals, .led_away, .lost] | @text')" '[2,50,0]' \
			"foreign: the status counts them"
		check "foreign: the log tells" wait_for 60 logged \
			'somebody else added an address: .* led elsewhere are removed" dev=br-mgmt led_away=[1-9]'
		;;
	esac
	job_end dns
	job_end dns-port
	job_end six
done
job_end here
job_end udp2

# ---- a dry run ----------------------------------------------------------------------------

elsewhere
serve udp2 node2 -u $VIP 53
open dns pod 20 -a -u $VIP 53
run --local --json plan add $VIP/32 dev br-mgmt
is "$(json '.arrivals | [.found, .removed, .left] | @text')" '[20,20,0]' "plan add: counts them"
run --local plan add $VIP/32 dev br-mgmt
like "$OUT" 'led elsewhere +20 ' "plan add: and says so"
is "$(entries --orig-dst $VIP -p udp)" 20 "plan add: removes none"
job_end dns
job_end udp2

# ---- QUIC: connected sockets at both ends ------------------------------------------------------
# The server's answers come from the VIP because the route to its clients says so.

serve quic2 node2 -u -c $VIP 443
for how in bare local; do
	elsewhere
	open quic pod 20 -u $VIP 443
	leaves_node2
	serve quic-here node1 -u -c 0.0.0.0 443
	come $how
	ip route replace 10.232.1.0/24 dev cali0 src $VIP
	case $how in
	bare) unanswered quic "QUIC, bare: no answer" ;;
	*) answered quic "QUIC, vipsafe add: answered" ;;
	esac
	ip route replace 10.232.1.0/24 dev cali0 src 10.232.1.1
	job_end quic
	job_end quic-here
done

# ---- a server that listens on the VIP itself is not harmed, and stays so ---------------------

elsewhere
put /proc/sys/net/ipv4/ip_nonlocal_bind 1
serve udp2 node2 -u $VIP 53
serve here node1 -u $VIP 53
open bound pod 20 -u $VIP 53
leaves_node2
come local
answered bound "a server of the VIP itself: answered"
job_end bound
job_end here
job_end udp2

# ---- TCP: the kernel answers by itself, and it is left alone -------------------------------------

serve tcp2 node2 $VIP 80
serve tcp-here node1 0.0.0.0 80

# vanish NAME: its connections end without a word; else their last segments make entries anew
vanish() {
	in_ns pod iptables -w 5 -A OUTPUT -p tcp -j DROP
	in_ns pod ss -K dst $VIP >/dev/null 2>&1
	job_end "$1"
	in_ns pod iptables -w 5 -F OUTPUT
}

# Its sender is answered by a reset, also where a firewall drops what is new in the middle of a
# connection: without the entry it would hang.
iptables -w 5 -A INPUT -p tcp ! --syn -m conntrack --ctstate NEW -j DROP
for how in bare deleted local; do
	elsewhere
	open tcp pod 20 $VIP 80
	leaves_node2
	case $how in
	deleted)
		come bare
		conntrack -D --orig-dst $VIP >/dev/null 2>&1
		ask tcp ping
		is "$REPLY" "ping alive=0 reset=0 stalled=20 changed=0" "TCP, entries deleted: it hangs"
		;;
	*)
		come $how
		ask tcp ping
		is "$REPLY" "ping alive=0 reset=20 stalled=0 changed=0" "TCP, $how: reset at once"
		;;
	esac
	vanish tcp
	open again pod 20 $VIP 80
	unharmed again "TCP, $how: new ones are served here"
	job_end again
done
is "$(json '.arrivals.reasons.stream')" 20 "TCP: counted"
iptables -w 5 -D INPUT -p tcp ! --syn -m conntrack --ctstate NEW -j DROP

# An address that was here for a moment only has broken nothing.
elsewhere
open tcp pod 20 $VIP 80
leaves_node2
come local
ip addr del $VIP/32 dev br-mgmt
ip -n node2 addr add $VIP/32 dev br-mgmt
ip neigh flush dev br-mgmt
unharmed tcp "TCP, the address goes back: as before"
job_end tcp

# A handshake that began elsewhere ends here and lives on, also when the address comes once more.
elsewhere
in_ns node2 iptables -w 5 -A INPUT -d $VIP -p tcp -j DROP
# shellcheck disable=SC2153 # of netns.sh
job half in_ns pod "$FLOW" open -n 10 -t 60 $VIP 80
check "SYNs on their way elsewhere" wait_for 30 syns 10
leaves_node2
come local
hear half 60
is "$REPLY" "open 10" "handshakes end here"
FLOWS["half"]=10
ip addr del $VIP/32 dev br-mgmt
come local
unharmed half "and the connections live on when the address comes again"
job_end half
in_ns node2 iptables -w 5 -D INPUT -d $VIP -p tcp -j DROP

# The same port again, while the old connection has never been closed.
elsewhere
open old pod 10 -P 30000 $VIP 80
vanish old
leaves_node2
come local
if [ -z "$(in_ns pod ss -Htn dst $VIP)" ]; then # else this kernel has no SOCK_DESTROY
	open new pod 10 -P 30000 $VIP 80
	unharmed new "a new connection from the port of an old one is served"
	job_end new
fi

# ---- a service on the VIP, as kube-proxy makes it ------------------------------------------------

elsewhere
serve backend node2 -u 10.232.3.28 5353
iptables -w 5 -t nat -A PREROUTING -d $VIP -p udp --dport 53 -j DNAT --to-destination 10.232.3.28:5353
open service pod 20 -u $VIP 53
leaves_node2
come local
is "$(json '.arrivals | [.removed, .left, .reasons.service] | @text')" '[0,20,20]' \
	"a service with a backend: left alone"
unharmed service "and none of its clients is translated anew"
job_end service
iptables -w 5 -t nat -F PREROUTING

# ---- forwarded without translation -------------------------------------------------------------

elsewhere
serve udp2 node2 -u $VIP 53
serve here node1 -u $VIP 53
iptables -w 5 -t nat -I POSTROUTING -s 10.232.1.5 -p udp -j ACCEPT
open plain pod 20 -u $VIP 53
leaves_node2
come local
is "$(json '.arrivals | [.removed, .left, .reasons.plain] | @text')" '[0,20,20]' \
	"without translation: left alone"
unharmed plain "and answered here"
job_end plain
iptables -w 5 -t nat -D POSTROUTING 1
job_end here

# ---- zones ------------------------------------------------------------------------------------

elsewhere
serve here node1 -u 0.0.0.0 53
if iptables -w 5 -t raw -A PREROUTING -i cali0 -p udp -j CT --zone 7 2>/dev/null &&
	iptables -w 5 -t raw -A PREROUTING -i br-mgmt -p udp -j CT --zone 7; then
	open zone pod 20 -a -u $VIP 53
	# the same flow in another zone, on a way of its own
	conntrack -I -w 9 -p udp -s 10.232.1.5 -d 10.232.3.28 --sport 999 --dport 53 -t 600 >/dev/null 2>&1
	leaves_node2
	come local
	is "$(json '.arrivals | [.found, .removed] | @text')" '[20,20]' "in a zone: removed"
	is "$(entries -w 9)" 1 "another zone: not touched"
	answered zone "in a zone: answered"
	job_end zone
	iptables -w 5 -t raw -F
fi

done_testing
