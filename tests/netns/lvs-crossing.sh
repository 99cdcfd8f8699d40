#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One local port, used directly to a real server and through an LVS service in
# front of it: the server sees one connection, and it takes the direct one down.
# (The network is that of lib/lvsnet.sh.) The port is chosen here: to wait for the
# kernel to choose it twice would prove nothing more.
# shellcheck source=tests/netns/lib/lvsnet.sh
. "$(dirname "$0")/lib/lvsnet.sh"; netns_main "$@"
need_vipsafe

topo_lvs
serve real rs $RS 3269
serve other rs $RS 80
known

# ---- another port of the real server: no crossing ------------------------------
connect direct 61900 $RS 80
connect via 61900 $VIP 3306
pings direct "$alive" "other port: the direct connection lives"
pings via "$alive" "other port: the one through the VIP lives"
is "$(counters)" "0 0" "other port: the server noticed nothing"
silent 0 "other port"
job_end direct
job_end via

# ---- no map: what is not crossed ------------------------------------------------------
unknown() { printf '[lvs]\nsources =\n' >"$T/conf"; }
unknown
connect direct 61901 $RS 80
connect via 61901 $VIP 3306
silent 4 "no map, nothing crossed"
is "$(jq '.shared.ports, .shared.pairs[0].ports' "$T/check" | xargs)" "1 1" "no map: one port is used twice"
run --config "$T/conf" lvs check
is "$RC" 4 "no map: exit code"
like "$OUT" "1 local ports are used by more than one connection:.*  1 to both $RS:80 and $VIP:3306" \
	"no map: it lists the port"
like "$OUT" "no LVS described; nothing crossed right now" "no map: in words"
like "$OUT" "vipsafe lvs check vip A:P real B:P" "no map: and how to describe one"
run -v doctor
like "$OUT" "lvs-ports-shared: 1 local port is used by more than one connection" "the doctor mentions LVS"
job_end direct
job_end via

# ---- direct first: the server resets it ---------------------------------------
connect direct 61902 $RS 3269
connect via 61902 $VIP 3306
is "$(counters)" "1 1" "direct, VIP: challenged once, and one session reset"
known
names critical certain 61902 "direct, VIP, nothing sent since"
is "$(remedy fix)" "" "direct, VIP, nothing sent since: no socket is to be closed"
unknown
silent 4 "direct, VIP, nothing sent since and no map"
# a daemon without a map sees it, and writes it down once
"$BUILD/vipsafed" --config "$T/conf" 2>"$T/daemon" &
daemon=$!
noted() { jsons history >"$T/history" && jq -e 'map(select(.op == "collision")) | length > 0' "$T/history"; }
answers() { "$VIPSAFE" status; }
wait_for 60 answers || bail_out "vipsafed does not answer: $(tail -n 3 "$T/daemon")"
check "nothing crossed: nothing is noted" not noted
pings direct "$stalled" "direct, VIP: the direct connection hangs"
check "no map: the daemon writes the crossing down" wait_for 60 noted
counted() { [ "$(grep -c 'msg=lvs-crossed' "$T/daemon")" = 1 ] && "$VIPSAFE" status | grep 'collisions .*1 found'; }
check "it logs it as well, and counts it" wait_for 60 counted
looks() { jsons status | jq -r .lvs.looks; }
before=$(looks)
more_looks() { [ "$(looks)" -ge $((before + 2)) ]; }
check "it looks again" wait_for 60 more_looks
noted >/dev/null
is "$(jq -r 'map(select(.op == "collision")) | "\(length) \(.[0].addresses[0]) \(.[0].result)"' "$T/history")" \
	"1 $RS:3269 manifest" "no map: once, with the server it is about"
like "$(jq -r '.[0].text' "$T/history")" "$C:61902 directly to $RS:3269 .*$VIP:3306" "and both connections"
kill $daemon
wait $daemon
look_for manifest
is "$RC" 11 "no map: the crossing is seen"
is "$(found '"\(.verdict) \(.service) \(.real_server) \(.direct.sport)"')" \
	"manifest $VIP:3306 $RS:3269 61902" "no map: it names service, server and port"
is "$(remedy fix)" "ss -K src $C:61902 dst $RS:3269" "no map: what frees the client"
run explain "$C:61902 $RS:3269"
like "$OUT" "$C:61902 -> $RS:3269 .*go to tcp $C:61902 -> $VIP:3306 .*.manifest." "explain names it as a cause"
# it looks once, and a busy machine answers a retransmission late
doctor_sees() { run doctor; [[ $OUT = *"critical: lvs-crossed: 1 connection gets no answers"* ]]; }
check "the doctor sees it, too" wait_for 30 doctor_sees
jq -r .keep "$T/check" >"$T/conf"
printf '[lvs]\nsources =\n' >>"$T/conf"
look_for manifest
is "$RC $(found '"\(.verdict) \(.service)"')" "11 manifest seen-1" "the section it prints describes it"
run --config "$T/conf" lvs check
like "$OUT" "^critical: lvs-crossed: $C:61902 directly to $RS:3269 hangs, since the answers go to the one through seen-1 \\($VIP:3306\\)
  fix: ss -K src $C:61902 dst $RS:3269
prevent: " "two lines, worst first"
unknown
look_for manifest vip $VIP:3306 real $RS:3269,$RS:3270 method nat
is "$RC $(found '"\(.verdict) \(.service) \(.share)"')" "11 manifest given 0.5" "a service on the command line"
run --config "$T/conf" lvs check vip $VIP:3306
is "$RC" 1 "half a service is an error"
known 'method = as-told'
look_for manifest
is "$(found .verdict)" manifest "direct, VIP: what is seen needs no method"
known
names critical manifest 61902 "direct, VIP"
is "$RC" 11 "direct, VIP: the check ends with 11"
pings via "$alive" "direct, VIP: the one through the VIP works"
run --config "$T/conf" --local --json explain $C:61902 $RS:3269
is "$(json '.possible[0] | [.cause, .certain] | join(" ")')" "collision false" "direct, VIP: explain names it"
like "$(json '.possible[0].evidence[0]')" "$C:61902 -> $RS:3269 .*(go to|and) tcp $C:61902 -> $VIP:3306" \
	"direct, VIP: with the other tuple"
run --config "$T/conf" --local --json explain $C:61902 $RS:80
is "$(json '[.possible[].cause] | index("collision")')" null "direct, VIP: and not of another connection"
fix=$(remedy fix)
check "direct, VIP: it can be done" sh -c "$fix"
pings direct "$reset" "direct, VIP: the client hears of it at once"
pings via "$alive" "direct, VIP: the one through the VIP goes on"
silent '(0|10)' "direct, VIP, freed"
job_end direct
job_end via

# ---- a sibling that is busy ------------------------------------------------------
# Whether it shows depends on when it sends: another pair, if it does not.
hanging() { ss -Hnto sport = :"$1" dst $RS | grep -q 'timer:(on,[^,]*,[1-9])'; }
known
for port in 61913 61915 61917; do
	connect direct $port $RS 3269
	connect via $port $VIP 3306
	tell direct ping
	while sleep 0.7; do ask via ping >/dev/null; done &
	busy=$!
	wait_for 30 hanging $port || bail_out "the direct connection does not hang"
	look
	kill $busy
	wait $busy 2>/dev/null
	hear direct
	job_end direct
	job_end via
	[ "$(found .verdict)" != manifest ] || break
done
is "$(found '"\(.verdict) \(.direct.sport)"')" "manifest $port" "beside a busy one it is seen, too"

# ---- VIP first: the direct one cannot open ------------------------------------------
connect via 61904 $VIP 3306
begin direct 61904 $RS 3269
opening() { ss -Hnt state syn-sent -o | grep -q 'timer:(on,[^,]*,[2-9])'; }
wait_for 60 opening || bail_out "nothing is being opened"
names critical manifest 61904 "VIP, direct"
unknown
look_for manifest
is "$RC $(found '"\(.verdict) \(.direct.state)"')" "11 manifest OPENING" "VIP, direct: seen without a map"
known
check "VIP, direct: the direct connection does not open" opening
pings via "$alive" "VIP, direct: the one through the VIP lives"
job_end direct
job_end via

# ---- the daemon ------------------------------------------------------------------------
# First it knows what the map says, then what the sockets show.
# conntrack is there as long as somebody asks for it
iptables -w 5 -A INPUT -m conntrack --ctstate INVALID -j ACCEPT || bail_out "cannot have conntrack"
known
DAEMON_LOG=$T/log
"$BUILD/vipsafed" --config "$T/conf" 2>"$DAEMON_LOG" &
daemon=$!
answers() { timeout 10 "$VIPSAFE" status >/dev/null 2>&1; }
logged() { grep -qE "$1" "$DAEMON_LOG"; }
wait_for 30 answers || bail_out "vipsafed does not answer"
connect direct 40920 $RS 3269
connect via 40920 $VIP 3306
check "the daemon tells of what the map says" wait_for 30 logged "msg=lvs-collision .*$C:40920 directly to $RS:3269"
tell direct ping
check "and within seconds of what has come of it" wait_for 20 logged "msg=lvs-crossed .*$C:40920 directly to $RS:3269 hangs"
kill $daemon
wait $daemon
done_testing
