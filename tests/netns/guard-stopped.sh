#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is told to stop, or to read its configuration again, or is killed, while
# it puts back what somebody's delete has flushed: nothing of it is lost. A stop comes
# after the repair, however early it is asked for; what a kill leaves is on disk, and
# the next daemon, or vipsafe recover, puts it back.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

N=${N:-400} ROUNDS=${ROUNDS:-4}
PAUSES=(0 0.004 0.02 0.08)

topo_pod
masquerade
know_verdict affected
serve server node2 10.232.3.28 8899

delete_and_add() {
	ip addr add $TWIN dev br-mgmt 2>/dev/null
	ip addr del $TWIN dev br-mgmt
}
knows_all() { [ "$(guard '.unpinned + .pinned')" -ge "$N" ]; }

# guarded NAME: N connections that the daemon knows, none of them pinned
guarded() {
	config '[device br-mgmt]' 'pin = on-demand'
	open pod pod "$N" 10.232.3.28 8899
	twin_up
	daemon_start
	check "$1: the daemon knows the connections" wait_for 60 knows_all
}

again() {
	fresh
	rm -f /run/vipsafe/history
	serve server node2 10.232.3.28 8899
}

# ---- the control: nobody is there to put them back -----------------------------------------
open pod pod "$N" 10.232.3.28 8899
twin_up
flushed_by delete_and_add --reply-src 10.232.3.28 --reply-dst 192.168.11.7
harmed pod "without the daemon the connections break"
again

# ---- stopped ----------------------------------------------------------------------------------
for ((i = 0; i < ROUNDS; i++)); do
	pause=${PAUSES[i % 4]}
	guarded "TERM after $pause s"
	ip addr del $TWIN dev br-mgmt
	sleep "$pause"
	daemon_end TERM
	is $? 0 "TERM after $pause s: it ends well"
	unharmed pod "TERM after $pause s: every connection lives"
	check "TERM after $pause s: nothing is left to do" not test -e /run/vipsafe/repair-br-mgmt
	again
done

# ---- read the configuration again --------------------------------------------------------------
for ((i = 0; i < ROUNDS; i++)); do
	pause=${PAUSES[i % 4]}
	guarded "HUP after $pause s"
	relists=$(guard .relists)
	config '[device br-mgmt]' 'pin = on-demand' "pin_after = $((i + 3))s"
	ip addr del $TWIN dev br-mgmt
	sleep "$pause"
	kill -HUP "$DAEMON"
	reloaded() { logged 'configuration reloaded'; }
	check "HUP after $pause s: it is read" wait_for 30 reloaded
	repaired() { [ "$(guard '.restored + .lost')" -ge "$N" ]; }
	# the kernel leaves a flush out when many are under way elsewhere: then there is another
	wait_for 6 repaired || until_done repaired -- delete_and_add
	check "HUP after $pause s: the repair goes on" repaired
	unharmed pod "HUP after $pause s: every connection lives"
	is "$(guard .lost)" 0 "HUP after $pause s: nothing is lost"
	is "$(guard .relists)" "$relists" "HUP after $pause s: nor is what is known forgotten"
	daemon_end
	: >"$DAEMON_LOG"
	again
done

# A device that is not to be guarded any more.
guarded "HUP, unguarded"
ip addr del $TWIN dev br-mgmt
config '[agent]'
kill -HUP "$DAEMON"
unguarded() { [ -z "$(guard .state)" ] && answers; }
check "HUP, unguarded: its guard ends" wait_for 30 unguarded
unharmed pod "HUP, unguarded: when it has done what it had begun"
daemon_end
again

# ---- killed ----------------------------------------------------------------------------------------
# When it had not even read of the delete nobody can know; else all is put back.
begun() { [ "$(stat -c %s /run/vipsafe/repair-br-mgmt 2>/dev/null)" -ge $(((CROWD + N) * 128)) ] 2>/dev/null; }

crowd() { entries -p udp --reply-src 10.232.3.28 --reply-dst 192.168.11.7; }
knows_crowd() { [ "$(guard .unpinned)" -ge $((CROWD + N)) ]; }

# One socket with so many entries takes a while to put back, so that it is met in the
# midst of it.
CROWD=5000
put /proc/sys/net/netfilter/nf_conntrack_udp_timeout 900
in_ns node2 nft -f - <<'.' || bail_out "cannot silence node2"
	table ip silent {
		chain in {
			type filter hook prerouting priority -400
			udp dport 1-65535 ip saddr 192.168.11.7 drop
		}
	}
.

# met: the daemon stands still in the midst of a repair
met() {
	local looks=0

	ip addr del $TWIN dev br-mgmt
	until begun; do
		[ $((looks += 1)) -lt 20000 ] || return 1
		[ $((looks % 1000)) = 0 ] || continue
		# it was over before we looked; or the kernel has left the flush out, as many are
		# under way elsewhere
		[ "$(guard .restored)" = 0 ] || return 1
		delete_and_add
	done
	kill -STOP "$DAEMON"
	begun
}

for how in daemon recover; do
	for go in 1 2 3 4 5 6 7 8 9 10; do
		in_ns pod "$FLOW" spray -n $CROWD -P 1024 10.232.3.28 0 >/dev/null || bail_out "cannot send"
		guarded "KILL, then $how"
		check "KILL, then $how: and the crowd" wait_for 60 knows_crowd
		! met || break
		diag "go $go: the repair was over sooner"
		kill -CONT "$DAEMON"
		daemon_end
		again
	done
	check "KILL, then $how: it was in the midst of it" begun
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	case $how in
	daemon)
		daemon_start
		check "the next daemon says so" logged 'killed'
		;;
	recover)
		run --json recover
		is "$RC" 0 "vipsafe recover: exit code"
		check "vipsafe recover: it put some back ($(json '.[0].entries.restored'))" \
			test "$(json '.[0].entries.restored')" -gt 0
		;;
	esac
	unharmed pod "KILL, then $how: every connection lives"
	is "$(crowd)" $CROWD "KILL, then $how: and everything else is back"
	check "KILL, then $how: nothing is left to do" not test -e /run/vipsafe/repair-br-mgmt
	[ $how = recover ] || daemon_end
	again
done

jobs_end
done_testing
