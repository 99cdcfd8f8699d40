#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two hundred connections die in fourteen ways, with other traffic around them, and "vipsafe explain"
# says of each why: at least 95 % are named right, and none is named wrong without "probably". The
# devices are only observed, but for the one whose connections vipsafe itself removes.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon
# the sockets of one side are closed with a reset
ss -K dst 127.0.0.99 >/dev/null 2>&1 || skip_all "this ss or kernel closes no sockets"

SEED=${VIPSAFE_SEED:-$(date +%s)}
RANDOM=$SEED
diag "VIPSAFE_SEED=$SEED"
N=16
# Each way to die has a device oK of its own, and the server 10.232.K.28 behind it.
KINDS=(keepalived ip vipsafe link deleted retranslated udp syn finished client server swept refused flushed)
# What may be said of it; the first is the death that was injected.
ALLOWED=(
	[0]=address-deleted [1]=address-deleted [2]=address-deleted [3]=link-down [4]=deleted
	[5]='retranslated deleted reset reset-by-server' [6]=timeout [7]=timeout [8]=finished
	[9]='reset reset-by-client' [10]='reset reset-by-server' [11]='sweep' [12]='reset-by-server reset' [13]=deleted
)

topo_pod
for t in time_wait:1 close:1 syn_sent:1 last_ack:1 close_wait:1; do
	put "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_${t%:*}" "${t#*:}"
done
put /proc/sys/net/netfilter/nf_conntrack_udp_timeout 1
iptables -w 5 -t nat -A POSTROUTING -o o+ -j MASQUERADE --random-fully || bail_out "cannot masquerade"
conf=()
for ((k = 0; k < ${#KINDS[@]}; k++)); do
	a=192.168.$((20 + k))
	ip -batch - <<-. || bail_out "cannot build the topology"
		link add o$k type veth peer name o$k netns node2
		addr add $a.7/24 dev o$k
		link set o$k up
	.
	ip -n node2 -batch - <<-. || bail_out "cannot build the topology"
		addr add $a.8/24 dev o$k
		link set o$k up
		addr add 10.232.$((20 + k)).28/32 dev lo
		addr add 10.232.$((20 + k)).29/32 dev lo
	.
	ip route add 10.232.$((20 + k)).0/24 via $a.8
	conf+=("[device o$k]" "pin = $([ "${KINDS[k]}" = swept ] && echo continuous || echo off)" 'linger = 200ms')
done
config "${conf[@]}" '[instance VI_1]' 'device = o0' 'address = 192.168.20.7/24' 'owner = keepalived'
daemon_start
all_live() {
	[ "$(jsons status | jq '[.devices[] | select(.state == "live")] | length')" = ${#KINDS[@]} ]
}
check "the guards are up" wait_for 60 all_live

dst() { echo "10.232.$((20 + $1)).28"; }
kind() { # NAME: its number
	local k

	for ((k = 0; k < ${#KINDS[@]}; k++)); do [ "${KINDS[k]}" != "$1" ] || echo $k; done
}

# ---- connections, and traffic around them --------------------------------------------------

serve service node2 0.0.0.0 8899
for k in "${!KINDS[@]}"; do
	case ${KINDS[k]} in
	udp | syn | refused) ;;
	*) open "${KINDS[k]}" pod $N "$(dst "$k")" 8899 ;;
	esac
done
# others, of other servers behind the same devices
for k in $(kind deleted) $(kind udp) $(kind ip) $(kind finished) $(kind link); do
	job "churn$k" in_ns pod "$FLOW" churn -r $((5 + RANDOM % 10)) -l 300 -s 6 "10.232.$((20 + k)).29" 8899
done
in_ns pod "$FLOW" spray -n $((50 + RANDOM % 100)) -P $((20000 + RANDOM % 1000)) 10.232.24.29 0 >/dev/null

# ---- deaths ---------------------------------------------------------------------------------

gone() { no_entries --orig-dst "$(dst "$(kind "$1")")"; }
some_gone() { [ "$(entries --orig-dst "$(dst "$(kind "$1")")")" -lt $N ]; }

in_ns pod "$FLOW" spray -n $N -P 30000 "$(dst "$(kind udp)")" 0 >/dev/null
in_ns node2 iptables -w 5 -A INPUT -d "$(dst "$(kind syn)")" -p tcp --syn -j DROP
job nobody in_ns pod "$FLOW" open -n $N -t 1 "$(dst "$(kind syn)")" 8899
in_ns pod "$FLOW" open -n $N -t 1 "$(dst "$(kind refused)")" 8898 </dev/null >/dev/null

# a program of that name that goes on after it
cp "$(command -v ip)" "$T/keepalived"
job keepalived-of in_ns node1 "$T/keepalived" -batch -
kill_keepalived() { tell keepalived-of "addr del 192.168.20.7/24 dev o0"; }
back_keepalived() { tell keepalived-of "addr add 192.168.20.7/24 dev o0"; }
kill_ip() { ip addr del 192.168.21.7/24 dev o1; }
back_ip() { ip addr add 192.168.21.7/24 dev o1; }
kill_link() { ip link set o3 down; }
back_link() { ip link set o3 up; }
kill_keepalived
kill_ip
kill_link
ip addr add 192.168.22.9/32 dev o2
run del 192.168.22.7/24 dev o2
# 3: what the link takes along meanwhile counts as lost
like "$RC" '^[03]$' "vipsafe deletes an address"
conntrack -D --orig-dst "$(dst "$(kind deleted)")" >/dev/null 2>&1
conntrack -D --orig-dst "$(dst "$(kind retranslated)")" >/dev/null 2>&1
tell retranslated ping
in_ns pod ss -K dst "$(dst "$(kind client)")" >/dev/null 2>&1
in_ns node2 ss -K src "$(dst "$(kind server)")" >/dev/null 2>&1
tell finished quit
swept=$(kind swept)
pinned() { [ "$(guard .pinned "o$swept")" -ge $N ]; }
check "those of the protected device are pinned" wait_for 20 pinned
ip addr del "192.168.$((20 + swept)).7/24" dev "o$swept"
# of all namespaces together the kernel has so many flushes under way, and forgets the others
for kind in keepalived ip link; do
	for ((i = 0; i < 6; i++)); do
		! wait_for 3 gone $kind || break
		"back_$kind"
		"kill_$kind"
	done
done
# its segments would make the entries anew, for `conntrack -F` to delete
hear nobody
job_end nobody
for kind in "${KINDS[@]}"; do
	[ "$kind" = retranslated ] || [ "$kind" = flushed ] || wait_for 20 gone "$kind" || diag "$kind: $(entries --orig-dst "$(dst "$(kind "$kind")")") left"
done
hear retranslated
conntrack -F >/dev/null 2>&1
wait_for 20 gone flushed

# ---- what is said of them ---------------------------------------------------------------------

uptime_cs
began=$REPLY
run --config "$CONF" --json explain since -10m
uptime_cs
is "$RC" 0 "they are explained"
diag "one answer about all of them: $((REPLY - began)) hundredths of a second, $(json '.connections | length') events"
right=0 wrong=0 died=0
for k in "${!KINDS[@]}"; do
	# of each original tuple: the causes, certain ones with "!"
	said=$(jq -r --arg dst "$(dst "$k")" '[.connections[] | select(.original.dst == $dst and .kind != "alive")]
		| group_by([.protocol, .original.src, .original.sport, .original.dport])[]
		| map((if .certain then "!" else "" end) + .cause) | unique | join(" ")' "$T/out")
	n=0 good=0 bad=0
	while IFS= read -r causes; do
		[ -n "$causes" ] || continue
		n=$((n + 1))
		for c in $causes; do
			if [ "${c#!}" = "${ALLOWED[k]%% *}" ]; then good=$((good + 1)); break; fi
		done
		for c in $causes; do
			case " ${ALLOWED[k]} $c" in
			*" ${c#!} "*) ;;
			*\ !*) bad=$((bad + 1)) ;;
			esac
		done
	done <<<"$said"
	diag "${KINDS[k]}: $n of $N told, $good right, $bad wrong and certain: $(sort <<<"$said" | uniq -c | tr -s ' \n' ' ')"
	died=$((died + N)) right=$((right + good)) wrong=$((wrong + bad))
done
check "$died deaths of ${#KINDS[@]} kinds: $right named right" test $((right * 100)) -ge $((died * 95))
is "$wrong" 0 "none is named wrong with certainty"

# ---- and who did it --------------------------------------------------------------------------------

# text KIND: what is said of one of them
text() {
	jq -r --arg dst "$(dst "$(kind "$1")")" --arg cause "$2" \
		'[.connections[] | select(.original.dst == $dst and .cause == $cause)][0].text' "$T/out"
}
like "$(text keepalived address-deleted)" '^192\.168\.20\.7/24 was deleted from o0 by (probably )?keepalived\[[0-9]+\] \(instance VI_1\)\.' \
	"an instance of keepalived"
like "$(text ip address-deleted)" 'was deleted from o1 by (probably |)(ip\[[0-9]+\]|.*a program that has ended)' "a program"
like "$(text vipsafe address-deleted)" 'was deleted from o2 by vipsafe' "vipsafe"
like "$(text swept sweep)" 'vipsafe removed the entry: .* did not come back within linger' "vipsafe, after a while"
is "$(jq -r --arg dst "$(dst "$(kind swept)")" '[.connections[]
	| select(.original.dst == $dst and .cause == "sweep").evidence[] | select(test("nobody had answered"))] | length' "$T/out")" 0 \
	"which had been answered, since it was pinned"
like "$(text flushed deleted)" '^(probably )?(conntrack\[[0-9]+\].*|A program that has ended.*) deleted the entry' "conntrack -F"
like "$(text syn timeout)" 'nf_conntrack_tcp_timeout_syn_sent allows, in state SYN_SENT' "a timeout, by its sysctl"
like "$(text retranslated retranslated)" 'left from port [0-9]+ instead of [0-9]+' "a new port"
jobs_end
daemon_end
done_testing
