#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL at any moment of `vipsafe isolate` and of its --undo, to every process of it: the address
# is on one of the two devices at each moment, all connections live, and `vipsafe recover`, or the
# same command again, leaves it on exactly one, and nothing half-made.
# shellcheck source=tests/netns/lib/pair.sh
# shellcheck disable=SC2015 # two conditions and what to do when either fails
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
OWN=vip-c0a80b07

topo_pod
need_macvlan
masquerade
serve srv node2 10.232.3.28 8899
open pod pod 30 10.232.3.28 8899
open local node1 20 10.232.3.28 8899
RANDOM=${SEED:=$(date +%N | sed 's/^0*//')}
diag "SEED=$SEED"
mkfifo "$T/never"

# The worker of an earlier call still waits to announce for the second time.
gone() { ! pgrep -x vipsafe >/dev/null; }
end_all() {
	local pids

	mapfile -t pids < <(pgrep -x vipsafe) # all in our own pid namespace
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
	wait_for 20 gone
}

on() { [[ $(ip -o addr show dev "$1" 2>/dev/null) == *" $TWIN "* ]]; }
there() { # how many devices have it
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

# kill_at MICROSECONDS WORDS...: isolate, every process of which is killed then
kill_at() {
	local at=$1 pid

	shift
	setsid "$VIPSAFE" isolate "$@" >/dev/null 2>&1 </dev/null &
	pid=$!
	read -r -t "$(printf '%d.%06d' $((at / 1000000)) $((at % 1000000)))" _ <>"$T/never"
	end_all || bail_out "vipsafe does not end"
	wait "$pid" 2>/dev/null
}

# a state to begin with
begin_at() { # shared|own
	case $1 in
	shared)
		if ip link show $OWN >/dev/null 2>&1; then "$VIPSAFE" isolate --undo >/dev/null; fi
		on br-mgmt || twin_up
		;;
	own) on $OWN || { on br-mgmt || twin_up; "$VIPSAFE" isolate $TWIN dev br-mgmt >/dev/null; } ;;
	esac
	end_all
}

elapsed() { # COMMAND...: microseconds
	local from=$EPOCHREALTIME

	"$@" >/dev/null 2>&1
	echo $((${EPOCHREALTIME/./} - ${from/./}))
}

# rounds N FROM WORDS -- FINISH...
rounds() {
	local n=$1 from=$2 words=() i at total

	shift 2
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	SHARED=0 OWNED=0
	begin_at "$from"
	total=$(elapsed "$VIPSAFE" isolate "${words[@]}")
	for ((i = 0; i < n; i++)); do
		begin_at "$from"
		# before the address moves there is little time, and much to be made
		at=$(((RANDOM * 32768 + RANDOM) % (i % 2 ? 80000 : total + total / 4)))
		kill_at "$at" "${words[@]}"
		[ "$(there)" -ge 1 ] || {
			echo "round $i, after $at us: it is on no device"
			return 1
		}
		"$@" >"$T/finish" 2>&1 || {
			echo "round $i, after $at us: $* failed ($?)"
			cat "$T/finish"
			return 1
		}
		end_all
		[ "$(there)" = 1 ] && [[ $(marked) =~ ^(isolated)?$ ]] &&
			! ip link show vipsafe-isolate >/dev/null 2>&1 || {
			echo "round $i, after $at us: on $(there) devices, $OWN: $(marked)"
			cat "$T/finish"
			return 1
		}
		if on br-mgmt; then SHARED=$((SHARED + 1)); else OWNED=$((OWNED + 1)); fi
		alive || {
			echo "round $i, after $at us"
			return 1
		}
	done
}

twin_up
# what each says of itself when there is nothing left to do is no failure here
again_undo() { on br-mgmt && not ip link show $OWN || "$VIPSAFE" isolate --undo; }

ip -o monitor address >"$T/moves" &
MONITOR=$!
check "20 x isolate, killed, then vipsafe recover" \
	rounds 20 shared $TWIN dev br-mgmt -- "$VIPSAFE" recover
diag "$OWNED finished, $SHARED undone"
check "10 x isolate, killed, then the same again" \
	rounds 10 shared $TWIN dev br-mgmt -- "$VIPSAFE" isolate $TWIN dev br-mgmt
is "$OWNED" 10 "it is on its own device each time"
check "20 x --undo, killed, then vipsafe recover" rounds 20 own --undo -- "$VIPSAFE" recover
diag "$SHARED finished, $OWNED undone"
check "10 x --undo, killed, then the same again" rounds 10 own --undo -- again_undo
is "$SHARED" 10 "it is on the shared device each time"
kill "$MONITOR" 2>/dev/null
wait "$MONITOR" 2>/dev/null
check "the kernel told of moves" grep -q "dev.*$OWN\|$OWN" "$T/moves"
is "$(awk -v a="$TWIN" 'BEGIN { n = least = 1 }
	index($0, a) { n += /^Deleted/ ? -1 : 1; if (n < least) least = n } END { print least }' "$T/moves")" 1 \
	"the address was on a device at each moment"
done_testing
