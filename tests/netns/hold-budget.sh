#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# An iptables that waits for somebody else's lock, or hangs, costs a move a part of its
# time and not the connections; and it keeps no daemon from answering.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"

need_daemon
N=20
VIP=192.168.11.100/32
topo_pod
know_verdict affected
if ! command -v iptables-legacy >/dev/null ||
	! iptables-legacy -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 -j MASQUERADE \
		--random-fully 2>/dev/null; then
	skip_all "no iptables-legacy"
fi
serve srv node2 10.232.3.28 8899

# moved WHAT WORDS...: a delete with these words pins all flows and loses none
moved() {
	local what=$1

	shift
	has_addr $VIP br-mgmt || ip addr add $VIP dev br-mgmt
	open pod pod $N 10.232.3.28 8899
	timeout -k 2 120 "$VIPSAFE" --json "$@" del $VIP dev br-mgmt >"$T/out" 2>"$T/err"
	is "$?" 0 "$what: done ($(json '"hold \(.hold), \(.timing_us.hold) us"'))"
	check "$what: the address is gone" not has_addr $VIP br-mgmt
	# the node's own IGMP report has an entry too, if it was sent by now
	is "$(json ".entries | [.pinned >= $N, .pinned == .candidates] | @text")" '[true,true]' \
		"$what: every connection was pinned ($(json .entries.pinned))"
	unharmed pod "$what: every connection lives"
	job_end pod
}

# ---- somebody else's lock ---------------------------------------------------------------

touch /run/xtables.lock
job lock flock /run/xtables.lock sh -c 'echo held; exec tail -f /dev/null'
hear lock
moved "the lock is held" --local --timeout 60
moved "the lock is held, --hold iptables" --local --timeout 60 --hold iptables
is "$(json .hold)" off "it went on without a hold"
like "$(json '.warnings[] | select(.code == "no-hold") | .text')" 'held back.*iptables' "and says so"
# a second, where the machine gives it to us; by no means the time that there is
check "the hold had a part of the time ($(json .timing_us.hold) us of a minute)" \
	test "$(json .timing_us.hold)" -lt 20000000
job_end lock
moved "the lock is free" --local --timeout 60
is "$(json .hold)" iptables "with a hold"

# ---- a program that hangs ----------------------------------------------------------------

mount -t tmpfs none /mnt || bail_out "no place"
printf '#!/bin/sh\nexec tail -f /dev/null\n' >/mnt/hangs
chmod 755 /mnt/hangs
for multi in $(readlink -f "$(command -v iptables-legacy)" "$(command -v iptables)"); do
	mount --bind /mnt/hangs "$multi" || bail_out "cannot stand in for iptables"
done
moved "iptables hangs" --local --timeout 60
moved "iptables hangs, --hold iptables" --local --timeout 60 --hold iptables
is "$(json .hold)" off "it went on without a hold"
is "$(pgrep -cx tail)" 0 "no program is left behind"

config '[agent]' 'hold = iptables' '[device br-mgmt]' 'pin = on-demand' \
	'[device cali0]' 'pin = on-demand'
waits() { [ "$(guard .reason)" = "the hold is not in place yet" ]; }
gave_up() { [[ $(guard .reason) == *"did not finish in time"* ]]; }
"$VIPSAFED" --config "$CONF" 2>>"$DAEMON_LOG" &
DAEMON=$!
check "a daemon answers before it knows what becomes of its hold" wait_for 60 waits
check "both devices are waited for at once" wait_for 60 gave_up
is "$(guard '.state' cali0)" live "and both are guarded"
moved "through it" --timeout 60
daemon_end
is $? 0 "it ends"
done_testing
