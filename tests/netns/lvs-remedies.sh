#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `vipsafe lvs check` says prevents a crossing is pasted into a shell, in each
# form it has: a pair crosses before, and none does after, in either order. The
# network is that of lib/lvsnet.sh.
# shellcheck source=tests/netns/lib/lvsnet.sh
. "$(dirname "$0")/lib/lvsnet.sh"; netns_main "$@"
need_vipsafe

# ---- which pair: from where, directly to, and through a service ---------------------
way() { NS=$1 FROM=$2 DIRECT=$3 VIA=$4; }
ipv4() { way node1 "-b $C" "$RS 3269" "$V.1 3306"; }
ipv6() { way node1 "-b $C6" "$RS6 3269" "${V6}1 3306"; }
udp() { way node1 "-b $C" "-u $RS 53" "-u $V.12 53"; }
services() { way node1 "-b $C" "$V.2 3306" "$V.1 3306"; }
behind() { way pod '' "$RS 3269" "$V.1 3306"; }

# start NAME PORT SECONDS TO: a connection that may come to nothing after so long
# shellcheck disable=SC2086 # words
start() { job "$1" in_ns $NS "$FLOW" open $FROM -P "$2" -t "$3" $4; }
opens() {
	start "$@"
	hear "$1"
	[ "$REPLY" = "open 1" ] || bail_out "$1 does not open: $REPLY"
}
pair_end() {
	job_end direct
	job_end via
	conntrack -F >/dev/null 2>&1 # what is left of that pair
}

# crosses WHAT PORT: a pair of which one is dead; PREVENT and NOTE are what the check says of it
crosses() {
	opens direct "$2" 1 "$DIRECT"
	start via "$2" 1 "$VIA"
	hear via
	[ "$REPLY" != "open 1" ] || ask direct ping
	check "$1: before, one of the two is dead" [ "${REPLY#*alive=1}" = "$REPLY" ]
	look
	PREVENT=$(remedy prevent) NOTE=$(remedy note)
	pair_end
}

# lives WHAT PORT FIRST TO SECOND TO
lives() {
	opens "$3" "$2" 60 "$4"
	opens "$5" "$2" 60 "$6"
	pings direct "$alive" "$1, $3 first: the direct connection lives"
	pings via "$alive" "$1, $3 first: the one through the VIP lives"
	silent '(0|10)' "$1, $3 first"
}

# apart WHAT PORT PORT WINDOW: pasted, and from ports that connect() may choose none crosses
apart() {
	check "$1: it can be pasted" sh -c "$PREVENT"
	lives "$1" "$2" direct "$DIRECT" via "$VIA"
	ask via ports
	[ "$NS" = pod ] || like "$REPLY" "^$2 [0-9a-f.:]+ ($4)\$" "$1: the server sees another port"
	pair_end
	lives "$1" "$3" via "$VIA" direct "$DIRECT"
	pair_end
}

# ---- whose rules the node has -----------------------------------------------------------
no_rules() {
	iptables -w 5 -t nat -F POSTROUTING
	ip6tables -w 5 -t nat -F POSTROUTING
	for t in "ip lvs_ports" "ip6 lvs_ports" "ip theirs"; do nft "delete table $t" 2>/dev/null; done
	nothing "$(nft list tables | grep -E 'lvs_ports|theirs')" "no rules of the last one are left"
	conntrack -F >/dev/null 2>&1
}
theirs() { nft "table ip theirs { chain post { type nat hook postrouting priority 100; ip saddr $1 masquerade; }; }"; }

topo_lvs
serve real rs $RS 3269
serve real6 rs $RS6 3269
serve dns rs -u $RS 53
cat >"$T/conf" <<-.
	[lvs]
	sources =
	[lvs-service one]
	vip = $V.1:3306
	real = $RS:3269
	method = nat
	[lvs-service two]
	vip = $V.2:3306
	real = $RS:3269
	method = nat
	[lvs-service six]
	vip = [${V6}1]:3306
	real = [$RS6]:3269
	method = nat
	[lvs-service dns]
	proto = udp
	vip = $V.12:53
	real = $RS:53
	method = nat
.
# Datagrams are seen by conntrack, which is there as long as somebody asks for it.
iptables -w 5 -A INPUT -m conntrack --ctstate INVALID -j ACCEPT || bail_out "cannot have conntrack"
high='6[1-5][0-9]{3}' window='61[0-9]{3}-65535'

# ---- a window above the ports that connect() chooses from ----------------------------------
ipv4
crosses iptables 40900
like "$PREVENT" "^iptables -w -t nat -I POSTROUTING -s $C -d $V.1 -p tcp --dport 3306 -j SNAT --to-source $C:$window\$" \
	"iptables: the check says what prevents it"
like "$NOTE" "the service can have [34][0-9]{3} connections at a time from here; to keep the rule, add it to what the firewall is loaded from at boot" \
	"what that means, and how to keep it"
apart iptables 40902 40904 "$high"
no_rules
ipv6
crosses ip6tables 40906
like "$PREVENT" "^ip6tables .* -s $C6 -d ${V6}1 .* --to-source '\\[$C6\\]:$window'\$" "ip6tables: the check says what prevents it"
apart ip6tables 40908 40910 "$high"
no_rules
udp
crosses UDP 40912
like "$PREVENT" "^iptables .* -d $V.12 -p udp --dport 53 .*:$window\$" "UDP: the check says what prevents it"
apart UDP 40914 40916 "$high"
no_rules
services
crosses "two services" 40918
like "$PREVENT" "^iptables .* -d $V.[12] .*:$window\$" "two services: the check says what prevents it"
apart "two services" 40920 40922 "40922|40920|$high"
no_rules
theirs 203.0.113.0/24
ipv4
crosses nft 40924
like "$PREVENT" "^nft 'table ip lvs_ports .* ip saddr $C ip daddr $V.1 tcp dport 3306 snat to $C:$window; " \
	"nft: the check says what prevents it"
apart nft 40926 40928 "$high"
is "$(nft list table ip theirs | grep -c masquerade)" 1 "nft: what others have is there"
ipv6
crosses "nft, IPv6" 40930
like "$PREVENT" "^nft 'table ip6 lvs_ports .*snat to \\[$C6\\]:$window; " "nft, IPv6: the check says what prevents it"
apart "nft, IPv6" 40932 40934 "$high"
no_rules

# ---- ports that connect() has all of, and that are in use --------------------------------------
ipv4
range=$(cat /proc/sys/net/ipv4/ip_local_port_range)
reserved=/proc/sys/net/ipv4/ip_local_reserved_ports
put /proc/sys/net/ipv4/ip_local_port_range "1024 65535"
opens taken1 65001 60 "$RS 3269"
opens taken2 62001 60 "$RS 3269"
crosses reserved 40940
# shellcheck disable=SC2016 # that is for the shell it is pasted into
like "$PREVENT" 'ip_local_reserved_ports="\$\{r:\+\$r,\}57344-61439" && iptables .*:57344-61439$' \
	"all ports are connect()'s: a window without a direct session is reserved"
like "$NOTE" "it takes 4096 of the 64512 ports that connect\\(\\) chooses from \\(6 %\\); .*/etc/sysctl.d/" "and its cost is said"
is "$(grep -c "open the" <<<"$NOTE")" 0 "and no session is to be opened again"
is "$(cat $reserved)" "" "nothing is reserved yet"
apart reserved 40942 40944 '5[7-9][0-9]{3}|6[01][0-9]{3}'
is "$(cat $reserved)" 57344-61439 "the window is reserved"
no_rules
put $reserved 8080
check "it can be pasted beside others" sh -c "$PREVENT"
is "$(cat $reserved)" 8080,57344-61439 "what was reserved stays so"
no_rules
crosses "reserved already" 40946
like "$PREVENT" '^r?.*:57344-61439$' "the same window again"
put $reserved ''
for port in $(seq 16384 4000 65535); do opens taken"$port" "$port" 60 "$RS 3269"; done
crosses "all in use" 40948
like "$NOTE" "^open the 1 connection from ports ([0-9]+)-[0-9]+ again \\(ss -tn 'sport >= :[0-9]+ and sport <= :[0-9]+' lists them\\); " \
	"no window is free: what is to be opened again"
list=$(sed -n 's/.*(\(ss .*\) lists them.*/\1/p' <<<"$NOTE")
is "$(sh -c "$list dst $RS" | grep -c "$RS:3269")" 1 "and it lists that one"
for port in $(seq 16384 4000 65535); do job_end taken"$port"; done
job_end taken1
job_end taken2
put /proc/sys/net/ipv4/ip_local_port_range "$range"

# ---- clients behind the node: what counts is what it makes of them ----------------------
behind
masqueraded() { iptables -w 5 -t nat -A POSTROUTING -s 10.232.1.0/24 -j MASQUERADE; }
masqueraded || bail_out "no MASQUERADE"
crosses "behind the node" 40950
is "$(found '.direct.socket, .via.socket' | xargs)" "false false" "behind the node: conntrack tells of it"
is "$(remedy fix)" "" "behind the node: no socket is to be closed"
like "$PREVENT" "^iptables .* ! --src-type LOCAL -d $V.1 .* --to-source $C:$window && iptables .* -d $RS .*:1024-6[01][0-9]{3}\$" \
	"behind the node: both paths need a window"
apart "behind the node" 40952 40954
no_rules
theirs 10.232.1.0/24
crosses "behind the node, nft" 40956
like "$PREVENT" "^nft '.*fib saddr type != local ip daddr $V.1 .* ip daddr $RS " "behind the node, nft: both paths, too"
apart "behind the node, nft" 40958 40960
jobs_end
done_testing
