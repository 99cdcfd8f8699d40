#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the addresses of a pair wait for: they come when conntrackd has committed, and not before,
# though no longer than commit_max, which is told; of several instances one commits for all. What was
# committed without its translation gets it.
# shellcheck source=tests/netns/lib/gateways.sh
. "$(dirname "$0")/lib/gateways.sh"; netns_main "$@"
need_gateways

# b's conntrackd as vipsafe runs it: the real one, held up as long as there is $T/wait; and
# afterwards $T/spoil OPTION takes the translation away from what was committed.
spoiling() {
	cat >"$T/b.ctd" <<-.
		#!/bin/sh
		echo "\$*" >>$T/b.ctd.calls
		while [ "\$1" = -c ] && [ -e $T/wait ]; do sleep 0.02; done
		conntrackd -C $T/b.conntrackd "\$@"
		[ "\$1" != "\$(cat $T/spoil 2>/dev/null)" ] || sh $T/spoil.sh
	.
	# An entry that is created with its translated reply tuple, and nothing else to say so.
	cat >"$T/spoil.sh" <<-'.'
		conntrack -L -p tcp -d 192.168.11.60 2>/dev/null |
			sed -n 's/.*src=\(10[^ ]*\) dst=\([^ ]*\) sport=\([0-9]*\) dport=\(8899\) .* dst=\([^ ]*\) sport=8899 dport=\([0-9]*\) .*/\1 \2 \3 \4 \5 \6/p' |
			while read -r src dst sport dport vip port; do
				conntrack -D -p tcp -s $src -d $dst --sport $sport --dport $dport
				conntrack -I -p tcp -s $src -d $dst --sport $sport --dport $dport \
					--reply-src $dst --reply-dst $vip --reply-port-src $dport \
					--reply-port-dst $port --state ESTABLISHED -u ASSURED,SEEN_REPLY -t 600
			done >/dev/null 2>&1
	.
}
calls() { tr '\n' ' ' <"$T/b.ctd.calls"; }
is_empty() { [ "$(ctd_cache "$1" external)" = 0 ]; }
has_called() { [ "$(calls)" = "$1" ]; }
# committed FILTER: of the add of 192.168.11.100 on B
committed() {
	vipsafe_on b --json history |
		jq -r "map(select(.op == \"add\" and (.addresses | index(\"192.168.11.100/32\"))))[0].$1"
}

commit_of() { # INSTANCE: what became of the commit
	vipsafe_on b --json status | jq -r --arg i "$1" '.instances[] | select(.name == $i).commit.outcome'
}

topo_gateways
serve sv4 sv 192.168.11.60 8899
serve sv6 sv fd00:12::60 8899
pair_start NOTRACK 'conntrackd = yes' 'commit_max = 10s' '[instance VI_2]' 'device = eth0' \
	'address = 192.168.11.102/32' 'conntrackd = yes' 'commit_max = 10s'
spoiling
open flows4 cl 10 -t 60 192.168.11.60 8899
open flows6 cl 10 -t 60 fd00:12::60 8899
told_of() { [ "$(ctd_does "$1" -e ct | grep -c 'ESTABLISHED.* dport=8899 ')" -ge 20 ]; }
check "conntrackd, without acknowledgements, tells B of all" wait_for 60 told_of b

# ---- the commit takes its time ----------------------------------------------------------------
resets_watch sv resets-sv
resets_watch cl resets-cl
: >"$T/wait"
echo -c >"$T/spoil"
power_off a
check "A is switched off: B commits" wait_for 60 has_called "-c "
tell flows4 ping
tell flows6 ping
vipsafe_on b notify INSTANCE VI_2 MASTER 100
vip2() { [ -n "$(ip -n nb -o addr show to 192.168.11.102/32)" ]; }
state2() { vipsafe_on b --json status | jq -e '.instances[] | select(.name == "VI_2") | .moving'; }
check "another instance becomes MASTER meanwhile" wait_for 60 state2
check "no address comes before it has committed" not has_vips b
check "nor that of the other one" not vip2
rm "$T/wait"
check "then they come" wait_for 60 has_vips b
check "and that of the other one" wait_for 60 vip2
hear flows4 120
is "$REPLY" "ping alive=10 reset=0 stalled=0 changed=0" "what was committed without translation lives on, same port"
hear flows6 120
is "$REPLY" "ping alive=10 reset=0 stalled=0 changed=0" "and what was committed as it should be"
check "one commit was for both" wait_for 60 has_called "-c -f external -R -B "
is "$(commit_of VI_1) $(commit_of VI_2)" "done shared" "and the status says so"
is "$(committed committed.bare) $(committed committed.mended)" "10 10" "the report counts what was mended"
like "$(committed 'warnings[].code')" committed-bare "and warns"
sniff_end resets-sv
sniff_end resets-cl
nothing "$(cat "$T/resets-sv" "$T/resets-cl")" "nobody was reset"
jobs_end

# ---- it takes too long ---------------------------------------------------------------------------
power_on a
for node in a b; do guard_conf $node 'conntrackd = yes' 'commit_max = 200ms'; done
vipsafe_on b reload >/dev/null
echo 0 >"$T/a.prio"
raise b 150
node_start a
hand_over b a
wait_for 60 not has_vips b
serve sv4 sv 192.168.11.60 8899
open flows4 cl 10 -t 60 192.168.11.60 8899
open early cl 10 -t 60 192.168.11.60 8899
told_of() { [ "$(ctd_does "$1" -e ct | grep -c 'ESTABLISHED.* dport=8899 ')" -ge "${2:-20}" ]; }
wait_for 60 told_of b
rm "$T/spoil"
: >"$T/b.ctd.calls"
kill -STOP "${CTD[b]}"
power_off a
check "conntrackd takes longer than commit_max: they come" wait_for 60 has_vips b
check "the log tells it" wait_for 60 grep -q \
	'msg="conntrackd has not committed in time" instance=VI_1 waited_ms=200' "$T/b.vipsafed"
is "$(committed 'warnings[].code')" committed-late "the report as well"
is "$(commit_of VI_1)" overdue "and the status, as long as it has not committed"
like "$(vipsafe_on b status 2>&1)" "conntrackd has not committed in time" "in words, too"
harmed early "who speaks before it has is lost"
is "$(calls)" "-c " "it is waited for, and not asked twice"
kill -CONT "${CTD[b]}"
check "when it has ended, and not before, the cache is emptied" wait_for 60 has_called "-c -f external -R -B "
check "which it is" wait_for 60 is_empty b
is "$(commit_of VI_1)" late "the status says that it was late"
check "and the log" grep -q 'msg="conntrackd has committed after its addresses came" instance=VI_1' "$T/b.vipsafed"
ask flows4 ping 120
is "$REPLY" "ping alive=10 reset=0 stalled=0 changed=0" "who was silent until then lives on"
jobs_end
pair_end

# ---- the same after the addresses came -----------------------------------------------------------
serve sv4 sv 192.168.11.60 8899
pair_start NOTRACK 'conntrackd = yes' 'commit_max = 0s'
spoiling
echo -c >"$T/spoil"
: >"$T/b.ctd.calls"
open flows4 cl 10 -t 5 192.168.11.60 8899
wait_for 60 told_of b 10
power_off a
check "commit_max = 0s: B takes over" wait_for 60 has_vips b
check "and commits after that" wait_for 60 has_called "-c -f external -R -B "
ask flows4 ping
like "$REPLY" "^ping alive=[01] " "without its translation none lives on"
jobs_end
done_testing
