#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The SNAT line that vipsafe doctor prints for a rule that masquerades, pasted: what
# connects from then on outlives link and address changes without a daemon; what was
# masqueraded before stays so and is lost by the same changes. The rules are otherwise
# byte for byte what they were, and are so again when the line is taken away.
# shellcheck disable=SC2317 # functions given to check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
for p in iptables-nft iptables-legacy; do
	command -v $p >/dev/null || skip_all "no program $p"
done
topo_pod
know_verdict fixed
own_etc
CONF=$T/vipsafe.conf
printf '%s\n' '[device br-mgmt]' '[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.50/32' >"$CONF"
ip addr add 192.168.11.50/32 dev br-mgmt

doctor() { run --json --config "$CONF" doctor; }
lines() { jq -r '.findings[] | select(.code == "snat").fix' "$T/out"; }
no_finding() { jq -e '.findings | all(.code != "masquerade" and .code != "snat")' "$T/out"; }

# ---- the rules ----------------------------------------------------------------------------------
# rules KIND: one that masquerades per family, between others
rules() {
	local p to

	case $1 in
	nft)
		nft -f - <<-'.'
			table inet mine {
				set near { type ipv4_addr; flags interval; elements = { 203.0.113.0/24 }; }
				chain post {
					type nat hook postrouting priority srcnat;
					ip saddr @near return
					oifname "br-*" ip daddr { 10.232.3.0/24, 198.51.100.0/24 } counter masquerade fully-random comment "say \hi"
					oifname != "cali0" ip6 daddr fd00:3::/64 masquerade fully-random
					ip saddr 198.51.100.7 accept
				}
			}
		.
		;;
	*)
		for p in "$1" "ip6${1#ip}"; do
			to=10.232.3.0/24
			[ "$p" = "$1" ] || to=fd00:3::/64
			"$p" -t nat -N MINE && "$p" -t nat -A POSTROUTING -j MINE &&
				"$p" -t nat -A MINE -m mark --mark 0x4000/0x4000 -j RETURN &&
				"$p" -t nat -A MINE ! -o cali0 -d "$to" \
					-m comment --comment "say \"hi\" \\ to a" -j MASQUERADE --random-fully &&
				"$p" -t nat -A MINE -p tcp -m tcp --dport 9 -j ACCEPT || return 1
		done
		;;
	esac 2>/dev/null
}
listed() {
	case $1 in
	nft) nft -s list ruleset ;;
	*) "$1-save" -t nat && "ip6${1#ip}-save" -t nat ;;
	esac 2>/dev/null | sed '/^[#:]/d'
}
no_rules() {
	nft flush ruleset
	for p in iptables-legacy ip6tables-legacy; do
		$p -t nat -F && $p -t nat -X
	done 2>/dev/null
}
# undo KIND LINE: take away what the line has added, as doctor says
undo() {
	local words before program chain

	if [ "$1" = nft ]; then
		words=$(nft -a list chain inet mine post | sed -n "/$2/s/.*# handle //p")
		nft delete rule inet mine post handle "$words"
		return
	fi
	words=${2##* - 1)) }
	before=${2##* && }
	program=${before%% *} chain=${before#* -I }
	# the words are quoted for a shell
	eval "$program -t nat -D ${chain%% *} ${words%)}"
}

# ---- what happens to the device --------------------------------------------------------------
back() {
	ip addr replace 192.168.11.7/24 dev br-mgmt
	ip addr replace fd00:11::7/64 dev br-mgmt nodad
	ip route replace 10.232.3.0/24 via 192.168.11.8
	ip -6 route replace fd00:3::/64 via fd00:11::8
}
link() { ip link set br-mgmt down && ip link set br-mgmt up && back; }
address() { ip addr del 192.168.11.7/24 dev br-mgmt && ip addr del fd00:11::7/64 dev br-mgmt && back; }
# gone FAMILY PORT: the masqueraded ones have been flushed, by changes as many as it takes
gone() {
	"$3"
	wait_for 3 no_entries -f "ipv$1" -p tcp --orig-port-dst "$2"
}

# ---- traffic -------------------------------------------------------------------------------------
# flows WHEN PORT: 20 of the node and 20 that it forwards, in both families. They are given time: a port
# of the bridge forwards a second after its link is up, and neighbours have to be found anew.
flows() {
	serve "s4$1" node2 10.232.3.28 "$2"
	serve "s6$1" node2 fd00:3::28 "$2"
	open "node4$1" node1 20 -t 20 10.232.3.28 "$2"
	open "pod4$1" pod 20 -t 20 10.232.3.28 "$2"
	open "node6$1" node1 20 -t 20 fd00:3::28 "$2"
	open "pod6$1" pod 20 -t 20 fd00:3::28 "$2"
}
all() { # VERDICT WHEN WHAT
	local who

	for who in node4 pod4 node6 pod6; do "$1" "$who$2" "$3: $who"; done
}

# ---- each kind of rules, each kind of change ----------------------------------------------------
trial() {
	local kind=$1 change=$2 line n

	no_rules
	rules "$kind" || {
		skip "$kind" "this kernel refuses its rules"
		return
	}
	listed "$kind" >"$T/before"
	flushes_over # of the trial before
	flows old 8801
	doctor
	lines >"$T/lines"
	is "$(wc -l <"$T/lines")" 2 "$kind: a line for each family" ||
		diag "$(jq -c '.findings[] | select(.code | test("snat|masq"))' "$T/out")"
	while IFS= read -r line; do
		check "$kind: it can be pasted" sh -c "$line" || diag "$line"
	done <"$T/lines"
	listed "$kind" >"$T/after"
	is "$(diff "$T/before" "$T/after" | grep -c '^<')" 0 "$kind: no rule is another one"
	is "$(diff "$T/before" "$T/after" | grep -ci '^> .*snat.*random')" 2 "$kind: one is new in each family"
	is "$(diff "$T/before" "$T/after" | grep -c '^>')" 2 "$kind: and no more"
	is "$(grep -i -A 1 snat "$T/after" | grep -ci masquerade)" 2 "$kind: each right in front of the one it is for"
	doctor
	check "$kind: nothing is left to advise" no_finding
	all unharmed old "$kind: what was there lives on"
	flows new 8802

	# the first changes until the old ones are lost, which shows that they had an effect
	for n in 4 6; do
		wait_for 60 gone $n 8801 "$change" || bail_out "the kernel flushed nothing"
	done
	n=0
	while n=$((n + 1)) && [ $n -le 10 ]; do
		link
		address
	done
	all unharmed new "$kind, $change: with SNAT 20 of 20 live"
	all harmed old "$kind, $change: masqueraded ones are lost"
	while IFS= read -r line; do
		undo "$kind" "$line"
	done <"$T/undo"
	jobs_end
	forget_all
}
for kind in iptables-nft iptables-legacy nft; do
	for change in link address; do
		if [ $kind = nft ]; then
			printf '%s\n' 'oifname "br-mgmt".* snat ip ' 'oifname "br-mgmt".* snat ip6 ' >"$T/undo"
		else
			ln -sf lines "$T/undo"
		fi
		trial $kind $change
		[ ! -s "$T/before" ] || is "$(listed $kind | diff "$T/before" -)" "" "$kind: taken away, all is as it was"
		rm -f "$T/undo" "$T/before"
	done
done

# ---- a line that is pasted too late ----------------------------------------------------------
no_rules
iptables-nft -t nat -A POSTROUTING -s 203.0.113.1 -j RETURN
iptables-nft -t nat -A POSTROUTING -o br-mgmt -j MASQUERADE
doctor
line=$(lines)
# the rule has moved
iptables-nft -t nat -I POSTROUTING -s 203.0.113.2 -j RETURN
check "the rule has moved: the line finds it" sh -c "$line"
is "$(iptables-nft -t nat -S POSTROUTING | sed -n 4,5p)" "-A POSTROUTING -o br-mgmt -j SNAT --to-source 192.168.11.7
-A POSTROUTING -o br-mgmt -j MASQUERADE" "right in front of it"
iptables-nft -t nat -F POSTROUTING
listed iptables-nft >"$T/before"
check "the rule is gone: the line fails" not sh -c "$line"
is "$(listed iptables-nft | diff "$T/before" -)" "" "and changes nothing"

# ---- no line ---------------------------------------------------------------------------------------
refused() { jq -r '[.findings[] | select(.code == "snat-not-advised").advice] | join(" ")' "$T/out"; }
none() { # REGEX WHAT
	doctor
	is "$(lines)" "" "$2: no line"
	like "$(refused)" "$1" "$2: but why"
}
iptables-nft -t nat -A POSTROUTING -o br-mgmt -j MASQUERADE
ip addr change 192.168.11.7/24 dev br-mgmt valid_lft 3600 preferred_lft 3600
none DHCP "an address with a lifetime"
ip addr change 192.168.11.7/24 dev br-mgmt valid_lft forever preferred_lft forever
doctor
like "$(lines)" "--to-source 192.168.11.7\)$" "it is for good again: a line"
ip addr add 10.9.9.1/24 dev br-mgmt
none several "an address in another network"
ip addr del 10.9.9.1/24 dev br-mgmt
ip addr del 192.168.11.7/24 dev br-mgmt
none "a virtual one" "only the VIP is there"
mkdir -p /etc/keepalived
printf '%s\n' 'vrrp_instance V { state BACKUP' 'interface br-mgmt' 'virtual_router_id 7' \
	'virtual_ipaddress { 192.168.11.7/24 }' '}' >/etc/keepalived/keepalived.conf
ip addr flush dev br-mgmt scope global
ip addr add 192.168.11.7/24 dev br-mgmt
none "a virtual one" "keepalived's is first"
jobs_end
done_testing
