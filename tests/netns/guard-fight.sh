#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A failover of a dozen addresses is repaired as one, however often. Who takes one
# address away again and again is not fought: its deletes are not made good for a minute,
# what dies of them is counted and told, and other addresses' are made good all the same.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

VIPS=12 N=3
topo_pod
know_verdict affected
# A network for each VIP, whose masqueraded connections leave with it: it is there
# twice, and the /32 that goes takes them along, on any kernel.
for ((i = 1; i <= VIPS; i++)); do
	ip addr add 10.77.$i.1/24 dev br-mgmt
	ip -n node2 addr add 10.77.$i.2/24 dev br-mgmt
	ip -n node2 addr add 10.232.4.$i/32 dev lo
	ip route add 10.232.4.$i/32 via 10.77.$i.2
	echo "addr add 10.77.$i.1/32 dev br-mgmt" >>"$T/come"
	echo "addr del 10.77.$i.1/32 dev br-mgmt" >>"$T/go"
done
iptables -w 5 -t nat -A POSTROUTING -o br-mgmt -s 10.232.1.0/24 -j MASQUERADE --random-fully
serve server node2 0.0.0.0 8899
config '[device br-mgmt]' 'pin = on-demand'

# open_all NAME: N connections behind each VIP
open_all() {
	for ((i = 1; i <= VIPS; i++)); do open "$1-$i" pod $N 10.232.4.$i 8899; done
}
come() { ip -batch "$T/come" 2>/dev/null; }
fail_over() {
	come
	ip -batch "$T/go"
}
# all_unharmed NAME WHAT
all_unharmed() {
	local bad=

	for ((i = 1; i <= VIPS; i++)); do
		ask "$1-$i" ping
		[ "$REPLY" = "ping alive=$N reset=0 stalled=0 changed=0" ] || bad="$bad $i: $REPLY;"
	done
	is "$bad" "" "$2"
}

# ---- the control: nobody guards ---------------------------------------------------------
open_all bare
flushed_by fail_over -p tcp --dport 8899
harmed bare-1 "without the guard the first one's are lost"
harmed bare-$VIPS "and so are the last one's"
fresh
serve server node2 0.0.0.0 8899

# ---- a failover -----------------------------------------------------------------------------
daemon_start
check "the guard is live" wait_for 60 guard_live
repaired() { [ "$(guard .restored)" -ge $((round * VIPS * N)) ]; }
for ((round = 1; round <= 3; round++)); do
	open_all f$round
	known() { [ "$(guard .unpinned)" -ge $((VIPS * N)) ]; }
	check "failover $round: the connections are known" wait_for 60 known
	before=$(guard .repairs)
	come
	uptime_cs
	began=$REPLY
	ip -batch "$T/go"
	# what the kernel leaves out, as many are under way in other namespaces, the next one flushes
	wait_for 6 repaired || until_done repaired -- fail_over
	check "failover $round: all are put back" repaired
	uptime_cs
	# one, for each second that it takes
	check "failover $round: $(($(guard .repairs) - before)) repair of $VIPS addresses" \
		test $(($(guard .repairs) - before)) -le $((1 + (REPLY - began) / 100))
	all_unharmed f$round "failover $round: every connection lives behind its port"
done
is "$(guard '"\(.quarantined) \(.lost)"')" "false 0" "nobody is taken for fighting, nothing is lost"

# ---- a fight over one -------------------------------------------------------------------------
# fight NAME: VIP 1 comes and goes, and takes N new connections along
fight() {
	local known

	# what the one before has taken may still have to be put back, which pins it
	known=$(guard '.unpinned + .pinned')
	come
	open "$1" pod $N 10.232.4.1 8899
	new_are_known() { [ "$(guard '.unpinned + .pinned')" -ge $((known + N)) ]; }
	wait_for 60 new_are_known || bail_out "the guard does not know them"
	ip addr del 10.77.1.1/32 dev br-mgmt
}
quarantined() { [ "$(guard .quarantined)" = true ]; }
# More than once a second counts once.
a_second_later() { uptime_cs && [ $((REPLY - began)) -ge 110 ]; }
slowest=0
for ((round = 1; round <= 40; round++)); do
	uptime_cs
	began=$REPLY
	fight fight-$round
	! quarantined || break
	wait_for 30 a_second_later
	uptime_cs
	slowest=$((REPLY - began > slowest ? REPLY - began : slowest))
	! quarantined || break
done
[ $round -le 40 ] || [ $slowest -lt 500 ] || {
	skip "a fight is given up" "this machine is too slow for one: $slowest cs each time"
	done_testing
}
# the failovers before count as well
check "a fight is given up, after $round rounds" test $round -ge 6 -a $round -le 40
check "the log warns of it" wait_for 30 logged 'comes and goes again and again'
run --json status
like "$(json '.warnings[].code' | tr '\n' ' ')" 'quarantined ' "status warns of it"
run status
like "$OUT" 'live, quarantined' "for people, too"
is "$(guard .lost)" 0 "nothing of before is lost"
for ((i = 1; i < round; i++)); do unharmed fight-$i "round $i was made good"; done

# A repair that is under way goes on, and would take the next one's up.
wait_for 30 a_second_later || bail_out "the clock stands still"
come
open victim pod $N 10.232.4.1 8899
open other pod $N 10.232.4.2 8899
"$VIPSAFE" watch >"$T/watch" &
WATCH=$!
wait_for 20 test -s "$T/watch" || bail_out "nothing to watch"
before=$(guard .lost)
died() { [ "$(guard .lost)" -ge $((before + N)) ]; }
# goes N: the VIP of this number, again if need be
goes() {
	come
	ip addr del "10.77.$1.1/32" dev br-mgmt
}
check "what dies of its deletes now is counted" until_done died -- goes 1
harmed victim "it dies indeed"
is "$(guard .lost)" $((before + N)) "and nothing else is"
jsons history >"$T/out"
is "$(json '[.[] | select(.op == "quarantine")][0] | [.result, .device, .addresses[0], .by_text] | @text')" \
	'["suspended","br-mgmt","10.77.1.1/32","vipsafed"]' "the history tells of the quarantine"
# The line of the delete is written a second later; a flush may be later still.
quarantined_delete() {
	[ "$(jsons history | jq -r '"\(any(.[]; .op == "foreign-delete" and .result == "quarantined")) \(
		[.[] | select(.op == "repair") | .entries.lost] | add)"')" = "true $((before + N))" ]
}
check "and what it cost" wait_for 30 quarantined_delete
run metrics
like "$OUT" 'vipsafe_device_quarantined\{device="br-mgmt"\} 1' "the metrics tell of the quarantine"
like "$OUT" "vipsafe_device_lost_total\\{device=\"br-mgmt\"\\} $((before + N))" "and of the lost"
check "the log names them, as conntrack does" wait_for 30 logged \
	'dev=br-mgmt connection="tcp *6 [0-9]* ESTABLISHED src=[0-9.]* dst=10\.232\.4\.1 sport=[0-9]* dport=8899 src=10\.232\.4\.1 dst=.*\[ASSURED\]'
watched() { grep -q '! lost: tcp *6 [0-9]* ESTABLISHED src=[0-9.]* dst=10\.232\.4\.1 ' "$T/watch"; }
check "and so does watch" wait_for 30 watched
kill "$WATCH"
before=$(guard .restored)
put_back() { [ "$(guard .restored)" -ge $((before + N)) ]; }
check "what others delete is put back meanwhile" until_done put_back -- goes 2
unharmed other "what others delete is made good meanwhile"

# ---- its end ------------------------------------------------------------------------------------
check "after a minute it is over" wait_for 120 not quarantined
resumed() { [ "$(jsons history | jq -r '[.[] | select(.op == "quarantine")][0].result')" = resumed ]; }
check "which the history tells" wait_for 30 resumed
check "which is logged" wait_for 30 logged 'repairs are taken up again'
before=$(guard .restored)
fight later
wait_for 6 put_back || until_done put_back -- goes 1
check "and the next is made good again" put_back
unharmed later "as the traffic shows"
daemon_end TERM
is $? 0 "it ends"
jobs_end
done_testing
