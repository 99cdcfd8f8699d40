#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An address that has to go by a certain time, out of a table that cannot be pinned by then: the rest of the
# connections is held and restored. Without vipsafe they are lost.
# shellcheck disable=SC2317,SC2153 # functions given to wait_for and check; VIPSAFE is netns.sh's
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
BENCH=$BUILD/vipsafe-bench
VIPSAFED=$BUILD/vipsafed
{ [ -x "$BENCH" ] && [ -x "$VIPSAFED" ]; } || bail_out "no $BENCH or $VIPSAFED: make check TESTS="

# what is restored beside other work takes a second and more
HOLD=$'[agent]\nhold_max = 10s'
printf '%s\n' "$HOLD" >"$T/hold.conf"

N=20       # idle flows, and some that never rest
MANY=25000 # further entries, which the kernel masquerades as well
topo_pod
know_verdict unknown # as on a node that was not probed: a flush may come late
ip route add 198.18.0.0/16 via 192.168.11.8
masquerade iptables
iptables -w 5 -t nat -A POSTROUTING -o br-mgmt -d 198.18.0.0/16 -j MASQUERADE --random-fully ||
	bail_out "cannot set up masquerading"
serve srv node2 10.232.3.28 8899

codes() { json '[.warnings[].code] | join(" ")'; }
table_has() { [ "$(cat /proc/sys/net/netfilter/nf_conntrack_count)" -ge "$1" ]; }
fill() {
	"$BENCH" --fill "$MANY" || bail_out "cannot fill the table"
	wait_for 60 table_has "$MANY" || bail_out "the table has too few entries"
}
flows_up() {
	open pod pod $N 10.232.3.28 8899
	job busy in_ns pod "$FLOW" busy -n 4 -d 2 10.232.3.28 8899
	hear busy
}
busy_alive() {
	tell busy end
	hear busy
	[[ $REPLY == "busy alive=4 reset=0 stalled=0 changed=0 "* ]] || { echo "$REPLY"; return 1; }
}
no_rules() { ! nft list tables | grep -q vipsafe; }

# ---- the control -------------------------------------------------------------------------
twin_up
flows_up
leave bare
judge bare reset srv pod "no protection"
job_end busy
job_end pod

# ---- by hand -----------------------------------------------------------------------------
# Half of the time that all needs is enough to read the table and to pin some of it, unless this machine
# is just then slower or faster: then with more or less of it.
twin_up
fill
flows_up
run --config "$T/hold.conf" --json --strategy pin --timeout 60 del $TWIN dev br-mgmt
is "$RC $(json '.entries.lost')" "0 0" "without a bound: done"
all=$(json .timing_us.until_moved)
by=$(((all + $(json '.timing_us.snapshot + .timing_us.hold')) / 2000))
for ((try = 0; try < 12; try++)); do
	[ $by -ge 10 ] || by=10
	[ $by -le 10000 ] || by=10000
	twin_up
	conntrack -D -d 198.18.0.0/16 >/dev/null 2>&1
	fill
	run --config "$T/hold.conf" --json --strategy pin --timeout 60 --move-by ${by}ms del $TWIN dev br-mgmt
	diag "by $by ms: $RC $(codes) $(json '[.entries.pinned, .entries.restored, .entries.untouched,
		.timing_us.until_moved] | @text')"
	[ "$RC" != 0 ] || [ "$(json '.entries | .pinned > 0 and .restored > 0')" != true ] || break
	case " $(codes) " in
	*" cut-snapshot "*) # some were lost then
		by=$((by * 3 / 2))
		job_end busy
		job_end pod
		flows_up
		;;
	*" pin-deadline "*) ;; # the kernel has left this flush out
	*) by=$((by * 3 / 4)) ;;
	esac
done
is "$RC $(json '[.result, .entries.lost] | @text')" '0 ["ok",0]' "by ${by}ms: nothing is lost"
is "$(json '.entries | .pinned > 0 and .restored > 0 and .kept == .candidates')" true \
	"by ${by}ms: some are pinned, the rest is restored"
like "$(codes)" pin-deadline "by ${by}ms: said"
is "$(json .hold)" nft "by ${by}ms: packets were held"
check "the counts add up" adds_up "$T/out"
check "the address is gone" not has_addr $TWIN br-mgmt
check "busy flows alive" busy_alive
judge vipsafe reset srv pod "by ${by}ms"
check "no rule is left that holds" no_rules
job_end busy
job_end pod

# ---- an instance that becomes BACKUP -------------------------------------------------------
# Its guard knows the connections and has pinned none; in so little time it cannot pin so many.
status() { timeout 60 "$VIPSAFE" --json status 2>/dev/null | jq -r "$1"; }
knows() { [ "$(status ".devices[0] | select(.state == \"live\") | .unpinned >= $1")" = true ]; }
last() { "$VIPSAFE" --json history | jq -r "[.[] | select(.before == \"shadow\")][0] | $1"; }
told() { [ "$(last .result)" = ok ] && [ "$(last .id)" != "$was" ]; }
guard_ends() { kill "$GUARD"; wait "$GUARD"; }
for by in 50 40 30 20 10 10 10; do
	printf '%s\n' "$HOLD" '[device br-mgmt]' 'pin = on-demand' '[instance VI_1]' 'device = br-mgmt' \
		"address = $TWIN" "move_by = ${by}ms" >"$T/conf"
	conntrack -D -d 198.18.0.0/16 >/dev/null 2>&1
	fill # before there is a guard: what it held would be refused
	"$VIPSAFED" --config "$T/conf" 2>"$T/vipsafed.log" &
	GUARD=$!
	flows_up
	wait_for 60 knows "$MANY" || bail_out "the guard does not know them"
	was=$(last .id)
	"$VIPSAFE" notify INSTANCE VI_1 MASTER 100
	wait_for 60 has_addr $TWIN br-mgmt || bail_out "MASTER: the address does not come"
	"$VIPSAFE" notify INSTANCE VI_1 BACKUP 100
	wait_for 60 not has_addr $TWIN br-mgmt || bail_out "BACKUP: the address does not go"
	wait_for 60 told || bail_out "the run does not end"
	[ "$(last .entries.restored)" = 0 ] || break
	# it was enough for all; or a flush of before came late, and the guard has put back, and so pinned, what it took
	job_end busy
	job_end pod
	guard_ends
done
diag "by $by ms: $(last '[.strategy, .kernel, .hold, .before, [.warnings[].code], .entries.pinned, .entries.untouched, .entries.restored, .timing_us] | tojson')"
like "$(last '[.warnings[].code] | join(" ")')" pin-deadline "what is not pinned is told of"
check "busy flows alive" busy_alive
judge vipsafe reset srv pod "BACKUP"
let_go() { [ "$(status '.devices[0] | .state')" = live ]; }
check "the guard goes on" wait_for 60 let_go
open more pod $N 10.232.3.28 8899
ask more ping
is "$REPLY" "ping alive=$N reset=0 stalled=0 changed=0" "and new connections are not held"
guard_ends
is $? 0 "the daemon ends"
done_testing
