#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hook calls that overtake each other, come twice and get lost, with whatever
# else keepalived has to say so; at the end the address is where keepalived's
# last state says. NOTIFY_CALLS calls altogether (1000 take two minutes).
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
# shellcheck source=tests/netns/lib/notify.sh
. "$SRC/tests/netns/lib/notify.sh"
STORM=$BUILD/hookstorm
[ -x "$STORM" ] || bail_out "no $STORM: set VIPSAFE_BUILD to the build directory"
CALLS=${NOTIFY_CALLS:-160}
PER_ROUND=10
SEED=${VIPSAFE_SEED:-$RANDOM$RANDOM}

topo_nodes
install_here
install_vipsafe
diag "VIPSAFE_SEED=$SEED, $CALLS calls"

calls=0 wrong=0 rounds=0
# play LOSSY FIFO DECOY: one round, judged when nothing is under way any more
play() {
	local last want

	rounds=$((rounds + 1)) calls=$((calls + PER_ROUND))
	last=$("$STORM" $((SEED + rounds * 7919)) $PER_ROUND "$1" "$2" "$3" "$VIPSAFE")
	want=gone
	[ "$last" = MASTER ] && want=there
	case $last in
	MASTER | BACKUP | FAULT | STOP) ;;
	*) want=no_state ;;
	esac
	wait_for 60 idle && wait_for 60 $want && return
	wrong=$((wrong + 1))
	diag "round $rounds (lossy $1, FIFO $2, decoy $3): keepalived says $last," \
		"known is $(tail -n 1 /run/vipsafe/instances)"
}
no_state() { false; }

# Nobody works on what the scripts have told: without a daemon they outlive
# keepalived by what they are at.
idle() { ! pgrep -x vipsafe >/dev/null; }

# rounds DESCRIPTION N LOSSY FIFO DECOY
rounds() {
	local what=$1 n=$2 i bad=$wrong

	shift 2
	for ((i = 0; i < n; i++)); do play "$@"; done
	is $((wrong - bad)) 0 "$what: $n rounds of $PER_ROUND calls end where keepalived's state says"
}

quarter=$((CALLS / PER_ROUND / 4))
[ $quarter -gt 0 ] || quarter=1
config '[agent]' 'announce_again = 0' '[instance VI_1]' 'device = br-mgmt' "address = $VIP"
rounds "scripts alone, no daemon" $quarter 0 - -
ip addr del $VIP dev br-mgmt 2>/dev/null
start_daemon
rounds "scripts alone" $quarter 0 - -
rounds "any script may be lost, lines tell as well" $quarter 1 "$FIFO" -

config '[agent]' 'announce_again = 0' '[instance VI_1]' 'device = br-mgmt' "address = $VIP" \
	"decoy = $DECOY dev lo"
kill -HUP "$DAEMON"
has_decoy() { [ "$(of_instance decoy)" != null ]; }
wait_for 60 has_decoy || bail_out "the decoy is not configured"
ip addr add $DECOY dev lo # once, so that it is known to be the right one
wait_for 60 there
ip addr del $DECOY dev lo
wait_for 60 gone
rounds "any script may be lost, keepalived has a decoy" $quarter 1 - $DECOY
# it is the dice that let a call come too late, or twice: until they have
seen() { late=$(of_instance late) && [ "$late" -gt 0 ] && [ "$(of_instance duplicates)" -gt 0 ]; }
for ((i = 0; i < 30; i++)); do
	! seen || break
	rounds "until calls come late and twice" 1 1 - $DECOY
done
check "calls did come too late ($late)" [ "$late" -gt 0 ]
check "calls did come twice" [ "$(of_instance duplicates)" -gt 0 ]
end_daemon TERM
diag "$calls calls in $rounds rounds"
done_testing
