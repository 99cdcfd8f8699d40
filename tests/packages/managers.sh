#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The real NetworkManager, ifupdown with dhclient, udhcpc and systemd-networkd, as Debian
# has them, take the node's address away and bring it back, as they do when a connection is
# activated again, networking is restarted or a lease is taken anew. Every connection that
# is masqueraded to it dies of that, and with vipsafed none does.
#
# They are started by hand, in a root directory and on a bus of their own; node2 serves
# DHCP.
here=$(dirname "$(realpath "$0")")
if [ -z "${NETNS_INSIDE:-}" ]; then
	bash "$here/lib/prepare" managers
	[ $? = 10 ] || exit 0
fi
# shellcheck source=tests/netns/lib/lingering.sh
. "$here/../netns/lib/lingering.sh"; netns_main "$@"
need_daemon
# shellcheck source=/dev/null
. "$BUILD/packages/managers.env" # gives MANAGERS

N=${N:-10}
R=$T/node
mkdir "$R"
mount -t tmpfs -o mode=755 none "$R" || bail_out "no room for a root directory"
# shellcheck disable=SC2153
tar -xf "$MANAGERS" -C "$R"
mount -t proc proc "$R/proc"
mount -t sysfs -o ro sysfs "$R/sys" # a NetworkManager that cannot write there waits for no udev
for dir in dev run tmp; do mount -t tmpfs none "$R/$dir" || bail_out "no $dir"; done
mknod -m 666 "$R/dev/null" c 1 3
mknod -m 666 "$R/dev/urandom" c 1 9
mkdir -p "$R"/run/{dbus,network} "$R"/run/systemd/netif/{links,leases,lldp} "$R/var/lib/NetworkManager"
chown -R 102:102 "$R/run/systemd/netif"

# The management network as one cable, of which no manager thinks it has made it.
topo_nodes
ip link del br-mgmt
ip link del eth0
ip link add br-mgmt addr 02:00:00:00:00:07 type veth peer name br-mgmt netns node2
ip -n node2 -batch - <<. || bail_out "cannot build the topology"
	link set br-mgmt up
	addr add 192.168.11.8/24 dev br-mgmt
	addr add fd00:11::8/64 dev br-mgmt nodad
.
masquerade
know_verdict fixed
put /proc/sys/net/netfilter/nf_conntrack_udp_timeout 600
serve_all() {
	serve s4 node2 $SERVED 8899
	serve s4-udp node2 -u $SERVED 8899
	serve s6 node2 $SERVED6 8899
}

BUS=unix:path=/run/dbus/bus
# programs that these words start are our own children: nothing is in between
TREE=(env PATH=/usr/sbin:/usr/bin:/sbin:/bin "DBUS_SYSTEM_BUS_ADDRESS=$BUS" chroot "$R")
tree() { "${TREE[@]}" "$@"; }
cat >"$R/etc/bus.conf" <<.
<busconfig><type>system</type><listen>$BUS</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>
.
"${TREE[@]}" dbus-daemon --config-file=/etc/bus.conf --nofork --nopidfile 2>"$T/bus.log" &
wait_for 60 test -S "$R/run/dbus/bus" || bail_out "no bus: $(tail -n 3 "$T/bus.log")"
nsenter --net=/run/netns/node2 -- "${TREE[@]}" dnsmasq --keep-in-foreground --log-facility=- --log-dhcp --port=0 --interface=br-mgmt \
	--bind-interfaces --dhcp-range=192.168.11.2,192.168.11.99,2m --dhcp-host=02:00:00:00:00:07,$OWN \
	--no-ping --dhcp-authoritative --dhcp-option=3,192.168.11.8 --leasefile-ro --user=root \
	--pid-file= 2>"$T/dnsmasq.log" &

MANAGER=
manager() { # NAME COMMAND...: one that stays
	local log=$T/$1.log

	shift
	"${TREE[@]}" "$@" >>"$log" 2>&1 </dev/null &
	MANAGER=$!
}
manager_end() {
	[ -n "$MANAGER" ] || return 0
	kill "$MANAGER"
	wait "$MANAGER" 2>/dev/null
	MANAGER=
}
# The address is there, and may be used.
usable() {
	has_addr $OWN/24 br-mgmt && ip route get $SERVED | grep -q "src $OWN" &&
		{ [ "$FAMILIES" = 4 ] || ip -6 route get $SERVED6 | grep -q "src $OWN6" &&
			[ -z "$(ip -6 addr show dev br-mgmt tentative)" ]; }
}

# ---- what happens to connections ---------------------------------------------------------
FLOW_NAMES=()
flows() { # HOW
	FLOW_NAMES=("$1-node1" "$1-udp")
	open "$1-node1" node1 "$N" $SERVED 8899
	open "$1-udp" node1 "$N" -u $SERVED 8899
	[ "$FAMILIES" = 4 ] || {
		FLOW_NAMES+=("$1-six")
		open "$1-six" node1 "$N" $SERVED6 8899
	}
}
flows_end() {
	local name

	for name in "${FLOW_NAMES[@]}"; do job_end "$name"; done
	conntrack -F 2>/dev/null
}
ip -o monitor address >"$T/events" &
taken() { [ "$(grep -c "^Deleted .* $OWN/24 " "$T/events")" -gt "$1" ]; }
# happens FATE WHAT COMMAND: some managers go on when their command has ended
happens() {
	local before

	before=$(grep -c "^Deleted .* $OWN/24 " "$T/events")
	$3 >"$T/out" 2>&1 </dev/null || diag "$2: $(tail -n 3 "$T/out")"
	[ "$1" = keeps ] || wait_for 60 taken "$before" || bail_out "$2: the address is not taken away"
	wait_for 60 usable || bail_out "$2: the address does not come back: $(tail -n 5 "$T/out")"
}
# The flush waits in a queue of the kernel, as in flushed_by.
takes() { # WHAT COMMAND: the address; all is lost
	local name i

	flows bare
	for ((i = 0; i < 6; i++)); do
		happens takes "$1" "$2"
		! wait_for 3 none_of $OWN -p tcp --dport 8899 || break
	done
	for name in "${FLOW_NAMES[@]}"; do harmed "$name" "$1: unguarded, $name is lost"; done
	flows_end
}
lives() { # FATE WHAT COMMAND [unguarded]
	local name fate=$1 how=${4:-guarded}

	shift
	flows kept
	[ "$how" = unguarded ] ||
		wait_for 60 pinned_at_least $((N * ${#FLOW_NAMES[@]})) || bail_out "nothing gets pinned"
	happens "$fate" "$1" "$2"
	for name in "${FLOW_NAMES[@]}"; do unharmed "$name" "$1: $how, $name lives"; done
	flows_end
}
# judge_all MANAGER FATE WHAT COMMAND...: without a guard, which loses all or nothing, and with
judge_all() {
	local manager=$1 i

	shift
	wait_for 60 usable || bail_out "$manager does not bring the address: $(tail -n 5 "$T"/*.log)"
	serve_all
	local words=("$@")
	for ((i = 0; i < $#; i += 3)); do
		case ${words[i]} in
		takes) takes "$manager, ${words[i + 1]}" "${words[i + 2]}" ;;
		keeps) lives keeps "$manager, ${words[i + 1]}" "${words[i + 2]}" unguarded ;;
		esac
	done
	config '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms' ${LINGER+"linger = $LINGER"}
	daemon_start
	wait_for 60 guard_live || bail_out "the guard is not live"
	for ((i = 0; i < $#; i += 3)); do lives "${words[i]}" "$manager, ${words[i + 1]}" "${words[i + 2]}"; done
	daemon_end TERM
	diag "$manager: $(sed -n 's/.*\( is back after [0-9.]* s\).*/\1/p' "$DAEMON_LOG" | sort -u | tail -n 8 | tr '\n' ',')"
	: >"$DAEMON_LOG"
	jobs_end
}
bare_link() {
	ip addr flush dev br-mgmt
	ip link set br-mgmt down
	put /proc/sys/net/ipv6/conf/br-mgmt/disable_ipv6 0 # a manager has put 1
}

# ---- NetworkManager -------------------------------------------------------------------------
cat >"$R/etc/NetworkManager/NetworkManager.conf" <<.
[main]
plugins=keyfile
auth-polkit=false
dns=none
rc-manager=unmanaged
no-auto-default=*
.
profile() { # NAME METHOD4 LINES METHOD6 LINES
	printf '%s\n' '[connection]' "id=$1" 'type=ethernet' 'interface-name=br-mgmt' 'autoconnect=true' \
		'[ipv4]' "method=$2" "$3" '[ipv6]' "method=$4" "$5" \
		>"$R/etc/NetworkManager/system-connections/$1.nmconnection"
	chmod 600 "$R/etc/NetworkManager/system-connections/$1.nmconnection"
}
networkmanager() { manager NetworkManager NetworkManager --debug; }
nm_up() { tree nmcli connection up mgmt; }
nm_again() { tree nmcli device disconnect br-mgmt && tree nmcli device connect br-mgmt; }
nm_restart() {
	manager_end
	networkmanager
	wait_for 60 nm_has
}
nm_has() { tree nmcli -t -f STATE general | grep -q '^connected'; }
FAMILIES='4 6'
profile mgmt manual "address1=$OWN/24
route1=10.232.3.0/24,192.168.11.8" manual "address1=$OWN6/64
route1=fd00:3::/64,fd00:11::8"
networkmanager
judge_all NetworkManager takes "nmcli connection up" nm_up takes "disconnect and connect" nm_again \
	keeps restart nm_restart
manager_end
bare_link
FAMILIES=4
profile mgmt auto '' ignore ''
networkmanager
wait_for 60 nm_up # after a restart it leaves the device as it was
judge_all "NetworkManager with DHCP" takes "nmcli connection up" nm_up keeps restart nm_restart
manager_end
bare_link

# ---- ifupdown ---------------------------------------------------------------------------------
networking() { tree ifdown -a && tree ifup -a; }
FAMILIES='4 6'
cat >"$R/etc/network/interfaces" <<.
auto br-mgmt
iface br-mgmt inet static
	address $OWN/24
	up ip route replace 10.232.3.0/24 via 192.168.11.8
iface br-mgmt inet6 static
	address $OWN6/64
	dad-attempts 0
	up ip -6 route replace fd00:3::/64 via fd00:11::8
.
tree ifup -a >"$T/ifup.log" 2>&1
judge_all ifupdown takes "ifdown and ifup" networking
tree ifdown -a >/dev/null 2>&1
bare_link
FAMILIES=4
printf '%s\n' 'auto br-mgmt' 'iface br-mgmt inet dhcp' >"$R/etc/network/interfaces"
tree ifup -a >"$T/ifup.log" 2>&1
judge_all "ifupdown with DHCP" takes "ifdown and ifup" networking
tree ifdown -a >/dev/null 2>&1
bare_link

# ---- udhcpc of busybox, with Debian's script -----------------------------------------------------
lease_again() {
	kill -USR2 "$MANAGER" # release
	wait_for 60 not has_addr $OWN/24 br-mgmt
	kill -USR1 "$MANAGER"
}
lease_renew() {
	: >"$T/udhcpc.log"
	kill -USR1 "$MANAGER"
	wait_for 60 grep -q 'lease of .* obtained' "$T/udhcpc.log"
}
manager udhcpc udhcpc -f -i br-mgmt
judge_all udhcpc takes "release and lease" lease_again keeps renewal lease_renew
manager_end
bare_link

# ---- systemd-networkd --------------------------------------------------------------------------
network() { printf '%s\n' '[Match]' 'Name=br-mgmt' "$@" >"$R/etc/systemd/network/10-mgmt.network"; }
networkd() {
	local caps=+net_admin,+net_raw,+net_bind_service,+net_broadcast

	manager networkd setpriv --reuid 102 --regid 102 --clear-groups --inh-caps $caps --ambient-caps $caps \
		/lib/systemd/systemd-networkd
}
networkd_restart() {
	manager_end
	rm -f "$R"/run/systemd/netif/links/*
	networkd
	wait_for 60 configured
}
configured() { grep -q '^ADMIN_STATE=configured' "$R/run/systemd/netif/links/$(ip -j link show br-mgmt | jq '.[].ifindex')"; }
reconfigure() { tree networkctl reconfigure br-mgmt; }
down_up() { tree networkctl down br-mgmt && tree networkctl up br-mgmt; }
FAMILIES='4 6'
network '[Network]' IPv6AcceptRA=no "Address=$OWN/24" "Address=$OWN6/64" '[Route]' Destination=10.232.3.0/24 \
	Gateway=192.168.11.8 '[Route]' Destination=fd00:3::/64 Gateway=fd00:11::8
networkd
judge_all networkd takes "down and up" down_up takes reconfigure reconfigure keeps restart networkd_restart
manager_end
bare_link
FAMILIES=4
network '[Network]' IPv6AcceptRA=no DHCP=ipv4
networkd
judge_all "networkd with DHCP" takes "down and up" down_up takes reconfigure reconfigure takes restart networkd_restart
manager_end
done_testing
