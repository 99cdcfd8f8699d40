#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# The flows of the leaving address itself, on the wire: --vip-flows drop, keep
# and reset. 192.168.12.100 is node1's only address towards node2's
# 192.168.12.8, so that what is masqueraded there leaves as the VIP.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
run probe # by hand it has all the time it needs

VIP=192.168.12.100/24
VIP6=fd00:12::100/64
CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL"
N=10
LEGACY=

topo_pod
ip -n node2 addr add 192.168.12.8/24 dev br-mgmt
ip -n node2 addr add fd00:12::8/64 dev br-mgmt nodad
ip addr add 192.168.11.50/32 dev br-mgmt
IFINDEX=$(ip -j link show br-mgmt | jq '.[0].ifindex')

vip_up() {
	ip addr replace "$VIP" dev br-mgmt
	ip addr replace "$VIP6" dev br-mgmt nodad
	ip -6 route replace fd00:3::/64 via fd00:12::8 dev br-mgmt onlink
	ip route replace 10.232.3.0/24 via 192.168.12.8 dev br-mgmt onlink
	ip addr replace 192.168.11.50/32 dev br-mgmt
}

masquerade_all() { # PROGRAM...
	local ipt

	for ipt; do
		"$ipt" -w 5 -t nat -A POSTROUTING -o br-mgmt -j MASQUERADE --random-fully ||
			bail_out "cannot set up masquerading"
	done
}

fresh() {
	jobs_end
	forget_all
	vip_up
	# as if this node had never been there before
	ip -n node2 neigh flush dev br-mgmt
}

# Re-created by vipsafe: the kernel will not remove it when its address goes.
recreate() {
	run --json --strategy pin del 192.168.11.50/32 dev br-mgmt
	is "$RC $(json '.entries | .pinned >= '"$1")" "0 true" "an earlier run pins them"
}

# leave POLICY [WORDS...]: POLICY "bare" is `ip addr del`
leave() { leave_address "$VIP" "$@"; }

leave_address() {
	local vip=$1 policy=$2

	shift 2
	if [ "$policy" = bare ]; then
		ip addr del "$vip" dev br-mgmt
	else
		run --json --vip-flows "$policy" "$@" del "$vip" dev br-mgmt
		is "$RC" 0 "$policy: exit code"
		is "$(json .vip_flows.policy)" "$policy" "$policy: policy in the report"
		is "$(json '.entries | .candidates == .untouched + .pinned + .restored + .superseded +
			.lost and .snapshot == .candidates + .skipped and .lost == 0')" true \
			"$policy: the counts add up"
	fi
	check "$policy: the address is gone" not has_addr "$vip" br-mgmt
}

# The last answer to ask was a count of NAME of at least N.
at_least() { # NAME N WHAT
	[[ $REPLY =~ $1=([0-9]+) ]]
	check "$3 ($REPLY)" test "${BASH_REMATCH[1]:-0}" -ge "$2"
}

seen_as() { # NAME ADDR: how all its flows are seen by the server
	local i other=0

	ask "$1" ports
	for ((i = 1; i <= FLOWS[$1]; i++)); do
		[[ $REPLY == *" $2 "* ]] || other=$((other + 1))
		[ "$i" = "${FLOWS[$1]}" ] || hear "$1"
	done
	[ "$other" = 0 ]
}

# ---- drop --------------------------------------------------------------------------

# The old mapping must go, also one that vipsafe has created: otherwise clients
# go on sending from an address that is another node's now.
drop() {
	local policy=$1

	fresh
	serve udp node2 -u 10.232.3.28 8899
	serve tcp node2 10.232.3.28 8899
	serve other node2 -u 192.168.11.8 8899
	open ours pod $N -u -t 1 10.232.3.28 8899
	open ours-tcp pod $N -t 1 10.232.3.28 8899
	open bystander pod $N -u 192.168.11.8 8899
	check "drop, $policy: flows leave as the VIP" seen_as ours 192.168.12.100
	check "drop, $policy: others do not" seen_as bystander 192.168.11.7
	recreate $((2 * N))
	open unpinned pod $N -u -t 1 10.232.3.28 8899
	leave "$policy"
	# the VIP is another node's now
	ip -n node2 addr add 192.168.12.100/32 dev lo
	if [ "$policy" = bare ]; then
		ask ours ping
		is "$REPLY" "ping alive=0 reset=0 stalled=$N changed=0" \
			"drop: with ip addr del ours go on as the VIP, unheard"
	else
		at_least_removed=$(json .vip_flows.removed)
		check "drop: all three kinds removed ($at_least_removed)" \
			test "$at_least_removed" -ge $((3 * N))
		ask ours ping
		is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=$N" \
			"drop: UDP that an earlier run had re-created begins anew"
		ask unpinned ping
		is "$REPLY" "ping alive=0 reset=0 stalled=0 changed=$N" \
			"drop: so does what it had not"
		ask ours-tcp ping
		is "$REPLY" "ping alive=0 reset=$N stalled=0 changed=0" "drop: TCP ends"
	fi
	ask bystander ping
	is "$REPLY" "ping alive=$N reset=0 stalled=0 changed=0" "drop, $policy: others go on"
	ip -n node2 addr del 192.168.12.100/32 dev lo
}

# ---- keep --------------------------------------------------------------------------

# Away and back: with keep the same connections go on with the same port.
keep() {
	local policy=$1

	fresh
	serve tcp node2 10.232.3.28 8899
	serve udp node2 -u 10.232.3.28 8899
	open pod pod $N 10.232.3.28 8899
	open pod-udp pod $N -u 10.232.3.28 8899
	open local node1 $N -b 192.168.12.100 10.232.3.28 8899
	check "keep, $policy: flows leave as the VIP" seen_as pod 192.168.12.100
	leave "$policy"
	[ "$policy" = keep ] && is "$(json .vip_flows.removed)" 0 "keep: none removed"
	# A fixed kernel flushes them from a work queue, some time after, or not at all when many
	# wait there.
	if [ "$policy" = bare ]; then
		for _ in 1 2 3 4 5 6; do
			! wait_for 5 no_entries --reply-dst 192.168.12.100 || break
			vip_up
			ip addr del "$VIP" dev br-mgmt
		done
		no_entries --reply-dst 192.168.12.100 || bail_out "the kernel flushed nothing"
	fi
	run --json add "$VIP" dev br-mgmt
	is "$RC" 0 "keep, $policy: the address is back"
	ip route replace 10.232.3.0/24 via 192.168.12.8 dev br-mgmt onlink
	if [ "$policy" = keep ]; then
		for name in pod pod-udp local; do
			ask $name ping
			is "$REPLY" "ping alive=$N reset=0 stalled=0 changed=0" \
				"keep: $name flows go on with the same port"
		done
		return
	fi
	ask pod ping
	at_least reset $((N - 2)) "keep: with $policy the pod's flows are lost"
	ask pod-udp ping
	at_least changed $((N - 2)) "keep: with $policy UDP has other ports"
}

# ---- reset -------------------------------------------------------------------------

established() { # NS: how many connections of our port
	in_ns "$1" ss -Htn state established "( sport = :8899 or dport = :8899 )" | wc -l
}

listens() { ss -Hltn "sport = :$1" | grep -q .; }

is_established() { [ "$(established "$1")" = "$2" ]; }

ruleset() {
	nft list ruleset 2>/dev/null | sed -E 's/packets [0-9]+ bytes [0-9]+//'
	[ -z "$LEGACY" ] || for ipt in iptables-legacy ip6tables-legacy; do
		$ipt-save | grep -v '^#' | sed -E 's/\[[0-9]+:[0-9]+\]//'
	done
}

# Our table, and of iptables the chain (as nft and as iptables-save print it).
not_ours() {
	sed -E "/^table inet vipsafe_reset_$IFINDEX \{/,/^\}/d
		/^\tchain VIPSAFE-RESET-$IFINDEX \{/,/^\t\}/d
		/jump VIPSAFE-RESET-$IFINDEX\$/d; /(^:|^-A |-j )VIPSAFE-RESET-$IFINDEX( |\$)/d" |
		grep -v '^$'
}

# Names and rules close to ours, and a table filter, which iptables would leave.
others() { # PROGRAM...
	local ipt

	for ipt; do
		if ! { "$ipt" -w 5 -N VIPSAFE-RESETTER && "$ipt" -w 5 -N VIPSAFE-RESET-x &&
			"$ipt" -w 5 -A FORWARD -m comment --comment "vipsafe reset" \
				-j VIPSAFE-RESETTER &&
			"$ipt" -w 5 -A OUTPUT -p udp -m comment --comment "vipsafe reset" \
				-j VIPSAFE-RESET-x &&
			"$ipt" -w 5 -A OUTPUT -m comment --comment \
				"-m comment --comment vipsafe reset -j VIPSAFE-RESET-$IFINDEX" \
				-j ACCEPT; }; then
			bail_out "cannot make other people's rules"
		fi
	done
}

clean() { "$CALL" hold-clean 0; }

# node2 hears nobody but the VIP and this link: what would reset a client by
# itself, a fresh mapping that the far end does not know, must not reach it.
only_the_vip() {
	in_ns node2 nft -f - <<-'.'
		table inet filter {
			chain input {
				type filter hook input priority 0;
				ip daddr 10.232.3.28 ip saddr != { 192.168.12.100, 127.0.0.1 } drop
				ip6 daddr fd00:3::28 ip6 saddr != { fd00:12::100, ::1 } drop
			}
		}
	.
}

reset_flows() { # POLICY
	local policy=$1

	fresh
	serve tcp node2 10.232.3.28 8899
	serve other node2 192.168.11.8 8899
	open pod pod $N -t "$((1 + $(patience "$policy")))" 10.232.3.28 8899
	open local node1 $N -b 192.168.12.100 -t "$(patience "$policy")" 10.232.3.28 8899
	open mapped node1 $N -b ::ffff:192.168.12.100 -t "$(patience "$policy")" \
		::ffff:10.232.3.28 8899
	serve own node1 192.168.12.100 7000
	open visitor node2 $N -t "$(patience "$policy")" 192.168.12.100 7000
	open bystander pod $N 192.168.11.8 8899
	open bystander2 node1 $N 192.168.11.8 8899
}

reset() {
	local policy=$1 hold=$2 what="reset, $1, $2" before during lost closed pod began go

	# The rules are there for five seconds: a go of a slow machine that takes longer shows nothing.
	for ((go = 0; go < 10; go++)); do
		reset_flows "$policy"
		before=$(ruleset)
		uptime_cs
		began=$REPLY
		leave "$policy" --hold "$hold"
		during=$(ruleset)
		lost=$(established node2) closed=$(established node1)
		[ "$policy" = drop ] || ask pod ping
		pod=$REPLY
		uptime_cs
		if [ "$policy" = drop ] || [ $((REPLY - began)) -lt 450 ]; then break; fi
		clean >/dev/null
	done
	if [ "$policy" = drop ]; then
		is "$during" "$before" "$what: no rule is made"
		check "$what: the server knows of nothing" is_established node2 $((5 * N))
		for name in local mapped visitor pod; do
			ask $name ping
			is "$REPLY" "ping alive=0 reset=0 stalled=$N changed=0" \
				"$what: $name flows hang"
		done
	else
		is "$(json '.warnings | length')" 0 "$what: no warning"
		is "$lost" $((3 * N)) "$what: the server has lost the local ones at once"
		is "$closed" "$N" "$what: and node1 has closed them"
		for name in local mapped visitor; do
			ask $name ping
			is "$REPLY" "ping alive=0 reset=$N stalled=0 changed=0" \
				"$what: $name flows have ended"
		done
		check "$what: the listener stays" listens 7000
		is "$pod" "ping alive=0 reset=$N stalled=0 changed=0" \
			"$what: the pod's next packet is answered with a reset"
		check "$what: by a rule" test "$during" != "$before"
		is "$(not_ours <<<"$during")" "$(grep -v '^$' <<<"$before")" \
			"$what: other rules are as before"
	fi
	for name in bystander bystander2; do
		ask $name ping
		is "$REPLY" "ping alive=$N reset=0 stalled=0 changed=0" "$what: $name goes on"
	done
	[ "$policy" = drop ] || after_reset "$what" "$before"
}

# What is left: nothing that works, and then nothing at all.
after_reset() {
	local what=$1 before=$2 port

	# A connection from a port of which the rule still speaks.
	ask pod ports
	port=${REPLY%% *}
	job_end pod
	vip_up
	check "$what: it ends by itself" wait_for 60 opens "$port"
	run recover
	is "$RC" 0 "$what: vipsafe recover"
	is "$(ruleset)" "$before" "$what: and the ruleset is as before"
	is "$(clean)" 0 "$what: nothing is left to remove"
}

opens() {
	in_ns pod "$FLOW" open -t 0.5 -P "$1" 10.232.3.28 8899 </dev/null | grep -qx 'open 1'
}

# How long a flow waits for its answer: a reset comes at once, or on a slow machine later.
patience() { # POLICY
	[ "$1" = drop ] && echo 1 || echo 30
}

# fate POLICY NAME WHAT: of flows whose next packet the rule answers, or nobody
fate() {
	ask "$2" ping
	if [ "$1" = drop ]; then
		is "$REPLY" "ping alive=0 reset=0 stalled=$N changed=0" "$3: $2 flows hang"
	else
		is "$REPLY" "ping alive=0 reset=$N stalled=0 changed=0" "$3: $2 flows end"
	fi
}

# The same over IPv6, in short.
reset6() {
	local policy=$1 hold=$2 what="IPv6, $1, $2"

	fresh
	serve tcp node2 fd00:3::28 8899
	serve other node2 fd00:11::8 8899
	open pod pod $N -t "$(patience "$policy")" fd00:3::28 8899
	open local node1 $N -b fd00:12::100 -t "$(patience "$policy")" fd00:3::28 8899
	open bystander pod $N fd00:11::8 8899
	check "$what: flows leave as the VIP" seen_as pod fd00:12::100
	leave_address "$VIP6" "$policy" --hold "$hold"
	is "$(json '.warnings | length')" 0 "$what: no warning"
	if [ "$policy" = drop ]; then
		check "$what: the server knows of nothing" is_established node2 $((3 * N))
	else
		check "$what: the server has lost the local ones at once" \
			is_established node2 $((2 * N))
	fi
	fate "$policy" pod "$what"
	ask bystander ping
	is "$REPLY" "ping alive=$N reset=0 stalled=0 changed=0" "$what: bystander goes on"
	clean >/dev/null
}

# What a service's flows carry where they are forwarded is the backend's address.
reset_service() {
	fresh
	serve tcp node2 10.232.3.28 8899
	open pod pod $N -t "$(patience "$1")" 10.96.0.1 80
	check "a service's flows, $1: they leave as the VIP" seen_as pod 192.168.12.100
	leave "$1" --hold "$2"
	fate "$1" pod "a service's flows, $1, $2"
	clean >/dev/null
}

# A reset takes the place of what the one before has left; two never stand.
reset_twice() {
	local hold

	for hold in nft iptables nft; do
		fresh
		serve tcp node2 10.232.3.28 8899
		open pod pod 1 10.232.3.28 8899
		leave reset --hold "$hold"
	done
	is "$(clean)" 1 "a reset leaves nothing of the one before it"
}

# ---- all of it ---------------------------------------------------------------------

masquerade_all iptables ip6tables
iptables -w 5 -t nat -A PREROUTING -d 10.96.0.1 -p tcp --dport 80 \
	-j DNAT --to-destination 10.232.3.28:8899
drop bare
drop drop
keep bare
keep drop
keep keep
only_the_vip
others iptables ip6tables
reset drop auto
reset reset auto
reset reset iptables
reset6 drop auto
reset6 reset auto
reset6 reset iptables
reset_service drop auto
reset_service reset auto
reset_service reset iptables
reset_twice
is "$(json .result)" ok "the last one went well"
fresh
if iptables-legacy -w 5 -t nat -L -n >/dev/null 2>&1; then
	# From here on the node's rules are in ip_tables.
	LEGACY=1
	nft flush ruleset
	masquerade_all iptables-legacy ip6tables-legacy
	others iptables-legacy ip6tables-legacy
	reset reset auto
	reset6 reset auto
else
	skip "legacy iptables" "not in this kernel"
fi
done_testing
