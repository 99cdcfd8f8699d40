#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Moves through a guard: with everything pinned nothing is listed, and the delete
# that flushes the connections of a bare node (tests/netns/lib/pair.sh) harms none.
# The flows of the address itself go, stay or are reset as asked. And what works
# beside the guard with rules of its own leaves it able to hold.
# shellcheck disable=SC2317,SC2153 # functions given to wait_for and check; VIPSAFE is netns.sh's
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
VIPSAFED=$BUILD/vipsafed
[ -x "$VIPSAFED" ] || bail_out "no $VIPSAFED"

topo_pod
masquerade iptables
printf '[device br-mgmt]\npin = continuous\npin_after = 500ms\n' >"$T/conf"
serve server node2 10.232.3.28 8899
serve userver node2 -u 10.232.3.28 8899

status() { jsons status 2>/dev/null | jq -r ".devices[0] | $1"; }
is_live() { [ "$(status .state)" = live ]; }
pinned_at_least() { [ "$(status .pinned)" -ge "$1" ] 2>/dev/null; }
has_rules() { nft list tables | grep -q vipsafe; }
alive() { # NAME WHAT
	ask "$1" ping
	is "$REPLY" "ping alive=${FLOWS[$1]} reset=0 stalled=0 changed=0" "$2"
}

# ---- the control: nobody guards --------------------------------------------------------
# The kernel drops a flush when many are waiting to be done, in other namespaces
# too: then once more.
flushed() { no_entries --reply-src 10.232.3.28 --reply-dst 192.168.11.7; }
open bare node1 10 10.232.3.28 8899
for ((try = 0; try < 10; try++)); do
	twin_up
	ip addr del $TWIN dev br-mgmt
	! wait_for 2 flushed || break
done
check "a bare delete flushes them" flushed
judge bare reset server bare "a bare delete"
job_end bare

# ---- through the guard -------------------------------------------------------------------
"$VIPSAFED" --config "$T/conf" 2>"$T/vipsafed.log" &
GUARD=$!
check "the guard comes up" wait_for 20 is_live
open local node1 30 10.232.3.28 8899
open pod pod 30 10.232.3.28 8899
open udp pod 10 -u 10.232.3.28 8899
check "all of them get pinned" wait_for 20 pinned_at_least 70
for ((i = 1; i <= 3; i++)); do
	twin_up
	run --json --strategy pin del $TWIN dev br-mgmt
	is "$RC $(json '[.before, .changed, .entries.lost] | @text')" '0 ["shadow",true,0]' \
		"delete $i: by what the guard knows"
	is "$(json '.entries | .pinned >= 70 and .pinned == .candidates')" true \
		"delete $i: everything was pinned"
done
for name in local pod udp; do alive $name "$name: alive, same source port"; done
is "$(status .repairs)" 0 "nothing had to be repaired"

# Too young to be pinned: the run pins them.
open unpinned pod 10 10.232.3.28 8899
twin_up
run --json --strategy pin del $TWIN dev br-mgmt
is "$(json '[.before, .entries.lost] | @text')" '["shadow",0]' "unpinned connections: none lost"
alive unpinned "unpinned connections: alive"
run --json --strategy restore add $TWIN dev br-mgmt
run --json --strategy restore del $TWIN dev br-mgmt
is "$(json '[.before, .entries.lost] | @text')" '["dump",0]' "another strategy looks for itself"

# ---- the flows of the address --------------------------------------------------------------
# They leave as 192.168.11.100: a rule before the masquerading one says so.
iptables -w 5 -t nat -I POSTROUTING -o br-mgmt -d 10.232.3.28 -p tcp --dport 7700 \
	-j SNAT --to-source 192.168.11.100
serve vipserver node2 10.232.3.28 7700
of_vip() { entries -p tcp --reply-dst 192.168.11.100 --dport 7700; }
pinned_of_vip() { [ "$(of_vip)" = "$1" ] && pinned_at_least $((80 + $1)); }
for policy in keep drop; do
	ip addr add 192.168.11.100/32 dev br-mgmt
	open "vip$policy" pod 10 10.232.3.28 7700
	check "$policy: its flows are pinned" wait_for 20 pinned_of_vip 10
	run --json --strategy pin --vip-flows $policy del 192.168.11.100/32 dev br-mgmt
	is "$RC $(json '[.before, .vip_flows.policy] | @text')" "0 [\"shadow\",\"$policy\"]" \
		"$policy: deleted by what the guard knows"
	if [ $policy = keep ]; then
		is "$(of_vip)" 10 "keep: its flows stay"
		# the time the guard takes over what is lost, several times over
		fewer() { [ "$(of_vip)" -lt 10 ]; }
		check "keep: and are not taken for lost" not wait_for 1 fewer
		ip addr add 192.168.11.100/32 dev br-mgmt
		alive vipkeep "keep: they go on when it comes back"
		ip addr del 192.168.11.100/32 dev br-mgmt
	else
		is "$(json .vip_flows.removed)" 10 "drop: they are counted"
		is "$(of_vip)" 0 "drop: and gone"
	fi
	job_end "vip$policy"
	conntrack -D -p tcp --dport 7700 >/dev/null 2>&1
done
for name in local pod udp unpinned; do alive $name "$name: untouched by all that"; done

# ---- beside the guard ------------------------------------------------------------------------
ip addr add 192.168.11.101/32 dev br-mgmt
run --local --json del 192.168.11.101/32 dev br-mgmt
is "$RC" 0 "a run of its own beside the guard"
run recover
is "$RC" 0 "recover beside the guard"
open later pod 10 10.232.3.28 8899
later() { is_live && has_rules && pinned_at_least 90; }
check "what comes later is pinned, under rules that are there again" wait_for 20 later
for name in local pod udp unpinned later; do alive $name "$name: alive after it"; done

kill $GUARD
wait $GUARD 2>/dev/null
check "no rule is left behind" not has_rules
is "$(find /run/vipsafe -name 'slot-*' -o -name 'move-*' | wc -l)" 0 "nor a journal"
jobs_end
done_testing
