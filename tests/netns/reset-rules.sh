#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# The rules that reset the clients of a leaving address are gone when their time is over:
# with a daemon and without, in nf_tables and in iptables.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"

need_daemon
N=12
VIP=192.168.11.100/32
topo_pod
know_verdict affected
iptables -w 5 -t nat -A POSTROUTING -o br-mgmt -d 10.232.3.0/24 -j SNAT --to-source 192.168.11.100
serve srv node2 10.232.3.28 8899
config '[device br-mgmt]' 'pin = continuous'

rules() { nft list ruleset 2>/dev/null | grep -ciE 'vipsafe.reset'; }
no_rules() { [ "$(rules)" = 0 ]; }
no_workers() { ! pgrep -x vipsafe >/dev/null; }

# left WHAT BACKEND WORDS...: a delete that resets N clients, and what it leaves
left() {
	local what=$1 backend=$2 begun said

	shift 2
	ip addr add $VIP dev br-mgmt
	open pod pod $N 10.232.3.28 8899
	uptime_cs
	begun=$REPLY
	check "$what, $backend: done" timeout 60 "$VIPSAFE" --hold "$backend" --vip-flows reset "$@" \
		del $VIP dev br-mgmt
	said=$(rules)
	uptime_cs
	# On a slow machine their time may be over by now.
	check "$what, $backend: rules are there at first ($said)" \
		test "$said" -gt 0 -o $((REPLY - begun)) -ge 500
	check "$what, $backend: they go when their time is over" wait_for 60 no_rules
	check "$what, $backend: so does who removed them" wait_for 30 no_workers
	job_end pod
}

for backend in nft iptables; do
	left "no daemon" $backend --local
done
daemon_start
for backend in nft iptables; do
	left "daemon" $backend
done
like "$(jsons status | jq -r .state)" . "it answers"
daemon_end
is $? 0 "and ends"

# A run whose follow-up is ended leaves them; recover takes them.
ip addr add $VIP dev br-mgmt
open pod pod $N 10.232.3.28 8899
run --local --hold iptables --vip-flows reset del $VIP dev br-mgmt
is "$RC" 0 "a run whose follow-up is ended"
wait_for 30 pgrep -x vipsafe
for pid in $(pgrep -x vipsafe); do kill -TERM "$pid"; done
check "what follows a run ends when it is told to" wait_for 30 no_workers
check "then the rules stay" not no_rules
run --json doctor
is "$(json '.findings[] | select(.code == "rules-left") | .fix')" "vipsafe recover" \
	"doctor knows them, and what removes them"
run --json recover
like "$(json '.[] | select(.op == "rules") | .removed[]')" '^chain VIPSAFE-RESET-[0-9]+$' "recover names them"
check "and removes them" no_rules
done_testing
