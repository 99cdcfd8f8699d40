#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe explain: a connection in whatever notation it is at hand, of any time, with the daemon,
# without it, and for somebody who may not ask; who did it; and what it may be where nothing is known.
# How causes are told apart: explain-deaths.sh.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_pod
masquerade
GROUP=daemon # in every /etc/group
gid=$(awk -F: -v g=$GROUP '$1 == g { print $3 }' /etc/group)
config '[agent]' "group = $GROUP" '[device br-mgmt]' 'pin = continuous' 'linger = 10min' '[device cali0]' 'pin = off'
serve server node2 10.232.3.28 8899
serve server6 node2 fd00:3::28 8899

# ---- before there is any record --------------------------------------------------------

run explain 10.232.1.5 10.232.3.28:8899
is "$RC" 4 "without a daemon and a record nothing is known: 4"
like "$ERR" 'the daemon is not running, and none has recorded ends' "and it says why"
like "$OUT" 'not-recorded' "and what could be done"
run explain
is "$RC" 1 "without a connection: 1"
run explain 10.232.1.5 at
is "$RC" 1 "without a time: 1"
run explain 10.232.1.5 at noon
is "$RC" 1 "a time that is none: 1"
like "$ERR" '"noon" is no time' "by its name"
run explain host:80
is "$RC" 1 "a connection that is none: 1"

# ---- with the daemon ----------------------------------------------------------------------

daemon_start
check "the guard comes up" wait_for 60 guard_live
open pod pod 1 10.232.3.28 8899
open six pod 1 fd00:3::28 8899
check "what is open is pinned" wait_for 60 pinned_at_least 2
ask pod ports
read -r PORT _ SEEN <<<"$REPLY"
ask six ports
read -r PORT6 _ _ <<<"$REPLY"
ss=$(in_ns pod ss -tn | grep ":$PORT ")
entry=$(conntrack -L -p tcp --orig-port-src "$PORT" 2>/dev/null)
ALIVE="alive 10.232.1.5 $PORT 10.232.3.28 8899 192.168.11.7 $SEEN pinned"

# said WORDS...: the newest event
said() {
	run --json explain "$@"
	json '.connections[0] | [.kind, .original.src, .original.sport, .original.dst, .original.dport,
		.reply.dst, .reply.dport, (.protection // .cause)] | join(" ")'
}
is "$(said 10.232.1.5:"$PORT" 10.232.3.28:8899)" "$ALIVE" "two ends"
is "$(said 10.232.1.5 10.232.3.28:8899)" "$ALIVE" "without a port"
is "$(said 10.232.3.28:8899 "192.168.11.7:$SEEN")" "$ALIVE" "as the server sees it"
is "$(said "$ss")" "$ALIVE" "a line of ss"
# shellcheck disable=SC2086 # as it is pasted without quotes
is "$(said $ss)" "$ALIVE" "word by word"
is "$(said "$entry")" "$ALIVE" "a line of conntrack -L"
# shellcheck disable=SC2086
is "$(said $entry)" "$ALIVE" "word by word"
is "$(said "02:58:31.123456 IP 10.232.1.5.$PORT > 10.232.3.28.8899: Flags [P.], seq 1:6, length 5")" \
	"$ALIVE" "a line of tcpdump"
is "$(said "[fd00:1::5]:$PORT6" '[fd00:3::28]:8899' | cut -d' ' -f1-5)" \
	"alive fd00:1::5 $PORT6 fd00:3::28 8899" "IPv6 in brackets"
is "$(said "IP6 fd00:1::5.$PORT6 > fd00:3::28.8899: Flags [.]" | cut -d' ' -f1-5)" \
	"alive fd00:1::5 $PORT6 fd00:3::28 8899" "IPv6 of tcpdump"
is "$(said "fd00:1::5:$PORT6" fd00:3::28:8899 | cut -d' ' -f1-5)" \
	"alive fd00:1::5 $PORT6 fd00:3::28 8899" "and without, where nothing else is meant"
run explain "$ss"
is "$RC" 0 "what lives is told"
like "$OUT" 'cause +none: pinned' "and how it is protected"

setpriv --reuid=65534 --regid=65534 --groups="$gid" --inh-caps=-all \
	"$VIPSAFE" --json explain "$ss" >"$T/out" 2>"$T/err"
is "$(json '.connections[0] | [.kind, .original.sport, .reply.dport, .protection, .state] | join(" ")')" \
	"alive $PORT $SEEN pinned ESTABLISHED" "who may only ask the daemon is told, too"

# idle for longer than an IPVS remembers, and conntrack for five days
cp "$CONF" "$T/lvs.conf"
printf '%s\n' '[lvs]' 'sources =' '[lvs-service pods]' 'vip = 10.232.3.28:8899' 'real = 10.9.9.9:8899' >>"$T/lvs.conf"
forgotten() { run --config "$T/lvs.conf" --json explain "$ss"; json '.possible[] | select(.cause == "ipvs-forgot") | .evidence[0]'; }
is "$(forgotten)" "" "to a service, and busy a moment ago: nothing more is said"
# as if its last packet were 2000 s ago
established=/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established
read -r was <$established
put $established $((was + 2000))
like "$(forgotten)" 'nothing was sent on it for 20[0-9][0-9] s, and 10.232.3.28 port 8899 is the LVS service pods' \
	"IPVS may have forgotten what conntrack has not"
put $established "$was"

# ---- somebody deletes it ------------------------------------------------------------------

conntrack -D -p tcp --orig-port-src "$PORT" >/dev/null 2>&1
is_told() { [ "$(said "10.232.1.5:$PORT" 10.232.3.28:8899 | cut -d' ' -f1,8)" = "end deleted" ]; }
check "a delete is told" wait_for 20 is_told
died=$(date +%T)
is "$(json '.connections[0] | [.certain, (.deed.by | IN("program", "ended"))] | join(" ")')" "true true" \
	"for certain, and that a program did it"
is "$(json '.connections[0] | (.evidence | length > 0) and (.prevention | length > 0) and
	(.when | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+[+-][0-9]{2}:[0-9]{2}$")) and (.at_us > 0)')" true \
	"with evidence, prevention, and both clocks"
ask pod ping
like "$REPLY" 'reset=1' "the client is reset"
retold() { said "10.232.1.5:$PORT" 10.232.3.28:8899 >/dev/null; [ "$(json '[.connections[].kind] | index("retranslated") != null')" = true ]; }
check "it is told that it came back with another port" wait_for 20 retold
is "$(json '.connections[] | select(.kind == "retranslated") | .old_port')" "$SEEN" "and with which it was known"
NEW=$(json '.connections[] | select(.kind == "retranslated") | .new_port')
is "$(said "192.168.11.7:$NEW" 10.232.3.28:8899 >/dev/null; json '[.connections[].kind] | index("retranslated") != null')" \
	true "also to whoever knows the new port only"
run explain "10.232.1.5:$PORT" 10.232.3.28:8899
like "$OUT" 'Re-translated: .* instead of' "in plain words"
like "$OUT" 'conntrack -D' "with what went before"
[ -t 1 ] || like "$OUT" '^tcp 10\.232\.1\.5:'"$PORT"' -> 10\.232\.3\.28:8899 as 192\.168\.11\.7:' "and who it was"

# ---- times ------------------------------------------------------------------------------------

deaths() { run --json explain "10.232.1.5:$PORT" 10.232.3.28:8899 "$@"; json '[.connections[] | select(.kind != "alive")] | length > 0'; }
is "$(deaths since -10m) $(deaths since '10m ago') $(deaths since 10m ago) $(deaths at "$died")" \
	"true true true true" "since and at a time that fits"
run --json explain "10.232.1.5:$PORT 10.232.3.28:8899 since 10m ago"
is "$(json '[.connections[] | select(.kind != "alive")] | length > 0')" true "all in one word, too"
is "$(deaths since now)" false "and none that does not"
is "$(deaths at yesterday 02:58; json '.nearest, (.connections | map(select(.kind != "alive")) | length)' | xargs)" \
	"true
true 1" "at another time the one that is nearest"
is "$(run --json explain at yesterday 02:58; json '.connections | length')" 0 "but not if everything is meant"
run explain at yesterday 02:58
is "$RC $OUT" "4 No connection is remembered that ended then." "which is said"
is "$(run --json explain since -10m; json '.connections | length > 1')" true "all that ended lately"

# ---- without the daemon --------------------------------------------------------------------------

daemon_end TERM
deaths >"$T/deaths"
is "$(cat "$T/deaths")" true "without the daemon its record is read"
is "$RC$(json .recorded.from)" 0file "and it says so"
like "$ERR" 'the daemon is not running: what it recorded before is shown' "to people as well"
setpriv --reuid=65534 --regid=65534 --clear-groups "$VIPSAFE" explain 10.232.1.5 10.232.3.28:8899 >"$T/out" 2>"$T/err"
is "$? $(cat "$T/out" "$T/err")" \
	"77 vipsafe: explain: the daemon is not running, and only root may read what the daemon has recorded" \
	"but not to everybody: 77, in one line"
daemon_start
check "the guard comes up again" wait_for 60 guard_live
is "$(deaths)$(json .recorded.from)" truedaemon "a new daemon remembers"
is "$(run --local --json explain "$ss"; json .recorded.from)" file "--local reads the file"
setpriv --reuid=65534 --regid=65534 --clear-groups "$VIPSAFE" explain 10.232.1.5 10.232.3.28:8899 >"$T/out" 2>"$T/err"
is "$? $(grep -c . "$T/err")" "77 1" "somebody who may not ask: 77, in one line"
like "$(cat "$T/err")" 'not permitted to ask the daemon: only root and the group daemon may' "which says who may"

# ---- what nobody has seen -----------------------------------------------------------------------

iptables -w 5 -t raw -A PREROUTING -p tcp --dport 4711 -j NOTRACK
iptables -w 5 -A FORWARD -m conntrack --ctstate INVALID -j DROP
run --json explain 10.232.1.5 10.99.9.9:4711
is "$RC" 4 "nothing is known of it: 4"
is "$(json '[.possible[] | .certain] | any')" false "nothing is said for certain"
like "$(json '.possible[] | select(.cause == "notrack") | .evidence[0]')" \
	'^-A PREROUTING -p tcp -m tcp --dport 4711 -j ' "a rule that takes it out of tracking"
is "$(json '[.possible[].cause] | index("other-namespace") != null and index("too-old") != null')" true \
	"or it is elsewhere, or too old"
run explain 10.232.1.5 10.99.9.9:4711
like "$OUT" 'Nothing is known of it' "in words, too"

# what conntrack has lost track of, and a rule drops; nobody was there to see it
open lone pod 1 10.232.3.28 8899
ask lone ports
read -r LONE _ <<<"$REPLY"
daemon_end
put /proc/sys/net/netfilter/nf_conntrack_tcp_loose 0
conntrack -F >/dev/null 2>&1
ask lone ping
like "$REPLY" 'stalled=1' "a connection that conntrack calls invalid hangs"
run --json explain "10.232.1.5:$LONE" 10.232.3.28:8899
is "$(json '.possible[] | select(.cause == "invalid") | .evidence[0] | test("called [1-9][0-9]* packets INVALID")')" \
	true "a rule that drops it, and that there were such packets"
jobs_end
done_testing
