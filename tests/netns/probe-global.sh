#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# Where netfilter's hooks are those of all namespaces (before Linux 4.3) no experiment is
# made in passing, and none with a kind of NAT that the node does not use: it would break
# the node's own new connections. Here the kernel only says that it is such an old one.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"

need_daemon
OLD=(setarch "$(uname -m)" --uname-2.6)
[[ $("${OLD[@]}" uname -r) == 2.6.* ]] || skip_all "this kernel does not claim to be another"
VIP=192.168.11.100/32
topo_nodes
masquerade nft

# Programs that set rules leave word of what they were told.
mount -t tmpfs none /mnt || bail_out "no place"
for program in $(readlink -f "$(command -v nft)" "$(command -v iptables)"); do
	cp "$program" "/mnt/${program##*/}"
	# shellcheck disable=SC2016 # for the stand-in to expand
	printf '#!/bin/bash\necho "$0 $*" >>/mnt/told\nexec -a "$0" %s "$@"\n' \
		"/mnt/${program##*/}" >"/mnt/spy-${program##*/}"
	chmod 755 "/mnt/spy-${program##*/}"
	mount --bind "/mnt/spy-${program##*/}" "$program" || bail_out "cannot stand in for $program"
done
experiments() { grep -cE 'vipsafe_probe|MASQUERADE' /mnt/told; }
: >/mnt/told

# old WORDS...: as `run`, on the older kernel
old() {
	timeout -k 2 60 "${OLD[@]}" "$VIPSAFE" "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

serve srv node2 10.232.3.28 8899
open flows node1 4 10.232.3.28 8899
ip addr add $VIP dev br-mgmt
old --json --local --hold off del $VIP dev br-mgmt
is "$RC $(json '"\(.kernel) \(.strategy)"')" "0 unknown pin" "a move: treated as affected"
like "$(json '.warnings[] | select(.code == "kernel-unknown") | .text')" 'hooks are global' \
	"it says why it is not known"
is "$(experiments)" 0 "it made no experiment"
old --local add $VIP dev br-mgmt
config '[device br-mgmt]' 'pin = on-demand'
"${OLD[@]}" "$VIPSAFED" --config "$CONF" 2>>"$DAEMON_LOG" &
DAEMON=$!
wait_for 60 answers || bail_out "vipsafed does not answer"
run --json del $VIP dev br-mgmt
is "$RC $(json .kernel)" "0 unknown" "a daemon's move"
daemon_end
is "$(experiments)" 0 "neither did the daemon"
old --json doctor
is "$(experiments)" 0 "nor doctor"
old --json probe
like "$(json '"\(.ipv4) \(.ipv6) \(.reason)"')" '^unknown unknown .*global' \
	"asked for, on a node without NAT of ip_tables"
is "$(experiments)" 0 "it is not made either"

# ---- what is registered, by whatever way, while a namespace of somebody else opens connections ------
# Its own come from an address to which nobody answers, and are translated: a connection that
# leaves as it is never opens.
for ns in sa sb; do ip netns add $ns || bail_out "cannot make a network namespace"; done
ip link add s0 netns sa type veth peer name s0 netns sb
ip -n sa -batch - <<-.
	link set lo up
	link set s0 up
	addr add 10.9.0.1/24 dev s0
	addr add 10.8.0.1/32 dev lo
	route add 10.9.1.1/32 via 10.9.0.2 src 10.8.0.1
.
ip -n sb -batch - <<-.
	link set lo up
	link set s0 up
	addr add 10.9.0.2/24 dev s0
	addr add 10.9.1.1/32 dev lo
.
in_ns sa iptables -w 5 -t nat -A POSTROUTING -o s0 -j MASQUERADE || bail_out "cannot set up masquerading"
serve strange sb 10.9.1.1 80

# registered: chains of nf_tables with a hook, and tables of ip_tables, that were asked for
# (strace does not know what a socket of another namespace is of: 0xa03 is NFT_MSG_NEWCHAIN there)
registered() { grep -cE 'NFT_MSG_NEWCHAIN|nlmsg_type=0xa03\b' "$T/trace"; }
replaced() { grep -E 'SET_REPLACE' "$T/trace" | grep -oE '\b(nat|mangle|filter|raw)\b' | sort -u | tr '\n' ' '; }

# The traced program is slowed by what is written down only, not by each of its system calls.
# shellcheck disable=SC2054 # the commas are words of strace
TRACE=(strace -f -q -v -s 256 --seccomp-bpf -e trace=sendto,sendmsg,setsockopt -o "$T/trace")

# strange_up N: 200 connections of a strange namespace are being opened
strange_up() {
	# shellcheck disable=SC2153 # netns.sh has it
	job "strange$1" in_ns sa "$FLOW" open -n 200 10.9.1.1 80
	# shellcheck disable=SC2034,SC2154 # read by unharmed
	FLOWS["strange$1"]=200
}
strange_down() { # N WHAT
	hear "strange$1"
	is "$REPLY" "open 200" "$2: 200 connections of a strange namespace opened meanwhile"
	unharmed "strange$1" "$2: and live"
	job_end "strange$1"
}

# recorded N WORDS...: vipsafe with them on the older kernel (or, with "now" first, on this one), while
# strange connections open; RC, and what it registered
recorded() {
	local n=$1 kernel=("${OLD[@]}")

	shift
	[ "$1" != now ] || { shift; kernel=(); }
	strange_up "$n"
	timeout -k 2 60 "${TRACE[@]}" "${kernel[@]}" "$VIPSAFE" "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
	strange_down "$n" "$*"
}

# guarded N WHAT CONDITION...: vipsafed on the older kernel until CONDITION, while strange connections
# open, and then some more
guarded() {
	local n=$1 what=$2

	shift 2
	strange_up "$n"
	"${TRACE[@]}" -D "${OLD[@]}" "$VIPSAFED" --config "$CONF" 2>>"$DAEMON_LOG" &
	DAEMON=$!
	wait_for 60 answers || bail_out "vipsafed does not answer"
	check "$what" wait_for 60 "$@"
	strange_down "$n" "$what"
	strange_up "$n-more"
	strange_down "$n-more" "$what, later"
	daemon_end
	wait_for 60 grep -qE "^$DAEMON .*\+\+\+ (exited|killed)" "$T/trace" || bail_out "strace goes on"
}
apart_is() { [ "$(jsons status | jq -r ".lvs_apart | $1")" = "$2" ]; }

# moved N WORDS...: a move that holds. iptables has a second at most, which a busy machine may not give
# it the first time.
moved() {
	for _ in 1 2 3 4 5; do
		has_addr $VIP br-mgmt || old --local add $VIP dev br-mgmt
		rm -f /run/vipsafe/verdict
		recorded "$@" del $VIP dev br-mgmt
		[ "$(json .hold)" = off ] || break
	done
}

service=('[device br-mgmt]' 'pin = continuous' '[lvs]' 'sources =' 'keep_apart = yes'
	'[lvs-service s]' 'vip = 10.9.9.1:3306 ; method = nat' 'real = 10.232.3.28:3269')
if command -v strace >/dev/null && command -v iptables-legacy >/dev/null; then
	config "${service[@]}"
	guarded 7 "keep_apart is refused where the NAT of ip_tables is not in use" \
		apart_is '"\(.in_force) \(.reason | test("4.18"))"' "false true"
	like "$(registered) $(replaced)" '^0 (mangle )?$' "so neither keep_apart nor a guard registers a chain"
	iptables-legacy -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 -j MASQUERADE ||
		bail_out "cannot set up masquerading by ip_tables"
	nft delete table inet masq
	open own node1 4 10.232.3.28 8899
	recorded 1 --json probe
	is "$(json '.ipv4 | test("affected|fixed")') $(registered)" "true 0" \
		"asked for, where the NAT of ip_tables is in use: made with that, and no chain of nf_tables"
	moved 2 --json --local
	is "$RC $(json '"\(.kernel) \(.hold)"') $(registered) $(replaced)" "0 unknown iptables 0 mangle " \
		"a move holds with table mangle of ip_tables, and registers nothing else"
	moved 3 --json --local --hold nft
	like "$(json '"\(.hold): \(.hold_why)"')" '^iptables: nft: .*global' \
		"a hold by nf_tables is made by ip_tables"
	is "$(json '[.warnings[] | select(.code == "no-hold")] | length') $(registered)" "0 0" \
		"which is no warning, and no chain"
	old --local add $VIP dev br-mgmt
	recorded 4 --json --local --vip-flows reset del $VIP dev br-mgmt
	is "$(registered)" 0 "nor by --vip-flows reset"
	recorded 5 --json doctor
	is "$(registered) $(replaced)" "0 " "nor by doctor"
	old --local add $VIP dev br-mgmt
	recorded 8 --json --local isolate $VIP dev br-mgmt
	like "$RC $(registered) $(replaced)" '^0 0 (mangle )?$' "nor by isolate, which holds in the same way"
	recorded 9 --json --local isolate --undo $VIP
	like "$RC $(registered) $(replaced)" '^0 0 (mangle )?$' "nor by its undoing"
	guarded 10 "keep_apart is in force where the NAT of ip_tables is in use" \
		apart_is '"\(.in_force)"' true
	like "$(registered) $(replaced)" '^0 (mangle )?nat $' "by rules of ip_tables, and no chain"
	unharmed own "connections of the node live"
	iptables-legacy -w 5 -t nat -F POSTROUTING
	masquerade nft
	rm -f /run/vipsafe/verdict
	recorded 6 now --json probe
	check "here, where it is the namespace's own, a chain is recorded" test "$(registered)" -gt 0
else
	skip "what is registered" "no strace, or no NAT of ip_tables"
fi

# Both kinds of NAT in such a kernel: doctor says what that does.
mount -t tmpfs none /sys/module || bail_out "no place"
mkdir /sys/module/nf_tables /sys/module/iptable_nat
old --json doctor
check "doctor finds two kinds of NAT" jq -e '.findings[] | select(.code == "nat-twice")' "$T/out"
run --json doctor
check "which is no finding elsewhere" not jq -e '.findings[] | select(.code == "nat-twice")' "$T/out"
umount /sys/module

# The same words where the hooks are the namespace's own, so that the above means something.
run --json probe
like "$(json '"\(.ipv4) \(.ipv6)"')" '^(affected|fixed) (affected|fixed)$' "on the kernel as it is"
check "an experiment shows" test "$(experiments)" -gt 0
done_testing
