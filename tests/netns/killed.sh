#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A delete that is killed before each call that changes something, from the first to the last: `vipsafe recover`
# or the next run leaves every flow alive behind its port, the address where it was asked for, and no rule and no
# file; traffic goes on within the hold's limit. SIGTERM at each of these calls as well. Most of a round is
# waiting, so the ways share the time, each in a network of its own.
# shellcheck disable=SC2317 # functions given to check and wait_for
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/pair.sh"; netns_main "$@"
need_vipsafe

WORLDS=('KILL recover' 'KILL next' 'TERM recover')
# 1 is every call; so the two cases have every other each
STEP=${KILL_STEP:-${KILL_SOME:-2}} FIRST=${FIRST:-1}
CROWD=${CROWD:-0} # more flows than these, which nobody has answered
CALLS_MAX=5000       # a delete that makes more does not end
LIMIT=500            # ms, the default of hold_max
MARGIN=300           # what TCP waits before it tries again
STRATEGY=${PROTECT##* }

# As traffic makes them, each from a socket of its own.
crowd() {
	in_ns node1 sysctl -qw net.netfilter.nf_conntrack_udp_timeout=3600
	in_ns pod bash -c "for ((i = 0; i < $CROWD; i++)); do echo x >/dev/udp/10.232.3.28/\$((20000 + i)); done"
}

crowded() { [ "$(conntrack -L -p udp -d 10.232.3.28 2>/dev/null | grep -c .)" = "$CROWD" ]; }

alive() {
	crowded || echo "the others: $(conntrack -L -p udp -d 10.232.3.28 2>/dev/null | grep -c .) of $CROWD"
	ask pod ping
	[ "$REPLY" = "ping alive=30 reset=0 stalled=0 changed=0" ] || { echo "pod: $REPLY"; return 1; }
	ask local ping
	[ "$REPLY" = "ping alive=20 reset=0 stalled=0 changed=0" ] || { echo "local: $REPLY"; return 1; }
}

hold_tables() { nft list tables | grep -c vipsafe; }

# Locks, the verdict, the history and the list of created entries are meant to stay; a file that was half
# written waits for the next run, which replaces it.
left_over() {
	find /run/vipsafe -type f ! -name 'lock-*' ! -name isolate.lock ! -name 'verdict*' ! -name 'created-*' \
		! -name 'history*' ! -name '*~'
}

# told TABLES FILE: what recover printed of what the kill had left
told() {
	local state=on

	has_addr "$TWIN" br-mgmt || state="not on"
	[ "$1" = 0 ] || grep -q '^removed the rules of a killed run: table inet vipsafe_hold_[0-9]*$' <<<"$OUT" ||
		echo "recover does not name the rules"
	[ -z "$2" ] || grep -q "^  removed file  *$2\$" <<<"$OUT" || echo "recover does not name $2"
	[ -z "$2" ] || grep -q "^  address  *$TWIN is $state br-mgmt\$" <<<"$OUT" ||
		echo "recover does not say where the address is"
	[ -z "$2" ] || grep -q '^  entries  *[0-9]* restored, 0 lost, [0-9]* removed$' <<<"$OUT" ||
		echo "recover counts no entries"
	run recover
	[ "$RC $OUT" = "0 nothing to recover" ] || echo "again recover says: $OUT"
	run --json recover
	[ "$RC $OUT" = "0 []" ] || echo "again recover says in JSON: $OUT"
}

finish_recover() {
	local files tables

	files=$(find /run/vipsafe -name move-br-mgmt)
	tables=$(hold_tables)
	run recover
	[ "$RC" = 0 ] || echo "recover: exit code $RC: $OUT$ERR"
	told "$tables" "$files"
}

finish_next() {
	[ $((at / STEP % 2)) = 0 ] || has_addr "$TWIN" br-mgmt || twin_up # else there is nothing left to do
	run --json --strategy "$STRATEGY" del $TWIN dev br-mgmt
	[ "$RC" = 0 ] || echo "the next run: exit code $RC: $OUT$ERR"
	adds_up "$T/out" || echo "counts"
	! has_addr "$TWIN" br-mgmt || echo "the address is not gone"
}

# One world: SIGNAL at every call, and FINISH each time.
world() {
	local signal=$1 finish=$2 at said wrong ended hits=0 before=0 after=0 held=0

	topo_pod
	masquerade
	state >"$T/state"
	serve srv node2 10.232.3.28 8899
	open pod pod 30 10.232.3.28 8899
	open local node1 20 10.232.3.28 8899
	job busy in_ns pod "$FLOW" busy -n 2 -d 2 10.232.3.28 8899
	hear busy
	# the same, but not through what is held: what this machine does to it
	serve srv-noise node1 10.232.1.1 8899
	job noise in_ns pod "$FLOW" busy -n 2 -d 2 10.232.1.1 8899
	hear noise
	[ "$CROWD" = 0 ] || crowd
	conntrack -E -e DESTROY -o timestamp -p tcp --dport 8899 >"$T/gone" 2>/dev/null &
	run probe
	for ((at = FIRST > STEP ? 1 : FIRST; at < CALLS_MAX; at += STEP)); do
		has_addr "$TWIN" br-mgmt || twin_up
		said=$("$BUILD/killat" -s "$signal" "$at" "$VIPSAFE" --strategy "$STRATEGY" del "$TWIN" dev br-mgmt)
		[[ $said != ended* ]] || break
		hits=$((hits + 1))
		[ "$(hold_tables)" = 0 ] || held=$((held + 1))
		wrong=$("finish_$finish")
		ended=$EPOCHREALTIME
		if has_addr "$TWIN" br-mgmt; then before=$((before + 1)); else after=$((after + 1)); fi
		[ "$(hold_tables)" = 0 ] || wrong+=" rules are left"
		wrong+=$(left_over)$(alive)
		[ -z "$wrong" ] || echo "call $at, $said, ended at $ended: $wrong; the last that went:" \
			"$(tail -n 2 "$T/gone")"
	done
	[[ $said = ended* ]] || echo "the delete does not end: $said"
	[ "$hits" -ge $((30 / STEP)) ] || echo "a delete has no more than $hits calls: $said"
	tell busy end
	hear busy
	[[ $REPLY =~ ^busy\ alive=2\ reset=0\ stalled=0\ changed=0 ]] || echo "$REPLY"
	echo "longest $((${REPLY##*longest_ms=}))"
	tell noise end
	hear noise
	echo "noise $((${REPLY##*longest_ms=}))"
	! has_addr "$TWIN" br-mgmt || ip addr del $TWIN dev br-mgmt
	diff "$T/state" <(state) || echo "addresses, routes or rules differ afterwards"
	jobs_end
	echo "info $hits calls, $before undone, $after done, rules left by the signal: $held"
}

[ -z "${WORLD:-}" ] || {
	# shellcheck disable=SC2086
	world $WORLD
	exit 0
}

"$BUILD/killat" 1 true >"$T/out" 2>"$T/err" || skip_all "$(cat "$T/err")"
for w in "${!WORLDS[@]}"; do
	WORLD=${WORLDS[w]} bash "$0" >"$T/world$w" 2>"$T/err$w" &
done
wait
longest=0 noise=0
for w in "${!WORLDS[@]}"; do
	diag "${WORLDS[w]}: $(grep -E '^(info|longest|noise)' "$T/world$w" | paste -sd' ')"
	[ -s "$T/world$w" ] || cat "$T/err$w"
	is "$(grep -vE '^(info|longest|noise)' "$T/world$w")" "" "SIG${WORLDS[w]/ /, then }: all well after each call"
	check "${WORLDS[w]}: it went through" grep -q '^info' "$T/world$w"
	ms=$(sed -n 's/^longest //p' "$T/world$w")
	[ "${ms:-999999}" -le "$longest" ] || longest=${ms:-999999}
	ms=$(sed -n 's/^noise //p' "$T/world$w")
	[ "${ms:-0}" -le "$noise" ] || noise=$ms
done
# a stall of the machine itself makes TCP wait twice as long for its next try
check "the longest stall is $longest ms (without a hold $noise ms)" \
	test "$longest" -le $((LIMIT + MARGIN + 2 * noise))

# Control: unprotected, they die.
topo_pod
masquerade
twin_up
serve srv node2 10.232.3.28 8899
open pod pod 30 10.232.3.28 8899
leave bare
judge bare reset srv pod "control"
done_testing
