#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# worlds.sh [WORLD...]: nodes as others have them (tests/worlds), one after the other: what doctor says of it, and that
# `plan`, `del` and a guard beside others' deletes leave each of its rules as it was and lose none of the connections
# that the world's own rules masquerade. Without vipsafe each world loses them.
# shellcheck source=tests/netns/lib/worlds.sh
. "$(dirname "$0")/lib/worlds.sh"; each_world world "$@"; netns_main
need_daemon
own_etc
know_verdict affected
world_up
usual_sysctls
world_serve
RULES=$(rules)
grep -qi masquerade <<<"$RULES" || bail_out "nobody masquerades here"

run --json doctor
like "$RC $(json '[.findings[].code] | join(" ")')" "^($DOCTOR)\$" "doctor knows this world"
is "$(json .verdict)" "AT RISK" "and that its connections are at risk"

# ---- the control: nobody protects -----------------------------------------------------------------
world_open bare
goes_bare
world_lost bare
world_closed

# ---- planned, and moved -----------------------------------------------------------------------------
comes_back
world_serve
world_open moved
world_busy moved
GOES=("$TWIN")
! has_ipv6 || GOES+=("$TWIN6")
run --json plan del "${GOES[@]}" dev br-mgmt
is "$RC $(json .hold)" "0 $HOLD" "plan: it can be done, and how packets will be held"
untouched "plan"
check "plan: the address is there" has_addr "$TWIN" br-mgmt
run --json del "${GOES[@]}" dev br-mgmt
is "$RC $(json '[.result, .strategy, .hold, .entries.lost, .entries.altered] | @text')" "0 [\"ok\",\"pin\",\"$HOLD\",0,0]" "del: nothing lost"
check "del: the address is gone" not has_addr "$TWIN" br-mgmt
untouched "del"
world_lives moved "del"
world_rests moved "del"
world_closed

# ---- guarded: somebody else deletes it -----------------------------------------------------------------
comes_back
world_serve
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 200ms'
daemon_start
world_open guarded
world_busy guarded
check "guard: all are pinned" wait_for 60 pinned_at_least $((${#TO[@]} * N))
for _ in 1 2 3; do
	for a in "${GOES[@]}"; do ip addr del "$a" dev br-mgmt; done
	comes_back
done
world_lives guarded "guard"
world_rests guarded "guard"
is "$(guard '[.state, .lost, .altered, .pin_failures] | @text')" '["live",0,0,0]' "guard: nothing lost, nothing altered"
daemon_end
is $? 0 "guard: it ends"
untouched "guard"
world_lives guarded "afterwards"
jobs_end
done_testing
