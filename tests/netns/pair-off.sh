#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A pair of gateways with the real keepalived and the real conntrackd: the master is switched off,
# boots again, and takes over again. What is translated to the VIP lives on each time, with the
# port that the server has seen at first, and nobody is sent a reset. Without "conntrackd" in the
# instance all of it is lost.
#
# PAIR_FLOWS=1250 for 10000 connections, PAIR_MODE=NOTRACK for conntrackd's other mode.
# shellcheck source=tests/netns/lib/gateways.sh
. "$(dirname "$0")/lib/gateways.sh"; netns_main "$@"
need_gateways
N=${PAIR_FLOWS:-100}
MODE=${PAIR_MODE:-FTFW}
ALL=$((N * ${#FLOW_KINDS[@]}))

# all_live WHAT
all_live() {
	flows_ping
	is "alive $ALIVE reset $RESET stalled $STALLED changed $CHANGED" \
		"alive $ALL reset 0 stalled 0 changed 0" "$1"
}
committed() { grep -h 'commit has taken' "$T/$1.ctd.log" | tail -n 1 | sed 's/.*notice. //'; }

topo_gateways
servers_start
pair_start "$MODE" 'conntrackd = yes' 'commit_max = 10s'
flows_open "$N"
open owna na 10 -t 60 192.168.11.60 8899
open ownb nb 10 -t 60 192.168.11.60 8899
check "conntrackd tells B of $ALL connections" wait_for 60 replicated b "$N"
resets_watch sv resets-sv
resets_watch cl resets-cl

# ---- power off ------------------------------------------------------------------------------
power_off a
flows_tell # and they try again until they are answered
check "A is switched off: B takes over" wait_for 60 has_vips b
flows_hear
is "alive $ALIVE reset $RESET stalled $STALLED changed $CHANGED" \
	"alive $ALL reset 0 stalled 0 changed 0" "all $ALL connections live on, same port"
diag "$(committed b)"
is "$(vipsafe_on b connections committed dev eth0 | grep -c 'dport=889[89]')" "$ALL" \
	"B's guard knows them as what they are"
like "$(vipsafe_on b explain "$(in_ns nb conntrack -L -p tcp -s 10.1.0.50 --dport 8899 2>/dev/null | head -n 1)")" \
	"committed from the peer" "and explain says so"
is "$(vipsafe_on b --json status | jq -r '.instances[0].commit.outcome')" "done" "and the status how they came"
is "$(guard_of b .committed) $(guard_of b .committed_unsure)" "$ALL 0" "and how many"
check "they are not pinned anew" test "$(guard_of b .pins)" -le 10
unharmed ownb "what B has itself does not notice"

# ---- what was committed is kept like what B has made ----------------------------------------
lingered() { [ "$(guard_of "$1" .linger_back)" -ge 1 ] && [ "$(guard_of "$1" .lingering_entries)" = 0 ]; }
ip -n nb addr del 192.168.12.100/24 dev eth0
check "somebody deletes an address of B: it comes back" wait_for 60 has_vips b
check "what was committed for it has lingered" wait_for 60 lingered b
all_live "and lives on"

# ---- it boots, and is to be master again ----------------------------------------------------
job_end owna
power_on a
echo 0 >"$T/a.prio"
raise b 150
node_start a
open owna na 10 -t 60 192.168.11.60 8899
check "A boots: conntrackd tells it of all" wait_for 60 replicated a "$N"
job busy in_ns cl "$FLOW" busy -n 20 -d 5 -t 60 192.168.11.60 8899
hear busy
hand_over b a
check "what B still has of them goes" wait_for 60 not_translated b
all_live "all live on at A"
unharmed ownb "and what B has itself"
check "conntrackd tells B again" wait_for 60 replicated b "$N"
hand_over a b
check "what A still has of them goes" wait_for 60 not_translated a
all_live "all live on at B"
ask busy end 120
like "$REPLY" "alive=20 reset=0 stalled=0 changed=0" "and those that were busy all the time"
unharmed owna "and what A has itself"
sniff_end resets-sv
sniff_end resets-cl
nothing "$(cat "$T/resets-sv")" "nobody has sent a reset to the server, or been sent one by it"
nothing "$(cat "$T/resets-cl")" "and none came to the clients"
is "$(cat "$T"/?.ctd.calls | grep -c -e ' -t')" 0 "never is the table flushed"
flows_close
pair_end

# ---- without conntrackd ----------------------------------------------------------------------
for node in a b; do guard_conf $node; done
pair_start "$MODE"
PATIENCE=5 # of those whose reset gets lost
flows_open "$N"
wait_for 60 replicated b "$N"
power_off a
wait_for 60 has_vips b
flows_ping
check "without conntrackd in the instance they are lost: $RESET reset, $STALLED stalled, $CHANGED changed" \
	test "$ALIVE" -le $((1 + ALL / 100))
jobs_end
done_testing
