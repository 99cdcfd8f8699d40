#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Connection mark and labels come back with a restored flow: a firewall that
# lets only marked (or labelled) flows pass lets it pass.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
masquerade
# Only the SYN marks a flow: what loses its entry is never marked again.
nft -f - <<'.' || bail_out "cannot set up the gate"
table inet gate {
	chain marks {
		type filter hook forward priority mangle;
		tcp dport 8001 tcp flags syn ct mark set 0x2a
		tcp dport 8002 tcp flags syn ct label set 7
		tcp dport 8003 tcp flags syn ct mark set 0x80000001 ct label set 100
	}
	chain gate {
		type filter hook forward priority filter;
		tcp dport 8001 ct mark != 0x2a drop
		tcp sport 8001 ct mark != 0x2a drop
		tcp dport 8002 ct label 7 accept
		tcp sport 8002 ct label 7 accept
		tcp dport 8003 ct mark 0x80000001 ct label 100 accept
		tcp sport 8003 ct mark 0x80000001 ct label 100 accept
		tcp dport { 8002, 8003 } drop
		tcp sport { 8002, 8003 } drop
	}
}
.

half() {
	local how=$1 port patience=30

	[ "$how" = vipsafe ] || patience=2 # which are stalled
	twin_up
	for port in 8001 8002 8003; do
		serve "srv-$port" node2 10.232.3.28 $port
		open $port pod 10 -t $patience 10.232.3.28 $port
	done
	leave "$how"
	judge "$how" stalled srv-8001 8001 "mark"
	judge "$how" stalled srv-8002 8002 "label"
	judge "$how" stalled srv-8003 8003 "mark and label"
	fresh
}

half bare
half vipsafe
done_testing
