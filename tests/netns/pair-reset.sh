#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Connections that ended on the node that was switched off, at a server of its own on the VIP: no
# state comes over. Who speaks is answered with a reset by the new master, at the first segment
# that reaches it. Who is silent learns nothing, unless the instance says vip_flows = reset: then
# the clients that conntrackd's cache has told of are reset at once, and nobody else is touched.
# shellcheck source=tests/netns/lib/gateways.sh
. "$(dirname "$0")/lib/gateways.sh"; netns_main "$@"
need_gateways
IDLE=${PAIR_IDLE:-1000}
SERVICE=8900 BEHIND=8901

established() { in_ns cl ss -Htn state established "( dport = :$SERVICE )" | wc -l; }
are_established() { [ "$(established)" = "$1" ]; }
told_of() { # N, to the service
	[ "$(ctd_does b -e ct | grep -c "ESTABLISHED.* dport=$SERVICE ")" -ge "$1" ]
}
add_of() { # ADDRESS FILTER: of the last add of it on B
	vipsafe_on b --json history |
		jq -r "map(select(.op == \"add\" and (.addresses | index(\"$1\"))))[0].$2"
}
services_start() {
	local node

	for node in a b; do
		serve sv-$node n$node :: $SERVICE
	done
}
# watch: what B hears and says of the service, into $T/heard, by tcpdump; without what the switch
# sends to all
watch() {
	local mac

	mac=$(ip -n nb -j link show in0 | jq -r '.[].address')
	: >"$T/heard"
	sniff heard nb in0 -tt "tcp port $SERVICE and ether host $mac"
}
has_reset() { [ "$(grep -c "$SERVICE > .*Flags .R" "$T/heard")" -ge "$1" ]; }

# ---- who speaks, and who does not ------------------------------------------------------------
topo_gateways
services_start
pair_start FTFW 'conntrackd = yes' 'commit_max = 10s'
PATIENCE=60
open idle cl 50 -t $PATIENCE 10.1.0.1 $SERVICE
open speaking cl 50 -t $PATIENCE 10.1.0.1 $SERVICE
wait_for 60 told_of 100
watch
power_off a
tell speaking ping # and they try again until they are answered
check "A is switched off: B takes over" wait_for 60 has_vips b
hear speaking 120
is "$REPLY" "ping alive=0 reset=50 stalled=0 changed=0" "who speaks is reset"
wait_for 60 has_reset 50
sniff_end heard
is "$(awk -v vip="10.1.0.1.$SERVICE" '
	$3 == vip && /Flags \[R/ { sub(/:$/, "", $5); if (!done[$5]++) { n++; if (heard[$5] > most) most = heard[$5] } }
	$5 == vip ":" { heard[$3]++ }
	END { print n + 0, most + 0 }' "$T/heard")" "50 1" "each by B, at the first segment that has reached it"
is "$(add_of 10.1.0.1/32 vip_flows.tickled)" 0 "nobody is asked"
check "who is silent learns nothing" not wait_for 5 not are_established 50
ask idle ping 120
is "$REPLY" "ping alive=0 reset=50 stalled=0 changed=0" "until it speaks"
jobs_end
pair_end

# ---- the control: without the reset of the new master --------------------------------------------
services_start
pair_start FTFW 'conntrackd = yes' 'commit_max = 10s'
open speaking cl 50 -t 10 10.1.0.1 $SERVICE
wait_for 60 told_of 50
in_ns nb nft 'add table ip mute; add chain ip mute out { type filter hook output priority 0; };
	add rule ip mute out tcp flags rst drop'
power_off a
check "B takes over, and a firewall of its own drops its resets" wait_for 60 has_vips b
ask speaking ping 120
is "$REPLY" "ping alive=0 reset=0 stalled=50 changed=0" "who speaks hangs"
in_ns nb nft delete table ip mute
jobs_end
pair_end

# ---- vip_flows = reset -------------------------------------------------------------------------------
services_start
servers_start
serve behind cl 10.1.0.50 $BEHIND
for x in a b; do
	in_ns n$x nft "table ip forth { chain pre { type nat hook prerouting priority dstnat;
		ip daddr 192.168.11.100 tcp dport $BEHIND dnat to 10.1.0.50; }; }"
done
pair_start FTFW 'conntrackd = yes' 'commit_max = 10s' 'vip_flows = reset'
open idle cl "$IDLE" -t $PATIENCE 10.1.0.1 $SERVICE
open idle6 cl 50 -t $PATIENCE fd00:1::1 $SERVICE
open through sv 20 -t $PATIENCE 192.168.11.100 $BEHIND
open ownb nb 10 -t $PATIENCE 192.168.11.60 8899
flows_open 10
ALL=$((10 * ${#FLOW_KINDS[@]}))
wait_for 60 replicated b 10
wait_for 60 told_of $((IDLE + 50))
is "$(established)" $((IDLE + 50)) "$IDLE clients are connected, and silent"
watch
how_slow() { # the longest of all times so far that a hundred programs took to begin and to end, in ms
	local begun i took

	begun=$(date +%s%N)
	for ((i = 0; i < 100; i++)); do /bin/true; done
	took=$((($(date +%s%N) - begun) / 1000000))
	[ $took -le $slow ] || slow=$took
}
slow=0
how_slow
power_off a
check "A is switched off: B takes over" wait_for 60 has_vips b
check "all of them are reset, and have said nothing" wait_for 60 are_established 0
wait_for 60 has_reset $((IDLE + 50))
how_slow
sniff_end heard
took=$(awk '
	/\.'$SERVICE' > .*Flags \[\.\]/ && !first { first = $1 }
	/\.'$SERVICE' > .*Flags \[R/ { last = $1 }
	END { printf "%d", (last - first) * 1000 }' "$T/heard")
diag "$IDLE clients were reset within $took ms (a hundred programs take $slow ms)"
check "within a second" test "$took" -le $((1000 + 5 * slow))
is "$(add_of 10.1.0.1/32 vip_flows.policy) $(add_of 10.1.0.1/32 vip_flows.tickled)" "reset $((IDLE + 50))" \
	"the report counts whom it has asked"
check "and who was reset in time" test "$(add_of 10.1.0.1/32 vip_flows.reset)" -ge $((IDLE / 2))
is "$(add_of 192.168.11.100/32 vip_flows.tickled)" 0 "of those that pass through nobody is asked"
flows_ping
is "alive $ALIVE reset $RESET stalled $STALLED changed $CHANGED" \
	"alive $ALL reset 0 stalled 0 changed 0" "what is translated to the VIP lives on"
unharmed through "and what passes through it to a server behind"
unharmed ownb "and what B has itself"
open anew cl 20 -t $PATIENCE 10.1.0.1 $SERVICE
unharmed anew "new clients are served"
jobs_end
done_testing
