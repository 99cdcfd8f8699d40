#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the kernel takes seconds after somebody has deleted an address is put back, too:
# its work queue may be that late. Here a link that goes down makes it flush, by the
# same code. What a person deletes meanwhile stays deleted, and what a flush takes at any
# other time is nothing that the guard repairs.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

N=10
topo_pod
# Else the link takes its IPv6 addresses along, and those are deletes.
sysctl -qw net.ipv6.conf.br-mgmt.disable_ipv6=1
masquerade
serve server node2 10.232.3.28 8899
config '[device br-mgmt]' 'pin = on-demand'
daemon_start
check "the guard is live" wait_for 60 guard_live
# The node may have an entry of its own as well, such as that of an IGMP report.
known() { [ "$(guard .unpinned)" -ge "$N" ]; }
entries() { conntrack -L -p tcp --dport 8899 2>/dev/null | grep -c ESTABLISHED; }
# passed CENTISECONDS: since BEGAN
passed() { uptime_cs && [ $((REPLY - began)) -ge "$1" ]; }

# ---- nobody has deleted anything -------------------------------------------------------
open alone pod $N 10.232.3.28 8899
check "connections are known" wait_for 60 known
flushed_by bounce -p tcp --dport 8899
forgotten() { [ "$(guard .unpinned)" -lt "$N" ]; }
check "a flush of its own is the link's" wait_for 60 forgotten
is "$(guard .restored)" 0 "and is not repaired"
fresh
serve server node2 10.232.3.28 8899

# ---- after a delete --------------------------------------------------------------------
put_back() { [ "$(guard .restored)" -ge $((N - 1)) ]; }
flush_is_seen() { put_back || [ "$(guard .unpinned)" -lt $((N - 1)) ]; }
for ((round = 1; round <= 20; round++)); do
	open late-$round pod $N 10.232.3.28 8899
	wait_for 60 known || bail_out "the guard does not know them"
	ip addr add 192.168.11.100/32 dev br-mgmt
	before=$(guard .foreign_deletes)
	uptime_cs
	began=$REPLY
	ip addr del 192.168.11.100/32 dev br-mgmt
	seen() { [ "$(guard .foreign_deletes)" -gt "$before" ]; }
	wait_for 60 seen || bail_out "the guard does not see the delete"
	wait_for 60 passed 150 || bail_out "the clock stands still"
	conntrack -D -p tcp --dport 8899 --orig-port-src "$(conntrack -L -p tcp --dport 8899 2>/dev/null |
		sed -n '1s/.*10\.232\.3\.28 sport=\([0-9]*\) dport=8899.*/\1/p')" >/dev/null 2>&1
	is "$(entries)" $((N - 1)) "round $round: a person deletes one"
	repairs=$(guard .repairs)
	bounce
	wait_for 60 flush_is_seen || bail_out "the kernel flushes nothing"
	# else the machine was too slow to be sure
	if put_back || ! passed 450; then break; fi
	fresh
	serve server node2 10.232.3.28 8899
done
[ $round -le 20 ] || {
	skip "a late flush" "this machine is too slow for one"
	done_testing
}
check "after a delete it is put back, in round $round" wait_for 60 put_back
is "$(guard .lost)" 0 "all of it"
check "which counts as a repair" test "$(guard .repairs)" -gt "$repairs"
is "$(entries)" $((N - 1)) "what a person has deleted stays deleted"
daemon_end TERM
is $? 0 "it ends"
jobs_end
done_testing
