#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# "What happened at 02:58?" The history answers with everything that happened to the
# addresses of a guarded device, whoever did it: when by the wall clock, by whom, what
# became of the connections. What happens again and again pushes nothing out of it.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
need_daemon

N=${N:-5}
GROUP=daemon # on every Linux
gid=$(awk -F: -v g=$GROUP '$1 == g { print $3 }' /etc/group)
LONG=2001:db8:1111:2222:3333:4444:5555:6666/128
FILE=/run/vipsafe/history
topo_pod
know_verdict affected
# shellcheck disable=SC2119
masquerade
serve server node2 10.232.3.28 8899
config '[agent]' "group = $GROUP" '[device br-mgmt]' 'pin = on-demand' \
	'[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.110/32'

hist() { run --config "$CONF" history; }
# of OP FILTER: of the newest operation of a kind
of() { jsons history | jq -r "[.[] | select(.op == \"$1\")][0] | $2"; }
have() { [ "$(of "$1" '.op')" = "$1" ]; }

# ---- vipsafe's own, without a daemon -----------------------------------------------------
run add 192.168.11.100/32 dev br-mgmt
run --json history
is "$(json '.[0] | keys | map(select(. == "when" or . == "at_us")) | length')" 2 "both clocks are in JSON"
like "$(json '.[0].when')" '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}[+-][0-9]{2}:[0-9]{2}$' \
	"the wall clock as RFC 3339 has it"
check "it is the wall clock" test $(($(date +%s) - $(date -d "$(json '.[0].when')" +%s))) -lt 60
run add 192.168.11.100/32 dev br-mgmt
run del 192.168.11.100/32 dev br-mgmt
run del 192.168.11.7/24 dev br-mgmt
is "$RC" 5 "the last address is refused"
why=${ERR#*refused: }
hist
like "$(head -n 1 <<<"$OUT")" '^WHEN +BY +DID +CONNECTIONS +ID$' "the columns"
like "$(sed -n 5p <<<"$OUT")" '^[0-9:]{8} +root: vipsafe add +add 192.168.11.100/32 br-mgmt ok +0 +[0-9a-f]{12}$' \
	"who added it"
like "$(sed -n 4p <<<"$OUT")" ' root: vipsafe add +add 192.168.11.100/32 br-mgmt nothing to do +0 ' \
	"a second time there was nothing to do"
like "$(sed -n 3p <<<"$OUT")" ' root: vipsafe del +del 192.168.11.100/32 br-mgmt ok ' "who deleted it"
like "$(sed -n 2p <<<"$OUT")" ' root: vipsafe del +del 192.168.11.7/24 br-mgmt refused: .*last' \
	"what was refused, and why"
check "in the words of the refusal" grep -qF -- "$why" <<<"$OUT"

# ---- since and until -----------------------------------------------------------------------
sleep_past() { [ "$(date +%s)" -gt "$1" ]; }
mark=$(date +%s)
wait_for 30 sleep_past "$mark" || bail_out "the clock stands still"
run add 192.168.11.101/32 dev br-mgmt
run --json history --since "@$((mark + 1))"
is "$(json 'length')$(json '.[0].addresses[0]')" "1192.168.11.101/32" "--since"
run --json history --until "@$mark"
is "$(json 'length')" 4 "--until"
run --json history --since "1h ago" --until now
is "$(json 'length')" 5 "both"
run history --since "$(date -d yesterday +%Y-%m-%d)" --until "$(date -d yesterday +%Y-%m-%dT%H:%M)"
is "$RC$OUT" "0no operation in that time" "nothing was done a day ago"
run --json history --since "$(date -d "@$mark" +%H:%M)"
check "a time of day" test "$(json 'length')" -ge 1
run history --since soon
is "$RC" 1 "no time"
like "$ERR" 'soon.* is no time' "which is said"
run history --since now --until "1h ago"
is "$RC" 1 "the end before the beginning"
run status --since now
is "$RC" 1 "not with other commands"

# ---- what an earlier version has written ---------------------------------------------------
printf '%s\n' '{"id":"0d4f5ee3d3f8","op":"add","plan":false,"recovered":false,"addresses":["192.0.2.9/32"],"device":"old0","by":{"uid":0,"pid":7,"command":"vipsafe"},"changed":true,"result":"ok","error":"","entries":{"candidates":0,"lost":0},"at_us":7}' \
	'{"id":"0d4f5ee3d3f9","op":"linger","addresses":["192.0.2.7"],"device":"old0","result":"time","entries":{"candidates":20},"timing_us":{"total":5000000},"at_us":8}' >>$FILE
hist
is "$RC" 0 "lines of earlier versions are no error"
like "$OUT" ' add 192.0.2.9/32 old0 ok ' "an address change"
like "$OUT" ' vipsafed +linger 192.0.2.7 old0 time after 5.00 s +20 removed ' "and what lingered"

# ---- who else --------------------------------------------------------------------------------
daemon_start
check "the guard is live" wait_for 60 guard_live
open pod pod "$N" 10.232.3.28 8899
known() { [ "$(guard .unpinned)" -ge "$N" ]; }
check "the connections are known" wait_for 60 known
twin_up
# a program that stays, as keepalived does
mkfifo "$T/words"
ip -batch - <"$T/words" &
program=$!
exec {words}>"$T/words"
deleted_by_it() {
	has_addr "$TWIN" br-mgmt || twin_up
	echo "addr del $TWIN dev br-mgmt" >&"$words"
	wait_for 60 not has_addr "$TWIN" br-mgmt
}
check "a foreign delete is an operation, and so is its repair" until_done have repair -- deleted_by_it
check "both are told" wait_for 20 have foreign-delete
unharmed pod "the connections live"
hist
like "$OUT" " not vipsafe: ip\\[$program\\] +del $TWIN br-mgmt ok +[0-9]+ kept " "who deleted what, and what it did"
like "$OUT" " vipsafed +repair $TWIN br-mgmt ok +$N restored " "and what came of it"
is "$(of foreign-delete '[.addresses[0], .device, .result, .by.foreign, .by.command, .by.pid, .by.likely] | @text')" \
	"[\"$TWIN\",\"br-mgmt\",\"ok\",true,\"ip\",$program,null]" "the same in JSON"
check "when it happened, not when it was told" \
	test "$(of foreign-delete .at_us)" -le "$(of repair .at_us)"
first=$(of foreign-delete .id)
exec {words}>&-
wait "$program"
twin_up
ip addr del $TWIN dev br-mgmt # which ends at once
ended() { like_by="$(of foreign-delete .by_text)" && [[ $like_by =~ ^not\ vipsafe(:\ (a\ program\ that\ has\ ended|(probably\ )?ip\[[0-9]+\]))$ ]] &&
	[ "$(of foreign-delete .id)" != "$first" ]; }
check "a program that has ended is none, or named" wait_for 20 ended
id=$(of repair .id)
run history "${id:0:8}"
like "$OUT" "operation $id.*by +vipsafed.*what +repair.*restored +$N" "one of them by its id"
run --local del 192.168.11.101/32 dev br-mgmt
run --json history
is "$(json '[.[] | select(.addresses[0] == "192.168.11.101/32")] | map(.op) | @text')" '["del","add"]' \
	"what another vipsafe deletes is told once"

# ---- keepalived ------------------------------------------------------------------------------
run --config "$CONF" notify INSTANCE VI_1 MASTER 100
moved() { [ "$(of add '.by.instance')" = VI_1 ]; }
check "an instance's move" wait_for 20 moved
hist
like "$OUT" ' VI_1 \(notify script\) +add 192.168.11.110/32 br-mgmt ok ' "which, and how it was told"
run --config "$CONF" notify INSTANCE VI_1 BACKUP 100
moved() { [ "$(of del '.by.instance')" = VI_1 ]; }
wait_for 20 moved

# ---- who may read it -----------------------------------------------------------------------
as() { timeout 20 setpriv --reuid 65534 --regid 65534 --groups "$1" --inh-caps=-all "${@:2}"; }
if as "$gid" true 2>/dev/null; then
	is "$(stat -c '%a %u' $FILE)" "600 0" "the file is root's"
	as "$gid" "$VIPSAFE" --config "$CONF" --json history >"$T/out" 2>"$T/err"
	is "$?$(json '.[0].by.instance')" "0VI_1" "members of the group get it from the daemon"
	as "$gid" "$VIPSAFE" --config "$CONF" history --since "@$mark" >"$T/out" 2>"$T/err"
	like "$?$(cat "$T/out")" '^0WHEN .* VI_1 ' "as they like it"
	as "$gid" "$VIPSAFE" --config "$CONF" --local history >"$T/out" 2>"$T/err"
	is "$?$(cat "$T/out")" 77 "but not by themselves"
	as 65534 "$VIPSAFE" --config "$CONF" history >"$T/out" 2>"$T/err"
	is "$?$(cat "$T/out")" 77 "nobody else does"
	is "$(grep -c '' "$T/err")" 1 "which takes one line"
else
	skip "members of the group" "no other user can be had here"
fi

# ---- again and again -------------------------------------------------------------------------
sum() { jsons history | jq '[.[] | select(.op == "foreign-delete" and .addresses[0] == "192.168.11.200/32").times] | add'; }
for ((i = 0; i < 200; i++)); do
	echo "addr add 192.168.11.200/32 dev br-mgmt"
	echo "addr del 192.168.11.200/32 dev br-mgmt"
done >"$T/fight"
ip -batch "$T/fight"
told() { [ "$(sum)" = 200 ]; }
check "200 deletes are told of" wait_for 20 told
lines=$(jsons history | jq '[.[] | select(.op == "foreign-delete")] | length')
check "in few lines: $lines" test "$lines" -le 25
hist
like "$OUT" ' del 192.168.11.200/32 br-mgmt [a-z]+, [0-9]+ times ' "with how many they are"
# Enough of them to make the file be cut; the moves are the oldest of all.
line=$(grep 192.168.11.200 $FILE | tail -n 1)
moves() { jsons history | jq '[.[] | select(.changed)] | length'; }
before=$(moves)
size=$(stat -c %s $FILE)
for ((i = size; i < 262144; i += ${#line} + 1)); do echo "$line"; done >"$T/more"
cat "$T/more" >>$FILE
check "the file is full" test "$(stat -c %s $FILE)" -ge 262144
run add 192.168.11.102/32 dev br-mgmt
check "it is bounded" test "$(stat -c %s $FILE)" -lt 150000
is "$(moves)" $((before + 1)) "and no address change was pushed out"

# ---- 80 columns ----------------------------------------------------------------------------------
rm -f $FILE
ip addr del 192.168.11.102/32 dev br-mgmt # so that the other one is the last again
run add $LONG dev br-mgmt
run del $LONG dev br-mgmt
run del 192.168.11.7/24 dev br-mgmt
if command -v script >/dev/null; then
	on_terminal() { # COLUMNS WORDS...
		TERM=vt100 script -qec "stty cols $1 2>/dev/null; '$VIPSAFE' ${*:2}" /dev/null </dev/null |
			tr -d '\r'
	}
	on_terminal 80 history >"$T/80"
	is "$(awk 'length > 80' "$T/80")" "" "80 columns: no line is longer"
	like "$(head -n 1 "$T/80")" '^WHEN +BY +DID +CONNECTIONS *$' "80 columns: the ids have gone"
	check "80 columns: the address is whole" grep -qF " $LONG" "$T/80"
	for word in refused: last IPv4 insists; do
		check "80 columns: the reason is there: $word" grep -qw -- "$word" "$T/80"
	done
	on_terminal 80 -v history >"$T/80v"
	like "$(head -n 1 "$T/80v")" ' ID *$' "-v: nothing has gone"
	check "-v: the whole time" grep -qE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T' "$T/80v"
	on_terminal 200 history >"$T/200"
	like "$(head -n 1 "$T/200")" ' ID *$' "200 columns: all there is"
	is "$(grep -c "$LONG\|192.168.11.7/24" "$T/200")" 3 "200 columns: one line for each"
else
	skip "terminals of 80 and 200 columns" "no program script"
fi
daemon_end
run --config "$CONF" history
is "$RC" 0 "root needs no daemon"
if as "$gid" true 2>/dev/null; then
	as "$gid" "$VIPSAFE" --config "$CONF" history >"$T/out" 2>"$T/err"
	is "$?" 77 "others do"
	like "$(cat "$T/err")" 'only root may read it while vipsafed is not running' "which is said"
else
	skip "without the daemon" "no other user can be had here"
fi
done_testing
