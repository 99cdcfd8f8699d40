#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `vipsafe add` as the neighbours and the journal see it: the address answers
# at once, is announced in two bursts, is refused when somebody else has it,
# and each run leaves exactly one line.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
command -v tcpdump >/dev/null || skip_all "no program tcpdump"
need_vipsafe

topo_nodes
MAC=$(ip -j link show br-mgmt | jq -r '.[].address')
cat >"$T/conf" <<'C'
[agent]
announce_count = 3
announce_interval = 20ms
announce_again = 2
announce_again_after = 700ms
C

# ---- announcements ------------------------------------------------------------------

sniff raw node2 br-mgmt -tt "ether src $MAC and (arp or icmp6)"
garp() { grep "who-has $1 tell $1," "$T/raw"; } # not what it asks for itself
arps() { garp 192.168.11.100 | wc -l; }
nas() { grep -c 'fd00:11::100 > ff02::1: .* advertisement, tgt is fd00:11::100,' "$T/raw"; }
heard() { [ "$(arps) $(nas)" = "$1" ]; }

# A closed port of a host that is there is refused at once; of none that is there a neighbour knows
# after three questions.
answers() { [[ $(in_ns node2 timeout 60 bash -c "echo >/dev/tcp/$1/9" 2>&1) == *refused* ]]; }

run probe # so that no later run has to
check "nobody answers for the VIP" not answers 192.168.11.100
run --config "$T/conf" add 192.168.11.100 fd00:11::100 dev br-mgmt
is "$RC" 0 "add"
check "it answers at once" answers 192.168.11.100
check "over IPv6, too" answers fd00:11::100
check "three announcements of each, and two more without the caller" wait_for 60 heard "5 5"
first=$(garp 192.168.11.100 | awk 'NR == 1 { print $1 }')
later=$(garp 192.168.11.100 | awk 'NR == 4 { print $1 }')
last=$(garp 192.168.11.100 | awk 'NR == 3 { print $1 }')
is "$(echo "$first $last $later" | awk '{ print ($3 - $1 >= 0.7), ($2 < $3) }')" "1 1" \
	"three at once, the second burst when it should come"

# deleted before the second burst; where the machine is too slow for that, once more
for short in 151 152 153 154 155 156 157 158; do
	uptime_cs
	began=$REPLY
	run --config "$T/conf" add "192.168.11.$short" dev br-mgmt
	run del "192.168.11.$short/32" dev br-mgmt
	uptime_cs
	[ $((REPLY - began)) -ge 69 ] || break
done
run --config "$T/conf" add 192.168.11.102 dev br-mgmt
gone() { [ "$(garp 192.168.11.102 | wc -l)" = 5 ]; }
check "another VIP has both bursts" wait_for 60 gone
is "$(garp "192.168.11.$short" | wc -l)" 3 "one that was deleted meanwhile has no second"
sniff_end raw

# ---- duplicate address detection ------------------------------------------------------

put /proc/sys/net/ipv6/conf/all/accept_dad 1
put /proc/sys/net/ipv6/conf/br-mgmt/accept_dad 1
in_ns node2 ip addr add fd00:11::200/128 dev br-mgmt nodad
run add fd00:11::200 dev br-mgmt dad
is "$RC" 5 "an address that another node has: refused"
like "$(cat "$T/err")" 'fd00:11::200/128' "the error names it"
check "and it is not left behind" not has_addr fd00:11::200/128 br-mgmt
run --json add fd00:11::201 dev br-mgmt dad
is "$RC $(json .changed)" "0 true" "a free one is added"
is "$(ip -o addr show dev br-mgmt to fd00:11::201 | grep -c tentative)" 0 \
	"and is no longer tentative when add returns"

# ---- a label and an alternative name ----------------------------------------------------

if ip link property add dev br-mgmt altname mgmt 2>/dev/null; then
	run add 192.168.11.110 dev mgmt label br-mgmt:vip
	is "$RC $(ip -o addr show dev br-mgmt to 192.168.11.110 | grep -o ' br-mgmt:vip')" \
		"0  br-mgmt:vip" "a label begins with the real name"
	run add 192.168.11.111 dev mgmt label mgmt:vip
	is "$RC" 1 "not with the alternative one"
	check "and then nothing is added" not has_addr 192.168.11.111/32 br-mgmt
else
	skip "labels beside alternative names" "no alternative names on this kernel"
fi

# ---- what waits to announce once more ---------------------------------------------------

sed 's/^announce_again_after.*/announce_again_after = 1h/' "$T/conf" >"$T/patient"
waiting() { pgrep -f "$T/patient" | wc -l; }
for _ in 1 2 3; do
	run --config "$T/patient" add 192.168.11.130/32 dev br-mgmt
	is "$RC" 0 "add, with an hour to the second burst"
	check "somebody waits for it" test "$(waiting)" = 1
	run --config "$T/patient" del 192.168.11.130/32 dev br-mgmt
	nobody_waits() { [ "$(waiting)" = 0 ]; }
	check "and no longer than the address is there" wait_for 30 nobody_waits
done

# ---- the journal ------------------------------------------------------------------------

mkdir -p /run/systemd/journal
"$BUILD/unixsink" /run/systemd/journal/socket >"$T/journal" &
JOURNAL=$!
wait_for 30 test -S /run/systemd/journal/socket || bail_out "no journal socket"
run del 192.168.11.102/32 dev br-mgmt
logged() { grep -aq 'MESSAGE=.*op=del' "$T/journal"; }
check "a run is in the journal" wait_for 30 logged
run plan del 192.168.11.100/32 dev br-mgmt
run del 192.168.11.100/32 dev br-mgmt
logged_both() { [ "$(grep -ac '^MESSAGE=' "$T/journal")" -ge 2 ]; }
check "and so is the next one" wait_for 30 logged_both
is "$(grep -ac '^MESSAGE=' "$T/journal")" 2 "one line each, and none for a plan"
like "$(grep -a '^MESSAGE=' "$T/journal" | head -n 1)" 'op=del .*192.168.11.102/32' "it says what was done"
kill $JOURNAL
done_testing
