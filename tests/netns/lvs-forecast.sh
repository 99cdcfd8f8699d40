#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How many collisions are to be expected, where conntrack sees nothing: lvs check --watch and the
# daemon count sockets, also those that leave no trace, and their forecast is that of the rates
# there were. And the map: it follows its files without a reload, is kept when they cannot be
# read, and warned of when it is old. Client, service and server are addresses of one node: what
# an LVS makes of them is tested elsewhere.
# shellcheck disable=SC2119 # nothing is handed on
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

C=10.9.1.2 RS=10.9.2.2 VIP=10.9.9.1
POOL=100 RATE=25

ip link set lo up
for a in $C $RS $VIP; do ip addr add "$a/32" dev lo; done
for a in $RS $VIP; do
	ip route change local "$a" dev lo table local src $C || bail_out "cannot choose the source address"
done
# conntrack is there, but sees nothing of these
iptables -w 5 -A INPUT -m conntrack --ctstate INVALID -j ACCEPT || bail_out "cannot have conntrack"
for chain in PREROUTING OUTPUT; do
	for port in --sport --dport; do
		iptables -w 5 -t raw -A $chain -p tcp -m multiport "${port}s" 3269,3306 -j NOTRACK || bail_out "no NOTRACK"
	done
done
# closed sockets leave nothing behind
put /proc/sys/net/ipv4/tcp_max_tw_buckets 0
put /proc/sys/net/ipv4/ip_local_port_range "32768 60999"

lvs() { jsons status | jq -r ".lvs.$1"; }
lvs_is() { [ "$(lvs "$1")" = "$2" ]; }
value() { "$VIPSAFE" metrics | awk -v m="$1" '$1 == m { print $2 }'; }

rules() { # SERVICE-PORT...: what a director would save
	local port

	for port in "$@"; do
		printf -- '-A -t %s:%s -s rr\n-a -t %s:%s -r %s:3269 -m -w 1\n' $VIP "$port" $VIP "$port" $RS
	done
}
rules 3306 >"$T/director.rules"

serve rs node1 $RS 3269
serve vip node1 $VIP 3306
open pool node1 $POOL $RS 3269
config '[lvs]' "sources = save:$T/director.rules"

# ---- without conntrack ----------------------------------------------------------------
job churn "$FLOW" churn -r $RATE -l 50 -s 600 $VIP 3306
hear churn
[ "$REPLY" = ready ] || bail_out "no traffic: $REPLY"
# what was opened, of which nothing is but the traffic, and when (in hundredths of a second)
opens() { awk '$1 == "Tcp:" && $6 ~ /^[0-9]/ { print $6 }' /proc/net/snmp; }
opened=$(opens)
uptime_cs
took=$REPLY
daemon_start
check "without conntrack it looks in sockets" lvs_is sees_sockets true
is "$(lvs active) $(lvs sees_entries)" "true false" "and not in entries"
run status
like "$OUT" "LVS: 1 services, collisions looked for in this node's sockets, " "which status says"
like "$OUT" "conntrack's entries are not seen: " "and why"
is "$(lvs kill_per_day)" null "at first nothing is expected"

job watch "$VIPSAFE" --config "$CONF" lvs check --watch
expected='lvs-risk: 10.9.1.2 may use one port .* expected per day: kill (up to )?[1-9].* stall (up to )?[0-9]'
sees() {
	local line

	while IFS= read -r -t 0.1 -u "${JOB_OUT[watch]}" line; do echo "$line" >>"$T/watch"; done
	grep -qE "$expected" "$T/watch"
}
check "the watch tells of kills and stalls without conntrack" wait_for 60 sees
daemon_expects() { [ "$(lvs 'kill_per_day // 0 | . > 0')" = true ]; }
check "so does the daemon" wait_for 60 daemon_expects
told_daemon=$(lvs kill_per_day)
metric=$(value 'vipsafe_lvs_expected_per_day{effect="kill"}')
opened=$(($(opens) - opened))
uptime_cs
took=$((REPLY - took))
job_end churn
told_watch=$(grep -oE "kill (up to )?[0-9.]+" "$T/watch" | grep -oE '[0-9.]+' | head -n 1)
# every second port of the range: 14116
near() { awk -v told="$1" -v n="$opened" -v cs="$took" -v pool=$POOL 'BEGIN {
	truth = 86400 * n / (cs / 100) * pool / 14116
	exit !(told <= 2 * truth && truth <= 2 * told) }'; }
diag "opened $opened in $took cs; a day: watch $told_watch, daemon $told_daemon, metric $metric" >&2
check "what the watch expects is within a factor of two" near "$told_watch"
check "and what the daemon does" near "$told_daemon"
check "and its metric" near "$metric"
run status
like "$OUT" "expected per day: kill (up to )?[0-9.]+ .a living direct session is reset., stall " "status has both"
case $(uname -r) in
[1-4].* | 5.[0-9].* | 5.1[01].*) bound= ;;
*) bound='up to ' ;;
esac
like "$(cat "$T/watch")" "kill ${bound}[0-9.]+ .*stall ${bound}[0-9.]+" "since Linux 5.12 it is a bound"
check "the daemon has logged it" wait_for 20 logged 'msg=lvs-risk level=warning '
job_end watch INT

# ---- the map follows its file ------------------------------------------------------------
rules 3306 3307 >"$T/new"
mv "$T/new" "$T/director.rules"
check "a new file is taken without a reload" wait_for 30 lvs_is services 2
rules 3306 3307 3308 >"$T/director.rules"
check "so is one that was written in place" wait_for 30 lvs_is services 3
check "both were said" logged 'msg=lvs-map .*3 services'
: >"$T/director.rules"
says() { [[ "$(lvs map_error)" =~ $1 ]]; }
check "an empty one is not" wait_for 30 says "^save:.*director.rules is empty$"
is "$(lvs services)" 3 "the map stays"
run status
like "$OUT" "the map stays as it was: save:.*director.rules is empty" "status says so in words"
rm "$T/director.rules"
check "a missing one neither" wait_for 30 says "^save:.*director.rules cannot be read$"
is "$(lvs services)" 3 "the map stays"
rules 3306 3307 >"$T/director.rules"
check "it goes on when the file is back" wait_for 30 lvs_is services 2
is "$(lvs map_error)" "" "and nothing is wrong any more"
run --config "$CONF" lvs check
lacks() { ! grep -q "$2" <<<"$1"; }
check "a young map is not warned of" lacks "$OUT" lvs-map-old
touch -d '3 days ago' "$T/director.rules"
old() { [ "$(lvs map_age_s)" -ge 250000 ]; }
check "an old copy is noticed" wait_for 30 old
run status
like "$OUT" "save:.*director.rules is 3 days old" "status says so"
check "it is logged" wait_for 30 logged 'msg=lvs-map-old level=warning '
check "a metric has it" awk -v t="$(value vipsafe_lvs_map_timestamp_seconds)" -v now="$(date +%s)" \
	'BEGIN { exit !(t > now - 300000 && t < now - 250000) }'
run --config "$CONF" --json lvs check
is "$(json '[.findings[] | select(.code == "lvs-map-old") | .severity] | @text')" '["warning"]' "so does the check"

# ---- a keepalived.conf ---------------------------------------------------------------------
server() { printf 'virtual_server %s %s {\n lvs_method NAT\n real_server %s 3269 {\n }\n}\n' $VIP "$1" $RS; }
server 3306 >"$T/keepalived.conf"
config '[lvs]' "sources = keepalived:$T/keepalived.conf"
run reload
check "a keepalived.conf is the map" lvs_is services 1
server 3307 >>"$T/keepalived.conf"
check "and followed, too" wait_for 30 lvs_is services 2
daemon_end
is "$?" 0 "it stops well"
jobs_end
done_testing
