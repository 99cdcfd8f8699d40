#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The example of a pair of gateways, its five files as they are shipped: real
# keepalived, real conntrackd, vipsafed, each node with files and a /run of its own.
# A node that does not know the connections of the other one does not become master
# while the other one can, and gives the addresses up when its conntrackd has died.
# The control: without the check it takes them, and the connections are lost.
#
#   cl 10.1.1.50 --- inside ---- 10.1.1.2  na  192.168.11.7 ---- outside --- sv 192.168.11.60
#                      |          na eth2 10.255.255.1 --+          |
#                      |          nb eth2 10.255.255.2 --+          |
#                      +-------- 10.1.1.3  nb  192.168.11.8 --------+
#
# shellcheck disable=SC2317 # functions given to wait_for
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
VIPSAFED=$BUILD/vipsafed
for program in keepalived conntrackd; do
	command -v $program >/dev/null || skip_all "no program $program"
done
# keepalived takes no script whose owner is not mapped
grep -q '^ *0 *0 *4294967295$' /proc/self/uid_map || skip_all "root of a user namespace only"
VIP=192.168.11.100
declare -A NODE=() NUMBER=([a]=1 [b]=2) PID=()

# ---- the network ------------------------------------------------------------------------------
port() { # SWITCH NS DEVICE ADDRESS
	ip -n "$1" link add "$2" type veth peer name "$3" netns "$2" || bail_out "cannot build the topology"
	ip -n "$1" link set "$2" master switch up
	ip -n "$2" link set "$3" up
	ip -n "$2" addr add "$4" dev "$3" || bail_out "cannot build the topology"
}
for x in inside outside cl sv na nb; do
	ip netns add $x || bail_out "no network namespace"
	ip -n $x link set lo up
done
for x in inside outside; do
	ip -n $x link add switch type bridge mcast_snooping 0 && ip -n $x link set switch up
done
port outside na eth0 192.168.11.7/24
port outside nb eth0 192.168.11.8/24
port inside na eth1 10.1.1.2/24
port inside nb eth1 10.1.1.3/24
port inside cl eth0 10.1.1.50/24
port outside sv eth0 192.168.11.60/24
ip -n na link add eth2 type veth peer name eth2 netns nb
for x in a b; do
	ip -n n$x link set eth2 up
	ip -n n$x addr add "10.255.255.${NUMBER[$x]}/30" dev eth2
	in_ns n$x sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	in_ns n$x nft -f - <<-'.' || bail_out "cannot set up the translation"
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat;
				oifname eth0 ip saddr 10.1.1.0/24 snat to 192.168.11.100 fully-random
			}
		}
	.
done
ip -n cl route add default via 10.1.1.1
serve server sv 192.168.11.60 8899

# ---- two nodes, each with files of its own ---------------------------------------------------------
# What a package installs; the same on both.
mkdir -p "$T/libexec/vipsafe" "$T/sbin"
cp "$SRC"/hooks/notify* "$T/libexec/vipsafe" && chmod 755 "$T/libexec/vipsafe"/*
cp -a /usr/sbin/. "$T/sbin" && cp "$VIPSAFE" "$T/sbin/vipsafe" && chmod 755 "$T/sbin" "$T/sbin/vipsafe"

# node_make NODE: a mount namespace with an /etc and a /run of its own; /run/t is this case's
node_make() {
	local d=$T/node.$1

	mkdir -p "$d/etc/keepalived" "$d/etc/conntrackd" "$d/etc/vipsafe" "$d/run/t" "$d/lock"
	cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.* /etc/alternatives /etc/protocols \
		/etc/iproute2 "$d/etc" 2>/dev/null
	# shellcheck disable=SC2016 # the inner shell's
	nsenter --net=/run/netns/n"$1" -- unshare --mount --propagation private sh -c '
		mkdir -p /usr/libexec/vipsafe 2>/dev/null
		mount --bind "$1/sbin" /usr/sbin && mount --bind "$1/node.$2/etc" /etc &&
		mount --bind "$1/libexec" /usr/libexec &&
		mount --bind "$1/node.$2/lock" "$(readlink -f /var/lock)" 2>/dev/null
		mount --bind "$1" "$1/node.$2/run/t" && mount --rbind "$1/node.$2/run" /run &&
		mkdir -p /run/lock && touch /run/ready && exec sleep infinity' sh "$T" "$1" &
	NODE[$1]=$!
	wait_for 60 test -e "$d/run/ready" || bail_out "no node $1"
	cp "$SRC/hooks/conntrackd-pair-${NUMBER[$1]}.conf" "$d/etc/conntrackd/conntrackd.conf"
	cp "$SRC/hooks/keepalived-pair-${NUMBER[$1]}.conf" "$d/etc/keepalived/keepalived.conf"
	cp "$SRC/hooks/vipsafe-pair.conf" "$d/etc/vipsafe/vipsafe.conf"
}
on() { # NODE COMMAND...
	local node=${NODE[$1]}

	shift
	nsenter --target "$node" --mount --net -- "$@"
}
start() { # NODE PROGRAM WORDS...
	local node=$1 program=$2

	shift 2
	nsenter --target "${NODE[$node]}" --mount --net -- "$program" "$@" >>"$T/$node.${program##*/}" 2>&1 </dev/null &
	PID[$node.${program##*/}]=$!
}
end() { # NODE PROGRAM SIGNAL
	kill "-$3" "${PID[$1.$2]}" 2>/dev/null
	wait "${PID[$1.$2]}" 2>/dev/null
}
tail_of() { tail -n 5 "$T/$1"; }

conntrackd_start() {
	# a lock file that a kill has left
	on "$1" rm -f /var/lock/conntrackd.lock
	start "$1" conntrackd
	wait_for 60 on "$1" conntrackd -s || bail_out "conntrackd of $1 does not start: $(tail_of "$1.conntrackd")"
}
vipsafed_start() {
	start "$1" "$VIPSAFED" --config /etc/vipsafe/vipsafe.conf
	wait_for 60 on "$1" vipsafe status || bail_out "vipsafed of $1 does not start: $(tail_of "$1.vipsafed")"
}
keepalived_start() {
	: >"$T/$1.keepalived"
	start "$1" keepalived -n -l -P
	wait_for 60 grep -q 'Entering BACKUP STATE' "$T/$1.keepalived" ||
		bail_out "keepalived of $1 does not start: $(tail_of "$1.keepalived")"
}
has_vip() { [ -n "$(ip -n "n$1" -o addr show to "$VIP/32")" ]; }
is_master() { has_vip "$1" && ! has_vip "$2"; }
last_state() { grep -o 'Entering [A-Z]* STATE' "$T/$1.keepalived" | tail -n 1; }
check_on() { on "$1" vipsafe status --check VI_1; }
says() { [[ $(check_on "$1" 2>&1) == *"$2"* ]]; }
knows() { [ "$(on "$1" conntrackd -e | grep -c dport=8899)" -ge "$2" ]; }

for x in a b; do
	node_make $x
	check "keepalived-pair-${NUMBER[$x]}.conf: keepalived takes it" on $x keepalived -t -f /etc/keepalived/keepalived.conf
	check "vipsafe-pair.conf: vipsafed takes it" on $x "$VIPSAFED" --check --config /etc/vipsafe/vipsafe.conf
done

# ---- the second node is alone, and master -----------------------------------------------------------
conntrackd_start b
vipsafed_start b
check "alone, it knows nothing of another node" says b "heard nothing of the other node"
keepalived_start b
check "and becomes master all the same" wait_for 60 has_vip b
check "where the check is content" wait_for 60 check_on b

# ---- the control: without the check -------------------------------------------------------------------
# The first node comes without conntrackd. Its priority is the higher one.
open bare cl 10 192.168.11.60 8899
sed -i '/track_script/,/}/d' "$T/node.a/etc/keepalived/keepalived.conf"
vipsafed_start a
keepalived_start a
check "without the check a node that knows nothing takes over" wait_for 60 is_master a b
harmed bare "and the connections are lost"
job_end bare
end a keepalived TERM
check "the other one is master again" wait_for 60 is_master b a
cp "$SRC/hooks/keepalived-pair-1.conf" "$T/node.a/etc/keepalived/keepalived.conf"

# ---- with it ---------------------------------------------------------------------------------------------
open flows cl 10 192.168.11.60 8899
keepalived_start a
check "the check fails" wait_for 60 says a "conntrackd does not answer"
check "and keepalived has been told" wait_for 60 grep -q 'effective priority from 100 to 40' "$T/a.keepalived"
# longer than it took without the check
check "it does not become master" not wait_for 5 has_vip a
is "$(last_state a)" "Entering BACKUP STATE" "nor has it been"
check "the other one still is" is_master b a
conntrackd_start a
check "its conntrackd has heard of all" wait_for 60 knows a 10
check "the check succeeds" wait_for 60 check_on a
check "and it becomes master" wait_for 60 is_master a b
unharmed flows "which no connection has noticed"

# the doctor has nothing to say about the example (the unit that starts keepalived is this machine's)
for x in a b; do
	is "$(on $x vipsafe --json doctor | jq -r '[.findings[] | select((.severity == "warning" or .severity == "critical") and .code != "kill-mode").code] | join(" ")')" \
		"" "doctor on $x: nothing is wrong with the files"
done

# ---- it dies under a master ----------------------------------------------------------------------------------
check "the other one knows all that the master has" wait_for 60 knows b 10
check "and could take over" wait_for 60 check_on b
end a conntrackd KILL
check "a master without conntrackd gives the addresses up" wait_for 60 is_master b a
unharmed flows "which no connection has noticed"
jobs_end
done_testing
