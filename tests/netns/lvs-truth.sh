#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A table of pairs, each from one local port, with what the real server makes of
# them by its traffic, beside what one `vipsafe lvs check` says of all: how many
# false alarms there are, and how many misses. The network is that of lib/lvsnet.sh.
# shellcheck source=tests/netns/lib/lvsnet.sh
. "$(dirname "$0")/lib/lvsnet.sh"; netns_main "$@"
need_vipsafe

DEAD=10.9.2.9 FOUR="real = $RS:3269; real = $RS2:3269; real = 10.9.2.8:3269; real = $DEAD:3269"

# name | truth | from | first | second | what vipsafe is told
#
# TRUTH, which is measured: both `live`; the `first` is dead, as the server takes the second for it; the
# `second` does not open, for the same reason; an `outage`: the first is dead as its server is. FROM: whose
# connections (two words: of the first, of the second). With `closed` the first is closed before the
# second is opened, by the client. TOLD: a kind of source and its lines, with ; between.
table() { cat <<-.
	nat-direct-first    | first  | client  | $RS 3269         | $V.1 3306        | service vip = $V.1:3306; real = $RS:3269; method = nat
	nat-service-first   | second | client  | $V.1 3306        | $RS 3269         |
	other-port          | live   | client  | $RS 80           | $V.1 3306        |
	other-server        | live   | client  | $RS2 3269        | $V.1 3306        |
	other-client        | live   | client client2 | $RS 3269  | $V.1 3306        |
	two-services        | second | client  | $V.1 3306        | $V.2 3306        | service vip = $V.2:3306; real = $RS:3269; method = nat
	services-apart      | live   | client  | $V.1 3306        | $V.7 3306        | service vip = $V.7:3306; real = $RS2:3269; method = nat
	two-vips-of-one     | second | client  | $V.3 3306        | $V.4 3306        | service vip = $V.3:3306; vip = $V.4:3306; real = $RS:3269; method = nat
	two-ports-of-one    | second | client  | $V.5 3306        | $RS 3269         | service vip = $V.5:3306,3307; real = $RS:3269; method = nat
	other-port-of-one   | second | client  | $V.5 3306        | $V.5 3307        |
	range               | first  | client  | $RS 3269         | $V.15 3306       | service vip = $V.14-16:3306; real = $RS:3269; method = nat
	range-of-keepalived | first  | client  | $RS 3269         | $V.18 3306       | keepalived virtual_server_group g {; $V.17-18 3306; }; virtual_server group g {; lvs_method NAT; real_server $RS 3269 {; weight 1; }; }
	keepalives          | first  | client  | $RS 3269         | -k 1 $V.1 3306   |
	all-ports           | first  | client  | $RS 3269         | $V.10 3269       | service vip = $V.10:0; real = $RS:0; method = nat
	all-ports-apart     | live   | client  | $RS 80           | $V.10 3269       |
	persistent          | first  | client  | $RS 3269         | $V.13 3306       | save -A -t $V.13:3306 -s rr -p 600; -a -t $V.13:3306 -r $RS:3269 -m -w 1
	weight-0            | first  | client  | $RS 3269         | $V.19 3306       | save -A -t $V.19:3306 -s rr; -a -t $V.19:3306 -r $RS:3269 -m -w 0
	weight-0-first      | second | client  | $V.19 3306       | $RS 3269         |
	by-mark             | first  | client  | $RS 3269         | $V.9 3306        | mark match = tcp $V.9:3306; real = $RS:3269; method = nat
	no-method           | first  | client  | $RS 3269         | $V.6 3306        | service vip = $V.6:3306; real = $RS:3269
	no-method-dr        | live   | client  | $RS 3269         | $V.40 3306       | service vip = $V.40:3306; real = $RS:3269
	no-map              | first  | client  | $RS 3269         | $V.8 3306        |
	no-map-second       | second | client  | $V.8 3306        | $RS 3269         |
	no-map-lives        | live   | client  | $RS 80           | $V.8 3306        |
	dr                  | live   | client  | $RS 3269         | $V.41 3306       | service vip = $V.41:3306; real = $RS:3306; method = dr
	dr-called-nat       | live   | client  | $RS 3306         | $V.42 3306       | service vip = $V.42:3306; real = $RS:3306; method = nat
	tun                 | live   | client  | $V.42 3307       | $RS 3307         | service vip = $V.42:3307; real = $RS:3307; method = tun
	fullnat             | live   | client  | $RS 3269         | $V.20 3306       | service vip = $V.20:3306; real = $RS:3269; method = fullnat; toa = none
	fullnat-socket-toa  | live   | client  | $V.21 3306       | $RS 3269         | service vip = $V.21:3306; real = $RS:3269; method = fullnat; toa = socket
	fullnat-called-toa  | live   | client  | $RS 3269         | $V.22 3306       | service vip = $V.22:3306; real = $RS:3269; method = fullnat; toa = packet
	fullnat-unknown     | live   | client  | $RS 3269         | $V.23 3306       | service vip = $V.23:3306; real = $RS:3269; method = fullnat
	toa                 | first  | client  | $RS 3269         | $V.30 3306       | service vip = $V.30:3306; real = $RS:3269; method = fullnat; toa = packet
	toa-service-first   | second | client  | $V.30 3306       | $RS 3269         |
	toa-unknown         | first  | client  | $RS 3269         | $V.31 3306       | service vip = $V.31:3306; real = $RS:3269; method = fullnat
	toa-called-none     | first  | client  | $RS 3269         | $V.32 3306       | service vip = $V.32:3306; real = $RS:3269; method = fullnat; toa = none
	one-of-four         | first  | client  | $RS 3269         | $V.11 3269       | service vip = $V.11:3269; $FOUR; method = nat
	another-of-four     | live   | client  | $RS2 3269        | $V.11 3269       |
	outage-of-four      | outage | client  | $DEAD 3269       | $V.11 3269       |
	outage-unknown      | outage | client  | $DEAD 3269       | $V.8 3306        |
	outage-keepalives   | outage | client  | $DEAD 3269       | -k 1 $V.7 3306   |
	outage-beside       | outage | client  | $DEAD 80         | $RS 3269         |
	ipv6                | first  | client6 | $RS6 3269        | ${V6}1 3306      | service vip = [${V6}1]:3306; real = [$RS6]:3269; method = nat
	ipv6-service-first  | second | client6 | ${V6}1 3306      | $RS6 3269        |
	ipv6-two-services   | second | client6 | ${V6}1 3306      | ${V6}2 3306      | service vip = [${V6}2]:3306; real = [$RS6]:3269; method = nat
	ipv6-other-port     | live   | client6 | $RS6 80          | ${V6}1 3306      |
	ipv6-dr             | live   | client6 | $RS6 3269        | $DR6 3306        | service vip = [$DR6]:3306; real = [$RS6]:3306; method = dr
	ipv6-udp            | second | client6 | -u ${V6}1 53     | -u $RS6 53       | service proto = udp; vip = [${V6}1]:53; real = [$RS6]:53; method = nat
	udp                 | second | client  | -u $V.12 53      | -u $RS 53        | service proto = udp; vip = $V.12:53; real = $RS:53; method = nat
	udp-direct-first    | first  | client  | -u $RS 53        | -u $V.12 53      |
	udp-other-port      | live   | client  | -u $V.12 53      | -u $RS 54        |
	udp-and-tcp         | live   | client  | -u $V.12 53      | $RS 53           |
	behind              | first  | pod     | $RS 3269         | $V.1 3306        |
	behind-second       | second | pod     | $V.1 3306        | $RS 3269         |
	behind-dr           | live   | pod     | $RS 3269         | $V.41 3306       |
	moved-port          | live   | moved   | $RS 3269         | $V.1 3306        |
	zones               | first  | zoned   | $RS 3269         | $V.1 3306        |
	zones-other-port    | live   | zoned   | $RS 80           | $V.1 3306        |
	node-is-a-server    | first  | client  | $RS 3269         | $V.12 3306       | service vip = $V.12:3306; real = $RS:3269; real = $C:3269; method = nat
	served-by-node      | live   | server  | $C 3269          | $C 3306          |
	served-by-dr        | live   | server  | $C 3306          | $V.60 3306       | service vip = $V.60:3306; real = $C:3306; method = dr
	ended-direct        | live   | client  | closed $RS 3269  | $V.1 3306        |
	ended-service       | second | client  | closed $V.1 3306 | $RS 3269         |
	flood               | live   | client  | -n 300 $RS2 3269 | -n 300 $V.11 3269 |
	flood-served        | live   | server  | -n 300 $C 3269   | -n 300 $C 3306   |
	.
}

# ---- the table -----------------------------------------------------------------
NAMES=()
declare -A TRUTH FIRST SECOND PORT COUNT FROM1 FROM2 GOT

told() { # NAME KIND LINES
	case $2 in
	service) printf '[lvs-service %s]\n%s\n' "$1" "${3//; /$'\n'}" >>"$T/conf" ;;
	mark) printf '[lvs-fwmark 77]\n%s\n' "${3//; /$'\n'}" >>"$T/conf" ;;
	save | keepalived) printf '%s\n' "${3//; /$'\n'}" >>"$T/$2" ;;
	*) [ -z "$2" ] || bail_out "told what of $1?" ;;
	esac
}

# A pair has a port of its own, or as many as it has connections.
read_table() {
	local name truth from other first second text port=50000 kind

	printf '[lvs]\nsources = save:%s, keepalived:%s\n' "$T/save" "$T/keepalived" >"$T/conf"
	while IFS='|' read -r name truth from first second text; do
		name=${name//[[:space:]]/}
		NAMES+=("$name") TRUTH[$name]=${truth// /} FIRST[$name]=$first SECOND[$name]=$second PORT[$name]=$port
		read -r from other <<<"$from"
		FROM1[$name]=$from FROM2[$name]=${other:-$from}
		COUNT[$name]=1
		[[ ! $first =~ -n\ ([0-9]+) ]] || COUNT[$name]=${BASH_REMATCH[1]}
		port=$((port + COUNT[$name]))
		read -r kind text <<<"$text"
		told "$name" "$kind" "$text"
	done < <(table)
}

# ---- the connections -------------------------------------------------------------
# start NAME NUMBER SECONDS: a connection of a pair, which may come to nothing after so long
start() {
	local ns=node1 from=${FROM1[$1]} addr=$C words=${FIRST[$1]/closed/}

	[ "$2" = 1 ] || { from=${FROM2[$1]} words=${SECOND[$1]}; }
	case $from in
	client2) addr=$C2 ;;
	client6) addr=$C6 ;;
	server) ns=rs addr=$RS ;;
	pod | moved | zoned) ns=pod addr=$POD ;;
	esac
	# shellcheck disable=SC2086
	job "$1.$2" in_ns $ns "$FLOW" open -b "$addr" -P "${PORT[$1]}" -t "$3" $words
}


open_all() {
	local n

	for n in "${NAMES[@]}"; do
		case ${TRUTH[$n]} in
		first | outage) start "$n" 1 4 ;;
		*) start "$n" 1 60 ;;
		esac
	done
	for n in "${NAMES[@]}"; do
		hear "$n.1"
		[ "$REPLY" = "open ${COUNT[$n]}" ] || bail_out "$n: the first does not open: $REPLY"
		! is_closed "$n" || job_end "$n.1"
	done
	in_ns rs iptables -w 5 -A INPUT -d $DEAD -j DROP
	for n in "${NAMES[@]}"; do
		case ${TRUTH[$n]}${SECOND[$n]} in
		second*-u*) start "$n" 2 4 ;;
		second*) start "$n" 2 600 ;;
		*) start "$n" 2 60 ;;
		esac
	done
}

# Whether the second one of a pair is being opened in vain.
hangs() {
	local ns=node1

	[ "${FROM1[$1]}" = client ] || [ "${FROM1[$1]}" = client6 ] || ns=pod
	in_ns $ns ss -Hnto state syn-sent sport = ":${PORT[$1]}" | grep -q 'timer:(on,[^,]*,[2-9])'
}

is_closed() { [[ ${FIRST[$1]} = *closed* ]]; }
is_flood() { [ "${COUNT[$1]}" -gt 1 ]; }
opened() { [ "${GOT[$1.2]}" = "open ${COUNT[$1]}" ]; }
alive() { [[ $REPLY = "ping alive=${COUNT[$1]} "* ]]; }

# What the server makes of each: GOT
measure() {
	local n two
	local -A one=()

	for n in "${NAMES[@]}"; do
		case ${TRUTH[$n]}${SECOND[$n]} in
		second*-u*) hear "$n.2" ;;
		second*) wait_for 60 hangs "$n" && REPLY=hangs ;;
		*) hear "$n.2" ;;
		esac
		GOT[$n.2]=$REPLY
	done
	for n in "${NAMES[@]}"; do
		one[$n]=alive
		is_closed "$n" || tell "$n.1" ping
		# in a flood none of the first ones is used after the second ones
		! is_flood "$n" || { hear "$n.1" && alive "$n"; } || one[$n]=dead
	done
	for n in "${NAMES[@]}"; do ! opened "$n" || tell "$n.2" ping; done
	for n in "${NAMES[@]}"; do
		is_closed "$n" || is_flood "$n" || { hear "$n.1" && alive "$n"; } || one[$n]=dead
		two=dead
		if opened "$n" && hear "$n.2" && alive "$n"; then two=alive; fi
		case ${one[$n]}-$two in
		alive-alive) GOT[$n]=live ;;
		alive-dead) GOT[$n]=second ;;
		dead-alive) if [[ ${FIRST[$n]} = *$DEAD* ]]; then GOT[$n]=outage; else GOT[$n]=first; fi ;;
		*) GOT[$n]=dead ;;
		esac
	done
	# The first one of two that live is used on: so much later that the clocks of sockets show it.
	sleep 0.1
	for n in "${NAMES[@]}"; do
		[ "${GOT[$n]}" != live ] || is_closed "$n" || is_flood "$n" || ask "$n.1" ping
	done
}

# More of what must not hide anything: connections to this node that are never opened.
flood() {
	half_open() { [ "$(ss -Hnt state syn-recv sport = :3306 | wc -l)" -ge 200 ]; }
	in_ns rs iptables -w 5 -A INPUT -p tcp --dport 20000:20199 -j DROP
	job flood in_ns rs "$FLOW" open -n 200 -b $RS -P 20000 -t 600 $C 3306
	wait_for 30 half_open || bail_out "nothing is half open"
}

# One look at all: VERDICTS by port, of what is critical
look_at_all() {
	local port verdict

	"$VIPSAFE" --config "$T/conf" --json lvs check >"$T/check" 2>"$T/err" </dev/null
	verdicts=()
	while read -r port verdict; do verdicts[$port]=$verdict; done < <(jq -r '.findings[] |
		select(.severity == "critical" and .via) | "\(.via.sport) \(.verdict)"' "$T/check")
}

# What it says of a pair
said() {
	local port

	REPLY=silent
	for ((port = PORT[$1]; port < PORT[$1] + COUNT[$1]; port++)); do REPLY=${verdicts[$port]:-$REPLY}; done
}

# Where the machine is busy a retransmission may be answered late: then the next one shows it. A false
# alarm is one in whichever look.
judge() {
	local n looks false=0 missed wrong=0
	local -A verdicts=()

	for ((looks = 0; looks < 10; looks++)); do
		missed=0
		look_at_all
		for n in "${NAMES[@]}"; do
			said "$n"
			case ${GOT[$n]}-$REPLY in
			first-silent | second-silent) missed=$((missed + 1)) ;;
			first-* | second-*) ;;
			*-silent) ;;
			*) false=$((false + 1)) && diag "false alarm: $n" ;;
			esac
		done
		[ $missed != 0 ] || break
	done
	for n in "${NAMES[@]}"; do
		said "$n"
		diag "$(printf '%-20s %-7s %s' "$n" "${GOT[$n]}" "$REPLY")"
		[ "${GOT[$n]}" = "${TRUTH[$n]}" ] && continue
		diag "$n: the server says ${GOT[$n]}, not ${TRUTH[$n]}"
		wrong=$((wrong + 1))
	done
	is "$wrong" 0 "the server makes of ${#NAMES[@]} pairs what the table says"
	is "$false" 0 "false alarms"
	is "$missed" 0 "misses"
	is "$(jq -r '[.findings[] | select(.fix | startswith("ss -K")) | .verdict] | unique | join(" ")' "$T/check")" \
		manifest "no socket is closed on presumption"
	is "$(jq -r '.left_out | "\(.crossed) \(.critical)"' "$T/check")" "0 0" "the flood hides none of them"
	check "and what is not printed of it is counted" \
		[ "$(jq '.left_out.warning + ([.findings[] | select(.severity == "warning")] | length)' "$T/check")" -ge 300 ]
	[ $((false + missed + wrong)) = 0 ] || jq -c '.findings[] | select(.severity == "critical")' "$T/check" | cut -c1-300 >&2
}

topo_lvs
i=0
for w in "rs $RS 3269" "rs $RS 80" "rs $RS 3306" "rs $RS 3307" "rs $RS 53" "rs $RS2 3269" "rs $V.40 3306" "rs $V.41 3306" \
	"rs $V.42 3306" "rs $V.42 3307" "rs $RS6 3269" "rs $RS6 80" "rs $DR6 3306" "rs -u $RS 53" "rs -u $RS 54" \
	"rs -u $RS6 53" "node1 $C 3269" "node1 $C 3306" "node1 $V.60 3306"; do
	[ "$w" != "node1 $V.60 3306" ] || ip addr add $V.60/32 dev lo
	# shellcheck disable=SC2086
	serve "s$((i++))" $w
done
ip -n rs addr add $DEAD/32 dev r0
serve dead rs $DEAD 3269
serve dead80 rs $DEAD 80
read_table
# clients behind the node: as they come, from a port that is moved, from two zones
iptables -w 5 -t nat -A POSTROUTING -p tcp --sport "${PORT[moved-port]}" -d $V.1 -j SNAT --to-source $C:20300
iptables -w 5 -t nat -A POSTROUTING -s 10.232.1.0/24 -j MASQUERADE || bail_out "no MASQUERADE"
# datagrams of sockets that are not connected are seen by conntrack alone
ip6tables -w 5 -A INPUT -m conntrack --ctstate INVALID -j ACCEPT || bail_out "cannot have conntrack"
for n in zones zones-other-port; do
	iptables -w 5 -t raw -A PREROUTING -p tcp -d $V.1 --sport "${PORT[$n]}" -j CT --zone 7
	iptables -w 5 -t raw -A PREROUTING -p tcp -s $V.1 --dport "${PORT[$n]}" -j CT --zone 7
done
# what has ended, or has no answer, is remembered however slow the machine is
for i in udp_timeout tcp_timeout_close tcp_timeout_time_wait; do put /proc/sys/net/netfilter/nf_conntrack_$i 600; done
open_all
measure
flood
judge
jobs_end
done_testing
