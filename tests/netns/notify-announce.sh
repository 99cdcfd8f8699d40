#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the neighbours hear of an instance's addresses: how often, how far apart,
# again later, and as long as it is MASTER. And conntrackd beside it.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
command -v tcpdump >/dev/null || skip_all "no program tcpdump"
need_vipsafe
# shellcheck source=tests/netns/lib/notify.sh
. "$SRC/tests/netns/lib/notify.sh"

topo_nodes
install_here
install_vipsafe

# A conntrackd that takes its time, or does not come to an end.
cat >/usr/local/sbin/conntrackd <<-'.'
	#!/bin/sh
	there=no
	# (no other program: it has little time)
	while read -r line; do
		case $line in *' 192.168.11.100') there=yes ;; esac
	done </proc/net/fib_trie
	echo "$* $there" >>/run/t/conntrackd
	[ ! -e /run/t/hang ] || {
		echo $$ >/run/t/hanging
		exec tail -f /dev/null
	}
.
chmod 755 /usr/local/sbin/conntrackd
said() { tr '\n' ' ' <"$T/conntrackd" 2>/dev/null; }
has_said() { [ "$(said)" = "$1" ]; }

config '[agent]' 'conntrackd = /usr/local/sbin/conntrackd' 'conntrackd_timeout = 20s' \
	'[instance VI_1]' 'device = br-mgmt' "address = $VIP" "address = $VIP6" 'conntrackd = yes' \
	'garp = 4' 'garp_interval = 500ms' 'garp_again = 2' 'garp_again_after = 2500ms' \
	'garp_refresh = 1s' 'garp_refresh_count = 3' \
	'[instance VI_2]' 'device = br-mgmt' 'address = 192.168.11.102/32' \
	'garp = 4' 'garp_interval = 500ms' 'garp_again = 0' 'garp_refresh = 1s' 'garp_refresh_count = 3'
# a short one, which nothing follows; and little time for conntrackd
config_once() {
	sed -i "s/^garp_refresh = .*/garp_refresh = 0s/; s/^garp_again = .*/garp_again = 0/
		s/^conntrackd_timeout = .*/conntrackd_timeout = 1s/" "$CONF"
}

# sniff_anew: what node2 hears goes to $T/raw, a line each with its time
sniff_anew() {
	: >"$T/raw"
	sniff raw node2 br-mgmt -tt "arp host 192.168.11.100 or arp host 192.168.11.102 or icmp6"
}

# heard_times PATTERN: microseconds, one line each
heard_times() { awk -v p="$1" '$0 ~ p { printf "%.0f\n", $1 * 1000000 }' "$T/raw"; }
heard() { heard_times "$1" | wc -l; }
heard_at_least() { [ "$(heard "$1")" -ge "$2" ]; }
ARP='who-has 192.168.11.100 .*tell 192.168.11.100'
ARP2='who-has 192.168.11.102 .*tell 192.168.11.102'
NA='neighbor advertisement, tgt is fd00:11::100'

# gap N: between the Nth and the next, in ms
gap() { heard_times "$1" | awk -v n="$2" 'NR == n { a = $1 } NR == n + 1 { printf "%d", ($1 - a) / 1000 }'; }

# ---- the daemon announces --------------------------------------------------------------
start_daemon
sniff_anew
vipsafe notify INSTANCE VI_1 MASTER 100
check "the first burst and the second are heard" wait_for 60 heard_at_least "$ARP" 6
check "the same for IPv6" wait_for 60 heard_at_least "$NA" 6
check "it is refreshed" wait_for 60 heard_at_least "$ARP" 15
vipsafe notify INSTANCE VI_1 BACKUP 100
wait_for 60 gone
n=$(heard "$ARP")
# in the time in which another one is refreshed twice
vipsafe notify INSTANCE VI_2 MASTER 100
wait_for 60 heard_at_least "$ARP2" 10 || diag "the other one is not refreshed"
is "$(heard "$ARP")" "$n" "nothing is announced of what is gone"
vipsafe notify INSTANCE VI_2 BACKUP 100
check "conntrackd: commit before the address is there, resync and bulk after it" \
	has_said "-c no -f external yes -R yes -B yes "
sniff_end raw

# exactly as many as configured
config_once
kill -HUP "$DAEMON"
sniff_anew
other_gone() { not has_addr 192.168.11.102/32 br-mgmt; }
# One may be sent late on a busy machine, and the next one then sooner after it: a burst takes no
# time. What is as configured must be seen once.
for _ in 1 2 3 4 5; do
	vipsafe notify INSTANCE VI_1 MASTER 100
	wait_for 60 there
	wait_for 60 heard_at_least "$ARP" 4
	# what more may come has come when all of one that came later is heard
	vipsafe notify INSTANCE VI_2 MASTER 100
	wait_for 60 heard_at_least "$ARP2" 4
	close=
	for n in 1 2 3; do
		for what in "$ARP" "$NA"; do
			[ "$(gap "$what" $n)" -ge 100 ] || close="$close $n and $((n + 1)) of $what;"
		done
	done
	[ -n "$close" ] || break
	vipsafe notify INSTANCE VI_1 BACKUP 100
	vipsafe notify INSTANCE VI_2 BACKUP 100
	wait_for 60 gone
	wait_for 60 other_gone
	: >"$T/raw"
done
is "$(heard "$ARP") $(heard "$NA")" "4 4" "as many as configured, and no more"
is "$close" "" "and none follow each other as in a burst"
# An IPv6 address is usable at once.
is "$(ip -6 -o addr show dev br-mgmt tentative | grep -c fd00:11::100)" 0 "the IPv6 address is not tentative"
serve tcp6 node1 fd00:11::100 7777
check "and is reached" in_ns node2 timeout 10 bash -c 'exec 3<>/dev/tcp/fd00:11::100/7777'
jobs_end
sniff_end raw

# ---- conntrackd that hangs --------------------------------------------------------------
vipsafe notify INSTANCE VI_1 BACKUP 100
wait_for 60 gone
: >"$T/conntrackd"
: >"$T/hang"
vipsafe notify INSTANCE VI_1 MASTER 100
check "it hangs" wait_for 60 has_said "-c no "
check "the daemon answers meanwhile" answers
check "the address comes all the same" wait_for 60 there
# "-c" has a minute, which the case does not wait for: it dies
hung() { pgrep -f 'tail -f /dev/null' >/dev/null; }
die_after() { wait_for 60 has_said "$1" && wait_for 60 hung && kill -KILL "$(cat "$T/hanging")"; }
check "and it goes on meanwhile" has_said "-c no "
check "it dies" die_after "-c no "
check "the rest is tried to the end, and what is not committed not forgotten" \
	wait_for 60 has_said "-c no -R yes -B yes "
check "and told of" wait_for 60 logged 'conntrackd did not finish in time" instance=.* option=-B'
check "nothing of it is left" wait_for 60 not hung
vipsafe notify INSTANCE VI_1 BACKUP 100
wait_for 60 gone
: >"$T/conntrackd"
vipsafe notify INSTANCE VI_1 MASTER 100
wait_for 60 has_said "-c no "
vipsafe notify INSTANCE VI_1 BACKUP 100
check "BACKUP while it hangs: the rest is left out" wait_for 60 not hung
check "and the address does not come" wait_for 60 quiet
check "it is not there" gone
has_said "-c no " || diag "it was run with: $(said)"
rm "$T/hang"
end_daemon TERM

# ---- without the daemon --------------------------------------------------------------------
: >"$T/conntrackd"
sniff_anew
vipsafe notify INSTANCE VI_1 MASTER 100
check "without a daemon: it comes" wait_for 60 there
check "it is announced" wait_for 60 heard_at_least "$ARP" 4
check "conntrackd is run" wait_for 60 has_said "-c no -f external yes -R yes -B yes "
sniff_end raw
vipsafe notify INSTANCE VI_1 BACKUP 100
check "and goes" wait_for 60 gone
is "$(grep -c -e -t "$T/conntrackd")" 0 "never is the table flushed"
done_testing
