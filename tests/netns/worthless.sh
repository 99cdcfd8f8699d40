#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One unprivileged UDP socket sends to thousands of ports, where nobody answers. Each
# of its entries costs the kernel a hundred times what another costs to create, and
# they are listed among the others: the established connections of everybody else live
# all the same, by vipsafe del with and without time enough, and by the guard, and the
# daemon goes on answering.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

CROWD=${CROWD:-20000} WORTHY=50

topo_pod
masquerade
know_verdict affected
put /proc/sys/net/netfilter/nf_conntrack_udp_timeout 900
serve server node2 10.232.3.28 8899
# nobody answers, not even that nobody listens
in_ns node2 nft -f - <<'.' || bail_out "cannot silence node2"
	table ip silent {
		chain in {
			type filter hook prerouting priority -400
			udp dport 1-65535 ip saddr 192.168.11.7 drop
		}
	}
.

crowd() { entries -p udp --reply-src 10.232.3.28 --reply-dst 192.168.11.7; }
crowd_is_there() { [ "$(crowd)" -ge "$CROWD" ]; }

# The connections are opened in the midst of it, so that no order of the table helps.
fill() {
	twin_up
	in_ns pod "$FLOW" spray -n $((CROWD / 2)) -P 1024 10.232.3.28 0 >/dev/null ||
		bail_out "cannot send"
	open pod pod $WORTHY 10.232.3.28 8899
	in_ns pod "$FLOW" spray -n $((CROWD - CROWD / 2)) -P 30000 10.232.3.28 0 >/dev/null ||
		bail_out "cannot send"
	check "$1: the crowd is there" wait_for 20 crowd_is_there
}

delete_and_add() {
	ip addr add "$TWIN" dev br-mgmt 2>/dev/null
	ip addr del "$TWIN" dev br-mgmt
}

# ---- the control ------------------------------------------------------------------------
fill "control"
flushed_by delete_and_add --reply-src 10.232.3.28 --reply-dst 192.168.11.7
harmed pod "without vipsafe the connections break"
fresh
serve server node2 10.232.3.28 8899

# ---- by vipsafe del, which has not time enough for all ------------------------------------
# Whether it had not even the time to read the table, and to see to as many as are to live.
too_slow() {
	[ "$(json '[.warnings[].code] | index("cut-snapshot")')" != null ] ||
		[ "$(json '.entries | .pinned + .restored')" -lt $WORTHY ]
}
for strategy in pin restore; do
	for seconds in 1 5 25; do # a slow machine is given more
		[ $seconds = 1 ] || fresh
		[ $seconds = 1 ] || serve server node2 10.232.3.28 8899
		fill "$strategy"
		run --json --local --timeout $seconds --strategy $strategy del $TWIN dev br-mgmt
		too_slow || break
		diag "$strategy: $seconds s are too short here: $(json '.entries | del(.reasons) | tojson')"
	done
	check "$strategy: exit code ($RC)" test "$RC" = 0 -o "$RC" = 6 -o "$RC" = 3
	check "$strategy: the counts add up" adds_up "$T/out"
	diag "$strategy: $(json '.entries | del(.reasons) | tojson')"
	unharmed pod "$strategy: every established connection lives"
	# what is still there is what is said to be: nothing is called kept and flushed later
	kept=$(json '.entries | if .kept == .untouched + .pinned + .restored then .kept else -1 end')
	check "$strategy: of $kept that are said to be there $(entries --reply-dst 192.168.11.7) are" \
		test "$(entries --reply-dst 192.168.11.7)" -ge "$((kept - 5))"
	fresh
	serve server node2 10.232.3.28 8899
done

# ---- by the guard, of somebody else's delete ------------------------------------------------
for mode in on-demand continuous; do
	config '[device br-mgmt]' "pin = $mode"
	fill "$mode"
	daemon_start
	check "$mode: the guard is live" wait_for 60 guard_live
	case $mode in
	on-demand)
		knows_all() { [ "$(guard .unpinned)" -ge $((CROWD + WORTHY)) ]; }
		check "on-demand: all are known" wait_for 60 knows_all
		;;
	continuous)
		check "continuous: the connections are pinned" wait_for 60 pinned_at_least $WORTHY
		is "$(guard .pinned)" $WORTHY "continuous: and nothing that nobody answers"
		;;
	esac
	restored() { [ "$(guard '.restored + .lost')" -ge "$CROWD" ]; }
	began() { [ "$(guard '.restored + .lost')" -gt 0 ]; }
	until_done began -- delete_and_add
	check "$mode: what was flushed is put back" wait_for 120 restored
	unharmed pod "$mode: every established connection lives"
	is "$(guard .lost)" 0 "$mode: nothing is lost"
	daemon_end
	fresh
	serve server node2 10.232.3.28 8899
done

jobs_end
done_testing
