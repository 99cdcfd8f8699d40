#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What vipsafe isolate prints for the next boot: it is pasted into a node of each network
# manager, where nothing is lost by it, and read by the managers themselves as far as they
# are installed. What it tells of keepalived is done with a real one. And why it is a
# macvlan: an address on a dummy is silent where arp_ignore is set.
# shellcheck disable=SC2016,SC2317,SC2329 # what looks like $ is not ours; functions given to check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
topo_nodes
know_verdict fixed
CONF=$T/vipsafe.conf
printf '%s\n' '[device br-mgmt]' >"$CONF"
own_etc sysctl.d systemd/{network,system} NetworkManager/system-connections keepalived \
	network/if-{pre-up,up,down,post-down}.d
mkdir -p "$T/bin"
printf '#!/bin/sh\n[ "$1" = enable ] && : >"%s/enabled-$2"\n' "$T" >"$T/bin/systemctl"
chmod +x "$T/bin/systemctl"
VIP=192.168.11.50
IFINDEX=$(ip -j link show br-mgmt | jq '.[0].ifindex')
ip link add link br-mgmt name try0 type macvlan mode bridge 2>/dev/null || skip_all "this kernel has no macvlan"
ip link del try0
ip addr add $VIP/24 dev br-mgmt

isolate() { run --json --config "$CONF" "$@" "$VIP/24" dev br-mgmt name vip0; }
# printed: what would be printed here goes to $T/script
printed() {
	isolate plan isolate
	jq -r .lasting.script "$T/out" >"$T/script"
	jq -r '.lasting | .manager + " " + .owner' "$T/out"
}
files() { find /etc -type f -exec cksum {} + | sort; }
# pasted WHAT: twice, and nothing is lost or changed
pasted() {
	local before

	before=$(state)
	cp /etc/network/interfaces "$T/interfaces" 2>/dev/null || : >"$T/interfaces"
	files | grep -v /etc/network/interfaces >"$T/files"
	PATH=$T/bin:$PATH sh -e "$T/script" >"$T/pasted" 2>&1
	is "$?" 0 "$1: it can be pasted" || diag "$(cat "$T/pasted")"
	nothing "$(files | comm -23 "$T/files" -)" "$1: no file that was there is changed"
	[ ! -s "$T/interfaces" ] || check "$1: what was in interfaces is there" \
		cmp -n "$(stat -c %s "$T/interfaces")" "$T/interfaces" /etc/network/interfaces
	files >"$T/files"
	PATH=$T/bin:$PATH sh "$T/script" >/dev/null 2>&1
	nothing "$(files | diff "$T/files" -)" "$1: a second time nothing happens"
	is "$(state)" "$before" "$1: and nothing has an effect now"
}
# forget: what was pasted, and what made the node the manager's
forget() {
	rm -rf /run/systemd /run/NetworkManager /run/network /etc/network/interfaces "$T"/enabled-*
	find /etc -name '*vipsafe-vip0*' -delete
}
on() { [ "$(ip -j addr show dev "$1" 2>/dev/null | jq -r --arg a "$2" '.[].addr_info[]? | select(.local == $a).prefixlen')" = "$3" ]; }
macvlan() { ip -d link show vip0 2>/dev/null | grep -q 'macvlan *mode bridge'; }
is_up() { ip -o link show vip0 2>/dev/null | grep -q '[<,]UP[,>]'; }

# ---- each manager -----------------------------------------------------------------------------
touch /etc/network/interfaces
is "$(printed)" "other unknown" "nobody that is known"
pasted "a unit"
check "a unit: it is enabled" test -e "$T/enabled-vipsafe-vip0.service"
if command -v systemd-analyze >/dev/null; then
	check "a unit: systemd reads it" systemd-analyze verify /etc/systemd/system/vipsafe-vip0.service
else
	skip "a unit: systemd reads it" "no program systemd-analyze"
fi
sed -n 's/^ExecStart=-\{0,1\}\/s*bin\///p' /etc/systemd/system/vipsafe-vip0.service >"$T/commands"
check "a unit: its commands" sh -e "$T/commands"
check "a unit: make the device" macvlan
check "a unit: and it is up" is_up
is "$(cat /proc/sys/net/ipv4/conf/vip0/arp_ignore)" 1 "a unit: with the settings"
ip link del vip0
forget

mkdir -p /run/NetworkManager/devices /etc/NetworkManager/system-connections
printf '[device]\nmanaged=true\nconnection-uuid=1234\n' >"/run/NetworkManager/devices/$IFINDEX"
printf '[ipv4]\nmethod=manual\naddress1=192.168.11.7/24,192.168.11.1\naddress2=%s/24\n' $VIP \
	>/etc/NetworkManager/system-connections/mgmt.nmconnection
is "$(printed)" "NetworkManager manager" "NetworkManager, whose profile has the address"
check "NetworkManager: the profile is named" grep -q "^#.*/mgmt.nmconnection" "$T/script"
check "NetworkManager: no device is made unmanaged" not grep -qi unmanaged "$T/script"
pasted NetworkManager
is "$(stat -c %a /etc/NetworkManager/system-connections/vipsafe-vip0.nmconnection)" 600 "NetworkManager: its mode"
if nmcli --offline connection modify connection.autoconnect yes \
	</etc/NetworkManager/system-connections/vipsafe-vip0.nmconnection >"$T/read" 2>"$T/pasted"; then
	like "$(tr '\n' ' ' <"$T/read")" "type=macvlan.*\[macvlan\] mode=2 parent=br-mgmt.*address1=$VIP/32" \
		"NetworkManager reads it"
else
	skip "NetworkManager reads it" "no nmcli of 1.40 or later: $(head -c 100 "$T/pasted")"
fi
rm /etc/NetworkManager/system-connections/mgmt.nmconnection
forget

mkdir -p /run/network
echo br-mgmt=br-mgmt >/run/network/ifstate
printf 'auto br-mgmt\niface br-mgmt inet static\n\taddress 192.168.11.7/24\n\tup ip addr add %s/24 dev br-mgmt' $VIP \
	>/etc/network/interfaces # without a newline
is "$(printed)" "ifupdown manager" "ifupdown, whose file has the address"
pasted ifupdown
if command -v ifup >/dev/null; then
	ip addr del $VIP/24 dev br-mgmt
	check "ifupdown reads it" ifup vip0
	check "ifupdown: the device" macvlan
	check "ifupdown: its address" on vip0 $VIP 32
	ip link del vip0
	ip addr add $VIP/24 dev br-mgmt
else
	skip "ifupdown reads it" "no program ifup"
fi
forget

for m in netplan networkd; do
	place=/etc/systemd/network/10-mgmt.network
	[ $m = networkd ] || place=/run/systemd/network/10-netplan-br-mgmt.network
	mkdir -p /run/systemd/netif/links "${place%/*}"
	printf '[Match]\nName=br-mgmt\n[Network]\nAddress=192.168.11.7/24\nKeepConfiguration=yes\n' >$place
	printf 'ADMIN_STATE=configured\nNETWORK_FILE=%s\n' $place >"/run/systemd/netif/links/$IFINDEX"
	is "$(printed)" "$m unknown" "$m"
	pasted $m
	[ $m = networkd ] || forget
done
# networkd itself, as at a boot. It wants to be root and to find no udev: a /sys that is read-only.
NETWORKD=/lib/systemd/systemd-networkd
rm -rf /run/systemd
mkdir -p /run/systemd/netif/{links,leases,lldp}
if [ -x $NETWORKD ] && chown -R systemd-network /run/systemd/netif 2>/dev/null &&
	mount -t sysfs -o ro sysfs /sys 2>/dev/null; then
	job networkd env SYSTEMD_LOG_TARGET=console $NETWORKD
	check "networkd makes the device" wait_for 60 macvlan
	check "networkd: and it is up" wait_for 60 is_up
	ip addr add $VIP/32 dev vip0
	job_end networkd
	links=/run/systemd/netif/links/$(cat /sys/class/net/vip0/ifindex)
	cp "$links" "$T/link" 2>/dev/null || : >"$T/link"
	job networkd env SYSTEMD_LOG_TARGET=console $NETWORKD
	configured() { [ "$links" -nt "$T/link" ] && grep -q '^ADMIN_STATE=configured' "$links"; }
	check "networkd is started again" wait_for 60 configured
	check "networkd: what keepalived has added stays" on vip0 $VIP 32
	job_end networkd
	ip link del vip0
else
	skip "networkd makes the device" "systemd-networkd cannot be run here"
fi
forget
rm -rf /etc/systemd/network/*

# ---- keepalived -------------------------------------------------------------------------------
cat >/etc/keepalived/keepalived.conf <<.
vrrp_instance VI_1 {
    interface br-mgmt
    virtual_router_id 7
    priority 200
    advert_int 1
    virtual_ipaddress {
        $VIP/24
    }
}
.
ip addr del $VIP/24 dev br-mgmt
job keepalived keepalived -n -l -f /etc/keepalived/keepalived.conf -p /run/k.pid -r /run/v.pid
if wait_for 60 on br-mgmt $VIP 24; then
	isolate isolate --prepare
	is "$RC" 0 "keepalived: the device is prepared" || diag "$ERR"
	is "$(jq -r .lasting.owner "$T/out")" keepalived "keepalived: it is known as the owner"
	jq -r .lasting.script "$T/out" >"$T/script"
	sed -n 's/^#     //p' "$T/script" >"$T/lines"
	is "$(cat "$T/lines")" "$VIP/32 dev vip0
garp_master_refresh 60" "keepalived: the lines"
	check "keepalived: the place" grep -q '^#.*line 7 (vrrp_instance VI_1)' "$T/script"
	sed -i "s|^ *$VIP/24|$(sed -n 1p "$T/lines")|; s|^    priority|$(sed -n 2p "$T/lines")\n&|
		1i global_defs {\ndynamic_interfaces\n}" /etc/keepalived/keepalived.conf
	run --json --config "$CONF" doctor --keepalived /etc/keepalived/keepalived.conf
	check "keepalived: doctor has nothing against it" jq -e '.findings | all(.code | startswith("vip-") | not)' "$T/out"
	run --config "$CONF" import /etc/keepalived/keepalived.conf
	like "$OUT" "address = $VIP/32 dev vip0" "keepalived: import knows where the address is"
	MAC=$(ip -j link show vip0 | jq -r '.[0].address')
	sniff raw node2 br-mgmt -e "arp and ether src $MAC"
	kill -HUP "${JOB_PID[keepalived]}"
	check "keepalived: reloaded, it has the address there" wait_for 60 on vip0 $VIP 32
	check "keepalived: and no longer here" wait_for 60 not on br-mgmt $VIP 24
	check "keepalived: it announces it with the MAC of vip0" wait_for 60 grep -q "$VIP" "$T/raw"
	sniff_end raw
	job_end keepalived
	check "keepalived: it takes it away in the end" wait_for 60 not on vip0 $VIP 32
else
	skip "keepalived" "it does not start here: $(head -c 200 "$T/keepalived.err")"
	job_end keepalived
fi
ip link del vip0 2>/dev/null

# ---- why a macvlan --------------------------------------------------------------------------------
# A neighbour that has forgotten everything asks for the address.
neighbour() { ip -n node2 -j neigh show "$VIP" dev br-mgmt | jq -r '.[0] | "\(.state[0]) \(.lladdr)"'; }
decided() { case $(neighbour) in null* | INCOMPLETE*) return 1 ;; esac; }
answered() {
	ip -n node2 neigh flush dev br-mgmt
	in_ns node2 bash -c "echo >/dev/udp/$VIP/9" 2>/dev/null
	wait_for 30 decided
	case $(neighbour) in *null) return 1 ;; esac
}
ip link add vip0 type dummy 2>/dev/null || ip link add vip0 type bridge # without a port it is the same
ip link set vip0 up
ip addr add $VIP/32 dev vip0
check "an address on a dummy answers" answered
for n in 1 2 8; do
	put /proc/sys/net/ipv4/conf/br-mgmt/arp_ignore $n
	check "an address on a dummy is silent where arp_ignore is $n" not answered
done
ip link del vip0
put /proc/sys/net/ipv4/conf/br-mgmt/arp_ignore 0
ip addr add $VIP/24 dev br-mgmt
for n in 0 1 2 8; do
	put /proc/sys/net/ipv4/conf/br-mgmt/arp_ignore $n
	isolate isolate
	is "$RC" 0 "isolated where arp_ignore is $n" || diag "$ERR"
	check "an isolated address answers where arp_ignore is $n" answered
	run --config "$CONF" isolate --undo
done
jobs_end
done_testing
