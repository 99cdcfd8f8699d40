#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon's look-out for LVS collisions, and lvs check --watch: each pair is
# told of as it comes to be, once; what a director still remembers counts; the
# map follows a reload. Client, service and server are addresses of one node:
# what an LVS makes of them is tested elsewhere.
# shellcheck disable=SC2119 # nothing is handed on
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

C=10.9.1.2 RS=10.9.2.2 VIP=10.9.9.1

service() { # LINES...: of the section
	config '[lvs-service mysql]' "vip = $VIP:3306 ; method = nat" "$@"
}

# How often the log has a line like PATTERN.
lines() { grep -cE "$1" "$DAEMON_LOG"; }
told() { [ "$(lines "$1")" -ge "${2:-1}" ]; }
lvs() { run --json status && json ".lvs.$1"; }
flows_are() { [ "$(lvs flows)" = "$1" ]; }

# connect NAME PORT ADDR PORT
connect() { open "$1" node1 1 -b $C -P "$2" "$3" "$4"; }
close() { job_end "$1"; }

ip link set lo up
for a in $C $RS $VIP; do ip addr add "$a/32" dev lo; done
# conntrack is there once somebody asks for it
iptables -w 5 -A INPUT -m conntrack --ctstate INVALID -j ACCEPT || bail_out "cannot have conntrack"
serve rs node1 $RS 3269
serve vip node1 $VIP 3306

# ---- nothing known ---------------------------------------------------------------
config '[agent]'
daemon_start
check "without a source it is silent" not told lvs
mentions() { { "$VIPSAFE" status; "$VIPSAFE" -v add 10.9.9.9/32 dev lo; "$VIPSAFE" -v del 10.9.9.9/32 dev lo; "$VIPSAFE" doctor; } 2>&1 | grep -i lvs; }
nothing "$(mentions)" "so are status, reports and doctor"
is "$(lvs active)" false "and status says so"
run --config "$CONF" lvs check
is "$RC" 4 "so does the check"
like "$OUT" "no LVS described; nothing crossed right now" "in words"

# ---- a pair comes to be ------------------------------------------------------------
service "real = $RS:3269"
run reload
is "$RC" 0 "a reload brings a service"
check "which is said" told 'msg=lvs-map level=note text=.1 services from '
is "$(lvs active)" true "it is looked out for collisions"
"$VIPSAFE" --json watch >"$T/events" 2>/dev/null &
watcher=$!
watching() { "$VIPSAFE" metrics | grep -q '^vipsafe_watchers 1$'; }
wait_for 30 watching || bail_out "nobody watches"
connect direct 61902 $RS 3269
check "the direct connection is known" wait_for 30 flows_are 1
connect via 61902 $VIP 3306
check "the pair is told of" wait_for 30 told \
	"$C:61902 directly to $RS:3269 and through mysql .$VIP:3306.: one connection to the server"
check "who watches is told as well" wait_for 30 \
	grep -q '"event":"collision",.*lvs-collision: 10.9.1.2:61902 directly' "$T/events"
kill $watcher
wait $watcher
connect other 61904 $VIP 3306
check "the next connection is known" wait_for 30 flows_are 3
is "$(lines 'one connection to the server')" 1 "nobody else is told of"
is "$(lvs collisions)" 1 "and it is counted"
run --json history
is "$(json '[.[] | select(.op == "collision") | [.addresses[0], .entries.candidates]] | @text')" \
	"[[\"$RS:3269\",2]]" "the history has it"
like "$(json '.[0].text')" "$C:61902 directly to $RS:3269" "with all that is known"
run reload
is "$RC" 0 "the map is read again"
check "everything is known again" wait_for 30 flows_are 3
is "$(lines 'one connection to the server')" 1 "and what was told within the hour is not told again"

# ---- the check, again and again -------------------------------------------------------
"$VIPSAFE" --config "$CONF" lvs check --watch >"$T/watch" 2>&1 </dev/null &
pid=$!
check "the check finds it" wait_for 30 grep -q 'critical: lvs-collision: ' "$T/watch"
kill -INT $pid
wait $pid
is "$?" 11 "interrupted, it ends with the worst it has seen"
is "$(grep -c 'one connection to the server' "$T/watch")" 1 "one line, once"

# ---- what has ended --------------------------------------------------------------------
close direct
close via
close other
conntrack -F >/dev/null 2>&1
connect via 61906 $VIP 3306
conntrack -L -p tcp --orig-port-src 61906 2>/dev/null | grep -q ASSURED ||
	bail_out "no entry of the connection through the service"
close via
# until then its last segments would make an entry anew
has_ended() { conntrack -L -p tcp --orig-port-src 61906 2>/dev/null | grep -Eq ' (TIME_WAIT|CLOSE) '; }
wait_for 20 has_ended || bail_out "the connection through the service does not end"
conntrack -D -p tcp --orig-port-src 61906 >/dev/null 2>&1
# nobody answers it here: an answer would clear it, and may come before the daemon has looked
iptables -w 5 -I INPUT -p tcp --sport 61906 --dport 3269 -j DROP || bail_out "cannot drop"
job direct in_ns node1 "$FLOW" open -b $C -P 61906 -t 300 $RS 3269
check "its port is dangerous when it has ended" wait_for 60 told \
	"$C:61906 directly to $RS:3269 (and|hangs,.*) through mysql"
close direct

# ---- a socket that leaves as another ---------------------------------------------------------
iptables -w 5 -t nat -A POSTROUTING -p tcp --dport 3306 -j SNAT --to-source $C:50000-50100 || bail_out "no NAT"
looks=$(lvs looks)
connect via 61950 $VIP 3306
ask via ports
seen=${REPLY##* }
more_looks() { [ "$(lvs looks)" -ge $((looks + 2)) ]; }
check "its socket is looked at" wait_for 60 more_looks
for port in 61950 "$seen"; do
	iptables -w 5 -I INPUT -p tcp --sport "$port" --dport 3269 -j DROP
	job "direct-$port" "$FLOW" open -b $C -P "$port" -t 300 $RS 3269
done
check "the port that the server sees is in danger" wait_for 60 told "$C:$seen directly to $RS:3269 (and|hangs,.*) through"
check "and not the one before the translation" not told "$C:61950 directly to "
close direct-61950
close "direct-$seen"
close via
iptables -w 5 -t nat -F POSTROUTING

# ---- a map that cannot be read --------------------------------------------------------------
config '[lvs]' "sources = save:$T/nothing, keepalived:$T/nothing.conf"
run reload
check "a file that is missing is told of" told "msg=lvs-map-incomplete level=warning text=.*save:$T/nothing cannot be read"
check "and so is the other" told "msg=lvs-map-incomplete level=warning text=.*keepalived:$T/nothing.conf cannot be read"
is "$(lvs incomplete_sources)" 2 "status counts both"
run --config "$CONF" lvs map
is "$RC" 10 "lvs map: exit code"
like "$OUT" "source save $T/nothing: cannot be read" "lvs map names it"
daemon_end
is "$?" 0 "it stops well"
done_testing
