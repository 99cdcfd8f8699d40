#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each message to the kernel fails once, and all from there on: the exit code says where
# the address is and that connections live, and no rule stays untold.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
command -v strace >/dev/null || skip_all "no program strace"

N=5 MOST=60
topo_pod
masquerade
know_verdict affected
serve srv node2 10.232.3.28 8899
open pod pod $N 10.232.3.28 8899

# del WHEN: with these of its messages refused; RC and $T/out are what came of it
del() {
	timeout -k 2 120 strace -f -o "$T/trace" -e trace=sendto -e inject=sendto:error=ENOBUFS:when="$1" \
		"$VIPSAFE" --json --local --timeout 30 --strategy pin del $TWIN dev br-mgmt \
		>"$T/out" 2>"$T/err" </dev/null
	RC=$?
}
tables() { nft list tables | grep -c vipsafe; }
# The kernel gives the connections back which it has flushed with another port.
alive() {
	ask pod ping
	[ "$REPLY" = "ping alive=$N reset=0 stalled=0 changed=0" ]
}
again() {
	job_end pod
	conntrack -F >/dev/null 2>&1
	open pod pod $N 10.232.3.28 8899
}

# judge WHEN: what is wrong with what del says
judge() {
	local there=no

	! has_addr $TWIN br-mgmt || there=yes
	case $RC/$there/$(json .changed) in
	[034]/no/true | 6/no/true) ;;
	[256]/yes/false) ;;
	*) echo "exit code $RC, there: $there, changed: $(json .changed)" ;;
	esac
	alive || {
		[ "$RC" = 3 ] || [ "$RC" = 4 ] || [ "$RC" = 6 ] || echo "exit code $RC: $REPLY"
		again
	}
	[ "$(tables)" = 0 ] && return
	if [[ $1 != *+ ]]; then
		echo "rules are left"
	elif ! json '.warnings[].code' | grep -qx hold-left; then
		echo "rules are left, and not told"
	fi
	run recover
	[ "$(tables)" = 0 ] || echo "recover leaves them"
}

for ((n = 1; n <= MOST; n++)); do
	for when in $n $n+; do
		has_addr $TWIN br-mgmt || twin_up
		del "$when"
		grep -q INJECTED "$T/trace" || break 2
		judge "$when" >"$T/judged"
		is "$(cat "$T/judged")" "" "message $when fails: exit code $RC, and nothing is wrong"
	done
done
check "every message has failed" test $n -gt 10 -a $n -lt $MOST
jobs_end
done_testing
