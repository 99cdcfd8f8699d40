#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Filters of del, plan and [device]: what is selected keeps its port, what is not is flushed, is not
# touched, and is counted as lost. Without vipsafe both are lost.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_pod
masquerade
nft 'table inet marks { chain pre { type filter hook prerouting priority -150
	tcp dport 8898 ct mark set 0x15; }; }' || bail_out "cannot mark"
N=8
serve web node2 10.232.3.28 8899
serve mail node2 10.232.3.28 8898
open_both() {
	open web_flows pod $N 10.232.3.28 8899
	open mail_flows pod $N 10.232.3.28 8898
}
mail_gone() { no_entries -p tcp --dport 8898; }
close_both() {
	job_end web_flows
	job_end mail_flows
	conntrack -F >/dev/null 2>&1
}
web_lives() { unharmed web_flows "$1: what is selected keeps its port"; }
mail_is_lost() { harmed mail_flows "$1: what is not selected is lost"; }

# ---- without vipsafe -------------------------------------------------------------

twin_up
open_both
leave bare -p tcp --reply-dst 192.168.11.7
judge bare reset web web_flows "selected"
judge bare reset mail mail_flows "not selected"
close_both

# ---- one command -----------------------------------------------------------------

# selected STRATEGY WORDS...: a delete with these filters protects the web flows only
selected() {
	local how=$1

	shift
	twin_up
	open_both
	run --json plan --strategy "$how" del $TWIN dev br-mgmt "$@"
	# an IGMP report of the node itself may count as one more
	is "$RC $(json ".entries.not_selected - $N | . >= 0 and . <= 2")" "0 true" \
		"$how $*: the plan counts what is not selected"
	run --json --strategy "$how" del $TWIN dev br-mgmt "$@"
	is "$RC $(json .result)" "0 ok" "$how $*: done as asked"
	is "$(json ".entries | .lost == .lost_not_selected and .lost >= $N and .lost + .not_selected <= $N + 2")" true \
		"$how $*: what is not selected is counted as lost"
	is "$(json '.entries | .pinned + .restored >= 8')" true "$how $*: the others are kept"
	check "$how $*: the counts add up" adds_up "$T/out"
	check "$how $*: what is not selected was not put back" mail_gone
	web_lives "$how $*"
	mail_is_lost "$how $*"
	close_both
}
selected restore proto tcp dport 8899
selected pin only dport 8899
selected pin except mark 0x15
selected restore only proto tcp dst 10.232.3.0/24 except dport 8890-8898

twin_up
open_both
run plan --strategy pin del $TWIN dev br-mgmt except dport 8898
like "$OUT" "not selected +($N|$((N + 1))) " "a plan says so in words"
run --strategy pin del $TWIN dev br-mgmt except dport 8898
like "$OUT" ", [0-9]+ not selected \([0-9]+ of them lost\)" "and so does the delete"
like "$ERR" "[0-9]+ connections lost \([0-9]+ not selected\):" "which names them"
close_both

run del $TWIN dev br-mgmt except
is "$RC" 1 "half a filter: 1"
like "$ERR" '^vipsafe: "except" names no connections: [^
]*$' "in one clear line"
run del $TWIN dev br-mgmt proto tpc
is "$RC" 1 "a protocol that is none: 1"
like "$ERR" '^vipsafe: proto "tpc" is not tcp, udp[^
]*$' "in one clear line"
run add $TWIN dev br-mgmt proto tcp
is "$RC" 1 "an add protects nothing: 1"

# ---- the guard --------------------------------------------------------------------

twin_up
config '[device br-mgmt]' 'pin = continuous' 'except = mark 0x15 ; proto udp # mail'
daemon_start
check "the guard comes up" wait_for 60 guard_live
open_both
check "what is selected gets pinned" wait_for 60 pinned_at_least $N
left_out() { [ "$(guard .not_selected)" -ge "$1" ]; }
check "what is not is counted" wait_for 60 left_out $N
is "$(guard '.except | @text')" '["mark 0x15","proto udp"]' "and by which filters"
run status
like "$OUT" 'br-mgmt: [0-9]+ connections are not selected' "status says so"
run connections not-selected proto tcp
is "$(grep -c 'dport=8898 .*# not-selected br-mgmt$' <<<"$OUT")" $N "connections shows them"
run --config "$CONF" --local connections not-selected proto tcp
is "$(grep -c 'dport=8898 .*# not-selected br-mgmt$' <<<"$OUT")" $N "without the daemon, too"
pins=$(guard .pins)

twin_goes() {
	has_addr $TWIN br-mgmt || twin_up
	ip addr del $TWIN dev br-mgmt
}
check "what is not selected is flushed" until_done mail_gone -- twin_goes
web_lives "a foreign delete"
mail_is_lost "a foreign delete"
lost() { [ "$(guard .lost)" -ge "$1" ]; }
check "and counted as lost" wait_for 60 lost $N
is "$(guard .pins)" "$pins" "nothing more was pinned"
close_both

twin_up
open_both
check "again it is pinned" wait_for 60 pinned_at_least $N
check "again it is counted" wait_for 60 left_out $N
run --json del $TWIN dev br-mgmt
is "$RC $(json '.before, .entries.lost == .entries.lost_not_selected' | xargs)" "0 shadow true" \
	"a delete that the guard serves selects as its guard does"
web_lives "a delete with the guard"
close_both

config '[device br-mgmt]' 'pin = continuous'
run reload
is "$RC" 0 "other settings are read"
open_both
check "then all get pinned" wait_for 60 pinned_at_least $((2 * N))
is "$(guard '.only + .except | length')" 0 "and no filter is left"
config '[device br-mgmt]' 'only = proto tcp dport 8899' 'only = prot udp'
run reload
is "$RC" 78 "a filter that is none: 78"
like "$ERR" ':3: unknown word "prot"' "with its line"
check "the guard goes on" guard_live
daemon_end
done_testing
