#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many new connections per second, each pinned while it talks: none of them is
# broken by it, what events are lost on the way is made up for, and the daemon
# does not grow. The full measure is LOAD_SECONDS=60.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

RATE=${RATE:-2000} LOAD_SECONDS=${LOAD_SECONDS:-8}
GOES=5
LIFE=2000 # ms; the pin comes after a second or so

topo_pod
masquerade
# Ports enough; and the table comes to rest, so that the daemon has to as well.
in_ns pod sh -c 'echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range
	echo 0 >/proc/sys/net/ipv4/tcp_max_tw_buckets' 2>/dev/null
put /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait 1
serve server node2 10.232.3.28 8899
serve other node2 10.232.3.28 8900

# churn SECONDS PATIENCE: begun when this returns
churn() {
	job churn in_ns pod "$FLOW" churn -r "$RATE" -l $LIFE -s "$1" -t "$2" 10.232.3.28 8900
	hear churn
	[ "$REPLY" = ready ] || bail_out "churn: $REPLY"
}

# ---- the control: one flush, and nobody guards -----------------------------------------
# The judge must see what a connection suffers that loses its entry in between.
churn 2 2
for ((i = 0; i < 300; i++)); do
	twin_up
	ip addr del $TWIN dev br-mgmt
	! hear churn 0.2 || break
done
like "$REPLY" ' reset=[1-9][0-9]* ' "without the guard a flush breaks some (${REPLY#churn })"
job_end churn
conntrack -F >/dev/null 2>&1

# ---- guarded ------------------------------------------------------------------------------
config '[device br-mgmt]' 'pin = continuous'
daemon_start
check "the guard is live" wait_for 20 guard_live
open kept pod 20 10.232.3.28 8899
check "connections are pinned" wait_for 60 pinned_at_least 20
total=$((RATE * LOAD_SECONDS)) middle=
# What has ended is in the kernel's way for a minute, unless somebody looks.
caught_up() {
	conntrack -L >/dev/null 2>&1
	guard_live && [ "$(guard .unpinned)" -le 20 ]
}
# Half of them, in a hundredth of the time, which is all that pins may hold packets back
# for. A go in which others had the processor meanwhile does not count: if all are like
# that, the time must have been used up at least.
decided='' busy=''
for ((go = 1; go <= GOES && !decided; go++)); do
	pins=$(guard .pins) held=$(guard .held_us) wait=$(waited)
	churn "$LOAD_SECONDS" 30
	hear churn 900
	said=$REPLY
	job_end churn
	diag "${said#churn }"
	is "${said% ms=*}" \
		"churn whole=$total unopened=0 reset=0 stalled=0 changed=0 opened=$total" \
		"none of $total connections is broken, at $RATE a second"
	pins=$(($(guard .pins) - pins)) held=$(($(guard .held_us) - held))
	wait=$(($(waited) - wait))
	diag "$pins pinned, in $held us; waited for a processor for $wait ms"
	middle=${middle:-$(resident_kb)}
	check "the guard is live and has caught up" wait_for 60 caught_up
	caught_up || diag "$(guard '"\(.state), unpinned \(.unpinned)"'), in the table:" \
		"$(conntrack -L -p tcp 2>/dev/null | awk '{ n[$4]++ } END { for (s in n) printf "%s %d ", s, n[s] }')"
	[ $pins -lt $((total / 2)) ] && [ $wait -gt $((LOAD_SECONDS * 10)) ] || decided=1
	[ $held -lt $((LOAD_SECONDS * 1000000 / 200)) ] || busy=1
done
if [ -n "$decided" ]; then
	check "half of the new ones are pinned: $pins" test "$pins" -ge $((total / 2))
else
	check "new ones are pinned as long as they may be, on a busy machine" test -n "$busy"
fi
diag "guard: $(guard '{pins, holds, held_us, pin_failures, overruns, relists, restored, lost, pinned, unpinned} | tojson')"
end=$(resident_kb)
diag "RSS: $middle kB in the middle, $end kB at the end"
check "it does not grow" test "$end" -le $((middle + middle / 4 + 2048))
for ((i = 0; i < 3; i++)); do bounce; done
unharmed kept "a bounce afterwards harms nothing"
forgotten() {
	conntrack -D -p tcp --dport 8900 >/dev/null 2>&1
	[ "$(guard .pinned)" -le 25 ]
}
check "what has ended is forgotten" wait_for 60 forgotten
daemon_end TERM
is $? 0 "it ends"
jobs_end
done_testing
