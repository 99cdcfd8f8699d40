#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe doctor on a real node: nothing is found where nothing is wrong, and what
# is then made wrong, one thing at a time, is found and cured again. What cannot
# be brought about here (a full table, an affected kernel) is in the unit test.
# shellcheck disable=SC2317,SC2016 # functions given to wait_for; what looks like $ is jq's
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
VIPSAFED=$BUILD/vipsafed
[ -x "$VIPSAFED" ] || bail_out "no $VIPSAFED"

topo_nodes
know_verdict fixed
CONF=$T/vipsafe.conf
printf '%s\n' '[device br-mgmt]' >"$CONF"
own_etc
usual_sysctls

doctor() { run --json --config "$CONF" doctor; }
codes() { jq -r '[.findings[].code] | join(" ")' "$T/out"; }
finds() { doctor; jq -e --arg c "$1" '.findings | any(.code == $c)' "$T/out"; }
# found CODE WHAT: it is there, with a reason
found() {
	doctor
	check "$1: $2" jq -e --arg c "$1" '.findings | any(.code == $c and .text != "")' "$T/out"
}
# lost CODE: it is there no more
lost() { check "$1: found no more when it is cured" not finds "$1"; }

# ---- a healthy node --------------------------------------------------------------------
doctor
is "$(codes)" "kernel-fixed no-daemon" "nothing is wrong, nothing is found"
is "$RC$(jq -r .exit_code "$T/out")" 00 "exit code 0"
run --config "$CONF" doctor
is "$RC$OUT" "0NOT NEEDED: nothing is masqueraded on this node
nothing wrong was found, 2 notes" "and in two lines"
run --config "$CONF" doctor -v
like "$OUT" "note: no-daemon: vipsafed does not run" "-v shows notes"
like "$OUT" "  fix: systemctl enable --now vipsafed" "with what to do"

# ---- the kernel ----------------------------------------------------------------------------
boot=$(cat /proc/sys/kernel/random/boot_id)
cp /run/vipsafe/verdict "$T/verdict"
printf 'vipsafe-verdict 1\nboot_id %s\nipv4 affected\nipv6 fixed\n' "$boot" >/run/vipsafe/verdict
iptables -t nat -A POSTROUTING -o br-mgmt -j MASQUERADE --random-fully
doctor
is "$(codes)" "kernel-affected masquerade snat vip-on-other-device masquerade-random no-daemon" \
	"an affected kernel: the cures come first"
is "$RC" 10 "warnings: 10"
like "$(jq -r '.findings[2].fix' "$T/out")" "SNAT --to-source" "SNAT in front of MASQUERADE"
is "$(jq -r '.verdict + ": " + .verdict_fix' "$T/out")" "AT RISK: systemctl enable --now vipsafed" "the verdict in JSON"
run --config "$CONF" doctor
is "$(head -n 1 <<<"$OUT")" "AT RISK: br-mgmt has no guard: if anybody but vipsafe deletes an address, this kernel \
flushes all its masqueraded connections; fix: systemctl enable --now vipsafed" "the first line is the verdict: why, and the command"
run doctor
like "$(head -n 1 <<<"$OUT")" "^AT RISK: br-mgmt has no guard: .*; fix: .set -C .*echo '.device br-mgmt.' .* && systemctl enable --now vipsafed$" \
	"where nothing is configured the command does that, too"
# what cures it: the address has a device of its own
ip addr add 192.168.11.100/32 dev br-mgmt
verdict() { [[ $("$VIPSAFE" --config "$CONF" doctor | head -n 1) == "$1"* ]]; }
if "$VIPSAFE" isolate 192.168.11.100/32 dev br-mgmt >"$T/isolate" 2>&1; then
	run --config "$CONF" doctor
	is "$RC $(head -n 1 <<<"$OUT")" \
		"0 PROTECTED: 192.168.11.100/32 has a device of its own: its delete flushes nobody's connection" \
		"an isolated address is protected without a daemon"
	ip addr add 192.168.11.101/32 dev br-mgmt
	check "but not if another one is left" verdict "AT RISK: "
	ip addr del 192.168.11.101/32 dev br-mgmt
	"$VIPSAFE" isolate --undo >/dev/null 2>&1
else
	skip "an isolated address" "it cannot be had here: $(tail -n 1 "$T/isolate")"
fi
ip addr del 192.168.11.100/32 dev br-mgmt 2>/dev/null
cp "$T/verdict" /run/vipsafe/verdict
iptables -t nat -D POSTROUTING -o br-mgmt -j MASQUERADE --random-fully
lost kernel-affected
lost masquerade
nft -f - <<-'.'
	table ip mine {
		chain post {
			type nat hook postrouting priority srcnat
			oifname "br-mgmt" masquerade
		}
	}
.
found masquerade "a rule of nft"
like "$(jq -r '.findings[] | select(.code == "masquerade").text' "$T/out")" "oifname .*masquerade" "is named"
nft delete table ip mine
lost masquerade

# set KEY VALUE CODE: the sysctl makes the finding, and its fix takes it away
sysctl_case() {
	local path=$1 bad=$2 good=$3 code=$4

	if ! put "$path" "$bad" || [ "$(cat "$path")" != "$bad" ]; then
		skip "$code" "$path cannot be set here"
		return
	fi
	found "$code" "$path is $bad"
	put "$path" "$good"
	lost "$code"
}
NF=/proc/sys/net/netfilter
sysctl_case $NF/nf_conntrack_events 0 1 events-off
sysctl_case $NF/nf_conntrack_acct 1 0 acct
sysctl_case $NF/nf_conntrack_tcp_loose 0 1 tcp-loose-off
sysctl_case $NF/nf_conntrack_tcp_be_liberal 1 0 be-liberal
ip addr add 192.168.11.9/24 dev br-mgmt
put /proc/sys/net/ipv4/conf/all/promote_secondaries 0
sysctl_case /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 0 1 promote-secondaries-off
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 0
ip addr del 192.168.11.9/24 dev br-mgmt
check "promote-secondaries-off: not without a secondary address" not finds promote-secondaries-off
sysctl_case /proc/sys/net/ipv4/conf/br-mgmt/rp_filter 1 2 rp-filter-strict
echo '[device eth9]' >>"$CONF"
found device-missing "a device that is not there"
sed -i '$d' "$CONF"
lost device-missing

# ---- the firewall ------------------------------------------------------------------------------
iptables -N KUBE-FORWARD
iptables -A FORWARD -j KUBE-FORWARD
iptables -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
found invalid-drop-forward-only "as kube-proxy has it"
fix=$(jq -r '.findings[] | select(.code == "invalid-drop-forward-only").fix' "$T/out")
sh -c "$fix"
lost invalid-drop-forward-only
iptables -F
iptables -X
if nft add table inet off && nft add flowtable inet off ft '{ hook ingress priority 0; devices = { eth0 }; }' 2>/dev/null; then
	found flow-offload "a flow table"
else
	skip "flow-offload" "this kernel has no flow tables"
fi
nft delete table inet off
lost flow-offload
if command -v iptables-legacy >/dev/null && iptables-legacy -A INPUT -s 192.0.2.1 -j ACCEPT 2>/dev/null; then
	nft add table ip mine && nft add chain ip mine c && nft add rule ip mine c accept
	found firewall-mixed "rules of both kinds"
	nft delete table ip mine
	iptables-legacy -D INPUT -s 192.0.2.1 -j ACCEPT
	lost firewall-mixed
else
	skip "firewall-mixed" "this kernel has no iptables of the old kind"
fi
nft add table inet vipsafe_hold_77
found rules-left "rules of ours and nobody who uses them"
nft delete table inet vipsafe_hold_77
lost rules-left

# ---- others ------------------------------------------------------------------------------------
mkdir -p /etc/conntrackd/old /etc/keepalived
printf '%s\n' '#!/bin/sh' '# never conntrackd -t' '$CONNTRACKD_BIN -C $CONNTRACKD_CONFIG -c' >/etc/conntrackd/good.sh
check "conntrackd-flush: not for what is harmless" not finds conntrackd-flush
printf '%s\n' '#!/bin/sh' 'case $1 in backup)' '	$CONNTRACKD_BIN -C $CONNTRACKD_CONFIG -t' >/etc/conntrackd/old/primary-backup.sh
found conntrackd-flush "the stock script"
is "$RC" 11 "critical: 11"
like "$(jq -r '.findings[] | select(.code == "conntrackd-flush").text' "$T/out")" \
	"line 3 of /etc/conntrackd/old/primary-backup.sh" "with file and line"
for call in "conntrack -F" "conntrack --flush" "conntrackd -F" "conntrack -D" "sudo conntrack -F >/dev/null 2>&1"; do
	printf '%s\n' '#!/bin/sh' "$call" >/etc/conntrackd/old/primary-backup.sh
	found conntrackd-flush "$call"
done
for call in "ip addr flush dev eth0" "ip -4 a f dev eth0"; do
	printf '%s\n' '#!/bin/sh' "$call" >/etc/conntrackd/old/primary-backup.sh
	found address-flush "$call"
done
for call in "ip link set eth0 down" "ifdown eth0" "ifconfig eth0 down" "nmcli con down eth0" \
	"netplan apply" "systemctl restart NetworkManager"; do
	printf '%s\n' '#!/bin/sh' "if true; then $call; fi" >/etc/conntrackd/old/primary-backup.sh
	found link-down "$call"
done
printf '%s\n' '#!/bin/sh' 'logger "conntrack -F"' 'echo "conntrackd -t failed"' >/etc/conntrackd/old/primary-backup.sh
printf 'conntrack -F\n' >/etc/conntrackd/old/functions.sh
found conntrackd-flush "a part of a script"
rm /etc/conntrackd/old/functions.sh
check "conntrackd-flush: not for what is only said" not finds conntrackd-flush
rm -r /etc/conntrackd
lost conntrackd-flush
printf '%s\n' '#!/usr/bin/python3' 'os.system("conntrack -F")' >/etc/keepalived/notify.py
found script-language "a script of another language"
rm /etc/keepalived/notify.py
lost script-language
mkfifo /etc/keepalived/fifo
ln -s /etc/keepalived /etc/keepalived/loop
check "a FIFO and a loop of links do not hang it" timeout 60 "$VIPSAFE" --config "$CONF" doctor
cp "$(command -v sleep)" "$T/NetworkManager"
"$T/NetworkManager" 600 &
manager=$!
named() { [ "$(cat "/proc/$manager/comm")" = NetworkManager ]; }
wait_for 60 named
found network-manager "it is running"
kill $manager
wait $manager 2>/dev/null
lost network-manager

# ---- who configures the device -------------------------------------------------------------------
iptables -t nat -A POSTROUTING -o br-mgmt -j MASQUERADE
ifindex=$(ip -j link show br-mgmt | jq '.[].ifindex')
# managed TEXT WHAT: the device is, and the finding begins with TEXT
managed() {
	found address-managed "$2"
	like "$(jq -r '.findings[] | select(.code == "address-managed").text' "$T/out")" \
		"^br-mgmt: $1.* is then lost, on every kernel" "and what it costs without a guard"
	is "$(jq -r '.findings[] | select(.code == "address-managed").severity' "$T/out")" warning "a warning"
}
# state FILE LINE…: what a manager says about the device
state_file() {
	mkdir -p "${1%/*}"
	printf '%s\n' "${@:2}" >"$1"
}
ip addr change 192.168.11.7/24 dev br-mgmt valid_lft 3600 preferred_lft 3600
managed 'somebody leases 192.168.11.7/24 \(3[0-9]* s left\); a restart of whoever it is or the end of a lease' \
	"an address with a lifetime"
cp "$(command -v bash)" "$T/dhclient"
job client "$T/dhclient" -c 'read -r _' dhclient -4 br-mgmt
leases() { finds address-managed && grep -q 'dhclient leases' "$T/out"; }
check "address-managed: the DHCP client is known by its command line" wait_for 60 leases
job_end client
job client "$T/dhclient" -c 'read -r _' dhclient -4 br-other
managed 'somebody leases' "a client of another device"
job_end client
job client in_ns node2 "$T/dhclient" -c 'read -r _' dhclient -4 br-mgmt
managed 'somebody leases' "a client in another network namespace"
job_end client
ip addr change 192.168.11.7/24 dev br-mgmt valid_lft forever preferred_lft forever
lost address-managed
links=/run/systemd/netif/links/$ifindex
state_file "$links" ADMIN_STATE=configured NETWORK_FILE=/etc/systemd/network/50-br.network
managed 'systemd-networkd configures it' networkd
state_file "$links" ADMIN_STATE=configured NETWORK_FILE=/run/systemd/network/10-netplan-br.network
managed 'netplan configures it; "netplan apply"' netplan
state_file "$links" ADMIN_STATE=unmanaged
lost address-managed
state_file "/run/NetworkManager/devices/$ifindex" '[device]' connection-uuid=27afa607-ee36-43f0-b8c3-9d245cdc4bb3
managed 'NetworkManager configures it; "nmcli connection up"' NetworkManager
rm "/run/NetworkManager/devices/$ifindex"
state_file /run/network/ifstate lo=lo br-mgmt=br-mgmt
state_file /etc/network/interfaces 'iface br-mgmt inet manual'
check "address-managed: not where ifupdown adds no address" not finds address-managed
state_file /etc/network/interfaces 'auto br-mgmt' 'iface br-mgmt inet static' ' address 192.168.11.7/24'
managed 'ifupdown configures it; "ifdown" and "ifup"' ifupdown
rm /run/network/ifstate
lost address-managed
state_file /etc/sysconfig/network-scripts/ifcfg-br-mgmt DEVICE=br-mgmt BOOTPROTO=none
managed 'network-scripts configures it; "systemctl restart network"' "ifcfg files of the RHEL family"
iptables -t nat -D POSTROUTING -o br-mgmt -j MASQUERADE
lost address-managed
rm -r /etc/sysconfig

# ---- vipsafe itself --------------------------------------------------------------------------------
echo x >/run/vipsafe/move-br-mgmt
found killed-run "a file of a killed run"
job locker flock /run/vipsafe/lock-br-mgmt sh -c 'echo locked; read -r _'
hear locker
check "killed-run: not while the run is under way" not finds killed-run
job_end locker
rm -f /run/vipsafe/move-br-mgmt
echo x >/run/vipsafe/unreadable-move-x
found set-aside "a file that nobody could read"
rm /run/vipsafe/unreadable-move-x
lost set-aside
chmod 777 /run/vipsafe
found run-dir-unsafe "a run directory that others may write to"
chmod 755 /run/vipsafe
lost run-dir-unsafe

"$VIPSAFED" --config "$CONF" 2>"$T/log" &
daemon=$!
live() { [ "$(jsons status 2>/dev/null | jq -r '.devices[0].state')" = live ]; }
wait_for 60 live || bail_out "vipsafed is not live: $(tail -n 3 "$T/log")"
# iptables has a second at most, which a busy machine may not give it the first time
held() { doctor && [[ $(codes) != *no-hold* ]]; }
wait_for 60 held
is "$(codes)" "kernel-fixed" "a guarded node: nothing, nor are its rules leftovers"
iptables -t nat -A POSTROUTING -o br-mgmt -j MASQUERADE
state_file "/run/NetworkManager/devices/$ifindex" '[device]' connection-uuid=27afa607-ee36-43f0-b8c3-9d245cdc4bb3
found address-managed "on a guarded device"
is "$(jq -r '.findings[] | select(.code == "address-managed") | .severity + ": " + .text' "$T/out")" \
	"note: br-mgmt: NetworkManager configures it; \"nmcli connection up\" may take addresses away and put \
them back: what is masqueraded to them is then kept if they are back within linger = 5s" "a note, since they linger"
# in force on an affected kernel: all of it is cured
cp /run/vipsafe/verdict "$T/verdict"
printf 'vipsafe-verdict 1\nboot_id %s\nipv4 affected\nipv6 fixed\n' "$boot" >/run/vipsafe/verdict
iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
serve server node2 10.232.3.28 8899
open flows node1 5 10.232.3.28 8899
protected() { verdict "PROTECTED: br-mgmt (continuous); $1"; }
check "an affected kernel, guarded: PROTECTED, with the connections" wait_for 60 protected "5 of "
doctor
is "$RC $(jq -r '[.findings[].severity] | unique | join(" ")' "$T/out")" "0 note" "exit code 0: causes that are cured are notes" ||
	diag "$(jq -c '.findings[] | select(.severity != "note")' "$T/out")"
is "$(jq -r '"\(.verdict) \(.pinned)"' "$T/out")" "PROTECTED 5" "the same in JSON"
run doctor
like "$RC $(head -n 1 <<<"$OUT")" "^0 PROTECTED: br-mgmt .continuous.; 5 of [0-9]+ connections are pinned$" \
	"without --config: what the running daemon has read counts"
jobs_end
iptables -D FORWARD -m conntrack --ctstate INVALID -j DROP
cp "$T/verdict" /run/vipsafe/verdict

# ---- keepalived, which nobody has to name -------------------------------------------------------
mkdir -p /etc/keepalived
vrrp() { printf '%s\n' 'vrrp_instance VI_1 {' 'interface br-mgmt' 'virtual_router_id 51' 'virtual_ipaddress {' "$1" '}' '}'; }
vrrp '192.168.11.100/32 dev br-mgmt' >/etc/keepalived/keepalived.conf
doctor
is "$RC $(jq -r .verdict "$T/out")" "0 PROTECTED" "keepalived.conf as it is, beside a guard: nothing is wrong" ||
	diag "$(jq -c '.findings[] | select(.severity != "note")' "$T/out")"
printf '%s\n' '[instance VI_1]' 'address = 192.168.11.100/32' 'device = br-mgmt' 'decoy = 10.255.255.1/32 dev lo' >>"$CONF"
found vip-owned-twice "in /etc/keepalived/keepalived.conf, which was not named"
is "$RC $(jq -r .verdict "$T/out")" "11 AT RISK" "which is a risk"
cp "$(command -v bash)" "$T/keepalived"
vrrp '192.168.11.100/32 dev br-nowhere' >"$T/other.conf"
job keepalived "$T/keepalived" -c 'read -r _' keepalived -D -f "$T/other.conf"
runs() { doctor && grep -q "$T/other.conf" "$T/out"; }
check "the file of the one that runs" wait_for 20 runs
check "and not the usual one" not grep -q /etc/keepalived/keepalived.conf "$T/out"
job_end keepalived
job far in_ns node2 "$T/keepalived" -c 'read -r _' keepalived --use-file="$T/other.conf"
found vip-owned-twice "one in another network namespace is not asked"
job_end far
rm /etc/keepalived/keepalived.conf
sed -i '/^.instance/,$d' "$CONF"

echo 'linger = 0s' >>"$CONF"
kill -HUP $daemon
no_linger() { finds address-managed && grep -q 'linger = 0' "$T/out"; }
check "address-managed: without linger" wait_for 60 no_linger
is "$(jq -r .verdict "$T/out")" "AT RISK" "which is a risk"
is "$(jq -r '.findings[] | select(.code == "address-managed") | .severity + ": " + .text' "$T/out")" \
	"warning: br-mgmt: NetworkManager configures it; \"nmcli connection up\" may take addresses away and put \
them back: what is masqueraded to them is then lost (linger = 0)" "a warning"
sed -i '$d' "$CONF"
echo '[device eth9]' >>"$CONF"
found config-not-read "what is in the file, and not in force"
sed -i '$d' "$CONF"
kill -HUP $daemon
rm "/run/NetworkManager/devices/$ifindex"
iptables -t nat -D POSTROUTING -o br-mgmt -j MASQUERADE
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if nobody true 2>/dev/null; then
	nobody "$VIPSAFE" --json --config "$CONF" doctor >"$T/out" 2>"$T/err"
	is $? 10 "another user: 10, since not all can be seen"
	for code in no-net-admin firewall-unseen daemon-unseen; do
		check "$code: it says what it could not see" jq -e --arg c $code \
			'.findings | any(.code == $c and .severity == "unseen" and .fix != "")' "$T/out"
	done
	nobody env -i PATH=/nowhere "$VIPSAFE" --json --config "$CONF" doctor >"$T/out" 2>"$T/err"
	is $? 10 "the same without a program in PATH, ip(8) for one"
else
	skip "another user" "no other user can be had here"
fi
kill -STOP $daemon
"$VIPSAFE" --json --config "$CONF" --timeout 300ms doctor >"$T/out" 2>/dev/null
is $? 11 "a daemon that does not answer: 11"
is "$(jq -r '.findings[] | select(.severity == "critical").code' "$T/out")" daemon-silent "and is found"
kill -CONT $daemon
echo '[device eth9]' >>"$CONF"
kill -HUP $daemon
check "not-in-force: what the daemon itself says" wait_for 60 finds not-in-force
found not-in-force "with a reason"
printf '%s\n' '[agent]' >"$CONF"
kill -HUP $daemon
unguarded() { finds nothing-guarded; }
check "nothing-guarded: no device is configured" wait_for 60 unguarded
kill -TERM $daemon
wait $daemon
# with another socket, which only its own configuration tells
printf '%s\n' '[agent]' "socket = $T/else.sock" '[device br-mgmt]' >"$T/else.conf"
"$VIPSAFED" --config "$T/else.conf" 2>"$T/log" &
daemon=$!
elsewhere() { [[ $("$VIPSAFE" doctor | head -n 1) == "PROTECTED: br-mgmt (continuous)"* ]]; }
check "a daemon with another configuration is found by its process" wait_for 60 elsewhere
kill -TERM $daemon
wait $daemon
job old "$BUILD/say" -l /run/vipsafe/control.sock \
	'{"v":1,"error":{"code":"bad-request","text":"key \"v\" is not 1"}}'
old_answers() { finds daemon-silent; }
check "a daemon of the version before has to be restarted" wait_for 20 old_answers
is "$RC" 11 "exit code 11"
run --config "$CONF" status
like "$ERR" "its answer is of version 1, not 2" "and status says why"
jobs_end
done_testing
