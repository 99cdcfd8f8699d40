#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a stop does with the addresses of the daemon's instances: they stay, or,
# with on_stop = release, go as any other address goes: with its connections
# kept. What is not an instance's stays in any case.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

topo_pod
masquerade
serve srv node2 10.232.3.28 8899

# setup ON_STOP: two addresses of an instance that is master, one of nobody
setup() {
	config '[agent]' "on_stop = $1" '[device br-mgmt]' 'pin = continuous' \
		'[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.100/32' \
		"address = $TWIN"
	daemon_start
	wait_for 20 guard_live
	run notify INSTANCE VI_1 MASTER 100
	is "$RC" 0 "$1: master"
	both() { has_addr 192.168.11.100/32 br-mgmt && has_addr "$TWIN" br-mgmt; }
	check "$1: its addresses are there" wait_for 20 both
	ip addr add 192.168.11.150/32 dev br-mgmt
}

setup keep
open flows pod 20 10.232.3.28 8899
daemon_end TERM
is $? 0 "keep: it ends"
check "keep: the addresses stay" both

# ---- a second one that cannot start releases nothing --------------------------------
setup release
"$VIPSAFED" --config "$CONF" 2>"$T/err"
check "a second daemon is refused" grep -q "already running\" pid=$DAEMON$" "$T/err"
check "and takes no address along" both
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
check "nor does one that is killed" both

# ---- a clean stop -----------------------------------------------------------------------
daemon_start
check "the guard is live" wait_for 20 guard_live
run notify INSTANCE VI_1 MASTER 100
check "connections are pinned" wait_for 20 pinned_at_least 20
daemon_end TERM
is $? 0 "release: it ends"
check "release: its addresses are gone" not has_addr 192.168.11.100/32 br-mgmt
check "release: all of them" not has_addr $TWIN br-mgmt
check "release: what is nobody's stays" has_addr 192.168.11.150/32 br-mgmt
check "release: and the node's own" has_addr 192.168.11.7/24 br-mgmt
unharmed flows "release: the connections live"
is "$(nft list tables | grep -c vipsafe)" 0 "no rule is left behind"

# ---- the control: the same by ip(8) -------------------------------------------------------
job_end flows
serve other node2 10.232.3.28 8900
open bare pod 20 10.232.3.28 8900
come_and_go() {
	twin_up
	ip addr del "$TWIN" dev br-mgmt
}
flushed_by come_and_go -p tcp --dport 8900
harmed bare "without it, they are lost"
jobs_end
done_testing
