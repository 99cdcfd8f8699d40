# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Others' worlds: nodes as they are found outside, each a folder of tests/worlds, by the network of topo_pod.
# What its rules are is in `iptables`, `ip6tables`, `iptables-legacy` (as iptables-restore reads them), `nft` and
# `ipset`; its file `world` says in lines what is done there:
#
#   device NAME                  the pod is behind it
#   without iptables             the node has neither its programs nor its extensions
#   flow FROM ADDRESS PORT [-u] [taken]
#                                connections that leave node1 masqueraded by the world's own rules; taken: node1
#                                has the same ports of its own, so that who comes later gets another port
#   doctor CODE FINDING...       how vipsafe doctor ends there, and all that it finds; a|b: by its nft
#   hold nft|iptables            by what packets are held there
#
# 203.0.113.10 and 2001:db8:113::10, which node2 has too, are outside the cluster.

# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "${BASH_SOURCE[0]}")/guarded.sh"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "${BASH_SOURCE[0]}")/pair.sh"
# shellcheck source=tests/lib/ruleset.sh
. "$SRC/tests/lib/ruleset.sh"

WORLDS=$SRC/tests/worlds
N=${N:-10} # connections of each flow

# each_world FILE [WORLD...]: the case is run for each world that has this file, and for no other, in
# namespaces of its own; for that world alone this returns.
each_world() {
	local file=$1 w line child='' log in out rc text

	[ -z "${WORLD:-}" ] || return 0
	shift
	[ $# -gt 0 ] || {
		set -- "$WORLDS"/*/"$file"
		set -- "${@%/*}"
	}
	trap 'kill $child 2>/dev/null; exit 143' TERM INT HUP
	for w in "${@##*/}"; do
		log=$(mktemp) || exit 99
		exec {in}<"$log"
		exec {out}>"$log"
		rm "$log"
		WORLD=$w setpriv --pdeathsig TERM bash "$0" >&"$out" {in}<&- &
		child=$!
		wait $child
		rc=$?
		text=$(cat <&"$in")
		exec {in}<&- {out}>&-
		[[ $'\n'$text =~ $'\n'(1\.\.|Bail out!) ]] || text+=$'\n'"Bail out! it ended with $rc, before its end"
		while IFS= read -r line; do
			case $line in
			"ok "*"# SKIP"* | "1..0 # SKIP"*) skip "$w" "${line#*# SKIP }" ;;
			"ok "*) ok "$w: ${line#* - }" ;;
			"not ok "*) not_ok "$w: ${line#* - }" ;;
			"Bail out! "*) not_ok "$w: bailed out: ${line#Bail out! }" ;;
			1..*) ;;
			*) echo "$line" ;;
			esac
		done <<<"$text"
	done
	case_end() { :; } # each has had its own
	done_testing
}

# ---- the world -----------------------------------------------------------------------------

FROM=() TO=() TO_PORT=() WORDS=() TAKEN=()
DOCTOR='' HOLD=nft

# world_read: what its file says; ends with its device known
world_read() {
	local word rest

	POD_DEVICE=cali0 WITHOUT=
	[ -f "$WORLDS/$WORLD/world" ] || bail_out "no world $WORLD"
	while read -r word rest; do
		# shellcheck disable=SC2086,SC2034 # the case reads them
		case $word in
		'#' | '') ;;
		device) POD_DEVICE=$rest ;;
		without) WITHOUT=$rest ;;
		doctor) DOCTOR=$rest ;;
		hold) HOLD=$rest ;;
		flow)
			set -- $rest
			FROM+=("$1") TO+=("$2") TO_PORT+=("$3")
			shift 3
			[[ " $* " == *" taken "* ]] && TAKEN+=(yes) || TAKEN+=("")
			WORDS+=("${*//taken/}")
			;;
		*) bail_out "$WORLD: no word $word" ;;
		esac
	done <"$WORLDS/$WORLD/world"
}

# world_up: its network, its rules and who answers
world_up() {
	local w=$WORLDS/$WORLD program

	world_read
	topo_pod "$POD_DEVICE"
	ip -n node2 -batch - <<-. || bail_out "nothing is outside"
		addr add 203.0.113.10/32 dev lo
		addr add 2001:db8:113::10/128 dev lo nodad
	.
	ip route add default via 192.168.11.8
	ip -6 route add default via fd00:11::8
	twin6_up
	rest_long node1
	for program in iptables ip6tables iptables-legacy; do
		[ ! -f "$w/$program" ] || command -v $program-restore >/dev/null || skip_all "no program $program-restore"
	done
	[ ! -f "$w/ipset" ] || {
		ipset create try hash:net 2>/dev/null || skip_all "no sets of ipset"
		ipset destroy try
		ipset restore <"$w/ipset" || bail_out "ipset refuses the sets"
	}
	[ ! -f "$w/nft" ] || nft -f "$w/nft" || bail_out "nft refuses the rules"
	for program in iptables ip6tables iptables-legacy; do
		[ ! -f "$w/$program" ] || $program-restore -w 5 <"$w/$program" || bail_out "$program refuses the rules"
	done
	[ -z "$WITHOUT" ] || {
		blind_vipsafe
		DAEMON_UNDER=("$BLIND")
	}
}

world_serve() {
	local a

	serve tcp node2 0.0.0.0 8899
	for a in 10.232.3.28 203.0.113.10; do serve "udp $a" node2 -u $a 8899; done
	! has_ipv6 || for a in fd00:3::28 2001:db8:113::10; do serve "tcp $a" node2 $a 8899; done
}

# ---- its traffic -----------------------------------------------------------------------------

# world_open NAME: all flows
world_open() {
	local i port

	for i in "${!TO[@]}"; do
		port=$((20000 + 100 * i))
		[ -z "${TAKEN[i]}" ] ||
			open "$1-taken$i" node1 "$N" -t 60 -P $port "${TO[i]}" "${TO_PORT[i]}"
		# shellcheck disable=SC2086
		open "$1$i" "${FROM[i]}" "$N" -t 60 ${TAKEN[i]:+-P $port} ${WORDS[i]} "${TO[i]}" "${TO_PORT[i]}"
	done
}

# world_busy NAME: a few as the first, that never rest
world_busy() {
	# shellcheck disable=SC2086
	job "$1-busy" in_ns "${FROM[0]}" "$FLOW" busy -n 4 -d 20 -t 120 ${WORDS[0]} "${TO[0]}" "${TO_PORT[0]}"
	hear "$1-busy"
	[ "$REPLY" = "open 4" ] || bail_out "busy flows: $REPLY"
}

# world_lost NAME: each of its flows is, but for those that were not masqueraded
world_lost() {
	local i

	for i in "${!TO[@]}"; do
		# who speaks first has its own port again
		[ -z "${TAKEN[i]}" ] || ask "$1-taken$i" ping
		harmed "$1$i" "without vipsafe: ${FROM[i]} to ${TO[i]} is lost"
	done
}

# world_lives NAME WHAT: each is, as it was
world_lives() {
	local name bad=

	for name in "${!FLOWS[@]}"; do
		[[ $name == "$1"* ]] || continue
		ask "$name" ping 120
		[ "$REPLY" = "ping alive=$N reset=0 stalled=0 changed=0" ] || bad+="$name: $REPLY; "
	done
	is "$bad" "" "$2: every connection lives, from the same port"
}

# world_rests NAME WHAT: so do those that never rested
world_rests() {
	ask "$1-busy" end 240
	like "$REPLY" "^busy alive=4 reset=0 stalled=0 changed=0 " "$2: and those that never rest"
}

# world_closed: all connections have ended, and of their entries nothing is left
world_closed() {
	fresh
	FLOWS=()
}

has_ipv6() { [[ "${TO[*]}" == *:* ]]; }

# ---- the address that goes ----------------------------------------------------------------------

# what of each family is translated by the world's rules, for conntrack -L
OURS=(--src-nat --reply-dst 192.168.11.7) OURS6=(-f ipv6 --src-nat --reply-dst fd00:11::7)

goes_bare() {
	twin_up
	leave bare "${OURS[@]}"
	! has_ipv6 || leave6 bare "${OURS6[@]}"
}

comes_back() {
	twin_up
	! has_ipv6 || ip addr add $TWIN6 dev br-mgmt nodad
}
