# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the cases about LVS share: one client port used twice, and what the real
# server says of it.
# shellcheck disable=SC2034 # much of it is for the cases

. "$(dirname "${BASH_SOURCE[0]}")/netns.sh"

C=10.9.1.2 RS=10.9.2.2 VIP=10.9.9.1

# What works does so at once; what hangs is given so many seconds.
SOON=3

# counter FILE PREFIX NAME: of the real server
# shellcheck disable=SC2016 # what looks like $1 belongs to awk
counter() {
	in_ns rs awk -v p="$2:" -v n="$3" '
		$1 == p && !head { for (i = 2; i <= NF; i++) if ($i == n) col = i; head = 1; next }
		$1 == p { print $col }' "/proc/net/$1"
}

# How often a SYN made it challenge a session, and how many it has given up.
counters() { echo "$(counter netstat TcpExt TCPSYNChallenge) $(counter snmp Tcp EstabResets)"; }

# connect NAME PORT ADDR PORT: one connection from the given local port
connect() { open "$1" node1 1 -b $C -P "$2" -t $SOON "$3" "$4"; }

# begin NAME PORT ADDR PORT: the same, when it need not open; it goes on trying
begin() { job "$1" in_ns node1 "$FLOW" open -b $C -P "$2" -t 3600 "$3" "$4"; }

pings() { # NAME WANTED TEXT
	ask "$1" ping
	is "$REPLY" "ping $2" "$3"
}
alive='alive=1 reset=0 stalled=0 changed=0' stalled='alive=0 reset=0 stalled=1 changed=0' \
	reset='alive=0 reset=1 stalled=0 changed=0'

# known [SECTION-LINES...]: what `vipsafe lvs check` is told of the service
known() {
	{
		printf '[lvs]\nsources =\n[lvs-service mysql]\nvip = %s:3306\nreal = %s:3269\n' $VIP $RS
		[ $# -gt 0 ] || set -- 'method = nat'
		printf '%s\n' "$@"
	} >"$T/conf"
}

# look [WORDS...]: what the check has to say of the service or of WORDS; FOUND are the pairs there
# are (not what may be), RC its exit code
# shellcheck disable=SC2120 # mostly there are none
look() {
	"$VIPSAFE" --config "$T/conf" --json lvs check "$@" >"$T/check" 2>&1 </dev/null
	RC=$?
	FOUND=$(jq -c '.findings[] | select(.code == "lvs-crossed" or .code == "lvs-collision")' "$T/check")
}

# look_for VERDICT [WORDS...]: the same, until it is that of the first pair. What sockets show may have
# to wait for the next retransmission: where the machine is busy one may be answered late.
look_is() { look "${@:2}"; [ "$(found .verdict | head -n 1)" = "$1" ]; }
look_for() {
	[ "$1" != manifest ] || ! wait_for 30 look_is "$@" || return 0
	look "${@:2}"
}

# found FILTER: of what was found
found() { jq -r "$1" <<<"$FOUND"; }

# names SEVERITY VERDICT PORT TEXT: exactly one pair, of class A, with both 4-tuples from that port
names() {
	look_for "$2"
	is "$(grep -c . <<<"$FOUND")" 1 "$4: the check has one thing to say"
	is "$(found '"\(.severity) \(.class) \(.verdict) \(.service) \(.real_server) \([.direct, .via] |
		map("\(.src):\(.sport)->\(.dst):\(.dport)") | join(" "))"')" \
		"$1 A $2 mysql $RS:3269 $C:$3->$RS:3269 $C:$3->$VIP:3306" "$4: it names both"
	[ -n "$FOUND" ] || diag "$(cat "$T/check")"
}

# silent CODE TEXT: nothing to say of the connections there are
silent() {
	look
	is "$FOUND" "" "$2: the check has nothing to say"
	like "$RC" "^$1\$" "$2: it ends so"
}

# remedy KEY: the command it printed under KEY
remedy() { found ".$1" | head -n 1; }
