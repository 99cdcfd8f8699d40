#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Failovers of the real keepalived, which owns the VIP as always, with vipsafed
# beside it on both nodes (pin = continuous): connections that have nothing to
# do with the VIP live on, and the failovers are as quick as without it.
#
# FAILOVERS=30 for the long run; the causes take turns.
#
# The control is the failover by link loss without vipsafed: it loses the
# node's connections on every kernel. (That the deletion of the VIP does so,
# takes an affected kernel: tests/vm/failover.sh.)
# shellcheck source=tests/netns/lib/failover.sh
. "$(dirname "$0")/lib/failover.sh"; netns_main "$@"
need_failover
FAILOVERS=${FAILOVERS:-5}
CAUSES=(prio link term freeze kill)

topo_failover
VRRP_LINES="virtual_ipaddress {
	$VIP/32 dev eth0
}
virtual_ipaddress_excluded {
	$VIP6/64 dev eth0
}"

# ---- keepalived alone ------------------------------------------------------------------

keepalived_both
open barea pa 20 192.168.11.60 8899
open bareb pb 20 192.168.11.60 8899
measure_alone prio
# The master's link is lost: its flows are, and only its own. A busy kernel leaves
# out a flush now and then.
for ((i = 0; i < 10; i++)); do
	measure_alone link
	! wait_for 3 flushed "$OTHER" || break
done
check "the kernel flushes the flows of the lost link" flushed "$OTHER"
harmed "bare$OTHER" "without vipsafed a failover by link loss loses connections"
unharmed "bare$MASTER" "and the other node's do not notice"
measure_alone term freeze kill
job_end barea
job_end bareb
keepalived_end a
keepalived_end b

# ---- with vipsafed -----------------------------------------------------------------------

for node in a b; do
	guard_conf $node '[device eth0]' 'pin = continuous'
	guard_start $node
done
keepalived_both
open flowsa pa 200 192.168.11.60 8899
open flowsb pb 200 192.168.11.60 8899
check "the flows of A get pinned" wait_for 60 guard_pinned a 200
check "and those of B" wait_for 60 guard_pinned b 200
for ((i = 0; i < FAILOVERS; i++)); do
	judge_failover "${CAUSES[i % ${#CAUSES[@]}]}" "failover $((i + 1))"
done
unharmed flowsa "200 connections of A have lived through $FAILOVERS failovers"
unharmed flowsb "and 200 of B"
for node in a b; do
	guard_end $node
	keepalived_end $node
	is "$(in_ns n$node nft list tables | grep -c vipsafe)" 0 "$node: no rule is left behind"
done
jobs_end
done_testing
