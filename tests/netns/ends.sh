#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How connections end, as a device that is only observed (pin = off) tells it: who deleted the
# address, who the entry, what the far end did. Each end is provoked, and each was heard: what is
# told of it stands in the file, and outlives a kill. Nothing is protected meanwhile.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

topo_pod
masquerade
know_verdict affected
config '[device br-mgmt]' 'pin = off'
serve server node2 10.232.3.28 8899
daemon_start
check "it observes" wait_for 30 guard_live
is "$(guard .protection)" observing "as status says"
is "$(guard .in_force)" false "and claims no protection"

value() { "$VIPSAFE" metrics 2>/dev/null | awk -v n="$1" '$1 == n { print $2 }'; }
ends() { value "vipsafe_ends_total{cause=\"$1\"}"; }
counts() { [ "$(ends "$1")" = "$2" ]; }
at_least() { [ "$(ends "$1")" -ge "$2" ]; }

# ---- conntrack -D -----------------------------------------------------------------------
open deleted pod 1 10.232.3.28 8899
before=$(ends deleted)
conntrack -D -p tcp --dport 8899 >/dev/null 2>&1
check "conntrack -D: deleted" wait_for 30 counts deleted $((before + 1))
harmed deleted "nothing is put back"
retranslated() { [ "$(value vipsafe_retranslated_total)" -ge 1 ]; }
check "and it came back with another port" wait_for 30 retranslated
job_end deleted

# ---- an address -------------------------------------------------------------------------
open address pod 4 10.232.3.28 8899
ip addr add 192.168.11.6/24 dev br-mgmt
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
job ip ip -batch - # a program that lives on, as keepalived does
deletes=0
delete_and_add() {
	deletes=$((deletes + 1))
	tell ip 'addr del 192.168.11.7/24 dev br-mgmt'
	tell ip 'addr add 192.168.11.7/24 dev br-mgmt'
}
check "address deleted: 4 connections" until_done counts address-deleted 4 -- delete_and_add
job_end ip
is "$(guard .foreign_deletes)" "$deletes" "each delete is counted"
is "$(guard .restored)" 0 "nothing is restored"
job_end address
ip route replace 10.232.3.0/24 via 192.168.11.8

# ---- a link -----------------------------------------------------------------------------
open link pod 3 10.232.3.28 8899
flushed_by bounce -p tcp --dport 8899
check "link down: 3 connections" wait_for 30 counts link-down 3
job_end link

# ---- by themselves ----------------------------------------------------------------------
fin=$(ends finished)
put /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait 1
put /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close 1
open fin pod 2 10.232.3.28 8899
tell fin quit
job_end fin
check "FIN of both sides" wait_for 30 at_least finished $((fin + 2)) # maybe of those before, too
refused=$(ends reset-by-server)
in_ns pod bash -c 'exec 3<>/dev/tcp/10.232.3.28/8777' 2>/dev/null
check "a server that refuses" wait_for 30 at_least reset-by-server $((refused + 1))

# ---- a move by vipsafe ----------------------------------------------------------------------
twin_up
open moved pod 4 10.232.3.28 8899
deleted=$(ends deleted)
run del $TWIN dev br-mgmt
is "$RC" 0 "vipsafe del moves beside an observer"
unharmed moved "and protects as without one"
check "what was created again has not ended" counts deleted "$deleted"
job_end moved

daemon_end KILL
cp /run/vipsafe/ends "$T/ends"
size=$(stat -c %s "$T/ends")
check "the file is there after a kill" test "$size" -gt 400000
daemon_start
check "and taken up" wait_for 30 guard_live
# what has ended since then comes behind it
is "$(head -c "$size" /run/vipsafe/ends | tail -c 512 | cksum)" "$(tail -c 512 "$T/ends" | cksum)" "as it was"
nothing "$(nft list ruleset 2>/dev/null | grep vipsafe)" "no rule was ever made"
daemon_end TERM

# ---- no room ------------------------------------------------------------------------------
mkdir -p /run/small
mount -t tmpfs -o size=64k,mode=755 small /run/small || bail_out "no tmpfs"
config '[agent]' 'run_dir = /run/small' "socket = $SOCKET" '[device br-mgmt]' 'pin = off'
dd if=/dev/zero of=/run/small/full bs=4k 2>/dev/null
daemon_start
check "it observes without room in its run directory" wait_for 30 guard_live
open full pod 4 10.232.3.28 8899
# it stops at an entry that has just ended by itself, as those of the job before may
delete_all() { conntrack -D -p tcp --dport 8899 >/dev/null 2>&1; }
check "ends are counted" until_done at_least deleted 4 -- delete_all # those that are closing, too
check "and the log says that they are not remembered" wait_for 30 logged "not remembered"
check "the daemon lives on" answers
job_end full
done_testing
