#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 1 000 clients of the control socket at a time, half of them silent, talking
# garbage, sending 10 MB or leaving: the guard goes on meanwhile, the others
# are answered, and nothing of it stays behind.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

CLIENTS=${CLIENTS:-1000}

topo_pod
masquerade
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 500ms'
serve server node2 10.232.3.28 8899

# ---- the control: nobody guards ---------------------------------------------------
open bare pod 20 10.232.3.28 8899
flushed_by bounce -p tcp --dport 8899
harmed bare "without a guard the bounce loses connections"
job_end bare

# ---- guarded, in the crowd --------------------------------------------------------
daemon_start
check "the guard is live" wait_for 20 guard_live
# some descriptors are kept from the first move on
run add 192.168.11.100/32 dev br-mgmt
run --timeout 120 del 192.168.11.100/32 dev br-mgmt
fds=$(descriptors) rss=$(resident_kb)
open before pod 20 10.232.3.28 8899
check "connections are pinned" wait_for 20 pinned_at_least 20

job crowd "$BUILD/crowd" "$SOCKET" "$CLIENTS"
hear crowd 60
is "$REPLY" crowded "$CLIENTS clients are there"
pins=$(guard .pins)
open meanwhile pod 20 10.232.3.28 8899
more_pins() { [ "$(guard .pins)" -ge $((pins + 20)) ] 2>/dev/null; }
check "new ones are pinned in the crowd" wait_for 60 more_pins
for ((i = 0; i < 3; i++)); do
	bounce
	run add 192.168.11.100/32 dev br-mgmt
	is "$RC" 0 "an address is added in the crowd"
	run --timeout 120 del 192.168.11.100/32 dev br-mgmt
	is "$RC" 0 "and deleted"
done
unharmed before "what was pinned before the crowd came lives"
unharmed meanwhile "and what was pinned in it"

tell crowd end
hear crowd 90
diag "$REPLY"
like "$REPLY" '^crowd served=[1-9][0-9]* unserved=0 ' "everybody who asked properly was answered"
like "$REPLY" ' silent=[1-9][0-9]* garbage=[1-9][0-9]* large=[1-9][0-9]* leaving=[1-9]' \
	"everybody else was turned away"
job_end crowd
as_before() { [ "$(descriptors)" -le $((fds + 4)) ]; } # a move keeps one or two
check "no descriptor is left open" wait_for 20 as_before
as_before || diag "$fds before, now: $(find "/proc/$DAEMON/fd" -mindepth 1 -printf '%f=%l ')"
check "nor does it keep what it was sent ($rss kB before, $(resident_kb) kB after)" \
	test "$(resident_kb)" -lt $((rss + 8192))
check "the daemon has lived through it" kill -0 "$DAEMON"
daemon_end TERM
is $? 0 "and ends as it should"
jobs_end
done_testing
