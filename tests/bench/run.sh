#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh BENCH [WORDS...]: vipsafe-bench of this commit. With BENCH_CONNTRACK_MAX=N the limit of the
# machine's conntrack table, which is read-only in a namespace, is N meanwhile: a change of the host, so
# only when asked for, and put back whatever ends this, SIGKILL included. The bench ends with it.
limit=/proc/sys/net/netfilter/nf_conntrack_max
dir=$(dirname "$0")

# by its subject as well, which a rebase keeps
BENCH_COMMIT=$(git -C "$dir" log -1 --format='"%s" (%h)' 2>/dev/null)
export BENCH_COMMIT

# raise: until nobody has $alive open any more, which only this shell has
raise() {
	local was

	[[ $BENCH_CONNTRACK_MAX =~ ^[1-9][0-9]{3,8}$ ]] || {
		echo "run.sh: BENCH_CONNTRACK_MAX: not a number of entries: '$BENCH_CONNTRACK_MAX'" >&2
		exit 2
	}
	read -r was <"$limit" || exit
	exec {alive}> >(exec setsid sh -c "cat; echo $was >$limit" >/dev/null 2>&1)
	echo "$BENCH_CONNTRACK_MAX" >"$limit" || exit
	echo "bench: nf_conntrack_max is $BENCH_CONNTRACK_MAX for now, $was before and after" >&2
}

exec {alive}>/dev/null
[ -z "${BENCH_CONNTRACK_MAX:-}" ] || raise
setpriv --pdeathsig KILL "$@" {alive}>&- &
bench=$!
trap 'kill $bench 2>/dev/null; exit 130' INT TERM HUP
wait $bench
