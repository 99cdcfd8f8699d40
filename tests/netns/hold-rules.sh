#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# The hold, on rules: nothing of anybody else changes, what a killed run left is
# replaced and never doubled, and arming costs nothing on a node with 20 000 rules.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"

CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL"
topo_nodes
IFINDEX=$(ip -j link show br-mgmt | jq '.[0].ifindex')
LEGACY='' IPSET=''
command -v ipset >/dev/null && IPSET=1
[ -n "$IPSET" ] || skip "ipset" "no program to look at sets"

# ---- other people's rules ------------------------------------------------------

# others PROGRAM...: names and rules close to ours
others() {
	local ipt

	for ipt; do
		"$ipt" -w 5 -t mangle -N VIPSAFE-HOLDER &&
		"$ipt" -w 5 -t mangle -N VIPSAFE-HOLD-x &&
		"$ipt" -w 5 -t mangle -A PREROUTING -m comment --comment "vipsafe hold" \
			-j VIPSAFE-HOLDER &&
		"$ipt" -w 5 -t mangle -A PREROUTING -m comment --comment \
			"-m comment --comment vipsafe hold -j VIPSAFE-HOLD-$IFINDEX" -j ACCEPT &&
		"$ipt" -w 5 -t mangle -A OUTPUT -p udp -m comment --comment "vipsafe hold" \
			-j VIPSAFE-HOLD-x &&
		"$ipt" -w 5 -t nat -A POSTROUTING -o br-mgmt -j MASQUERADE || return
	done
}

other_tables() {
	nft -f - <<-. || bail_out "cannot make other people's tables"
		table inet vipsafe_hold_ {
			set held { type iface_index; flags timeout; }
		}
		table inet vipsafe_hold_x { }
		table inet vipsafe_hold_0$IFINDEX { }
		table ip vipsafe_hold_$IFINDEX { }
		table inet calico {
			set held { type iface_index; }
			chain pre {
				type filter hook prerouting priority -150;
				iif @held drop
			}
		}
	.
	[ -n "$IPSET" ] || return
	ipset create "vipsafe-hold-$IFINDEX" hash:ip
	ipset create vipsafe-hold-x-4 hash:ip
	ipset create "vipsafe-hold-$IFINDEX-46" hash:net,iface timeout 9
}

# As an administrator would compare, without counters and handles.
dump() {
	nft list ruleset 2>/dev/null | sed -E 's/packets [0-9]+ bytes [0-9]+//'
	if [ -n "$LEGACY" ]; then
		iptables-legacy-save
		ip6tables-legacy-save
	fi | sed -E '/^#/d; s/\[[0-9]+:[0-9]+\]//'
	[ -z "$IPSET" ] || ipset save
}
# same WHAT: as it was before we came; a diff when not. (A set goes a moment
# after the rule that used it.)
unchanged() { dump | cmp -s - "$T/before"; }
same() {
	wait_for 30 unchanged
	is "$(dump)" "$(cat "$T/before")" "$1"
}

ours() { dump | grep -cE "inet vipsafe_hold_$IFINDEX |-j VIPSAFE-HOLD-$IFINDEX\$|create vipsafe-hold-$IFINDEX-[46] "; }

# agent WORDS...: a process that holds br-mgmt, opened
agent() {
	job agent "$CALL" hold "$@" br-mgmt
	hear agent
	like "$REPLY" "^(nft|iptables) ok" "$*: opened (${REPLY##* } us)"
}

# Of the one element, in seconds: what it was given, or what is left of it.
element() {
	case $1 in
	nft)
		nft -j list set inet "vipsafe_hold_$IFINDEX" held |
			jq -r '.nftables[].set? | select(.) | .elem[]?.elem.timeout'
		;;
	iptables) ipset list "vipsafe-hold-$IFINDEX-4" | sed -n 's/^0.0.0.0\/0,.* timeout //p' ;;
	esac
}
no_element() { [ -z "$(element "$1")" ]; }

variants() {
	local backend

	for backend in nft iptables; do
		agent $backend
		is "$(diff <(dump) "$T/before" | grep -c '^>')" 0 "$1$backend: nothing of others goes"
		check "$1$backend: something of ours comes" test "$(ours)" -gt 0
		for ms in 800 50 900; do
			ask agent "arm $ms"
			like "$REPLY" '^ok ' "$1$backend: armed (${REPLY#ok } us)"
		done
		if [ $backend = nft ] || [ -n "$IPSET" ]; then
			ask agent "arm 120000"
			check "$1$backend: arming again lasts longer" test "$(element $backend)" -gt 9
			ask agent "arm 1"
			check "$1$backend: or shorter" wait_for 30 no_element $backend
			ask agent "arm 120000"
			like "$REPLY" '^ok ' "$1$backend: armed after it had ended"
			check "$1$backend: and holds" test "$(element $backend)" -gt 9
		fi
		ask agent close
		like "$REPLY" '^ok ' "$1$backend: closed (${REPLY#ok } us)"
		same "$1$backend: every rule, table and set as before"
		job_end agent
	done
}

# killed by BACKEND's own way: what is left is replaced, whichever comes next
leftovers() {
	local first second fresh

	for first in nft iptables; do
		for second in nft iptables; do
			agent $second
			fresh=$(ours)
			ask agent close
			job_end agent
			agent $first
			ask agent "arm 300"
			job_end agent KILL 2>/dev/null
			check "$1$first killed: it left something" test "$(ours)" -gt 0
			agent $second
			is "$(ours)" "$fresh" "$1$first killed, $second opened: one hold, not two"
			ask agent "arm 300"
			like "$REPLY" '^ok ' "$1$first killed, $second opened: armed"
			ask agent close
			same "$1$first killed, $second closed: as before"
			job_end agent
		done
		agent $first
		job_end agent KILL 2>/dev/null
		is "$("$CALL" hold-clean "$IFINDEX")" 0 "$1$first killed: not cleaned while busy"
		check "$1$first killed: still there" test "$(ours)" -gt 0
		like "$("$CALL" hold-clean)" '^[12]$' "$1$first killed: cleaned"
		same "$1$first killed: as before after cleaning"
		is "$("$CALL" hold-clean)" 0 "$1$first killed: nothing left to clean"
	done
}

# older PROGRAM...: the rules of a version that wrote into them when they stop
older() {
	local ipt

	for ipt; do
		"$ipt-restore" --noflush <<-. || return
			*mangle
			:VIPSAFE-HOLD-$IFINDEX - [0:0]
			-A VIPSAFE-HOLD-$IFINDEX -p tcp -m conntrack --ctstate INVALID -m time --datestop 2000-01-01T00:00:00 -m comment --comment "vipsafe hold" -j DROP
			-I PREROUTING 1 -p tcp -i br-mgmt -m comment --comment "vipsafe hold" -j VIPSAFE-HOLD-$IFINDEX
			-I OUTPUT 1 -p tcp -o br-mgmt -m comment --comment "vipsafe hold" -j VIPSAFE-HOLD-$IFINDEX
			COMMIT
		.
	done
}
older_leftovers() {
	local what=$1

	shift
	if older "$@"; then
		check "$what: rules of an older version" not unchanged
		is "$("$CALL" hold-clean)" $# "$what: they are cleaned"
	else
		skip "$what: rules of an older version" "no xt_time"
	fi
	same "$what: as before after that"
}

# crowd_rules: of more devices than one script can remove the rules of
crowd_rules() {
	local i hook

	echo "*mangle"
	for i in {1001..1040}; do echo ":VIPSAFE-HOLD-$i - [0:0]"; done
	for i in {1001..1040}; do
		for hook in PREROUTING FORWARD OUTPUT; do
			echo "-A $hook -p tcp -m comment --comment \"vipsafe hold\" -j VIPSAFE-HOLD-$i"
		done
	done
	echo COMMIT
}
crowd_leftovers() {
	local what=$1 ipt

	shift
	for ipt; do
		crowd_rules | "$ipt-restore" --noflush || bail_out "cannot make rules with $ipt"
	done
	is "$("$CALL" hold-clean)" $(($# * 40)) "$what: rules of 40 devices are cleaned"
	same "$what: as before after that"
}

dump >"$T/before"
variants "bare node: " # iptables must take its table mangle away again
others iptables ip6tables || bail_out "cannot make other people's rules"
other_tables
dump >"$T/before"
variants "nf_tables: "
# Whose an empty FORWARD of iptables is cannot be told after a kill: it stays.
for ipt in iptables ip6tables; do
	$ipt -w 5 -t mangle -A FORWARD -j ACCEPT && $ipt -w 5 -t mangle -D FORWARD -j ACCEPT
done
dump >"$T/before"
leftovers "nf_tables: "
older_leftovers nf_tables iptables ip6tables
crowd_leftovers nf_tables iptables ip6tables

# Once ip_tables has tables, they count as the node's.
if command -v iptables-legacy >/dev/null && others iptables-legacy ip6tables-legacy \
	2>"$T/legacy.err"; then
	LEGACY=1
	dump >"$T/before"
	variants "ip_tables: "
	leftovers "ip_tables: "
	older_leftovers ip_tables iptables-legacy ip6tables-legacy
	crowd_leftovers ip_tables iptables-legacy ip6tables-legacy
else
	skip "iptables-legacy" "$(head -n 1 "$T/legacy.err" 2>/dev/null)"
fi

is "$("$CALL" hold auto lo-not-there; echo $?)" "ENODEV
1" "no such device"

# A name that means more to iptables than it says.
ip link add "any+" type veth peer name other
like "$("$CALL" hold iptables "any+" </dev/null)" 'plain spelling.*EOPNOTSUPP' "a name ending in +"
like "$("$CALL" hold nft "any+" </dev/null)" '^nft ok' "nft does not care"
"$CALL" hold-clean >/dev/null
ip link del "any+"
same "after devices with odd names"

# ---- 20 000 rules ------------------------------------------------------------------

big_rules() {
	echo "*nat"
	for ((i = 0; i < 2000; i++)); do echo ":KUBE-SVC-$i - [0:0]"; done
	for ((i = 0; i < 20000; i++)); do
		echo "-A KUBE-SVC-$((i / 10)) -d 10.96.$((i / 2500)).$((i / 10 % 250))/32 -p tcp" \
			"-m comment --comment \"ns/service-$i\" -m tcp --dport $((1000 + i % 10)) -j RETURN"
	done
	echo COMMIT
}
big_rules >"$T/big"

quick() {
	local what=$1 backend=$2 us best='' n

	agent "$backend"
	for n in 1 2 3 4 5; do # the machine may be late, but not each time
		ask agent "arm 500"
		us=${REPLY#ok }
		[[ $us =~ ^[0-9]+$ ]] || break
		[ "$us" -ge "${best:-$us}" ] || best=$us
		: "${best:=$us}"
	done
	check "$what, $backend: five times armed, the fastest in ${best:-?} us ($n: $REPLY)" \
		test "$n" = 5 -a "${best:-9999999}" -lt 1000000
	ask agent close
	like "$REPLY" '^ok ' "$what, $backend: closed (${REPLY#ok } us)"
	job_end agent
}

if iptables-nft-restore --noflush <"$T/big" 2>"$T/big.err" ||
	iptables-restore --noflush <"$T/big" 2>>"$T/big.err"; then
	quick "20 000 rules in nf_tables" nft
	quick "20 000 rules in nf_tables" iptables
else
	skip "20 000 rules in nf_tables" "$(head -n 1 "$T/big.err")"
fi
if [ -n "$LEGACY" ] && iptables-legacy-restore --noflush <"$T/big" 2>"$T/big.err"; then
	quick "20 000 rules in ip_tables" nft
	quick "20 000 rules in ip_tables" iptables
else
	skip "20 000 rules in ip_tables" "$(head -n 1 "$T/big.err")"
fi
done_testing
