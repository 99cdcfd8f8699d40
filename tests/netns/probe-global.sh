#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# Where netfilter's hooks are those of all namespaces (before Linux 4.3) no experiment is
# made in passing, and none with a kind of NAT that the node does not use: it would break
# the node's own new connections. Here the kernel only says that it is such an old one.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"

need_daemon
OLD=(setarch "$(uname -m)" --uname-2.6)
[[ $("${OLD[@]}" uname -r) == 2.6.* ]] || skip_all "this kernel does not claim to be another"
VIP=192.168.11.100/32
topo_nodes
masquerade nft

# Programs that set rules leave word of what they were told.
mount -t tmpfs none /mnt || bail_out "no place"
for program in $(readlink -f "$(command -v nft)" "$(command -v iptables)"); do
	cp "$program" "/mnt/${program##*/}"
	# shellcheck disable=SC2016 # for the stand-in to expand
	printf '#!/bin/bash\necho "$0 $*" >>/mnt/told\nexec -a "$0" %s "$@"\n' \
		"/mnt/${program##*/}" >"/mnt/spy-${program##*/}"
	chmod 755 "/mnt/spy-${program##*/}"
	mount --bind "/mnt/spy-${program##*/}" "$program" || bail_out "cannot stand in for $program"
done
experiments() { grep -cE 'vipsafe_probe|MASQUERADE' /mnt/told; }
: >/mnt/told

# old WORDS...: as `run`, on the older kernel
old() {
	timeout -k 2 60 "${OLD[@]}" "$VIPSAFE" "$@" >"$T/out" 2>"$T/err" </dev/null
	RC=$?
}

serve srv node2 10.232.3.28 8899
open flows node1 4 10.232.3.28 8899
ip addr add $VIP dev br-mgmt
old --json --local --hold off del $VIP dev br-mgmt
is "$RC $(json '"\(.kernel) \(.strategy)"')" "0 unknown pin" "a move: treated as affected"
like "$(json '.warnings[] | select(.code == "kernel-unknown") | .text')" 'hooks are global' \
	"it says why it is not known"
is "$(experiments)" 0 "it made no experiment"
old --local add $VIP dev br-mgmt
config '[device br-mgmt]' 'pin = on-demand'
"${OLD[@]}" "$VIPSAFED" --config "$CONF" 2>>"$DAEMON_LOG" &
DAEMON=$!
wait_for 60 answers || bail_out "vipsafed does not answer"
run --json del $VIP dev br-mgmt
is "$RC $(json .kernel)" "0 unknown" "a daemon's move"
daemon_end
is "$(experiments)" 0 "neither did the daemon"
old --json doctor
is "$(experiments)" 0 "nor doctor"
old --json probe
like "$(json '"\(.ipv4) \(.ipv6) \(.reason)"')" '^unknown unknown .*global' \
	"asked for, on a node without NAT of ip_tables"
is "$(experiments)" 0 "it is not made either"

# The same words where the hooks are the namespace's own, so that the above means something.
run --json probe
like "$(json '"\(.ipv4) \(.ipv6)"')" '^(affected|fixed) (affected|fixed)$' "on the kernel as it is"
check "an experiment shows" test "$(experiments)" -gt 0
done_testing
