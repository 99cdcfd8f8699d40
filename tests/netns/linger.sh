#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The node's own addresses go and come back, by themselves or with their link, after
# nothing at all, 10 ms, 50 ms, 1 s, 4 s, in one order or another: no connection that is
# translated to them is reset, none changes its port. Without the guard the first of these
# loses them all. And when the addresses stay away, nothing stays behind.
#
# ROUNDS=100 N=250 LINGER= is all that is promised: 2000 flows, some minutes.
# shellcheck source=tests/netns/lib/lingering.sh
. "$(dirname "$0")/lib/lingering.sh"; netns_main "$@"
need_daemon

N=${N:-40} ROUNDS=${ROUNDS:-5} LINGER=${LINGER-60s} # which no slow machine outlasts
PAUSES=(0 0.01 0.05 1 4)

topo_pod
masquerade
vips_up
serve_all

# ---- the control: nobody guards ------------------------------------------------------
control() { # WHAT COMMAND...
	local what=$1 name

	shift
	open_all bare 20 -t 2
	flushed_by "$@" -p tcp --dport 8899 --reply-dst $OWN
	# a flush of IPv6 may have been skipped: the kernel has no more than 16 in work
	flushed_by "$@" -f ipv6 -p tcp --dport 8899 --reply-dst $OWN6
	for name in "${RESTING[@]}"; do harmed "$name" "$what: without the guard $name is lost"; done
	busy_end
	for name in "${BUSY[@]}"; do
		hear "$name"
		[[ $REPLY =~ alive=([0-9]+) ]]
		check "$what: and $name (${REPLY#busy })" test "${BASH_REMATCH[1]:-99}" -le 1
	done
	jobs_end
	forget_all
	serve_all
}
away_and_back() { address_bounce 0.05; }
down_and_up() { link_bounce 0; }
control "addresses" away_and_back
control "link" down_and_up

# ---- guarded -----------------------------------------------------------------------
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 200ms' ${LINGER:+"linger = $LINGER"}
daemon_start
check "the guard is live" wait_for 60 guard_live
open_all kept "$N"
check "all of them get pinned" wait_for 60 pinned_at_least $((4 * N))

bounces() { # WHAT COMMAND
	local i lost='' pause

	for ((i = 0; i < ROUNDS; i++)); do
		pause=${PAUSES[i * ${#PAUSES[@]} / ROUNDS]} # the longest last: TCP waits long for the next try
		$2 "$pause" $((i % 4))
		resting_live && continue
		lost="$lost round $i, $pause s: $REPLY"
		diag "$(tail -n 12 "$DAEMON_LOG")"
	done
	nothing "$lost" "$ROUNDS times, $1: what rests lives behind its port"
}
bounces "the addresses go and come back" address_bounce
bounces "the link goes and comes back" link_bounce
busy_end
for name in "${BUSY[@]}"; do
	hear "$name" 240
	like "$REPLY" "^busy alive=${FLOWS[$name]} reset=0 stalled=0 changed=0 " "$name: and what is busy (${REPLY##* })"
done
is "$(guard '"\(.state) \(.lost)"')" "live 0" "nothing was lost"

# ---- and for good --------------------------------------------------------------------
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 200ms' 'linger = 1s'
"$VIPSAFE" reload >/dev/null || bail_out "cannot reload"
own_gone
unpinned() { [ "$(guard .pinned)" = 0 ]; }
check "away for good: nothing that was pinned is left" wait_for 60 unpinned
is "$(entries_of $OWN) $(entries_of $OWN6)" "0 0" "nor anything else"
own_back
for name in "${RESTING[@]}"; do harmed "$name" "back too late: $name begins anew"; done
daemon_end TERM
is $? 0 "it ends"
jobs_end
done_testing
