#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# An iptables that fails or hangs at one step of the hold's rules: the address moves, the
# connections live, and nothing of the rules is left, by the run itself and without
# recover. What it cannot remove is told.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"

need_vipsafe
VIP=192.168.11.100/32
topo_nodes
know_verdict affected
mount -t tmpfs none /mnt || bail_out "no place" # some programs see no /run of ours

# The stand-in, for each *-restore from number FROM to TO: "fails" and "hangs" do nothing,
# "late" does its work first, or the first of them does; "slow" is all that comes after.
cat >/mnt/stand-in <<-'.'
	#!/bin/bash
	multi=/mnt/nft
	[[ $0 != *-legacy* ]] || multi=/mnt/legacy
	[[ $0 == *-restore ]] || exec -a "$0" $multi "$@"
	n=$(($(cat /mnt/n) + 1))
	echo $n >/mnt/n
	read -r from to how </mnt/plan
	if [ $n -lt $from ] || [ $n -gt $to ]; then
		[[ $how != *slow || $n -le $to ]] || sleep 0.2
		exec -a "$0" $multi "$@"
	fi
	echo "$how" >>/mnt/done
	[[ $how != *late && $how != *slow && ! ($how == *"late once" && $n = "$from") ]] || (exec -a "$0" $multi "$@")
	[[ $how != hangs* ]] || exec tail -f /dev/null
	echo "as planned" >&2
	exit 1
.
chmod 755 /mnt/stand-in

# stand_in NAME KIND: for the program of this name
stand_in() {
	local file

	file=$(readlink -f "$(command -v "$1")") && [ -n "$file" ] || return
	cp "$file" "/mnt/$2" && mount --bind /mnt/stand-in "$file"
}

dump() {
	nft list ruleset 2>/dev/null | sed -E 's/packets [0-9]+ bytes [0-9]+//'
	[ ! -e /mnt/legacy ] || { iptables-legacy-save; ip6tables-legacy-save; } |
		sed -E '/^#/d; s/\[[0-9]+:[0-9]+\]//'
	! command -v ipset >/dev/null || ipset save
}
no_hold() { ! dump | grep -qi vipsafe; }
unchanged() { dump | cmp -s - "$T/before"; }

# plan FROM TO HOW: what the programs do from now on
plan() {
	echo 0 >/mnt/n
	echo "$@" >/mnt/plan
	: >/mnt/done
}

# del WHAT: a delete by such programs
del() {
	has_addr $VIP br-mgmt || ip addr add $VIP dev br-mgmt
	timeout -k 2 120 "$VIPSAFE" --json --local --timeout 20 --strategy pin --hold iptables \
		del $VIP dev br-mgmt >"$T/out" 2>"$T/err"
	is $? 0 "$1: done (hold $(json .hold), $(json .timing_us.hold) us)"
	check "$1: the address is gone" not has_addr $VIP br-mgmt
}
# what it could not remove, in the two seconds that it has for it
told() { [[ $(warned) == *hold-left* ]] && [ "$(json .timing_us.hold)" -gt 1900000 ]; }
warned() { json '[.warnings[].code] | join(" ")'; }

# steps KIND: one step after the other
steps() {
	local how n

	dump >"$T/before"
	for how in fails "fails late" "hangs late" "hangs late, slow"; do
		for n in 1 2 3; do
			# a busy machine may need more than the time there is, and says so
			for _ in 1 2 3 4 5; do
				plan $n $n "$how"
				del "$1: step $n $how"
				told || break
			done
			if told; then
				skip "$1: step $n $how: nothing is left" "this machine is too busy"
				run recover
				wait_for 30 unchanged || bail_out "recover leaves something"
				continue
			fi
			check "$1: step $n $how: nothing is left" wait_for 30 unchanged
			unlike "$(warned)" hold-left "$1: step $n $how: nor said to be"
		done
	done
	plan 2 99 "hangs late once"
	del "$1: all hang from step 2 on"
	like "$(warned)" 'no-hold.*hold-left' "$1: what stays is told"
	check "$1: and it is there" not unchanged
	plan 0 0 none
	for _ in 1 2 3 4 5; do
		del "$1: the next run"
		[ "$(json .hold)" = off ] || break
	done
	check "$1: the next run has removed it" wait_for 30 no_hold
	is "$(json .hold)" iptables "$1: and held"
	check "$1: by these programs" test "$(cat /mnt/n)" -gt 0
}
unlike() { check "$3" not grep -q -- "$2" <<<"$1"; }

stand_in iptables nft || bail_out "cannot stand in for iptables"
plan 0 0 none
iptables -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 -j MASQUERADE ||
	bail_out "no iptables"
serve srv node2 10.232.3.28 8899
open local node1 5 10.232.3.28 8899
steps iptables-nft
if stand_in iptables-legacy legacy && iptables-legacy -w 5 -t nat -A POSTROUTING -o br-mgmt \
	-d 10.232.3.0/24 -j MASQUERADE --random-fully 2>"$T/legacy.err"; then
	iptables -w 5 -t nat -F POSTROUTING
	iptables-legacy -w 5 -t mangle -S >/dev/null # its table stays
	ip6tables-legacy -w 5 -t mangle -S >/dev/null
	steps iptables-legacy
else
	skip iptables-legacy "$(head -c 200 "$T/legacy.err" 2>/dev/null)"
fi
done_testing
