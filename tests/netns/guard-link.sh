#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A link that goes down and up makes the kernel flush what is masqueraded through it. What is
# not pinned, because pins are made on demand only, is put back at once; what a person has
# deleted meanwhile is not.
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
established() { conntrack -L -p tcp --dport 8899 2>/dev/null | grep -c ESTABLISHED; }

# ---- without the guard -----------------------------------------------------------------
open bare pod $N 10.232.3.28 8899
flushed_by bounce -p tcp --dport 8899
harmed bare "without the guard the link breaks them"
fresh
serve server node2 10.232.3.28 8899

# ---- with it -----------------------------------------------------------------------------
config '[device br-mgmt]' 'pin = on-demand'
daemon_start
check "the guard is live" wait_for 60 guard_live
open some pod $N 10.232.3.28 8899
# The node may have an entry of its own as well, such as that of an IGMP report.
known() { [ "$(guard .unpinned)" -ge "$N" ]; }
check "connections are known" wait_for 60 known
is "$(guard .pinned)" 0 "and not pinned"
put_back() { [ "$(guard .restored)" -ge "$1" ]; }
check "all are put back" until_done put_back $N -- bounce
is "$(guard .lost)" 0 "none is lost"
check "which counts as a repair" test "$(guard .repairs)" -ge 1
unharmed some "all live"
fresh
serve server node2 10.232.3.28 8899

# ---- what a person deletes ---------------------------------------------------------------
open more pod $N 10.232.3.28 8899
check "others are known" wait_for 60 known
conntrack -D -p tcp --dport 8899 --orig-port-src "$(conntrack -L -p tcp --dport 8899 2>/dev/null |
	sed -n '1s/.*10\.232\.3\.28 sport=\([0-9]*\) dport=8899.*/\1/p')" >/dev/null 2>&1
is "$(established)" $((N - 1)) "a person deletes one"
before=$(guard .restored)
check "the others are put back" until_done put_back $((before + N - 1)) -- bounce
is "$(guard .lost)" 0 "none is lost"
is "$(established)" $((N - 1)) "what a person has deleted stays deleted"
daemon_end TERM
is $? 0 "it ends"
jobs_end
done_testing
