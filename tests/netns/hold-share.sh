#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# A guard that pins new connections all the time holds packets back for a small share of
# it, whichever backend: what belongs to no connection of this node is answered. The judge
# is somebody who sends segments out of nowhere and counts the resets. Rules that hold for
# good make the same judge say so.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"

need_daemon
STRANGE=$BUILD/strange
[ -x "$STRANGE" ] || bail_out "no $STRANGE"
N=400     # segments
PORT=4444 # where nobody listens

topo_pod
know_verdict affected
config '[device br-mgmt]' 'pin = continuous'

# strange [N]: "sent N answered A gap G", from node2
strange() { in_ns node2 "$STRANGE" 192.168.11.8 192.168.11.7 $PORT "${1:-$N}" 5; }

# What the daemon counts: microseconds held, times held, pins.
held() { guard '"\(.held_us) \(.holds) \(.pins)"'; }
pins_at_least() { [ "$(guard .pins)" -ge "$1" ] 2>/dev/null; }
holds_by() { [ "$(guard .hold)" = "$1" ]; }

# at RATE: what is held and answered while so many connections are made each second,
# until some were pinned: on a slow machine that takes its time.
at() {
	local rate=$1 before after us=0 time=0 pins=0 sent=0 answered=0 gap=0 i said wait waits=0

	job churn in_ns pod "$FLOW" churn -r "$rate" -l 4000 -s 3600 -t 60 10.232.3.28 8899
	hear churn
	wait_for 60 pins_at_least $(($(guard .pins) + 1)) || diag "no pins: $(held)"
	# A pause follows each hold, so the share is right in the long run, unless the daemon is kept
	# from the processor in the midst of many: the pauses have a limit. What it waited is left out.
	for ((i = 0; i < 40; i++)); do
		[ $i = 0 ] || [ "$pins" -lt 3 ] || [ $((us - waits * 1000)) -gt $((time * 100)) ] ||
			[ "$answered" -lt $((sent * 96 / 100)) ] || break
		uptime_cs
		time=$((time - REPLY))
		before=$(held) wait=$(waited)
		said=$(strange)
		wait=$(($(waited) - wait)) waits=$((waits + wait))
		after=$(held)
		uptime_cs
		time=$((time + REPLY))
		us=$((us + ${after%% *} - ${before%% *}))
		pins=$((pins + ${after##* } - ${before##* }))
		sent=$((sent + N))
		# a daemon that others keep from the processor for as long, in the midst of a hold, holds on
		[ "${said##* }" -le "$gap" ] || [ $wait -ge 50 ] || gap=${said##* }
		said=${said#*answered }
		answered=$((answered + ${said%% *}))
	done
	said="held for $us us of $((time * 10)) ms, $pins pins; waited $waits ms; $answered of $sent answered, gap $gap"
	diag "$BACKEND, $rate/s: $said"
	check "$BACKEND, $rate/s: connections were pinned meanwhile" test "$pins" -gt 0
	check "$BACKEND, $rate/s: held for at most a hundredth of the time ($said)" \
		test $((us - waits * 1000)) -le $((time * 100))
	# The dice may fall badly where a hundredth is held: four of a hundred are
	# far beyond that.
	check "$BACKEND, $rate/s: what belongs to nobody is answered ($said)" \
		test "$answered" -ge $((sent * 96 / 100))
	check "$BACKEND, $rate/s: never ten in a row (50 ms) are not" test "$gap" -lt 10
	job_end churn
}

backend() {
	BACKEND=$1
	daemon_start
	check "$1: the hold is in place" wait_for 30 holds_by "$1"
	open old pod 40 10.232.3.28 8899
	check "$1: what is there is pinned" wait_for 60 pinned_at_least 40
	for rate in 1 3 100 2000; do at $rate; done
	unharmed old "$1: those that were there live"
	job_end old
	daemon_end
	is $? 0 "$1: it ends"
}

serve srv node2 10.232.3.28 8899
is "$(strange 100)" "sent 100 answered 100 gap 0" "without vipsafe: all are answered"

# The judge can say no.
job agent "$BUILD/kernelcall" hold nft br-mgmt
hear agent
ask agent "arm 120000"
is "$(strange 100)" "sent 100 answered 0 gap 100" "held: none is answered"
ask agent let-go
is "$(strange 100)" "sent 100 answered 100 gap 0" "let go of: all are again"
ask agent look
like "$REPLY" '^ok ' "looking"
is "$(strange 100)" "sent 100 answered 100 gap 0" "looking holds nothing"
ask agent close
ask agent look
unlike() { [[ ! $1 =~ $2 ]]; }
check "closed: looking says so ($REPLY)" unlike "$REPLY" '^ok'
job_end agent

masquerade nft
backend nft
nft delete table inet masq
if command -v iptables-legacy >/dev/null &&
	iptables-legacy -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 -j MASQUERADE \
		--random-fully 2>"$T/legacy.err"; then
	job agent "$BUILD/kernelcall" hold iptables br-mgmt
	hear agent
	ask agent "arm 120000"
	is "$(strange 100)" "sent 100 answered 0 gap 100" "iptables: held: none is answered"
	ask agent let-go
	is "$(strange 100)" "sent 100 answered 100 gap 0" "iptables: let go of: all are"
	ask agent look
	like "$REPLY" '^ok ' "iptables: looking"
	is "$(strange 100)" "sent 100 answered 100 gap 0" "iptables: looking holds nothing"
	iptables-legacy -w 5 -t mangle -F
	ask agent look
	is "$REPLY" ENOENT "iptables: it sees that somebody has flushed the rules"
	ask agent close
	job_end agent
	backend iptables
else
	skip "iptables-legacy" "$(head -c 200 "$T/legacy.err" 2>/dev/null || echo no program)"
fi
done_testing
