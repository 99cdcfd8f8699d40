#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `vipsafe import` prints is done as it says, by a program here that reads
# it: vipsafed takes the sections, the real keepalived takes its changed file
# and is MASTER of it, no address is lost on the way from one to the other, and
# a second import finds nothing to do.
# shellcheck disable=SC2317 # functions given to wait_for
# shellcheck source=tests/netns/lib/importing.sh
. "$(dirname "$0")/lib/importing.sh"; netns_main "$@"
importing
UNTOLD="notify_twice group"

for d in eth0 eth1; do
	ip link add $d type veth peer name p$d || bail_out "cannot make $d"
	ip link set $d up
	ip link set p$d up
done
ip addr add 192.0.2.2/24 dev eth0
ip addr add 198.51.100.2/24 dev eth1
ip addr add 2001:db8::2/64 dev eth0 nodad

accepts 0 plain <<'K'
vrrp_instance VI_1 {
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.10
		198.51.100.10/24 dev eth1 brd + noprefixroute
	}
	virtual_ipaddress_excluded {
		2001:db8::10
		2001:db8::11/64 preferred_lft forever
	}
}
K

accepts 0 labels <<'K'
vrrp_instance API {
	interface eth0
	virtual_router_id 105
	virtual_ipaddress {
		192.0.2.5/32 label vip
	}
}
vrrp_instance API6 {
	interface eth0
	virtual_router_id 106
	virtual_ipaddress {
		2001:db8::5/128 label vip scope link
	}
}
K

accepts 10 stays <<'K'
vrrp_instance VI_1 {
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.10/32
		192.0.2.11/32 peer 192.0.2.12/32
		192.0.2.13/32 -nodad
	}
	virtual_ipaddress_excluded {
		192.0.2.14/32 scope 77
		192.0.2.15/32
	}
}
K

accepts 10 routes <<'K'
vrrp_instance GW {
	interface eth1
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.10/24 dev eth0
	}
	virtual_routes {
		10.0.0.0/8 via 192.0.2.1
	}
}
vrrp_instance OTHER {
	interface eth1
	virtual_router_id 52
	virtual_ipaddress {
		198.51.100.9/32
	}
}
K

accepts 10 rules <<'K'
vrrp_instance GW {
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.10/24
	}
	virtual_rules {
		from 192.0.2.10 table 77 priority 1077
	}
}
K

accepts 10 vmac <<'K'
vrrp_sync_group G {
	group {
		VI
		TOO
	}
}
vrrp_instance VI {
	interface eth0
	use_vmac vrrp51
	vmac_xmit_base
	virtual_router_id 51
	virtual_ipaddress {
		198.51.100.5/32
		203.0.113.5/32 dev eth1
	}
	virtual_ipaddress_excluded {
		2001:db8::5/64
	}
}
vrrp_instance TOO {
	interface eth0
	virtual_router_id 52
	virtual_ipaddress {
		192.0.2.6/32
	}
}
K
is "$(sed -n 's/^\[device \(.*\)\]/\1/p' "$T/vmac.import" | sort | tr '\n' ' ')" "eth0 eth1 " \
	"what has no device of its own is guarded where it is"

accepts 0 scripts <<'K'
global_defs {
	script_user root
	enable_script_security
}
vrrp_instance VI {
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.5/32
	}
	notify_backup /bin/true
	notify_stop /bin/true
}
K

accepts 10 strict <<'K'
global_defs {
	vrrp_strict
}
vrrp_instance VI {
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.5/32
	}
}
K

accepts 0 one_of_two_blocks <<'K'
vrrp_instance VI {
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.5/32
	}
	virtual_ipaddress {
		192.0.2.6/32
	}
}
K

accepts 0 notify_twice 10 <<'K'
vrrp_instance VI {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.5/32
    }
    notify_backup /bin/true
    notify_backup /bin/false
    notify /bin/true
    notify /bin/false
}
K
like "$(cat "$T/notify_twice.patch")" 'are in scripts of yours' "what no patch can do is told"

accepts 10 nothing_to_own <<'K'
vrrp_sync_group G {
    group {
        VI
    }
}
vrrp_instance VI {
    interface eth0
    use_vmac
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.5/24
    }
}
K
check "of what stays with keepalived there is no patch" not grep -q '^--- ' "$T/nothing_to_own.patch"

accepts 0 group <<'K'
global_defs
{
	router_id one
}
vrrp_sync_group G
{
	group
	{
		VI
		TOO
	}
}
vrrp_instance VI
{
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.5/32
	}
}
vrrp_instance TOO {
	interface eth0
	virtual_ipaddress_excluded {
		192.0.2.7/32
	}
	# a comment between them
	virtual_ipaddress {
		192.0.2.6/32
	}
	virtual_router_id 52
}
K
is "$(grep -c '^+.script_user root\|^+.enable_script_security' "$T/group.patch")" 2 "who runs scripts is told where it was missing"

accepts 0 no_newline < <(printf 'vrrp_instance VI {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n  192.0.2.5/32\n }\n}')

sed 's/br-mgmt/eth0/' "$SRC/hooks/keepalived-keepalived-owns.conf" >"$T/hook.conf"
accepts 0 hook_owns <"$T/hook.conf"
check "hook_owns: the patch takes the address away" grep -q '^-.*192.168.11.100/32' "$T/hook_owns.patch"
for file in "$SRC"/hooks/keepalived-*.conf; do
	"$VIPSAFE" import "$file" --patch version "$VERSION" >"$T/hook.patch" 2>/dev/null
	[ "$(grep -c '^--- ' "$T/hook.patch")" = 0 ] || check "${file##*/}: patch takes it" patch -s -o /dev/null "$file" "$T/hook.patch"
done

# ---- what whole lines cannot change ------------------------------------------------------
refuses() { # NAME: the configuration of stdin
	cat >"$T/$1.conf"
	"$VIPSAFE" import "$T/$1.conf" --patch version "$VERSION" >"$T/$1.patch" 2>/dev/null
	is "$? $(grep -c '^--- ' "$T/$1.patch")" "10 0" "$1: there is no patch"
	like "$(cat "$T/$1.patch")" "#! $T/$1.conf:[0-9]+: no patch" "$1: which is told with its line"
}
refuses shared_line <<'K'
vrrp_instance VI {
	interface eth0
	virtual_ipaddress { 192.0.2.5/32 } virtual_router_id 51
}
K
refuses one_line <<'K'
vrrp_instance VI { interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		192.0.2.5/32 } }
K
refuses variable <<'K'
vrrp_instance VI {
	interface eth0
	virtual_router_id 51
	virtual_ipaddress {
		$A=192.0.2.5/32
		$A
	}
}
K

# ---- several files --------------------------------------------------------------------------
mkdir -p "$T/several/conf.d"
printf 'include conf.d/*.conf\n' >"$T/several/keepalived.conf"
for i in 1 2; do
	printf 'vrrp_instance V%s {\n\tinterface eth0\n\tvirtual_router_id 5%s\n\tvirtual_ipaddress {\n\t\tinclude ../a%s\n\t}\n}\n' $i $i $i \
		>"$T/several/conf.d/$i.conf"
	echo "192.0.2.1$i" >"$T/several/a$i"
done
"$VIPSAFE" import "$T/several/keepalived.conf" --patch version "$VERSION" >"$T/several.patch" 2>&1
is "$? $(grep -c '^--- ' "$T/several.patch")" "0 3" "several files: each that changes is in the patch"
check "several files: applied as it says" patch -s -d / -p1 -i "$T/several.patch"
is "$(cat "$T/several/conf.d/"*.conf | grep -c '^		169.254.77.5[12]/32 dev lo scope host')" 2 "several files: each has its decoy"
keepalived -t -f "$T/several/keepalived.conf" >"$T/said" 2>&1
is "$(grep -c 'Unknown\|missing\|ignoring' "$T/said")" 0 "several files: keepalived takes them"
"$VIPSAFE" import "$T/several/keepalived.conf" version "$VERSION" --patch >"$T/again" 2>/dev/null
is "$? $(grep -c '^--- ' "$T/again")" "10 0" "several files: and there is nothing left to import"

# ---- keepalived is MASTER of what it became ------------------------------------------

keepalived -n -l -P -f "$T/labels.new" -p "$T/pid" -r "$T/vrrp.pid" >"$T/log" 2>&1 </dev/null &
KA=$!
check "the decoy of IPv4 comes" wait_for 60 has_addr 169.254.77.105/32 lo
check "and that of IPv6" wait_for 60 has_addr fe80::77:106/128 lo
kill $KA
wait $KA 2>/dev/null
check "and they go" wait_for 60 not has_addr 169.254.77.105/32 lo
is "$(grep -c 'Unknown\|Error\|refused\|ignoring' "$T/log")" 0 "keepalived complains of nothing"

# ---- and vipsafe has the addresses, as keepalived had them ----------------------------------

chmod 600 "$T/labels.import"
"$VIPSAFED" --config "$T/labels.import" >"$T/vipsafed.log" 2>&1 &
GUARD=$!
check "vipsafed starts with the sections" wait_for 60 [ -S /run/vipsafe/control.sock ]
for name in API API6; do
	run --config "$T/labels.import" notify INSTANCE $name MASTER 100
	is "$RC" 0 "$name becomes MASTER"
done
labelled() { ip -o addr show dev eth0 to 192.0.2.5 | grep -q 'scope global vip'; }
deprecated() { ip -o addr show dev eth0 to 2001:db8::5 | grep -q 'preferred_lft 0sec'; }
check "the address comes with its label" wait_for 60 labelled
check "and that of IPv6 is nobody's source" wait_for 60 deprecated
kill $GUARD
wait $GUARD 2>/dev/null

# ---- what is no keepalived.conf ---------------------------------------------------------

: >"$T/empty"
for f in /etc/passwd /bin/true "$T/empty" "$T/plain.import" /etc /nowhere; do
	for command in import "doctor --keepalived"; do
		# shellcheck disable=SC2086 # words
		run $command "$f"
		is "$RC $(wc -l <"$T/err") ${#OUT}" "78 1 0" "$command ${f##*/}: 78 and one line"
	done
done
run import /etc/passwd
like "$ERR" '/etc/passwd: is not a keepalived.conf' "which says why"
done_testing
