#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafed with pin = continuous: a link bounce, which flushes the masqueraded
# entries of a device on every kernel, flushes nothing; without the guard the
# same bounce loses the connections. And when an address is really gone, what
# was pinned to it goes too.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_pod
masquerade
config '[device br-mgmt]' 'pin = continuous' 'pin_after = 500ms'

guard_start() {
	daemon_start
	check "$1" wait_for 60 guard_live
}

serve server node2 10.232.3.28 8899
serve userver node2 -u 10.232.3.28 8899

# ---- the control: nobody guards --------------------------------------------------------

open bare node1 10 10.232.3.28 8899
open bare-pod pod 10 10.232.3.28 8899
flushed_by bounce -p tcp --dport 8899
harmed bare "without a guard a link bounce loses local connections"
harmed bare-pod "and forwarded ones"
job_end bare
job_end bare-pod
# what closes late would be pinned and counted below, in the place of one that is not yet
flushed_by bounce -p tcp --dport 8899

# ---- guarded ------------------------------------------------------------------------------

open before node1 20 10.232.3.28 8899
guard_start "the guard comes up"
open local node1 40 10.232.3.28 8899
open pod pod 40 10.232.3.28 8899
open udp pod 10 -u 10.232.3.28 8899
check "all of them get pinned" wait_for 60 pinned_at_least 110
for ((i = 0; i < 5; i++)); do
	bounce
	ip addr add 192.168.11.100/32 dev br-mgmt
	ip addr del 192.168.11.100/32 dev br-mgmt
done
for name in before local pod udp; do
	unharmed $name "$name: bounces and address deletes by others harm nothing"
done
before=$(guard .pins)
for name in before local pod udp; do ask $name ping; done
is "$(guard '"\(.pin_failures) \(.repairs)"')" "0 0" "nothing had to be repaired"
is "$(guard .pins)" "$before" "and what is pinned is not pinned again"

# ---- an address that is really gone ----------------------------------------------------------

ip addr add 192.168.11.9/24 dev br-mgmt
ip addr del 192.168.11.9/24 dev br-mgmt
check "entries of another address stay" pinned_at_least 110
put /proc/sys/net/ipv4/conf/all/promote_secondaries 1
ip addr add 192.168.11.20/24 dev br-mgmt
none_left() { no_entries -p tcp --reply-dst 192.168.11.7 --dport 8899; }
ip addr del 192.168.11.7/24 dev br-mgmt
check "entries translated to a lost address are removed" wait_for 20 none_left

# ---- killed and started again --------------------------------------------------------------------

ip addr add 192.168.11.7/24 dev br-mgmt
ip addr del 192.168.11.20/24 dev br-mgmt
ip route replace 10.232.3.0/24 via 192.168.11.8 src 192.168.11.7
jobs_end
serve server2 node2 10.232.3.28 8899
open again node1 20 10.232.3.28 8899
check "new connections are pinned" wait_for 60 pinned_at_least 20
daemon_end KILL
bounce
unharmed again "what a killed guard has pinned stays pinned"
ids() { conntrack -L -p tcp --reply-dst 192.168.11.7 --dport 8899 -o id 2>/dev/null | grep -o 'id=[0-9]*' | sort; }
ids >"$T/ids"
guard_start "a new one takes over"
check "which knows what is pinned" wait_for 60 pinned_at_least 20
unharmed again "and disturbs nothing"
if [ "$(printf '%s\n' 4.19 "$(uname -r)" | sort -V | head -n 1)" = 4.19 ]; then
	is "$(ids | comm -3 "$T/ids" -)" "" "nor pins it once more, as the entries themselves tell"
else
	skip "nor pins it once more" "before Linux 4.19 an entry does not tell that it was made"
fi
daemon_end TERM
is "$(nft list tables | grep -c vipsafe)" 0 "no rule is left behind"
bounce
unharmed again "a clean stop leaves the connections pinned"
jobs_end
done_testing
