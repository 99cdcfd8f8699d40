#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Failovers of the real keepalived where vipsafe owns the VIP: keepalived has a
# decoy, and says by FIFO and hook what vipsafed is to do. Configured by what
# `vipsafe import` makes of the keepalived.conf that has the VIP.
#
# FAILOVERS=30 for the long run; the causes take turns.
#
# What keepalived alone needs is measured in the same run. The control for the
# flows is in keepalived-failover.sh.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/failover.sh
. "$(dirname "$0")/lib/failover.sh"; netns_main "$@"
need_failover
FAILOVERS=${FAILOVERS:-5}
CAUSES=(prio link term freeze kill)

topo_failover
GLOBAL_LINES='vrrp_garp_interval 0.05'
VRRP_LINES="virtual_ipaddress {
	$VIP/32 dev eth0
}
virtual_ipaddress_excluded {
	$VIP6/64 dev eth0
}"

# ---- keepalived alone ------------------------------------------------------------------

keepalived_both
measure_alone "${CAUSES[@]}"
keepalived_end a
keepalived_end b

# ---- the same, owned by vipsafe ------------------------------------------------------------

# What is in the way of import's own words for keepalived.conf is where vipsafe
# and its FIFO are in here.
for node in a b; do
	"$VIPSAFE" import "$T/$node.keepalived" version 2.2.7 >"$T/$node.import"
	is "$?" 0 "$node: import carries everything over"
	guard_conf $node
	cat "$T/$node.import" >>"$T/$node.conf"
	check "$node: vipsafed accepts it" in_ns n$node "$VIPSAFED" --config "$T/$node.conf" --check
	mkdir "$T/$node.bin"
	cat >"$T/$node.bin/vipsafe" <<-.
		#!/bin/sh
		exec '$VIPSAFE' --config '$T/$node.conf' "\$@"
	.
	chmod +x "$T/$node.bin/vipsafe"
done
is "$(sed -n 's/^decoy = //p' "$T/a.import")" "$(sed -n 's/^decoy = //p' "$T/b.import")" \
	"both nodes come to the same decoy"
# doctor: what it says of keepalived.conf of A as it is, but for the scripts as
# files and the unit, which are this checkout's and this machine's
doctor() {
	vipsafe_on a --json doctor --keepalived "$T/a.keepalived" version 2.2.7 |
		jq -r '.findings | map(.code | select(test("^script-|^kill-mode") | not)) | unique | join(" ")'
}
is "$(doctor)" "decoy-differs no-track-missing notify-missing vip-owned-twice" \
	"doctor says that keepalived.conf does not go with that yet"
# from "instead of virtual_ipaddress" to the brace
VRRP_LINES="$(sed -n '/^#     virtual_ipaddress {/,/}/s/^# *//p' "$T/a.import")
notify $SRC/hooks/notify"
like "$VRRP_LINES" 'dev lo scope host' "import tells what keepalived is to have instead"

GLOBAL_LINES="vrrp_notify_fifo $T/NODE.run/keepalived.fifo"
guard_start a
guard_start b
# shellcheck disable=SC2034 # a burst of moves is slowed down on purpose
QUIET_MS=1000
keepalived_both
is "$(doctor)" "" "doctor finds nothing wrong with what it became"
open flowsa pa 200 192.168.11.60 8899
open flowsb pb 200 192.168.11.60 8899
check "the flows of A get pinned" wait_for 60 guard_pinned a 200
check "and those of B" wait_for 60 guard_pinned b 200

# ---- what the neighbours hear: import took it from keepalived.conf -----------------------------

# announced PATTERN: when each of them came, in seconds
announced() { awk -v pattern="$1" 'index($0, pattern) { print $1 }' "$T/sniffed"; }
announced_times() { [ "$(announced "$1" | wc -l)" -ge "$2" ]; }
# gaps PATTERN: a word for each; a burst has none
gaps() {
	announced "$1" | awk '
		NR > 1 { gap = $1 - last; print gap < 0.01 ? "none" : gap < 0.5 ? "short" : "long" }
		{ last = $1 }' | paste -sd ' '
}
sniff sniffed cl eth0 -tt "ether src ${MAC[b]} and (arp or icmp6)"
# An announcement that a busy machine sends late comes close to the next one:
# what is as configured must be seen once.
PATTERNS=("Request who-has $VIP tell $VIP" "> ff02::1: ICMP6, neighbor advertisement, tgt is $VIP6")
for ((i = 0; i < 5; i++)); do
	[ "$MASTER" = a ] || failover prio
	: >"$T/sniffed"
	judge_failover prio "announced"
	seen=
	for pattern in "${PATTERNS[@]}"; do
		check "announced six times: $pattern" wait_for 60 announced_times "$pattern" 6
		is "$(announced "$pattern" | wc -l)" 6 "and no more"
		seen="$seen$(gaps "$pattern"), "
	done
	[ "$seen" != "short short long short short, short short long short short, " ] || break
done
is "$seen" "short short long short short, short short long short short, " \
	"three 50 ms apart, and a second later once more"
sniff_end sniffed

# ---- failovers -------------------------------------------------------------------------------------

for ((i = 0; i < FAILOVERS; i++)); do
	judge_failover "${CAUSES[i % ${#CAUSES[@]}]}" "failover $((i + 1))"
done

# undisturbed MS WHAT: for so long nobody but $MASTER answers
undisturbed() {
	now_ms
	wait_for 60 ticked $((NOW + $1))
	is "$(awk -v since="$NOW" -v other="${OTHER^}" '
		$1 >= since && index($2 $3, other) { n++ } END { print n + 0 }' "$T/watch4")" 0 "$2"
}

# ---- everything at once: the VIP stays where keepalived's state says ---------------------------------

for node in a b; do
	kill -TERM "${GUARD[$node]}"
	keepalived_signal HUP $node
done
for node in a b; do
	wait "${GUARD[$node]}"
	guard_start $node
done
check "vipsafed restarted while keepalived reloads: the VIP stays" wait_for 60 held_by "${MASTER^}"
undisturbed 1500 "and nobody else answers"
judge_failover term "after that"

# without vipsafed the hook does the work itself, and what it has done counts
for node in a b; do
	kill -KILL "${GUARD[$node]}"
	wait "${GUARD[$node]}" 2>/dev/null
done
judge_failover prio "vipsafed killed"
judge_failover term "vipsafed killed"
guard_start a
guard_start b
check "vipsafed is back: the VIP is there" wait_for 60 held_by "${MASTER^}"
undisturbed 1500 "and stays"
unharmed flowsa "200 connections of A have lived through all of it"
unharmed flowsb "and 200 of B"
done_testing
