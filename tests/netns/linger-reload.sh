#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Connections linger, and the configuration changes: a longer time and none at all apply to them
# at once, and a device that is guarded no longer has nobody to remove them later.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

N=${N:-10}
OWN=192.168.11.7
topo_pod
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
ip addr add 192.168.11.6/24 dev br-mgmt # the source when the other is gone
masquerade
serve server node2 10.232.3.28 8899

route() { ip route replace 10.232.3.0/24 via 192.168.11.8; }
behind_own() { entries -p tcp --dport 8899 --reply-dst $OWN; }
none_behind_own() { no_entries -p tcp --dport 8899 --reply-dst $OWN; }
lingers() { [ "$(guard .lingering_entries)" = "$N" ]; }
none_lingers() { [ "$(guard .lingering_entries)" = 0 ]; }
reload() {
	config "$@"
	kill -HUP "$DAEMON"
	check "$how: reloaded" wait_for 20 eval "[ \$(grep -c 'configuration reloaded' '$DAEMON_LOG') -gt $reloads ]"
	reloads=$((reloads + 1))
}
# vanish HOW: N connections, pinned, and their address goes
vanish() {
	how=$1
	open g pod "$N" 10.232.3.28 8899
	is "$(behind_own)" "$N" "$how: they are translated to the address that will go"
	check "$how: pinned" wait_for 60 pinned_at_least "$N"
	ip addr del $OWN/24 dev br-mgmt
	route
	check "$how: they linger" wait_for 20 lingers
}
again() {
	job_end g
	ip addr del 192.168.11.6/24 dev br-mgmt
	ip addr add $OWN/24 dev br-mgmt
	ip addr add 192.168.11.6/24 dev br-mgmt
	route
	conntrack -F 2>/dev/null
}

reloads=0
config '[device br-mgmt]' 'pin = continuous' 'linger = 10min'
daemon_start
vanish "shorter"
like "$(guard .linger_us) $(guard '.lingering[0].address')" "^600000000 $OWN\$" "shorter: status names the address"
run status
check "shorter: in words, too" grep -q "br-mgmt: $OWN is gone; its $N connections linger for 59[0-9]" "$T/out"
reload '[device br-mgmt]' 'pin = continuous' 'linger = 0'
check "shorter: they go" wait_for 20 none_behind_own
again

reload '[device br-mgmt]' 'pin = continuous' 'linger = 10min'
vanish "back"
reload '[device br-mgmt]' 'pin = continuous' 'linger = 9min'
check "back: they linger on" lingers
ip addr add $OWN/32 dev br-mgmt
check "back: they linger no longer" wait_for 20 none_lingers
unharmed g "back: all live, as they were"
check "back: the log tells" wait_for 30 logged "$OWN is back after .*: $N connections kept"
run history
check "back: and the history" grep -q "linger .*$OWN .*back" "$T/out"
ip addr del $OWN/32 dev br-mgmt
again

vanish "unguarded"
reload '[agent]'
check "unguarded: they go" wait_for 20 none_behind_own
done_testing
