#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a guard knows of the table when most events are lost: two seconds after
# the loss at the latest it is what a fresh listing shows, entry by entry. Each
# round is one that an unread listing would have left wrong.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
[ -x "$BUILD/shadow" ] || bail_out "no $BUILD/shadow: set VIPSAFE_BUILD to the build directory"

SEED=${SEED:-$RANDOM}
ROUNDS=${ROUNDS:-5}
diag "SEED=$SEED"
RANDOM=$SEED

topo_pod
masquerade iptables
serve server node2 10.232.3.28 8899
serve userver node2 -u 10.232.3.28 8899
serve server6 node2 fd00:3::28 8899
open first pod 20 10.232.3.28 8899

mkdir -p /run/vipsafe
job shadow "$BUILD/shadow" br-mgmt 2048 "$SEED"
hear shadow
is "$REPLY" live "the guard is live"

# Flows begin and end, and somebody deletes some and changes others.
churn() { # ROUND
	local i

	open "pod$1" pod $((20 + RANDOM % 60)) 10.232.3.28 8899
	open "local$1" node1 $((20 + RANDOM % 60)) 10.232.3.28 8899
	open "udp$1" pod $((10 + RANDOM % 30)) -u 10.232.3.28 8899
	open "six$1" pod $((10 + RANDOM % 30)) fd00:3::28 8899
	conntrack -U -p tcp --dport 8899 --mark $((RANDOM + 1)) >/dev/null 2>&1
	for ((i = 0; i < 10; i++)); do
		conntrack -D -p tcp --reply-port-dst $((1024 + RANDOM % 64512)) >/dev/null 2>&1
	done
	case $((RANDOM % 3)) in
	0) conntrack -D -p tcp -s 10.232.1.5 >/dev/null 2>&1 ;;
	1) conntrack -D -p udp >/dev/null 2>&1 ;;
	2) job_end "local$1" ;;
	esac
	[ "$1" = 1 ] || for i in pod local udp six; do job_end "$i$(($1 - 1))"; done
}

field() { # NAME [WHICH]: of the answer; `before` and `after` have the same names
	local part=$REPLY

	[ "${2:-}" != before ] || part=${REPLY%%after*}
	[ "${2:-}" != after ] || part=${REPLY##*after}
	[[ $part =~ $1=([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

lost=0
for ((round = 1; round <= ROUNDS; round++)); do
	# luck may have it read everything: then there is more to lose
	for ((try = 0; try < 20; try++)); do
		churn $((round * 100 + try))
		for i in pod local udp six; do job_end $i$((round * 100 + try)); done
		ask shadow settle
		diag "$REPLY"
		[ "$(field overruns)" = "$lost" ] || [ $(($(field missing before) + $(field extra before))) = 0 ] ||
			break
	done
	check "round $round: events are lost" test "$(field overruns)" -gt "$lost"
	check "round $round: and what was known is wrong" \
		test $(($(field missing before) + $(field extra before))) -gt 0
	is "$(field missing after) $(field extra after)" "0 0" \
		"round $round: within two seconds it is what a listing shows"
	lost=$(field overruns)
done
check "there was something to know" test "$(field known)" -gt 0
job_end shadow
jobs_end
done_testing
