#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe doctor and the node's own firewall programs: every rule is counted once,
# whichever of them made it; what nft cannot print is told; an invalid packet that INPUT
# drops is no finding, however it is written; and many rules hide nothing.
# shellcheck disable=SC2317 # functions given to check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
know_verdict fixed
for p in iptables-nft iptables-nft-save iptables-legacy iptables-legacy-save; do
	command -v $p >/dev/null || skip_all "no program $p"
done
own_etc # which iptables is the node's is said there

doctor() { run --json doctor; }
text_of() { jq -r --arg c "$1" '[.findings[] | select(.code == $c).text] | join("; ")' "$T/out"; }
finds() { doctor; jq -e --arg c "$1" '.findings | any(.code == $c)' "$T/out"; }
flush() {
	nft flush ruleset
	for p in iptables-legacy ip6tables-legacy; do
		$p -P INPUT ACCEPT && $p -F && $p -X && $p -t nat -F && $p -t nat -X
	done 2>/dev/null
}
legacy=yes
iptables-legacy -A INPUT -s 192.0.2.1 -j ACCEPT 2>/dev/null || legacy=
flush

# ---- each rule once --------------------------------------------------------------------------
iptables-nft -t nat -A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE
doctor
like "$(text_of masquerade)" "^1 rule masquerades" "a rule of iptables-nft, which nft lists as well"
if [ -n "$legacy" ]; then
	for p in iptables-save ip6tables-save; do
		ln -sf "/usr/sbin/${p%-save}-legacy-save" /etc/alternatives/$p
	done
	like "$(readlink -f /usr/sbin/iptables-save)" legacy "the node's iptables-save is now that of legacy" ||
		diag "$(ls -l /usr/sbin/iptables-save)"
	doctor
	like "$(text_of masquerade)" "^1 rule masquerades" "and still when the node's iptables is the old one"
	iptables-legacy -t nat -A POSTROUTING -s 198.51.100.0/24 -j MASQUERADE
	doctor
	like "$(text_of masquerade)" "^2 rules masquerade" "one of either kind: two"
	check "firewall-mixed: and they are of two kinds" finds firewall-mixed
	for p in iptables-save ip6tables-save; do
		ln -sf "/usr/sbin/${p%-save}-nft-save" /etc/alternatives/$p
	done
	doctor
	like "$(text_of masquerade)" "^2 rules masquerade" "whichever is the node's"
else
	skip "the old kind of iptables" "this kernel has none"
fi
flush
# A table of iptables' name that iptables-save leaves to nft.
nft -f - <<-'.'
	table ip nat {
		chain mine {
			type nat hook postrouting priority srcnat + 7
			oifname "x" masquerade
		}
	}
.
like "$(iptables-nft-save -t nat)" incompatible "iptables-save leaves a table to nft"
doctor
like "$(text_of masquerade)" "^1 rule masquerades" "and it is read there"
flush

# ---- what nft cannot print ---------------------------------------------------------------------
iptables-nft -t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE --random-fully
seeing=$VIPSAFE
blind_vipsafe
doctor
code=$RC
VIPSAFE=$seeing
listed=$("$BLIND" nft list ruleset 2>&1)
if grep -q 'XT target MASQUERADE not found' <<<"$listed"; then
	check "a target that nft leaves out: firewall-unseen" jq -e \
		'.findings | any(.code == "firewall-unseen" and .severity == "unseen")' "$T/out"
	is $code 10 "exit code 10"
else
	check "a target that nft knows by its name only: masquerade" jq -e \
		'.findings | any(.code == "masquerade")' "$T/out"
	diag "$listed"
fi
flush

# ---- an invalid packet ---------------------------------------------------------------------------
forward() { iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP; }
# quiet WHAT: INPUT drops it, too
quiet() {
	doctor
	check "$1" jq -e '.findings | all(.code | startswith("invalid-drop") | not)' "$T/out"
	flush
}
forward
check "only FORWARD drops it: found" finds invalid-drop-forward-only
flush
forward
nft -f - <<-'.'
	table inet mine {
		chain input {
			type filter hook input priority 0; policy drop;
			ct state vmap { established : accept, related : accept, invalid : drop }
		}
	}
.
quiet "a map of nft drops it in INPUT"
forward
iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
iptables -P INPUT DROP
quiet "the policy drops it"
forward
iptables -A INPUT -m conntrack --ctstate INVALID,NEW -j DROP
quiet "a rule for INVALID,NEW drops it"
forward
iptables -A INPUT -m conntrack --ctstate INVALID -j REJECT
quiet "it is rejected"
forward
nft -f - <<-'.'
	table inet mine {
		map states {
			type ct_state : verdict
			elements = { established : accept, related : accept, invalid : drop }
		}
		chain input {
			type filter hook input priority 10
			ct state vmap @states
		}
	}
.
quiet "a map that has a name drops it"
forward
iptables -A INPUT -s 192.0.2.0/24 -j DROP
doctor
is "$(jq -r '[.findings[] | select(.code | startswith("invalid-drop")) | .code + " " + .severity] | join(" ")' "$T/out")" \
	"invalid-drop-unclear note" "dropped from some: not claimed"
flush

# ---- the cure ----------------------------------------------------------------------------------------
forward
ip6tables -A FORWARD -m conntrack --ctstate INVALID -j DROP
doctor
fix=$(jq -r '.findings[] | select(.code == "invalid-drop-forward-only").fix' "$T/out")
like "$fix" "^iptables .*ip6tables" "both families: a command for each"
check "which can be pasted" sh -c "$fix"
check "and cures" not finds invalid-drop-forward-only
flush
nft -f - <<-'.'
	table inet mine {
		chain forward {
			type filter hook forward priority 0
			ct state invalid drop
		}
	}
.
doctor
fix=$(jq -r '.findings[] | select(.code == "invalid-drop-forward-only").fix' "$T/out")
like "$fix" "^nft " "a node of nft: a command for nft"
check "which can be pasted" sh -c "$fix"
check "and cures" not finds invalid-drop-forward-only
flush

# ---- many rules ------------------------------------------------------------------------------------
if [ -n "$legacy" ]; then
	iptables-legacy -N KF
	iptables-legacy -A FORWARD -j KF
	iptables-legacy -A KF -m conntrack --ctstate INVALID -j DROP
	many() {
		echo '*nat'
		seq 300 | sed 's/.*/:S& - [0:0]/'
		for i in $(seq 300); do
			for k in 1 2 3 4; do
				echo "-A S$i -p tcp --dport $k -j DNAT --to-destination 192.0.2.1:$k"
			done
		done
		echo COMMIT
	}
	many | iptables-legacy-restore
	check "1 200 rules of services: the one that matters is found" finds invalid-drop-forward-only
	flush
else
	skip "1 200 rules" "this kernel has no iptables of the old kind"
fi
done_testing
