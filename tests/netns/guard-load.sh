#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many new connections per second, each pinned while it talks: none of them is
# broken by it, what events are lost on the way is made up for, and the daemon
# does not grow. The full measure is LOAD_SECONDS=60.
# shellcheck source=tests/netns/guarded.sh
. "$(dirname "$0")/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/pair.sh
. "$(dirname "$0")/pair.sh"
need_daemon

RATE=${RATE:-2000} LOAD_SECONDS=${LOAD_SECONDS:-8}
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
	hear churn 10
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
hold kept pod 20 10.232.3.28 8899
check "connections are pinned" wait_for 60 pinned_at_least 20
churn "$LOAD_SECONDS" 30
# Half of them, or as many as there was time for: pins may hold packets back for a
# hundredth of the time, and a busy machine needs longer for each.
pinned_enough() {
	[ "$(guard .pins)" -ge $((RATE * LOAD_SECONDS / 2)) ] ||
		[ "$(guard .held_us)" -ge $((LOAD_SECONDS * 1000000 / 200)) ]
}
check "new ones are pinned" wait_for 60 pinned_enough
middle=$(resident_kb)
hear churn $((LOAD_SECONDS * 4 + 90))
diag "${REPLY#churn }"
total=$((RATE * LOAD_SECONDS))
is "${REPLY% ms=*}" "churn whole=$total unopened=0 reset=0 stalled=0 changed=0 opened=$total" \
	"none of $total connections is broken, at $RATE a second"
end=$(resident_kb)
caught_up() { guard_live && [ "$(guard .young)" -le 20 ]; }
check "the guard is live and has caught up" wait_for 30 caught_up
diag "guard: $(guard '{pins, holds, held_us, pin_failures, overruns, relists, restored, lost, pinned, young} | tojson')"
diag "RSS: $middle kB in the middle, $end kB at the end"
check "it does not grow" test "$end" -le $((middle + middle / 4 + 2048))
for ((i = 0; i < 3; i++)); do bounce; done
unharmed kept "a bounce afterwards harms nothing"
# What has ended is in the kernel's way for a minute, unless somebody looks.
forgotten() {
	conntrack -D -p tcp --dport 8900 >/dev/null 2>&1
	[ "$(guard .pinned)" -le 25 ]
}
check "what has ended is forgotten" wait_for 60 forgotten
daemon_end TERM
is $? 0 "it ends"
jobs_end
done_testing
