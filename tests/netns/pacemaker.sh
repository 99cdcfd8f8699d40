#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ocf:vipsafe:VIP: by Pacemaker's own judge of resource agents, by hand where an operator errs, and in a
# cluster of one node with the real corosync and Pacemaker. ocf:heartbeat:IPaddr2 is the control.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
for t in ocf-tester corosync pacemakerd crm_mon crm_resource cibadmin xmllint; do
	command -v $t >/dev/null || skip_all "no program $t"
done
export OCF_ROOT=/usr/lib/ocf
AGENTS=$OCF_ROOT/resource.d
[ -f $AGENTS/heartbeat/IPaddr2 ] || skip_all "no resource agents in $AGENTS"
topo_nodes
masquerade
know_verdict affected
mkdir -p "$T/bin" /run/resource-agents
ln -s "$VIPSAFE" "$T/bin/vipsafe"
PATH=$T/bin:$PATH
# a place for the agent, which no package has made here
mkdir -p "$T/agents/vipsafe" && cp -r $AGENTS/* "$T/agents/"
cp "$SRC/packaging/ocf/VIP" "$T/agents/vipsafe/"
mount --bind "$T/agents" $AGENTS || bail_out "no place for the agent"
AGENT=$AGENTS/vipsafe/VIP

# ---- by its judge ------------------------------------------------------------------
tester() { # NAME=VALUE...
	local o=()

	for w in "$@"; do o+=(-o "$w"); done
	timeout 120 ocf-tester -n vip "${o[@]}" $AGENT >"$T/tester" 2>&1 || {
		cat "$T/tester"
		return 1
	}
}
check "ocf-tester: IPv4, the device from the routes" tester ip=192.168.11.100
check "ocf-tester: IPv6, with all that can be said" tester ip=fd00:11::100 nic=br-mgmt cidr_netmask=64 \
	noprefixroute=yes preferred_lft=0 vip_flows=reset
check "ocf-tester: a label and a broadcast address" tester ip=192.168.11.101 nic=br-mgmt cidr_netmask=24 \
	iflabel=7 broadcast=+
nothing "$(ip -o addr show to 192.168.11.100/30)" "nothing is left"

# ---- by hand -------------------------------------------------------------------------
agent() { # ACTION NAME=VALUE...: RC, ERR
	local action=$1 env=() w

	shift
	for w in "$@"; do
		case $w in
		[A-Z]*) env+=("$w") ;;
		*) env+=("OCF_RESKEY_$w") ;;
		esac
	done
	ERR=$(env OCF_RESOURCE_INSTANCE=hand __OCF_ACTION="$action" "${env[@]}" timeout 60 $AGENT "$action" 2>&1)
	RC=$?
}
agent_is() { # RC REGEX DESCRIPTION ACTION NAME=VALUE...
	local rc=$1 regex=$2 what=$3

	shift 3
	agent "$@"
	is "$RC" "$rc" "$what ($1)"
	like "$ERR" "$regex" "$what: said"
}
agent_is 6 "not an address: ''" "no address" validate-all
agent_is 6 "not an address" "a name" validate-all ip=vip
agent_is 6 "number of bits" "a mask of dots" validate-all ip=192.168.11.100 cidr_netmask=255.255.255.0
agent_is 6 "gateway: give nic" "behind a gateway" validate-all ip=10.232.3.100
agent_is 6 "." "more bits than there are" validate-all ip=192.168.11.100 cidr_netmask=33 nic=br-mgmt
agent_is 6 "vip-flows" "no such word" validate-all ip=192.168.11.100 vip_flows=burn
agent_is 6 "." "a label from hell" validate-all ip=192.168.11.100 "iflabel='; touch $T/owned; '"
check "nothing of a value is run" test ! -e "$T/owned"
agent_is 7 "" "another prefix length is another address" monitor ip=192.168.11.8 cidr_netmask=32 nic=br-mgmt
agent monitor ip=192.168.11.7 cidr_netmask=24
is $RC 0 "an address that is there"
agent_is 1 "the last IPv4 address" "the node's own address is not deleted: no start has added it" \
	stop ip=192.168.11.7 cidr_netmask=24
check "it is there" has_addr 192.168.11.7/24 br-mgmt
ip link add only0 type bridge && ip link set only0 up
agent start ip=192.0.2.9 nic=only0
is $RC 0 "the only address of a device: added"
agent stop ip=192.0.2.9 nic=only0
is $RC 0 "and deleted, for it was a start that added it"
check "it is gone" not has_addr 192.0.2.9/32 only0
agent_is 1 "." "no such device" start ip=192.0.2.9 nic=nosuch
agent stop ip=192.0.2.9 nic=nosuch
is $RC 0 "what cannot be there is stopped"
agent start ip=192.0.2.10 nic=only0
agent_is 1 "vipsafe" "a deeper look asks for the guard" monitor ip=192.0.2.10 nic=only0 OCF_CHECK_LEVEL=10
agent stop ip=192.0.2.10 nic=only0
rm "$T/bin/vipsafe"
agent_is 5 "vipsafe is not in" "not installed" validate-all ip=192.168.11.100
agent monitor ip=192.168.11.100
is $RC 7 "not installed: a probe still tells that it is not there"
ip addr add 192.168.11.100/32 dev br-mgmt
agent stop ip=192.168.11.100
is $RC 0 "not installed: a stop deletes it all the same"
check "it is gone" not has_addr 192.168.11.100/32 br-mgmt
ln -s "$VIPSAFE" "$T/bin/vipsafe"

# ---- in a cluster ------------------------------------------------------------------------
for d in /var/lib/pacemaker /var/lib/corosync /etc/corosync /var/log/pacemaker /var/log/corosync /dev/shm; do
	mount -t tmpfs none $d || bail_out "no directory $d"
done
chmod 1777 /dev/shm
mkdir -p /var/lib/pacemaker/{cib,pengine,cores,blackbox} /run/crm
chown -R hacluster:haclient /var/lib/pacemaker /var/log/pacemaker /run/crm 2>/dev/null ||
	bail_out "Pacemaker's user is not there"
hostname cluster1
cat >/etc/corosync/corosync.conf <<.
totem {
	version: 2
	cluster_name: test
	transport: udpu
	secauth: off
}
nodelist {
	node {
		ring0_addr: 127.0.0.1
		nodeid: 1
		name: cluster1
	}
}
quorum {
	provider: corosync_votequorum
}
logging {
	to_syslog: no
	to_logfile: yes
	logfile: /var/log/corosync/corosync.log
}
.
corosync -f >"$T/corosync" 2>&1 &
COROSYNC=$!
check "corosync runs" wait_for 30 corosync-cfgtool -s
PCMK_logfile=/var/log/pacemaker/pacemaker.log pacemakerd >"$T/pacemakerd" 2>&1 &
PACEMAKER=$!
online() { crm_mon -1 | grep -q 'Online: \[ cluster1 \]'; }
check "the cluster has one node" wait_for 120 online || diag "$(tail -n 5 /var/log/pacemaker/pacemaker.log)"
crm_attribute -q -n stonith-enabled -v false
resource() { # ID PROVIDER TYPE: for the /32 beside the node's own /24
	cibadmin -o resources -C -X "<primitive id='$1' class='ocf' provider='$2' type='$3'>
		<instance_attributes id='$1-a'>
		<nvpair id='$1-ip' name='ip' value='192.168.11.7'/>
		<nvpair id='$1-bits' name='cidr_netmask' value='32'/>
		<nvpair id='$1-nic' name='nic' value='br-mgmt'/></instance_attributes>
		<operations><op id='$1-m' name='monitor' interval='10s'/></operations></primitive>"
}
role() { crm_resource -r "$1" -m -p target-role -v "$2" >/dev/null; }
started() { crm_mon -1 | grep -q "$1.*Started"; }
there() { has_addr $TWIN br-mgmt; }
# The kernel leaves a flush out when too many are queued, so the control may need more than one.
bounce() { # ID
	wait_for 120 started "$1" && wait_for 60 there || return 1
	role "$1" Stopped
	wait_for 120 not there
}

serve server node2 10.232.3.28 8899
open bare node1 20 10.232.3.28 8899
check "control: IPaddr2 is taken by the cluster" resource control heartbeat IPaddr2
lost() {
	role control Started
	bounce control && wait_for 3 no_entries --reply-src 10.232.3.28 --reply-dst 192.168.11.7
}
check "control: started and stopped, it flushes" wait_for 300 lost
judge bare reset server bare "IPaddr2"
crm_resource -r control -D -t primitive
fresh

serve server node2 10.232.3.28 8899
open flows node1 20 10.232.3.28 8899
check "VIP is taken by the cluster" resource vip vipsafe VIP
check "and started" wait_for 120 started vip
check "the address is there" wait_for 60 there
judge vipsafe reset server flows "VIP, started"
for i in 1 2 3; do
	check "stopped, $i" bounce vip
	judge vipsafe reset server flows "VIP, stopped, $i"
	role vip Started
done
check "started again" wait_for 120 started vip
ip addr del $TWIN dev br-mgmt 2>/dev/null # behind the cluster's back
recovered() { there && crm_mon -1 | grep -q "vip.*monitor.*not running"; }
check "an address that somebody took away is back after the monitor" wait_for 120 recovered
nothing "$(crm_mon -1 | grep -E 'vip[ _](start|stop)')" "no start or stop has failed"
kill $PACEMAKER
wait $PACEMAKER
check "the cluster's end is the address's" wait_for 60 not there
kill $COROSYNC
wait $COROSYNC
jobs_end
done_testing
