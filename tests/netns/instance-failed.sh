#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Addresses of instances that keepalived takes and iproute2 does not, and
# instances whose addresses cannot be added: that is a failure, in the log, in
# status and its exit code, in doctor, metrics and the exit code of a script.
# shellcheck disable=SC2317,SC2329 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
# shellcheck source=tests/netns/lib/notify.sh
. "$SRC/tests/netns/lib/notify.sh"

topo_nodes
install_here
install_vipsafe
V4=192.0.2.5/32 V6=2001:db8::5/128 LOST=192.0.2.9/32
notify() { "$VIPSAFE" notify INSTANCE "$@"; }

config '[agent]' 'announce_again = 0' '[instance API]' 'device = br-mgmt' "address = $V4 label vip" \
	"address = $V6 label vip" '[instance LOST]' 'device = br-mgmt' "address = $LOST dev nodev0" \
	"address = 192.0.2.10/32"

# ---- what is refused is refused by --check -----------------------------------------------
"$VIPSAFED" --check >"$T/out" 2>&1
is "$? $(grep -c '"label" is for IPv4 only, and left out of 2001:db8::5/128' "$T/out")" "0 1" \
	"--check warns of a label that IPv6 has none of"
# refused TEXT LINES...: of an instance
refused() {
	local text=$1

	shift
	printf '%s\n' '[instance VI_1]' 'device = br-mgmt' 'address = 192.0.2.5/32' "$@" >"$T/bad.conf"
	"$VIPSAFED" --check --config "$T/bad.conf" >"$T/out" 2>&1
	is "$?" 78 "--check refuses: $*"
	like "$(cat "$T/out")" "$text" "and says why"
}
refused 'longer than 15' 'address = 192.0.2.6/32 label 0123456789abcdef'
refused 'given twice' 'address = 2001:db8::5/128' 'address = 2001:db8::5/64'
refused 'is on br-mgmt' "decoy = $DECOY dev br-mgmt"
refused 'is that of' "decoy = $DECOY" '[instance VI_2]' 'device = br-mgmt' 'address = 192.0.2.6/32' \
	"decoy = $DECOY dev lo"

# ---- with a daemon -------------------------------------------------------------------------
start_daemon
check "it warns of the same in the log" logged 'left out of 2001:db8::5/128'
notify API MASTER
check "an address with any label comes" wait_for 60 there $V4
is "$(ip -j addr show dev br-mgmt | jq -r '.[].addr_info[] | select(.local == "192.0.2.5").label')" \
	vip "with the label"
check "an IPv6 one comes without" wait_for 60 there $V6
is "$(ip -j addr show dev br-mgmt | jq -r '.[].addr_info[] | select(.local == "2001:db8::5").deprecated')" \
	true "and is nobody's source"
check "which is logged" wait_for 60 logged 'its addresses are added" instance=API state=MASTER source=hook'
"$VIPSAFE" status >/dev/null
is "$?" 0 "status: all is well"

notify LOST MASTER
failed() { [ -n "$(of_instance error LOST)" ]; }
check "what cannot be added is a failure" wait_for 60 failed
check "what can be added is there" there 192.0.2.10/32
like "$(of_instance error LOST)" 'nodev0' "with the reason"
check "the log says so" logged 'its addresses could not be added" instance=LOST state=MASTER source=hook error=.*nodev0'
check "and not that they are" not logged 'its addresses are added" instance=LOST '
"$VIPSAFE" status >"$T/out"
is "$?" 4 "status ends with 4"
like "$(cat "$T/out")" 'FAILED: .*nodev0' "and tells why"
jsons doctor >"$T/out" 2>/dev/null
is "$? $(jq -r '.findings[] | select(.code == "instance-failed").severity' "$T/out")" "11 critical" \
	"doctor finds it"
metric() { "$VIPSAFE" metrics | sed -n "s/^vipsafe_instance_$1{vrrp_instance=\"LOST\"} //p"; }
check "it is counted" [ "$(metric failures_total)" -ge 1 ]
is "$(metric in_place)" 0 "and not in place"

ip link add nodev0 up type bridge
check "when it can be added, it is" wait_for 90 has_addr $LOST nodev0
well() { "$VIPSAFE" status >/dev/null; }
check "and status is well again" wait_for 60 well
check "the log says that, too" wait_for 60 logged 'its addresses are added" instance=LOST state=MASTER source=hook'

# ---- without one ----------------------------------------------------------------------------
end_daemon TERM
ip link del nodev0
"$VIPSAFE" notify INSTANCE LOST MASTER >"$T/out" 2>&1
code=$?
check "without a daemon the script says so ($code)" [ $code = 2 ]
like "$(cat "$T/out")" 'nodev0' "with the reason"
timeout 25 "$VIPSAFE" notify INSTANCE API BACKUP
is "$?" 0 "what one instance waits for keeps no other waiting"
check "whose address goes" gone $V4
ip link add nodev0 up type bridge
check "and goes on trying behind its back" wait_for 90 has_addr $LOST nodev0
done_testing
