#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever pastes what vipsafe doctor prints as a fix loses nothing by it. Each command
# that it may print is pasted into a node with rules of every kind, addresses and flows:
# what was there before is there afterwards, and the flows live. The list of commands is
# that of the program; one that nothing here pastes is a failure.
# shellcheck disable=SC2016,SC2317 # what looks like $ is somebody else's; functions given to check
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
VIPSAFED=$BUILD/vipsafed
[ -x "$VIPSAFED" ] || bail_out "no $VIPSAFED"

topo_pod
know_verdict fixed
CONF=$T/vipsafe.conf
printf '%s\n' '[device br-mgmt]' >"$CONF"
own_etc

# ---- what a paste finds: a shell, and the programs of a node ----------------------------------
mkdir "$T/bin"
shim() { printf '#!/bin/sh\n%s\n' "$2" >"$T/bin/$1" && chmod +x "$T/bin/$1"; }
shim sudo 'exec "$@"'
shim vipsafe "exec '$VIPSAFE' --config '$CONF' \"\$@\""
shim modprobe 'exit 0' # of the machine, not of this node
# There is no systemd here: what it would start is started, what it would end is ended.
shim systemctl "case \"\$*\" in
'enable --now vipsafed' | 'start vipsafed' | 'restart vipsafed')
	[ ! -e $T/pid ] || kill \"\$(cat $T/pid)\"
	while [ -e $T/pid ] && kill -0 \"\$(cat $T/pid)\"; do sleep 0.1; done 2>/dev/null # poll interval
	setsid '$VIPSAFED' --config '$CONF' >$T/log 2>&1 </dev/null &
	echo \$! >$T/pid ;;
*) exit 1 ;;
esac"
doctor() { run --json --config "$CONF" doctor; }
fix_of() { jq -r --arg c "$1" '[.findings[] | select(.code == $c and .fix != "").fix][0] // ""' "$T/out"; }
live() { [ "$(jsons status 2>/dev/null | jq -r '.devices[0].state')" = live ]; }

# ---- the node ---------------------------------------------------------------------------------------
masquerade nft
iptables-nft -A INPUT -p tcp --dport 10250 -j DROP
iptables-nft -N SHARED
iptables-nft -A SHARED -s 203.0.113.1 -j DROP
iptables-nft -A FORWARD -j SHARED
iptables-nft -t nat -A POSTROUTING -s 203.0.113.0/24 -j MASQUERADE
ip6tables-nft -A INPUT -p tcp --dport 10250 -j DROP
ip addr add 192.168.11.9/24 dev br-mgmt
ip addr add 192.168.11.50/32 dev br-mgmt
serve srv node2 10.232.3.28 8899
open pod pod 20 10.232.3.28 8899
open local node1 5 10.232.3.28 8899

# Each rule, policy and address, one a line; not what vipsafe has made itself.
things() {
	local p

	for p in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
		"$p-save" 2>/dev/null | sed -n "s/ \[[0-9]*:[0-9]*\]\$//; s/^[-:*].*/$p &/p" |
			awk '$2 ~ /^\*/ { t = $2; next } { print t, $0 }'
	done
	nft -s list ruleset 2>/dev/null | awk '/^table/ { t = $0 } /^\tchain/ { c = $2 } /^\t\t/ { print t, c, $0 }'
	ip -o addr | awk '{ print "address", $2, $3, $4 }'
}
theirs() { things | grep -v 'VIPSAFE-\|vipsafe[ _]' | sort; }

# The strings between the marks, each on one line, as C means them.
sed -n '/begin of commands/,/end of commands/p' "$SRC/agent/base/finding.c" |
	awk '/^\t*"/ { sub(/^\t*"/, ""); done = sub(/",$/, ""); if (!done) sub(/"$/, ""); s = s $0
		if (done) { gsub(/\\\\/, "\\", s); gsub(/\\"/, "\"", s); print s; s = "" } }' >"$T/commands"

COVERED=$T/covered
: >"$COVERED"
# paste COMMAND WHAT: nothing is lost by it
paste() {
	local lost

	theirs >"$T/before"
	PATH=$T/bin:$PATH timeout -k 5 60 sh -c "$1" >"$T/pasted" 2>&1 </dev/null
	PASTED=$?
	theirs >"$T/after"
	printf '%s\n' "$1" >>"$COVERED"
	lost=$(comm -23 "$T/before" "$T/after")
	is "$lost" "" "$2: no rule, policy or address is lost"
	ask pod ping
	like "$REPLY" "alive=20 reset=0 stalled=0 changed=0" "$2: flows that are forwarded live"
	ask local ping
	like "$REPLY" "alive=5 reset=0 stalled=0 changed=0" "$2: the node's own live"
}
# cure CODE: paste what doctor prints for it; the finding is gone then
cure() {
	local fix

	doctor
	fix=$(fix_of "$1")
	if [ -z "$fix" ]; then
		not_ok "$1: doctor prints a fix"
		diag "$(jq -c '.findings[] | {code, fix, advice}' "$T/out")"
		return
	fi
	paste "$fix" "$1"
	is "$PASTED" 0 "$1: the fix can be pasted" || diag "$fix: $(head -n 3 "$T/pasted")"
	doctor
	check "$1: and cures" jq -e --arg c "$1" '.findings | all(.code != $c)' "$T/out"
}

# ---- settings of the kernel ------------------------------------------------------------------------
# A file in place of a setting that the whole machine shares.
pretend() { echo "$2" >"$T/pretend-${1##*/}" && mount --bind "$T/pretend-${1##*/}" "$1" 2>/dev/null; }
NF=/proc/sys/net/netfilter
if pretend $NF/nf_conntrack_max 27; then
	cure conntrack-full
	umount $NF/nf_conntrack_max
else
	skip "conntrack-full" "its setting cannot be hidden here"
fi
paste 'sysctl -w net.netfilter.nf_conntrack_events=1' "events-off"
if put $NF/nf_conntrack_events 0 && [ "$(cat $NF/nf_conntrack_events)" = 0 ]; then cure events-off; fi
put $NF/nf_conntrack_tcp_loose 0
cure tcp-loose-off
put /proc/sys/net/ipv4/conf/all/promote_secondaries 0
put /proc/sys/net/ipv4/conf/br-mgmt/promote_secondaries 0
cure promote-secondaries-off
put /proc/sys/net/ipv4/conf/all/rp_filter 0
put /proc/sys/net/ipv4/conf/br-mgmt/rp_filter 1
cure rp-filter-strict
ip link add name br.10 type bridge && ip link set br.10 up && ip addr add 192.0.2.9/24 dev br.10
put /proc/sys/net/ipv4/conf/br.10/rp_filter 1
echo '[device br.10]' >>"$CONF"
cure rp-filter-strict # a name with a dot
sed -i '$d' "$CONF"
hashsize=/sys/module/nf_conntrack/parameters/hashsize
if [ -e $hashsize ] && pretend $NF/nf_conntrack_buckets 4 && pretend $hashsize 4; then
	doctor
	fix=$(fix_of conntrack-buckets)
	paste "$fix" conntrack-buckets
	check "conntrack-buckets: it is written where it belongs" grep -qx '[0-9][0-9]*' $hashsize
	umount $hashsize $NF/nf_conntrack_buckets
else
	paste 'echo 65536 > /nowhere/sys/module/nf_conntrack/parameters/hashsize' conntrack-buckets
	echo 'echo 65536 > /sys/module/nf_conntrack/parameters/hashsize' >>"$COVERED"
	skip "conntrack-buckets" "its setting cannot be hidden here"
fi
paste 'modprobe nf_conntrack_netlink' no-ctnetlink

# ---- the firewall --------------------------------------------------------------------------------------
doctor
jq -r '.findings[] | select(.code == "snat").fix' "$T/out" >"$T/snat"
is "$(grep -c '^nft ' "$T/snat") $(grep -c '^(n=.*iptables' "$T/snat")" "2 1" "snat: a line for each rule that masquerades" ||
	diag "$(cat "$T/snat")"
while IFS= read -r line; do
	paste "$line" snat
	is "$PASTED" 0 "snat: the fix can be pasted" || diag "$line: $(head -n 3 "$T/pasted")"
done <"$T/snat"
doctor
check "snat: and cures" jq -e '.findings | all(.code != "snat" and .code != "masquerade")' "$T/out"

# Each of the shapes the fix has, by what FORWARD drops.
iptables-nft -A FORWARD -m conntrack --ctstate INVALID -j DROP
cure invalid-drop-forward-only
iptables-nft -D INPUT -p tcp -m conntrack --ctstate INVALID -j DROP
ip6tables-nft -A FORWARD -m conntrack --ctstate INVALID -j DROP
cure invalid-drop-forward-only
iptables-nft -D FORWARD -m conntrack --ctstate INVALID -j DROP
ip6tables-nft -D INPUT -p tcp -m conntrack --ctstate INVALID -j DROP
cure invalid-drop-forward-only
iptables-nft -D INPUT -p tcp -m conntrack --ctstate INVALID -j DROP
ip6tables-nft -D FORWARD -m conntrack --ctstate INVALID -j DROP
ip6tables-nft -D INPUT -p tcp -m conntrack --ctstate INVALID -j DROP
for family in ip ip6 inet; do
	nft "table $family theirs { chain f { type filter hook forward priority 0; ct state invalid drop; }; }"
	cure invalid-drop-forward-only
	nft delete table $family theirs
	nft delete table $family drop_invalid
done

mixed() {
	iptables-legacy -N MINE
	iptables-legacy -A MINE -s 198.51.100.1 -j DROP
	iptables-legacy -A FORWARD -j MINE
	iptables-legacy -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
	ip6tables-legacy -A FORWARD -s 2001:db8::1 -j DROP
	# as a hold leaves them that is at work just then
	iptables-legacy -t mangle -N VIPSAFE-HOLD-1
	iptables-legacy -t mangle -A VIPSAFE-HOLD-1 -j DROP
	iptables-legacy -t mangle -A PREROUTING -s 198.51.100.3 -j VIPSAFE-HOLD-1
} 2>/dev/null
if command -v iptables-legacy >/dev/null && mixed; then
	iptables-nft -P INPUT DROP # the policy of the old ones is ACCEPT
	iptables-nft -I INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
	doctor
	fix=$(fix_of firewall-mixed)
	paste "$fix" firewall-mixed
	is "$PASTED" 0 "firewall-mixed: the fix can be pasted" || diag "$fix: $(cat "$T/pasted")"
	check "firewall-mixed: the old rules are copied" grep -q -- '-A MINE -s 198.51.100.1/32 -j DROP' <(iptables-nft-save)
	check "firewall-mixed: those of NAT, too" grep -q -- '172.17.0.0/16 -j MASQUERADE' <(iptables-nft-save)
	check "firewall-mixed: what vipsafe has there for a moment is not" \
		not grep -q VIPSAFE <(iptables-nft-save)
	check "firewall-mixed: and of IPv6" grep -q -- '-s 2001:db8::1/128 -j DROP' <(ip6tables-nft-save)
	# what cannot be copied is told of, whichever family it is of
	refused() {
		paste "$fix" "firewall-mixed, $1"
		check "firewall-mixed, $1: it fails" [ "$PASTED" != 0 ]
		is "$(diff "$T/before" "$T/after" | grep -c -e 2001:db8: -e '-A SHARED')" 0 \
			"firewall-mixed, $1: nothing is copied behind that"
	}
	refused twice
	clean_legacy() {
		for p in iptables-legacy ip6tables-legacy; do
			$p -F && $p -X && $p -t nat -F && $p -t mangle -F && $p -t mangle -X
		done
	}
	clean_legacy
	ip6tables-legacy -A FORWARD -s 2001:db8::4 -j DROP
	iptables-legacy -N SHARED
	iptables-legacy -A SHARED -s 198.51.100.2 -j DROP
	refused "with a chain that both have"
	iptables-legacy -F SHARED && iptables-legacy -X SHARED
	ip6tables-nft -N SHARED
	ip6tables-legacy -N SHARED
	refused "with one that both have of IPv6"
	clean_legacy
	ip6tables-nft -X SHARED
	iptables-nft -P INPUT ACCEPT
else
	skip "firewall-mixed" "this kernel has no iptables of the old kind"
	paste 'true' firewall-mixed
	grep legacy-save "$T/commands" >>"$COVERED"
fi

# ---- scripts ---------------------------------------------------------------------------------------------
mkdir -p /etc/keepalived
cat >/etc/keepalived/notify.sh <<-'.'
	#!/bin/sh
	case "$1" in
	backup)
		if ! $CONNTRACKD_BIN -C $CONNTRACKD_CONFIG -t
		then
			logger "ERROR: failed to invoke conntrackd -t"
		fi
		;;
	fault) /usr/sbin/conntrack -F >/dev/null 2>&1 || true ;;
	esac
.
chmod 755 /etc/keepalived/notify.sh
cp -p /etc/keepalived/notify.sh "$T/notify.sh"
doctor
is "$(jq -r '[.findings[] | select(.code == "conntrackd-flush")] | length' "$T/out")" 2 \
	"conntrackd-flush: each call once, what is logged not at all"
n=0
while n=$((n + 1)) && [ $n -le 3 ] && doctor && fix=$(fix_of conntrackd-flush) && [ -n "$fix" ]; do
	paste "$fix" "conntrackd-flush"
	check "conntrackd-flush: the script can still be read" sh -n /etc/keepalived/notify.sh
done
doctor
check "conntrackd-flush: cured" jq -e '.findings | all(.code != "conntrackd-flush")' "$T/out"
is "$(diff "$T/notify.sh" /etc/keepalived/notify.sh | grep -c '^>')" 2 "conntrackd-flush: two lines are other ones"
is "$(sh /etc/keepalived/notify.sh backup && echo ran)" ran "conntrackd-flush: and it runs"
is "$(stat -c '%a %U' /etc/keepalived/notify.sh)" "755 root" "conntrackd-flush: and is whose it was"

# ---- keepalived's configuration -------------------------------------------------------------------------
mkdir -p /etc/hooks
printf '#!/bin/sh\n' >/etc/hooks/script
chmod 666 /etc/hooks/script
printf '%s\n' 'vrrp_instance V { state BACKUP' 'interface br-mgmt' 'virtual_router_id 7' \
	'virtual_ipaddress { 10.9.9.9 }' 'notify /etc/hooks/script root' '}' >/etc/hooks/keepalived.conf
look() { run --json --config "$CONF" doctor --keepalived /etc/hooks/keepalived.conf version 2.2.7; }
for code in script-unsafe script-not-executable; do
	look
	fix=$(fix_of $code)
	like "$fix" "^ch" "$code: doctor prints a fix"
	paste "$fix" $code
	look
	check "$code: and cures" jq -e --arg c $code '.findings | all(.code != $c)' "$T/out"
done
groupadd() { echo "$1:x:990:" >>/etc/group; }
groupadd vipsafe
paste 'usermod -a -G vipsafe daemon' script-user-group

# ---- vipsafe itself ------------------------------------------------------------------------------------------
doctor
fix=$(fix_of no-daemon)
like "$fix" "^systemctl" "no-daemon: doctor prints a fix"
paste "$fix" no-daemon
check "no-daemon: it guards" wait_for 60 live
paste 'systemctl start vipsafed' "no-daemon of status"
paste 'systemctl restart vipsafed' daemon-silent
check "daemon-silent: it guards" wait_for 60 live
for c in 'vipsafe doctor' 'sudo vipsafe doctor' 'sudo vipsafe probe' 'vipsafe probe' 'vipsafe lvs check' \
	'vipsafe history 1' 'vipsafe recover' 'vipsafe reload' 'vipsafe -v status'; do
	paste "$c" "$c"
done
section="(set -C && mkdir -p /etc/vipsafe/conf.d && echo '[device br-mgmt]' >/etc/vipsafe/conf.d/br-mgmt.conf)"
paste "$section && vipsafe reload" "a device to guard"
is "$PASTED $(cat /etc/vipsafe/conf.d/br-mgmt.conf)" "0 [device br-mgmt]" "a device to guard: it is in a file of its own"
echo '[device br-mgmt] # mine' >/etc/vipsafe/conf.d/br-mgmt.conf
paste "$section && systemctl enable --now vipsafed" "a device to guard, again"
is "$([ "$PASTED" != 0 ] && cat /etc/vipsafe/conf.d/br-mgmt.conf)" "[device br-mgmt] # mine" \
	"a device to guard: a file that is there is left as it is"
rm -r /etc/vipsafe
kill "$(cat "$T/pid")"
gone() { ! jsons status >/dev/null 2>&1; }
wait_for 60 gone
echo x >/run/vipsafe/move-br-mgmt
doctor
is "$(fix_of killed-run)" "vipsafe recover" "killed-run: what finishes it"
paste "vipsafe recover" killed-run
rm -f /run/vipsafe/move-br-mgmt
chmod 777 /run/vipsafe
cure run-dir-unsafe

# ---- and all of them -----------------------------------------------------------------------------------------
check "the program has a list of commands" [ "$(wc -l <"$T/commands")" -ge 20 ]
while IFS= read -r command; do
	pattern=$(printf '%s' "$command" | sed 's/[][\\.*^$]/\\&/g; s/%s/[^ ]*/g; s/%q/[^'"'"']*/g; s/%w/.*/g')
	check "pasted: ${command:0:60}" grep -qx -- "$pattern" "$COVERED"
done <"$T/commands"
jobs_end
done_testing
