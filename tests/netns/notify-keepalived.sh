#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The real keepalived on one node, with the examples of hooks/: each way to own
# an address, each way to be told, and restarts of everything in any order.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
# shellcheck source=tests/netns/lib/notify.sh
. "$SRC/tests/netns/lib/notify.sh"
KEEPALIVED=$(command -v keepalived) || skip_all "no program keepalived"

topo_nodes
install_here
install_vipsafe

# example FILE: hooks/FILE, with the hooks where they are here, quicker adverts
# (VRRPv3), and nothing else changed
example() {
	sed -e "s,/usr/libexec/vipsafe,$HOOKS,; s/advert_int 1/advert_int 0.1\n\tversion 3/" \
		"$SRC/hooks/$1" >/etc/keepalived/keepalived.conf
}

start_keepalived() {
	"$KEEPALIVED" --dont-fork --log-console --no-syslog --pid=/run/keepalived.pid \
		--vrrp_pid=/run/vrrp.pid --use-file=/etc/keepalived/keepalived.conf \
		>>"$T/keepalived.log" 2>&1 &
	KA=$!
}

end_keepalived() {
	kill -"${1:-TERM}" "$KA"
	wait "$KA" 2>/dev/null
}

decoy() { has_addr "$DECOY" lo; }

# ---- the examples are what they say ---------------------------------------------------
# as keepalived-decoy-device.conf has it made
has_dummy() { ip link add dummy-there type dummy 2>/dev/null && ip link del dummy-there; }
if has_dummy; then
	sed -n 's/^ExecStartPre=-\{0,1\}//p' "$SRC/hooks/keepalived-decoy-device.conf" | sh -e
	is "$?" 0 "the device for the decoy of an old keepalived can be made"
else
	skip "the device for the decoy of an old keepalived can be made" "this kernel has no dummies"
	ip link add vipsafe-decoy up type bridge
fi
for f in keepalived-vipsafe-owns keepalived-1.2 keepalived-keepalived-owns; do
	sed "s,/usr/libexec/vipsafe,$HOOKS," "$SRC/hooks/$f.conf" >"$T/$f.conf"
	# what a keepalived of today wants, and one of 1.2 does not know
	[ $f != keepalived-1.2 ] ||
		printf 'global_defs {\n\tscript_user root\n\tenable_script_security\n}\n' >>"$T/$f.conf"
	check "keepalived takes $f.conf" "$KEEPALIVED" -t -f "$T/$f.conf"
done
for f in vipsafe-owns vipsafe-owns-1.2 keepalived-owns; do
	check "vipsafed takes $f.conf" "$VIPSAFED" --check --config "$SRC/hooks/$f.conf"
done

# life DESCRIPTION: MASTER, FAULT, MASTER, reload, STOP, with keepalived.conf and
# vipsafe.conf as they are
life() {
	: >"$T/keepalived.log"
	start_keepalived
	check "$1: it becomes MASTER and the address comes" wait_for 60 there
	ip link set eth0 down
	ip link set br-mgmt down
	check "$1: in FAULT it is gone" wait_for 60 gone
	ip link set br-mgmt up
	ip link set eth0 up
	check "$1: it comes again" wait_for 60 there
	kill -HUP "$KA"
	reloaded() { grep -q Reloading "$T/keepalived.log"; }
	wait_for 60 reloaded || diag "keepalived does not say that it reloads"
	end_keepalived
	check "$1: with keepalived it goes" wait_for 60 gone
}

# ---- vipsafe owns it ----------------------------------------------------------------------
cp "$SRC/hooks/vipsafe-owns.conf" "$CONF"
example keepalived-vipsafe-owns.conf
life "no daemon, scripts"
check "no decoy is left" not decoy

start_daemon
life "FIFO, scripts and decoy"
state_is STOP || wait_for 60 state_is STOP
is "$(of_notify bad) $(of_notify unknown) $(of_notify fifo_problem)" "0 0 " \
	"all that keepalived says is understood"
check "lines and scripts tell the same" [ "$(of_instance duplicates)" -gt 0 ]

without() { # PATTERN: lines that keepalived.conf goes without
	sed -i "/$1/d" /etc/keepalived/keepalived.conf
}
grep -v '^decoy' "$SRC/hooks/vipsafe-owns.conf" >"$CONF"
kill -HUP "$DAEMON"
no_decoy() { [ "$(of_instance decoy)" = null ]; }
wait_for 60 no_decoy || bail_out "the configuration is not reloaded"
without notify_fifo
life "scripts alone"
is "$(of_instance source)" hook "it was heard by scripts"
example keepalived-vipsafe-owns.conf
without '^[[:space:]]*notify'
lines=$(of_notify lines)
life "FIFO alone"
is "$(of_instance source)" fifo "it was heard by the FIFO"
check "the FIFO is still the daemon's" [ -p "$FIFO" ]
check "all its lines came" [ "$(of_notify lines)" -ge $((lines + 4)) ]
example keepalived-1.2.conf
life "one script for each state"
end_daemon TERM
ip link del vipsafe-decoy
cp "$SRC/hooks/vipsafe-owns-1.2.conf" "$CONF"
start_daemon
check "vipsafed makes the device for the decoy" ip link show dev vipsafe-decoy up
life "one script for each state, decoy on a device of its own"
is "$(of_instance stale_decoys)" 0 "and none is left behind"
end_daemon TERM

cp "$SRC/hooks/vipsafe-owns.conf" "$CONF"
start_daemon
example keepalived-vipsafe-owns.conf
without notify_fifo
without '^[[:space:]]*notify'
life "decoy alone"
is "$(of_instance source)" decoy "it was seen by the decoy"

# ---- restarts, in any order -----------------------------------------------------------------
example keepalived-vipsafe-owns.conf
start_keepalived
wait_for 60 there
end_daemon KILL
kill -HUP "$KA"
start_daemon
check "the daemon is killed, keepalived reloads, the daemon is back: it is there" wait_for 60 there
end_daemon TERM
kill -STOP "$KA" # so that it does not notice the death of its child
kill -KILL "$(cat /run/vrrp.pid)"
end_keepalived KILL
check "both are gone, keepalived without a word: it stays, as it does without vipsafe" there
start_daemon
check "the daemon leaves it where it is" there
start_keepalived
masters() { [ "$(of_instance changes)" -ge "$1" ] && state_is MASTER; }
check "keepalived begins anew: BACKUP, then MASTER" wait_for 60 masters 2
check "it is there" wait_for 60 there
kill -HUP "$DAEMON"
kill -HUP "$KA"
end_keepalived
end_daemon TERM
start_daemon
check "reload of both, then keepalived ends while no daemon runs: it is gone" wait_for 60 gone
start_keepalived
end_daemon KILL
check "keepalived becomes MASTER while no daemon runs: its script adds it" wait_for 60 there
start_daemon
check "the daemon is told what the script was told" wait_for 60 state_is MASTER
check "it is there" there
kill -KILL "$(cat /run/vrrp.pid)"
check "keepalived's own child is killed and made again" wait_for 60 masters 1
check "it is there in the end" wait_for 60 there
end_keepalived
wait_for 60 gone
end_daemon TERM

# ---- keepalived owns it ------------------------------------------------------------------------
cp "$SRC/hooks/keepalived-owns.conf" "$CONF"
example keepalived-keepalived-owns.conf
start_daemon
life "keepalived's own"
is "$(of_instance operations)" 0 "vipsafe only looks"
is "$(of_instance state)" STOP "and knows"
end_daemon TERM
done_testing
