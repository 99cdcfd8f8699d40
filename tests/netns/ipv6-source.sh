#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the node itself begins outlives the move of an IPv6 VIP: such an address
# is nobody's source unless that was asked for.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe

topo_nodes
V6=fd00:11::100/128
serve srv node2 fd00:3::28 8899

# own NAME: connections of the node itself while the VIP is there, which then goes
own() {
	open "$1" node1 10 fd00:3::28 8899
	run del $V6 dev br-mgmt
	is "$RC" 0 "$1: the VIP goes"
	ask "$1" ping
}
alive() { REPLY=${REPLY#*alive=}; echo "${REPLY%% *}"; }

run add $V6 dev br-mgmt preferred_lft forever
own forever
check "preferred for ever: the node's own connections die with it ($REPLY)" [ "$(alive)" -le 1 ]
run add $V6 dev br-mgmt
own unless
is "$(alive)" 10 "unless that is asked for they live"
printf '%s\n' '[instance VI_1]' 'device = br-mgmt' "address = $V6" >"$T/conf"
"$VIPSAFE" --config "$T/conf" notify INSTANCE VI_1 MASTER
wait_for 20 has_addr $V6 br-mgmt || bail_out "the instance has no address"
own instance
is "$(alive)" 10 "and so they do with an instance's address"
done_testing
