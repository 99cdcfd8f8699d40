#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Flows of the address that leaves are not brought back: they would go on
# sending from an address the node no longer has. What `ip addr del` does to
# them is what vipsafe does.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

# 192.168.11.6 takes over as source when 192.168.11.7 goes.
topo_pod
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 1
ip addr add 192.168.11.6/24 dev br-mgmt
masquerade

sources() { # of the flows NAME, as the server saw them last
	local i

	ask "$1" ports
	for ((i = 1; i <= FLOWS[$1]; i++)); do
		echo "${REPLY#* }"
		[ "$i" = "${FLOWS[$1]}" ] || hear "$1"
	done | cut -d' ' -f1 | sort | uniq -c | awk '{ print $1, $2 }'
}

# as in the beginning: the other one is secondary
again() {
	ip addr del 192.168.11.6/24 dev br-mgmt 2>/dev/null
	ip addr replace 192.168.11.7/24 dev br-mgmt
	ip addr add 192.168.11.6/24 dev br-mgmt
	ip route replace 10.232.3.0/24 via 192.168.11.8
}

flushed() { no_entries --reply-src 10.232.3.28 --reply-dst 192.168.11.7; }

half() {
	local how=$1

	serve tcp node2 10.232.3.28 8899
	serve udp node2 -u 10.232.3.28 8899
	open tcp-pod pod 20 10.232.3.28 8899
	open udp-pod pod 20 -u 10.232.3.28 8899
	is "$(sources udp-pod)" "20 192.168.11.7" "$how: flows leave as 192.168.11.7"
	# Nobody has to wait for this flush but we; and when many are under way in other
	# namespaces the kernel leaves it out.
	for _ in 1 2 3 4 5 6; do
		case $how in
		bare) ip addr del 192.168.11.7/24 dev br-mgmt ;;
		vipsafe) run --json --strategy restore del 192.168.11.7/24 dev br-mgmt ;;
		esac
		! wait_for 5 flushed || break
		again
	done
	flushed || bail_out "$how: nothing flushed"
	if [ "$how" = vipsafe ]; then
		is "$RC" 0 "vipsafe del: exit code"
		is "$(json '[.result, .entries.restored, .entries.lost] | @text')" '["ok",0,0]' \
			"vipsafe del: nothing restored, nothing missed"
	fi
	ask udp-pod ping
	is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=20" "$how: UDP flows begin anew"
	is "$(sources udp-pod)" "20 192.168.11.6" "$how: as 192.168.11.6"
	ask tcp-pod ping
	like "$REPLY" "alive=0 reset=(19|20) " "$how: TCP flows end"
	fresh
}

half bare
again
half vipsafe
done_testing
