#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Failovers of keepaliveds from 1.2.24 to 1.3.9 where vipsafe owns the VIP: a
# stand-in does what each of them does with its addresses and says what each
# says (standin.c). By priority, TERM, KILL and reload the VIP ends where
# keepalived's state says, and never on both nodes.
#
# VERSIONS="1.3.5 2.0.10" for others; keepalived-versions-2.sh does those from 2.0.10 to 2.4.3.
# shellcheck disable=SC2317,SC2329 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/failover.sh
. "$(dirname "$0")/lib/failover.sh"; netns_main "$@"
need_vipsafe
STANDIN=$BUILD/standin
for program in "$VIPSAFED" "$VIPWATCH" "$STANDIN"; do
	[ -x "$program" ] || bail_out "no $program: set VIPSAFE_BUILD to the build directory"
done
VERSIONS=${VERSIONS:-1.2.24 1.3.5 1.3.9}
DECOY=169.254.77.1/32

# ---- a keepalived of $VERSION, in place of the real one -----------------------------------

declare -A OWN=([a]=192.168.11.7 [b]=192.168.11.8)
VRRP=3 VIPS=() # "ADDR/LEN DEV"
HOOKS=         # not empty: it calls scripts
keepalived_conf() {
	local peer=a vip state

	[ "$1" = b ] || peer=b
	{
		printf '%s\n' "name VI_1" "vrrp $VRRP" "advert $ADVERT_MS" "own ${OWN[$1]}" \
			"peer ${OWN[$peer]}" "track $T/$1.prio" "fifo $T/$1.run/keepalived.fifo"
		for vip in "${VIPS[@]}"; do echo "vip $vip"; done
		[ -z "$HOOKS" ] || for state in master backup fault stop; do
			echo "$state exec '$VIPSAFE' --config '$T/$1.conf' notify INSTANCE VI_1 ${state^^}"
		done
	} >"$T/$1.keepalived"
}

keepalived_start() {
	: >"$T/$1.log"
	nsenter --net="/run/netns/n$1" -- "$STANDIN" "$VERSION" "$T/$1.keepalived" >>"$T/$1.log" 2>&1 </dev/null &
	KA[$1]=$!
	wait_for 60 grep -q 'Entering BACKUP STATE' "$T/$1.log" ||
		bail_out "the stand-in of $1 does not start: $(tail -n 5 "$T/$1.log")"
}
keepalived_signal() { kill -"$1" "${KA[$2]}" 2>/dev/null; }

# says NODE STATE: this was the last it said
says() { [ "$(grep -o 'Entering [A-Z]* STATE' "$T/$1.log" | tail -n 1)" = "Entering $2 STATE" ]; }

reload() { # NODE
	local n

	n=$(grep -c '^Reloaded' "$T/$1.log")
	keepalived_conf "$1"
	keepalived_signal HUP "$1"
	reloaded() { [ "$(grep -c '^Reloaded' "$T/$1.log")" -gt "$2" ]; }
	wait_for 60 reloaded "$1" "$n" || bail_out "the stand-in of $1 does not reload"
}

# ---- vipsafed -----------------------------------------------------------------------------

guard_configure() { # DECOY-DEVICE: of both nodes
	local node

	for node in a b; do
		guard_conf $node 'announce_again = 0' '[instance VI_1]' 'device = eth0' \
			"address = $VIP/32" "address = $VIP6/64" "decoy = $DECOY dev $1"
	done
}
instance() { vipsafe_on "$1" --json status | jq -r ".instances[0].$2"; }
instance_is() { [ "$(instance "$1" "$2")" = "$3" ]; }
has_vip() { has_addr_on "$1" "$VIP/32" eth0 && has_addr_on "$1" "$VIP6/64" eth0; }
has_addr_on() { ip -n "n$1" -o addr show dev "$3" | awk -v a="$2" '$4 == a { n++ } END { exit !n }'; }
has_none() { ! has_addr_on "$1" "$VIP/32" eth0 && ! has_addr_on "$1" "$VIP6/64" eth0; }

# right WHAT: the VIP is where it belongs, and stays there
right() {
	check "$1: $MASTER is MASTER" wait_for 60 says "$MASTER" MASTER
	check "$1: and it alone answers" wait_for 60 held_by "${MASTER^}"
	check "$1: nothing is left on the other" has_none "$OTHER"
	now_ms
	wait_for 60 ticked $((NOW + 1500))
	check "$1: and so it stays" held_by "${MASTER^}"
}

# moved CAUSE: a failover, and whether both nodes answer for longer than they must
moved() {
	local most=$((3 * ADVERT_MS))

	# what a killed one leaves behind is proven to be that in a second
	[ "$1" != kill ] || [ $STALE = no ] || most=$((most + 1000))
	failover "$1"
	how_slow "$OTHER"
	diag "$VERSION, $1: VIP reached after $REACH ms, both answer for $DOUBLE ms, slow by $SLOW ms"
	check "$VERSION, $1: only one node answers" test "$DOUBLE" -le $((most + SLOW))
	right "$VERSION, $1"
}

both_end() {
	local node

	for node in a b; do keepalived_end $node; done
	for node in a b; do
		ip -n n$node addr del $VIP/32 dev eth0 2>/dev/null
		ip -n n$node addr del $VIP6/64 dev eth0 2>/dev/null
		ip -n n$node addr del $DECOY dev lo 2>/dev/null
	done
}

# ---- what such a keepalived does alone: the control -------------------------------------------

alone() {
	VERSION=1.3.9 STALE=yes
	VIPS=("$VIP/32 eth0" "$VIP6/64 eth0")
	keepalived_both
	keepalived_signal KILL a
	wait "${KA[a]}" 2>/dev/null
	wait_for 60 has_vip b || bail_out "b does not take over"
	prefer b
	keepalived_start a
	now_ms
	wait_for 60 ticked $((NOW + 3000))
	check "alone, $VERSION leaves its VIP behind when it is killed" has_vip a
	check "and the other one has it as well" has_vip b
	both_end
	VIPS=("$DECOY lo")
	VERSION=1.3.5
	keepalived_conf a
	nsenter --net=/run/netns/na -- "$STANDIN" "$VERSION" "$T/a.keepalived" >"$T/out" 2>&1
	is $? 2 "VRRPv3 with a decoy on lo, $VERSION: it does not even start"
	like "$(cat "$T/out")" 'unknown lo interface' "and says why"
}

# ---- each of them ----------------------------------------------------------------------------------

guarded() { # $VERSION, both nodes with vipsafed
	local device=lo before node

	STALE=no HOOKS=
	case $VERSION in
	1.2.* | 1.3.5) device=vipsafe-decoy HOOKS=yes ;;
	esac
	case $VERSION in 1.* | 2.0.10) STALE=yes ;; esac
	guard_configure $device
	for node in a b; do vipsafe_on $node reload >/dev/null || bail_out "$node does not reload"; done

	# from an address of keepalived's own to one of vipsafe's, by reload
	for VRRP in 2 3; do
		VIPS=("$VIP/32 eth0" "$VIP6/64 eth0")
		for node in a b; do keepalived_conf $node; done
		keepalived_both
		VIPS=("$DECOY $device")
		for node in b a; do reload $node; done
		check "$VERSION, VRRPv$VRRP: keepalived has the decoy" wait_for 60 has_addr_on a $DECOY $device
		right "$VERSION, VRRPv$VRRP, reload to the decoy"
		is "$(instance a state) $(instance a decoy_problem)" "MASTER " "$VERSION: vipsafed knows"
		[ $VRRP = 3 ] || both_end
	done

	moved prio
	before=$(instance "$MASTER" stale_decoys)
	moved kill
	[ $STALE = no ] || is "$(instance "$OTHER" stale_decoys)" $((before + 1)) \
		"$VERSION: the stale decoy was seen"
	check "$VERSION: no decoy is left" not has_addr_on "$OTHER" $DECOY $device
	moved term
	moved kill
	for node in a b; do reload $node; done
	right "$VERSION, reload"
	keepalived_end "$OTHER"
	keepalived_end "$MASTER"
	check "$VERSION, both stopped: the VIP is gone" wait_for 60 has_none a
	check "$VERSION: from both" wait_for 60 has_none b
	both_end
}

# ---- a decoy that does not work ------------------------------------------------------------------

without_decoy() {
	VERSION=1.3.5 VRRP=2 HOOKS=yes
	guard_configure lo
	for node in a b; do vipsafe_on $node reload >/dev/null; done
	VIPS=("$DECOY lo")
	keepalived_both
	right "$VERSION, decoy on lo"
	check "its missing is told" wait_for 60 instance_is a decoy_problem missing
	like "$(vipsafe_on a status)" 'the decoy is missing' "by status"
	like "$(vipsafe_on a doctor)" 'decoy-missing' "and by doctor"
	check "and in the log" grep -q 'is not there although keepalived is MASTER' "$T/a.vipsafed"
	both_end
}

# ---- without vipsafed -------------------------------------------------------------------------------

without_vipsafed() {
	VERSION=2.0.10 VRRP=3 STALE=yes HOOKS=yes
	VIPS=("$DECOY lo")
	guard_configure lo
	for node in a b; do keepalived_conf $node; done
	keepalived_both
	for cause in prio kill term; do
		failover $cause
		right "scripts alone, $VERSION, $cause"
	done
	both_end
}

topo_failover
old=no new=no # what is the same for all is done with one half of them
case " $VERSIONS" in *" 1."*) old=yes ;; esac
case " $VERSIONS" in *" 2."*) new=yes ;; esac
[ $old = no ] || alone
guard_configure vipsafe-decoy
guard_start a
guard_start b
check "the device for decoys is there" ip -n na link show dev vipsafe-decoy up
for VERSION in $VERSIONS; do guarded; done
[ $old = no ] || without_decoy
guard_end a
guard_end b
[ $new = no ] || without_vipsafed
done_testing
