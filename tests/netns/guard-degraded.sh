#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What keeps the guard from guarding shows in the status, with the reason; the
# address changes are done all the same, and once the cause is gone the guard
# is there again.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

EVENTS=/proc/sys/net/netfilter/nf_conntrack_events

topo_pod
masquerade
serve srv node2 10.232.3.28 8899

# moves WHAT: by the daemon, and with the result that was asked for
moves() {
	run --json add 192.168.11.100/32 dev br-mgmt
	is "$RC" 0 "$1: add is done"
	check "$1: the address is there" has_addr 192.168.11.100/32 br-mgmt
	run --json --timeout 120 del 192.168.11.100/32 dev br-mgmt
	like "$RC" '^[04]$' "$1: del is done"
	check "$1: the address is gone" not has_addr 192.168.11.100/32 br-mgmt
}

state_is() { [ "$(guard .state)" = "$1" ]; }
reason_is() { [[ $(guard .reason) =~ $1 ]]; }

# ---- more connections than may be known ----------------------------------------------
config '[agent]' 'shadow_max = 1000' '[device br-mgmt]' 'pin = continuous'
daemon_start
check "the guard is live" wait_for 20 guard_live
open many pod 1100 -t 30 10.232.3.28 8899
check "too many: the status says so" wait_for 30 reason_is 'more connections than shadow_max = 1000'
run status
like "$OUT" 'shadow_max = 1000' "in its text as well"
moves "too many"
twin_up
run --json --strategy pin --timeout 120 del $TWIN dev br-mgmt
is "$RC $(json .entries.lost)" "0 0" "too many: a delete that flushes loses none"
unharmed many "too many: those beyond are protected by it, too"
job_end many
conntrack -D -p tcp --dport 8899 >/dev/null 2>&1
not_full() { [ -z "$(guard .reason)" ]; }
check "fewer again: so does the status" wait_for 60 not_full
daemon_end TERM

# ---- no events --------------------------------------------------------------------------
if put $EVENTS 0 && [ "$(cat $EVENTS)" = 0 ]; then
	daemon_start
	check "no conntrack events: degraded" wait_for 20 state_is degraded
	like "$(guard .reason)" '[a-z]' "with a reason: $(guard .reason)"
	check "and logged" logged 'msg="not guarded" dev=br-mgmt reason='
	moves "no events"
	put $EVENTS 1
	check "events again: live" wait_for 30 guard_live
	open few pod 5 10.232.3.28 8899
	check "and it pins" wait_for 30 pinned_at_least 5
	bounce
	unharmed few "which protects"
	job_end few
	daemon_end TERM
else
	skip "no conntrack events" "nf_conntrack_events cannot be changed here"
fi

# ---- netlink refuses ------------------------------------------------------------------------
bare() { setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$@"; }
if bare true 2>/dev/null; then
	DAEMON_UNDER=(setpriv --bounding-set=-net_admin --inh-caps=-net_admin)
	daemon_start
	check "no capability: degraded" wait_for 20 state_is degraded
	like "$(guard .reason)" 'not permitted' "with the reason: $(guard .reason)"
	run --json add 192.168.11.100/32 dev br-mgmt
	is "$RC" 77 "the kernel permits no change, and that is said"
	run --local add 192.168.11.100/32 dev br-mgmt
	is "$RC" 0 "who may does it without the daemon"
	daemon_end TERM
	is $? 0 "it ends as always"
else
	skip "netlink refuses" "no capability can be dropped here"
fi
is "$(nft list tables | grep -c vipsafe)" 0 "no rule is left behind"
jobs_end
done_testing
