#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 60 bulk TCP flows behind a randomising MASQUERADE, local and forwarded ones,
# up and down, are pinned 60 times while they run: none is reset, none stands
# still, none changes its source port. Entries deleted and created again with
# time between the two and no hold must break flows. Everything is read before
# the generators end, since their own end sends resets.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
command -v iperf3 >/dev/null || skip_all "no program iperf3"

PINS=60
GOES=3 # of as many pins each
STREAMS=15 # of each kind: 60 flows
KINDS='local-up local-down pod-up pod-down'
declare -A PORT=([local-up]=5201 [local-down]=5202 [pod-up]=5203 [pod-down]=5204)
declare -A NS=([local-up]=node1 [local-down]=node1 [pod-up]=pod [pod-down]=pod)
# As many bulk flows that are not translated: what this machine does to such.
CONTROL_PORT=5205
# Of each; 0 is as much as there is time for, which makes the case take minutes
# on a machine that has other work (0 resets there, too).
RATE=${RATE:-40M}
STALL=300 # ms

topo_pod
masquerade

# What every end counts as a reset, of its own or of the other's making.
# shellcheck disable=SC2016 # awk's
resets() {
	local ns

	for ns in node1 pod node2; do
		in_ns $ns awk '/^Tcp:/ && !n { n = split($0, name); next }
			/^Tcp:/ { for (i = 1; i <= n; i++)
				if (name[i] ~ /^(EstabResets|OutRsts)$/) sum += $i }
			END { print sum + 0 }' /proc/net/snmp
	done | paste -sd' '
}

# The far ends of the data connections as the server sees them.
sources() {
	in_ns node2 ss -Htn state established 'sport >= 5201 and sport <= 5204' |
		awk '{ print $3, $4 }' | sort
}

flowing() { [ "$(sources | wc -l)" = $((4 * (STREAMS + 1))) ]; }
control_listening() { [ "$(ss -Hltn "sport = $CONTROL_PORT" | wc -l)" = 1 ]; }
listening() { [ "$(in_ns node2 ss -Hltn 'sport >= 5201 and sport <= 5204' | wc -l)" = 4 ]; }

# generator NAME NS WORDS...: what is to be tested gets its time first. Ten lines a second per flow into $T/NAME.log.
generator() {
	job "$1" in_ns "$2" nice -n 10 iperf3 -i 0.1 --forceflush --logfile "$T/$1.log" "${@:3}"
}

# The generators, and beside them flows that tell how long an exchange takes:
# two kinds through the pinned entries, and one (noise) that is not translated
# and so tells what this machine does to any flow meanwhile.
load_up() {
	local kind down

	for kind in $KINDS; do
		generator "srv-$kind" node2 -s -B 10.232.3.28 -p "${PORT[$kind]}"
	done
	generator srv-control node1 -s -B 10.232.1.1 -p $CONTROL_PORT
	wait_for 60 listening || bail_out "no iperf3 server"
	wait_for 60 control_listening || bail_out "no iperf3 server for the control"
	for kind in $KINDS; do
		[ "${kind#*-}" = down ] && down=-R || down=
		# shellcheck disable=SC2086
		generator "$kind" "${NS[$kind]}" -c 10.232.3.28 -p "${PORT[$kind]}" \
			-P $STREAMS -b "$RATE" -t 3600 $down
	done
	generator control pod -c 10.232.1.1 -p $CONTROL_PORT -P $STREAMS -b "$RATE" -t 3600
	serve srv node2 10.232.3.28 8899
	serve srv-noise node1 10.232.1.1 8899
	busy_up
	wait_for 60 flowing || bail_out "the flows do not start: $(sources | wc -l)"
}
busy_up() {
	local kind

	job busy-local in_ns node1 "$FLOW" busy -n 2 -d 1 10.232.3.28 8899
	job busy-pod in_ns pod "$FLOW" busy -n 2 -d 1 10.232.3.28 8899
	job noise in_ns pod "$FLOW" busy -n 2 -d 1 10.232.1.1 8899
	for kind in busy-local busy-pod noise; do
		hear $kind
		is "$REPLY" "open 2" "$kind: open"
	done
}


# (Killed: iperf3 3.12 may hang or crash when it is asked to end.)
load_down() {
	local kind

	for kind in $KINDS control; do
		job_end "$kind" KILL
		job_end "srv-$kind" KILL
	done 2>/dev/null
	jobs_end
	forget_all
}

# longest NAME: how long its longest exchange took, in ms; ends it
longest() {
	tell "$1" end
	hear "$1"
	diag "$1: $REPLY"
	job_end "$1"
	LONGEST=${REPLY##*longest_ms=}
	[[ $LONGEST =~ ^[0-9]+$ ]] || LONGEST=999999
	[[ $REPLY == "busy alive=2 reset=0 stalled=0 changed=0 "* ]]
}

# emptiest KIND...: the longest time in ms for which a receiver of bulk data had none. A line:
# [ 15]   0.50-0.60   sec  1.25 MBytes ...
emptiest() {
	local kind flows=$(($# * STREAMS))

	for kind; do
		[ "${kind#*-}" = down ] || kind=srv-$kind
		sed -En "s/^\[ *([0-9]+)\] +([0-9.]+)-([0-9.]+) +sec +([0-9.]+) .*/$kind.\1 \2 \3 \4/p" \
			"$T/$kind.log"
	done | awk -v flows=$flows '{ empty[$1] = $4 > 0 ? 0 : empty[$1] + $3 - $2 }
		empty[$1] > max { max = empty[$1] }
		END { print length(empty) == flows ? int(max * 1000) : length(empty) " flows" }'
}

VIPS=()
for ((i = 1; i <= PINS; i++)); do VIPS+=("192.168.11.$((100 + i))/32"); done
vips_up() { printf 'addr add %s dev br-mgmt\n' "${VIPS[@]}" | ip -batch - || bail_out "no VIPs"; }

# pin_all WORDS...: every VIP leaves, one by one; reports go to $T/reports
pin_all() {
	local vip

	for vip in "${VIPS[@]}"; do
		"$VIPSAFE" --json --strategy pin "$@" del "$vip" dev br-mgmt \
			>>"$T/reports" || return
	done
}

# What the reports have in common.
reports() { jq -sc "map($1) | unique" "$T/reports"; }

diag "$((4 * STREAMS)) bulk flows of $RATE each"
# On a busy node the experiment may take its whole second: not 60 times.
run probe
load_up
sources >"$T/before"
is "$(resets)" "0 0 0" "no reset yet"
# A machine that is busy with others makes a flow wait now and then, but not in each go.
least=999999 noise=0 all=("${VIPS[@]}")
for ((go = 0; go < GOES; go++)); do
	[ $go = 0 ] || busy_up
	VIPS=("${all[@]:go * PINS / GOES:PINS / GOES}")
	vips_up
	check "go $go: $((PINS / GOES)) times vipsafe del, pinning" pin_all
	is "$(resets)" "0 0 0" "go $go: no end has seen or sent a reset"
	is "$(sources)" "$(cat "$T/before")" "go $go: all flows are there, the far end sees the same ports"
	longest noise
	own=$LONGEST most=0
	for name in busy-local busy-pod; do
		check "go $go: $name: alive, same ports" longest $name
		most=$((LONGEST > most ? LONGEST : most))
	done
	noise=$((own > noise ? own : noise)) least=$((most - own < least ? most - own : least))
done
VIPS=("${all[@]}")
check "no exchange stood still for long ($least ms, beside what this machine does itself)" test $least -le $STALL
is "$(resets)" "0 0 0" "still no reset"
is "$(reports '[.result, .strategy, .hold != "off", .entries.lost, .entries.flushed]')" \
	'[["ok","pin",true,0,0]]' "every report: held and pinned, nothing flushed or lost"
# four control connections, four of the busy flows; on a machine that stands
# still for the 500 ms of the deadline a pin may remain incomplete
whole=$(jq -s 'map(select(.entries.pinned == .entries.candidates and .entries.pinned >= 68)) |
	length' "$T/reports")
check "every flow was pinned ($whole times of $PINS)" test "$whole" -ge $((PINS * 9 / 10))
check "the counts of every report add up" adds_up "$T/reports"
diag "median: $(jq -sc '[(map(.timing_us.pin) | sort[length / 2 | floor]),
	(map(.timing_us.total) | sort[length / 2 | floor])]' "$T/reports") us (pin, whole run)"
load_down
# shellcheck disable=SC2086
stall=$(emptiest $KINDS)
control=$(emptiest control)
# each of them stands still for as long as others have the processor, one longer than another
check "no bulk flow without data for long ($stall ms, of those beside $control ms)" \
	test "$stall" -le $((STALL + noise + 3 * control))

# Control: the same entries, deleted and created again, but not back to back.
load_up
conntrack -L -p tcp --reply-src 10.232.3.28 2>/dev/null >"$T/entries"
before=$(resets)
conntrack -D -p tcp --reply-src 10.232.3.28 >/dev/null 2>&1
while read -r src dst sport dport _ to _ port; do
	conntrack -I -p tcp -s "$src" -d "$dst" --sport "$sport" --dport "$dport" \
		--src-nat "$to:$port" --state ESTABLISHED -u SEEN_REPLY,ASSURED \
		--timeout 300 >/dev/null 2>&1
done < <(sed -E 's/[^=]*=([^ ]*)/\1 /g; s/ \[.*//' "$T/entries")
changed() { [ "$(resets)" != "$before" ]; }
check "deleted and created far apart: resets" wait_for 30 changed
diag "resets counted by node1, pod, node2: $(resets)"
for name in busy-local busy-pod; do
	check "$name: broken" not longest $name
done
load_down

# Without a hold: it may go well or not.
VIPS=("${VIPS[@]:0:5}")
vips_up
load_up
before=$(resets)
: >"$T/reports"
check "5 times vipsafe del --hold off" pin_all --hold off
is "$(reports .hold)" '["off"]' "without a hold"
check "the counts of every report add up" adds_up "$T/reports"
diag "no hold, resets counted by node1, pod, node2: $before before, $(resets) after"
load_down
done_testing
