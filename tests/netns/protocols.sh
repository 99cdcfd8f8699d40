#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Flows of every layer 4 protocol the kernel tracks, and of one it does not
# know, outlive the delete of a VIP.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
masquerade
# flow answers echo requests itself, with the id it saw
in_ns node2 sh -c 'echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all'
# UDP-Lite over veth is INVALID to conntrack here with its checksum test on
# (the checksum is right on the wire), so never translated.
put /proc/sys/net/netfilter/nf_conntrack_checksum 0

# What the test needs: a tracked entry of that protocol with ports, or none.
tracked() { conntrack -L -p "$1" 2>/dev/null | grep -q "src=10.232.1.5 .*dst=192.168.11.7.*$2"; }

declare -A LOSS=([udplite]=changed [icmp]=changed [sctp]=changed [gre]=deaf [253]=deaf)
USED=

# The protocols this kernel can do, found by trying, into USED.
probe_protocols() {
	local p

	for p in udplite icmp sctp gre 253; do
		job "try-$p" in_ns pod "$FLOW" serve -p $p 10.232.1.5 1
		if hear "try-$p" 5 && [ "$REPLY" = ready ]; then
			USED="$USED $p"
		else
			skip "$p" "no such socket here"
		fi
		job_end "try-$p"
	done
	if [ -e /proc/sys/net/netfilter/nf_conntrack_dccp_loose ]; then
		skip dccp "tracked here, but flow speaks no DCCP yet"
	else
		skip dccp "this kernel does not track it: the same as an unknown protocol"
	fi
}

half() {
	local how=$1 p n patience=30

	[ "$how" = vipsafe ] || patience=1 # some are stalled
	twin_up
	for p in $USED; do
		[ "${LOSS[$p]}" = deaf ] && n=1 || n=3
		serve "srv-$p" node2 -p "$p" 10.232.3.28 8899
		open "$p" pod $n -t $patience -p "$p" 10.232.3.28 8899
	done
	leave "$how"
	for p in $USED; do
		judge "$how" "${LOSS[$p]}" "srv-$p" "$p" "protocol $p"
	done
	[ "$how" = bare ] || for p in $USED; do
		check "protocol $p: the flow was a translated one" tracked "$p" ""
	done
	fresh
}

probe_protocols
half bare
half vipsafe
done_testing
