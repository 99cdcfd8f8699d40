#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `vipsafe isolate` and its --undo are killed, every process of them, before one call after the other that
# changes something: the address is on one of the two devices at each moment, all connections live, and
# `vipsafe recover`, or the same command again, leaves it on exactly one, and nothing half-made.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/killing.sh
. "$(dirname "$0")/lib/killing.sh"
need_vipsafe
need_killat
ISOLATE=("$VIPSAFE" --timeout 600 isolate) # what is judged is not how fast it is
OWN=vip-c0a80b07

topo_pod
need_macvlan
masquerade
serve srv node2 10.232.3.28 8899
open pod pod 30 10.232.3.28 8899
open local node1 20 10.232.3.28 8899
# The worker of an earlier call still waits to announce for the second time.
gone() { ! pgrep -x vipsafe >/dev/null; }
end_all() {
	local pids

	mapfile -t pids < <(pgrep -x vipsafe) # all in our own pid namespace
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
	wait_for 60 gone || bail_out "vipsafe does not end"
}

on() { [[ $(ip -o addr show dev "$1" 2>/dev/null) == *" $TWIN "* ]]; }
holders() { # how many devices have it
	local n=0

	on br-mgmt && n=$((n + 1))
	on $OWN && n=$((n + 1))
	echo $n
}
marked() { ip -d link show "$OWN" 2>/dev/null | sed -n 's/^ *alias vipsafe: \([a-z]*\) .*/\1/p'; }

alive() {
	local one

	for one in pod local; do
		ask $one ping
		[[ $REPLY == *"reset=0 stalled=0 changed=0" ]] || {
			echo "$one: $REPLY"
			return 1
		}
	done
}

# a state to begin with
begin_at() { # shared|own
	case $1 in
	shared)
		if ip link show $OWN >/dev/null 2>&1; then "${ISOLATE[@]}" --undo >/dev/null; fi
		on br-mgmt || twin_up
		;;
	own) on $OWN || { on br-mgmt || twin_up; "${ISOLATE[@]}" $TWIN dev br-mgmt >/dev/null 2>&1; } ;;
	esac
	end_all
}

# what a killed one may not leave once it has been made good
wrong_now() {
	local tables

	[ "$(holders)" = 1 ] || echo "it is on $(holders) devices"
	[[ $(marked) =~ ^(isolated)?$ ]] || echo "$OWN is marked $(marked)"
	! ip link show vipsafe-isolate >/dev/null 2>&1 || echo "vipsafe-isolate is left"
	tables=$(nft list tables | grep vipsafe) && echo "a rule is left: $tables"
	find /run/vipsafe -name 'move-*' ! -name '*~' | sed 's/^/a file is left: /'
	alive
}

# rounds FROM WORDS... -- FINISH...: isolate WORDS, killed at one call after the other until one is through
# before its kill, and FINISH. KILLS, and SHARED and OWNED: how many times it was where at the end.
rounds() {
	local from=$1 words=() n said

	shift
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	KILLS=0 SHARED=0 OWNED=0
	for ((n = FIRST; n < POINTS_MAX; n = REPLY)); do
		begin_at "$from"
		said=$("$BUILD/killat" "$n" "${ISOLATE[@]}" "${words[@]}")
		end_all
		[ "$(holders)" -ge 1 ] || echo "call $n ($said): it is on no device"
		[[ $said != ended* ]] || break
		KILLS=$((KILLS + 1))
		"$@" >"$T/finish" 2>&1 || echo "call $n ($said): $* failed ($?): $(cat "$T/finish")"
		end_all
		wrong_now | sed "s|^|call $n ($said): |"
		if on br-mgmt; then SHARED=$((SHARED + 1)); else OWNED=$((OWNED + 1)); fi
		next_point "$n"
	done
	[ "$n" -lt $POINTS_MAX ] || echo "after $POINTS_MAX calls still not through"
	diag "isolate ${words[*]}, then $*: killed at $KILLS calls, through before call $n;" \
		"at the end $SHARED were shared, $OWNED on a device of its own" >&3
}

# all_right WHAT ROUNDS...
all_right() {
	local what=$1

	shift
	rounds "$@" >"$T/wrong"
	nothing "$(cat "$T/wrong")" "$what"
	check "$what: killed at $KILLS calls" test "$KILLS" -ge 2
}

twin_up
# what each says of itself when there is nothing left to do is no failure here
again_undo() {
	! on br-mgmt || ip link show $OWN >/dev/null 2>&1 || return 0
	"${ISOLATE[@]}" --undo
}

ip -o monitor address >"$T/moves" &
MONITOR=$!
all_right "isolate, killed, then vipsafe recover" shared $TWIN dev br-mgmt -- "$VIPSAFE" recover
check "some were undone ($SHARED) and some finished ($OWNED)" test $((SHARED && OWNED)) = 1
all_right "isolate, killed, then the same again" shared $TWIN dev br-mgmt -- "${ISOLATE[@]}" $TWIN dev br-mgmt
is "$SHARED" 0 "it is on its own device each time"
all_right "--undo, killed, then vipsafe recover" own --undo -- "$VIPSAFE" recover
all_right "--undo, killed, then the same again" own --undo -- again_undo
is "$OWNED" 0 "it is on the shared device each time"
kill "$MONITOR" 2>/dev/null
wait "$MONITOR" 2>/dev/null
check "the kernel told of moves" grep -q "dev.*$OWN\|$OWN" "$T/moves"
is "$(awk -v a="$TWIN" 'BEGIN { n = least = 1 }
	index($0, a) { n += /^Deleted/ ? -1 : 1; if (n < least) least = n } END { print least }' "$T/moves")" 1 \
	"the address was on a device at each moment"
done_testing
