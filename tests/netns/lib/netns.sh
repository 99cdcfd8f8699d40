# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What every netns case starts with:   . "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
#
# netns_main runs the case again inside its own network, mount, user and pid
# namespaces with a private /run, so that nothing it does can reach the host
# and nothing of it outlives it, however it ends. The case then speaks TAP, in the
# words of tests/lib/tap.sh.
#
# Nothing here sleeps and hopes: every wait names its condition and deadline.

set -u -o pipefail

# shellcheck disable=SC2034
SRC=${VIPSAFE_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
BUILD=${VIPSAFE_BUILD:-$PWD}
VIPSAFE=$BUILD/vipsafe
FLOW=$BUILD/flow
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C
# shellcheck source=tests/lib/tap.sh
. "$SRC/tests/lib/tap.sh"

# ---- getting a world of our own ---------------------------------------------

# The words that make a namespace here; empty when none is allowed. As root
# without a user namespace, which is what vipsafe meets in production (forced
# buffer sizes, no mapped ids); NETNS_USER=1 asks for the other way.
unshare_words() {
	local w='--mount --uts --ipc --net --pid --fork --kill-child --mount-proc --propagation private'

	# shellcheck disable=SC2086
	if [ "$(id -u)" = 0 ] && [ -z "${NETNS_USER:-}" ] &&
		unshare $w mount -t tmpfs none /run 2>/dev/null; then
		echo "$w"
	elif unshare --user --map-root-user $w mount -t tmpfs none /run 2>/dev/null; then
		echo "--user --map-root-user $w"
	fi
}

netns_main() {
	local words child

	if [ -n "${NETNS_INSIDE:-}" ]; then
		unset NETNS_INSIDE
		netns_inside
		return
	fi
	for t in ip nft iptables ip6tables conntrack jq unshare nsenter setpriv pgrep; do
		command -v $t >/dev/null || skip_all "no program $t"
	done
	words=$(unshare_words)
	[ -n "$words" ] || skip_all "neither user namespaces nor root: no network of our own"
	# unshare itself may ignore signals while it waits, so this shell stays
	# to pass them on; --kill-child and the death signal do the rest.
	# What our caller has open is closed: numbers of descriptors are the case's own.
	# shellcheck disable=SC2016,SC2086
	NETNS_INSIDE=1 setpriv --pdeathsig KILL unshare $words bash -c 'for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		exec bash "$@"' bash "$0" "$@" &
	child=$!
	# shellcheck disable=SC2064
	trap "kill -KILL $child 2>/dev/null; exit 143" TERM INT HUP
	wait $child
	exit
}

netns_inside() {
	mount -t tmpfs -o mode=755 none /run && mkdir -p /run/netns /run/t || exit 99
	T=/run/t # scratch of this case
	mkfifo "$T/never" || exit 99 # nobody writes there: a wait without a process
	ip link set lo up
	# IPv6 addresses of the topologies are to be usable at once.
	put /proc/sys/net/ipv6/conf/all/accept_dad 0
	put /proc/sys/net/ipv6/conf/default/accept_dad 0
	# A case that dies half-way has printed no plan: that is a failure.
	trap 'exit 143' TERM INT HUP
}

put() { echo "$2" >"$1" 2>/dev/null; }

# like GOT REGEX DESCRIPTION
like() {
	if [[ $1 =~ $2 ]]; then
		ok "$3"
	else
		not_ok "$3"
		diag "got:          $1"
		diag "wanted match: $2"
	fi
}

# ---- waiting -------------------------------------------------------------------

# Hundredths of a second since boot; needs no process and never jumps.
uptime_cs() {
	local up

	read -r up _ </proc/uptime
	REPLY=$((10#${up/./}))
}

# wait_for SECONDS COMMAND...: 0 as soon as the command succeeds. A machine that does not get round to
# looking often enough has longer: a deadline is over when so many looks were in vain, too. Who waits ten
# seconds or more counts on it, and is told what it was for.
wait_for() {
	local seconds=$1 end looks=$(($1 * 10)) pause=0.02 few=$(($1 * 10 - 5))

	uptime_cs
	end=$((REPLY + seconds * 100))
	shift
	until "$@" >/dev/null 2>&1; do
		uptime_cs
		looks=$((looks - 1))
		[ "$REPLY" -lt "$end" ] || [ $looks -gt 0 ] || {
			[ "$seconds" -lt 10 ] || diag "waited $seconds s in vain: $*" >&2
			return 1
		}
		[ $looks -gt $few ] || pause=0.05 # each look takes the processor from others
		read -rt $pause <>"$T/never" || [ $? -gt 128 ] || sleep $pause
	done
}

not() { ! "$@"; }

# ---- topologies ----------------------------------------------------------------

in_ns() {
	local ns=$1

	shift
	if [ "$ns" = node1 ]; then "$@"; else nsenter --net="/run/netns/$ns" -- "$@"; fi
}

# topo_nodes: two nodes on one management network
#
#        node1 (this shell)                       node2
#   br-mgmt (bridge)                          br-mgmt
#     192.168.11.7/24      ---- veth ----       192.168.11.8/24
#     fd00:11::7/64                             fd00:11::8/64
#   route 10.232.3.0/24, fd00:3::/64          lo: 10.232.3.28, fd00:3::28
#     via node2                                 "a pod behind node2"
topo_nodes() {
	ip netns add node2 || bail_out "cannot make a network namespace"
	in_ns node2 sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	ip -batch - <<-. || bail_out "cannot build the topology"
		link add br-mgmt type bridge
		link add eth0 type veth peer name br-mgmt netns node2
		link set eth0 master br-mgmt
		link set eth0 up
		link set br-mgmt up
		addr add 192.168.11.7/24 dev br-mgmt
		addr add fd00:11::7/64 dev br-mgmt nodad
	.
	ip -n node2 -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set br-mgmt up
		addr add 192.168.11.8/24 dev br-mgmt
		addr add fd00:11::8/64 dev br-mgmt nodad
		addr add 10.232.3.28/32 dev lo
		addr add fd00:3::28/128 dev lo nodad
	.
	ip route add 10.232.3.0/24 via 192.168.11.8
	ip -6 route add fd00:3::/64 via fd00:11::8
	put /proc/sys/net/ipv4/ip_forward 1
	put /proc/sys/net/ipv6/conf/all/forwarding 1
}

# topo_pod [DEVICE]: topo_nodes, and a pod whose flows node1 forwards, behind cali0 or DEVICE
#
#        pod                      node1                          node2
#   eth0                     cali0                br-mgmt
#     10.232.1.5/24   ----     10.232.1.1/24       (as above)   (as above)
#     fd00:1::5/64             fd00:1::1/64
topo_pod() {
	local dev=${1:-cali0}

	topo_nodes
	ip netns add pod
	in_ns pod sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	ip -batch - <<-. || bail_out "cannot build the topology"
		link add $dev type veth peer name eth0 netns pod
		link set $dev up
		addr add 10.232.1.1/24 dev $dev
		addr add fd00:1::1/64 dev $dev nodad
	.
	ip -n pod -batch - <<-. || bail_out "cannot build the topology"
		link set lo up
		link set eth0 up
		addr add 10.232.1.5/24 dev eth0
		addr add fd00:1::5/64 dev eth0 nodad
		route add default via 10.232.1.1
	.
	ip -n pod -6 route add default via fd00:1::1
	# node2 answers whatever leaves node1 untranslated: then its source shows.
	ip -n node2 route add 10.232.1.0/24 via 192.168.11.7
	ip -n node2 -6 route add fd00:1::/64 via fd00:11::7
}

# masquerade [iptables|nft]: both families, towards node2's pods, with fully
# random ports: without it a flushed flow is given its old port again and a
# test would see no harm (the far end only resets when the port changes).
masquerade() {
	case ${1:-iptables} in
	iptables)
		iptables -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 \
			-j MASQUERADE --random-fully &&
		ip6tables -w 5 -t nat -A POSTROUTING -o br-mgmt -d fd00:3::/64 \
			-j MASQUERADE --random-fully
		;;
	nft)
		nft -f - <<-'.'
			table inet masq {
				chain post {
					type nat hook postrouting priority srcnat;
					oifname "br-mgmt" ip daddr 10.232.3.0/24 masquerade fully-random
					oifname "br-mgmt" ip6 daddr fd00:3::/64 masquerade fully-random
				}
			}
		.
		;;
	esac || bail_out "cannot set up masquerading"
	rest_long node1
}

# rest_long NS: a slow machine does not outlast a flow that rests there
rest_long() {
	# shellcheck disable=SC2016 # $what is the inner shell's
	in_ns "$1" sh -c 'for what in udp_timeout udp_timeout_stream icmp_timeout icmpv6_timeout gre_timeout gre_timeout_stream
		do
			echo 600 >/proc/sys/net/netfilter/nf_conntrack_$what
		done' 2>/dev/null
}

# ---- background jobs -------------------------------------------------------------
# Each has a name, its own stdin and stdout as pipes, stderr in $T/NAME.err.
# Reading and writing them is how a case waits: for a line, not for time.

declare -A JOB_PID=() JOB_IN=() JOB_OUT=()
declare -A JOB_HALF=() # what has been heard of a line that was not whole in time
declare -A FLOWS=() # of `flow open` jobs: how many

# job NAME COMMAND...
job() {
	local name=$1 in out

	shift
	# The job must be the program itself, not a shell that waits for it.
	if [ "$1" = in_ns ] && [ "$2" = node1 ]; then
		shift 2
	elif [ "$1" = in_ns ]; then
		set -- nsenter --net="/run/netns/$2" -- "${@:3}"
	fi
	mkfifo "$T/$name.in" "$T/$name.out" || bail_out "cannot start $name"
	exec {in}<>"$T/$name.in" {out}<>"$T/$name.out"
	JOB_IN[$name]=$in JOB_OUT[$name]=$out JOB_HALF[$name]=
	"$@" <"$T/$name.in" >"$T/$name.out" 2>"$T/$name.err" {in}>&- {out}>&- &
	JOB_PID[$name]=$!
}

tell() { echo "$2" >&"${JOB_IN[$1]}"; }

# hear NAME [SECONDS]: next line into REPLY
hear() {
	REPLY=
	IFS= read -r -t "${2:-120}" -u "${JOB_OUT[$1]}" REPLY || {
		JOB_HALF[$1]+=$REPLY
		REPLY="(no answer from $1: $(head -c 300 "$T/$1.err"))"
		return 1
	}
	REPLY=${JOB_HALF[$1]}$REPLY
	JOB_HALF[$1]=
}

# ask NAME LINE [SECONDS]: tell, then hear
ask() {
	tell "$1" "$2"
	hear "$1" "${3:-120}"
}

# job_end NAME [SIGNAL]: end it and wait for it; its exit code is returned
job_end() {
	local pid=${JOB_PID[$1]:-} in=${JOB_IN[$1]:-} out=${JOB_OUT[$1]:-} rc

	[ -n "$pid" ] || return 0
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	rc=$?
	exec {in}>&- {out}>&-
	rm -f "$T/$1.in" "$T/$1.out"
	unset "JOB_PID[$1]" "JOB_IN[$1]" "JOB_OUT[$1]" "JOB_HALF[$1]"
	return $rc
}

jobs_end() {
	local name

	for name in "${!JOB_PID[@]}"; do job_end "$name"; done
}

# ---- flushes -------------------------------------------------------------------------------
# The kernel flushes from a work queue. Datagrams that are masqueraded and nobody answers tell of it: a flush
# takes all that were there before.

PROBE_PORT=40000
probe_entries() { entries -p udp -d 10.232.3.28 --dport "$PROBE_PORT"; }
probe_is_there() { [ "$(probe_entries)" -gt 0 ]; }
probe_taken() { [ "$(probe_entries)" = 0 ]; }
probe_sent() {
	# one that is not there was flushed at once
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		PROBE_PORT=$((PROBE_PORT + 1))
		echo probe >"/dev/udp/10.232.3.28/$PROBE_PORT"
		! wait_for 1 probe_is_there || return 0
	done
	bail_out "no probe is masqueraded"
}

# flushes_over: those that are queued have ended, since none takes a new probe
flushes_over() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		probe_sent
		wait_for 1 probe_taken || return 0
	done
	bail_out "flushes are queued without end"
}

# ---- packets ------------------------------------------------------------------------------

declare -A SNIFFER=()

# sniff NAME NS DEVICE WORDS...: what tcpdump sees there is added to $T/NAME, a packet a line, until
# sniff_end NAME. Of a frame it keeps the start only: its buffer holds few whole ones, which a busy
# machine would not be in time to take out.
sniff() {
	local name=$1 ns=$2 dev=$3

	shift 3
	rm -f "$T/$name.err"
	nsenter --net="/run/netns/$ns" -- tcpdump -Z root --immediate-mode -l -n -s 256 -B 16384 \
		-i "$dev" "$@" >>"$T/$name" 2>"$T/$name.err" &
	SNIFFER[$name]=$!
	wait_for 60 grep -q 'listening on' "$T/$name.err" || bail_out "$(cat "$T/$name.err")"
}

sniff_end() {
	[ -n "${SNIFFER[$1]:-}" ] || return 0
	kill "${SNIFFER[$1]}" 2>/dev/null
	wait "${SNIFFER[$1]}" 2>/dev/null
	unset "SNIFFER[$1]"
}

# ---- traffic: the judge --------------------------------------------------------------

# serve NAME NS WORDS...: `flow serve` in NS, listening when this returns
serve() {
	local name=$1 ns=$2

	shift 2
	job "$name" in_ns "$ns" "$FLOW" serve "$@"
	hear "$name"
	[ "$REPLY" = ready ] || bail_out "server $name: $REPLY"
}

# open NAME NS N WORDS...: N flows from NS, all open when this returns
open() {
	local name=$1 ns=$2 n=$3

	shift 3
	# shellcheck disable=SC2034 # read by the cases
	FLOWS[$name]=$n
	job "$name" in_ns "$ns" "$FLOW" open -n "$n" "$@"
	hear "$name"
	[ "$REPLY" = "open $n" ] || bail_out "flows $name: $REPLY $(head -c 300 "$T/$name.err")"
}

# unharmed NAME WHAT: all flows of this job live, with the source they had
unharmed() {
	ask "$1" ping
	is "$REPLY" "ping alive=${FLOWS[$1]} reset=0 stalled=0 changed=0" "$2"
}

# harmed NAME WHAT: none does. Each has lost its entry for sure when it sends;
# its new port is now and then the old one.
harmed() {
	local n=${FLOWS[$1]} alive

	ask "$1" ping
	alive=${REPLY#*alive=}
	check "$2 (${REPLY#ping })" test "${alive%% *}" -le $((1 + n / 10))
}

# ---- kernel state, for waiting and comparing, never as a verdict -----------------------

# How many conntrack entries have these words (conntrack -L options).
entries() { conntrack -L "$@" 2>/dev/null | wc -l; }

no_entries() { [ "$(entries "$@")" = 0 ]; }

# forget_all: after the end of all jobs. What they have left half closed sends its last segments once more,
# each of which would make an entry anew: it goes without a word, and then the entries do.
forget_all() {
	local ns

	for ns in node1 $(ls /run/netns); do
		in_ns "$ns" ss -K -t state connected exclude time-wait >/dev/null 2>&1
	done
	no_senders() {
		for ns in node1 $(ls /run/netns); do
			[ -z "$(in_ns "$ns" ss -Htn state connected exclude time-wait)" ] || return
		done
	}
	wait_for 30 no_senders # by themselves, where the kernel cannot end them
	conntrack -F >/dev/null 2>&1
}

has_addr() { [ -n "$(ip -o addr show dev "$2" to "$1" | awk -v a="$1" '$4 == a')" ]; }

# All that must not change: addresses, routes, rules. (Counters do, and link-local addresses cease to be tentative.)
state() {
	ip -j addr | jq -S 'map(.addr_info[]? |= del(.valid_life_time, .preferred_life_time, .tentative))'
	ip -j route show table all | jq -S .
	ip -j -6 route show table all | jq -S 'map(del(.expires))'
	nft -j list ruleset | jq -S 'del(.. | .packets?, .bytes?, .handle?)'
}

# own_etc [FOLDER...]: an /etc of the case's own, with these folders: what this machine has there is not found
own_etc() {
	mkdir -p "$T/etc" "${@/#/$T/etc/}"
	cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /etc/protocols /etc/alternatives "$T/etc" 2>/dev/null
	mount --bind "$T/etc" /etc || bail_out "cannot have an /etc of our own"
}

# usual_sysctls: those that doctor looks at, as it finds nothing wrong with them; after a topology
usual_sysctls() {
	local s

	for s in events:1 acct:0 tcp_loose:1 tcp_be_liberal:0; do
		put "/proc/sys/net/netfilter/nf_conntrack_${s%:*}" "${s#*:}"
	done
	put /proc/sys/net/ipv4/conf/all/rp_filter 0
	put /proc/sys/net/ipv4/conf/br-mgmt/rp_filter 0
}

# ---- vipsafe ---------------------------------------------------------------------------

# know_verdict affected|fixed: what the kernel does is found out elsewhere; the
# experiment takes time
know_verdict() {
	mkdir -m 755 /run/vipsafe
	printf 'vipsafe-verdict 1\nboot_id %s\nipv4 %s\nipv6 %s\n' \
		"$(cat /proc/sys/kernel/random/boot_id)" "$1" "$1" >/run/vipsafe/verdict
}

need_vipsafe() { [ -x "$VIPSAFE" ] || bail_out "no $VIPSAFE: set VIPSAFE_BUILD to the build directory"; }

# need_macvlan: after a topology
need_macvlan() {
	ip link add m0 link br-mgmt type macvlan 2>/dev/null || skip_all "this kernel has no macvlan"
	ip link del m0
}

# vipsafe_is WORDS...: from now on these words run it, with more behind them
vipsafe_is() {
	local file

	file=$(mktemp "$T/vipsafe.XXXXXX") || bail_out "cannot make a file"
	printf '#!/bin/sh\nexec' >"$file"
	printf " '%s'" "$@" >>"$file"
	printf ' "$@"\n' >>"$file"
	chmod 755 "$file"
	VIPSAFE=$file
}

# blind_vipsafe: from now on vipsafe is run where there is no iptables; $BLIND does the same to other commands
BLIND=$SRC/tests/netns/lib/without-iptables
blind_vipsafe() { vipsafe_is "$BLIND" "$VIPSAFE"; }

# be_patient: from now on vipsafe pins for as long as a slow machine takes, and not until its deadline
be_patient() {
	printf '[agent]\npin_deadline = 60s\n' >"$T/patient.conf"
	vipsafe_is "$VIPSAFE" --config "$T/patient.conf"
}

# run WORDS...: vipsafe with a deadline; RC, OUT and ERR are what came of it
# shellcheck disable=SC2034
run() {
	timeout -k 2 120 "$VIPSAFE" "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
	OUT=$(cat "$T/out") ERR=$(cat "$T/err")
	[[ " $* " != *' --json '* || -z $OUT ]] || printf '%s\n' "$OUT" >>"$T/said-json"
}

# run_amply WORDS...: the same with --timeout 5, and with more where that is too little for a slow machine
run_amply() {
	local limit

	for limit in 5 20 60; do
		run --timeout $limit "$@"
		[ "$RC" = 6 ] || break
	done
}

# jsons WORDS...: print what vipsafe --json says, which is judged as that of run is
jsons() {
	local out rc

	out=$(timeout -k 2 120 "$VIPSAFE" --json "$@")
	rc=$?
	[ -z "$out" ] || printf '%s\n' "$out" >>"$T/said-json"
	printf '%s\n' "$out"
	return $rc
}

# At the end of each case: all JSON that it was given is as the installed schema says.
case_end() {
	local r

	[ -s "$T/said-json" ] && command -v python3 >/dev/null || return 0
	python3 -W ignore "$SRC/tests/lib/json-valid" "$SRC/packaging/json/report.schema.json" <"$T/said-json" >"$T/check.out" 2>&1
	r=$?
	[ $r = 77 ] || report $r "all JSON is as the schema says" "$(head -c 2000 "$T/check.out")"
}

# json FILTER: of the last run's --json output
json() { jq -r "$1" "$T/out" 2>/dev/null || echo "(no JSON)"; }
