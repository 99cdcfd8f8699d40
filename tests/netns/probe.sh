#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The probe agrees with an experiment made by hand, with whichever of nft and
# iptables there is, says why when it cannot tell, and leaves nothing behind.
# shellcheck disable=SC2317 # functions given to check and wait_for
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
CALL=$BUILD/kernelcall
[ -x "$CALL" ] || bail_out "no $CALL: set VIPSAFE_BUILD to the build directory"

topo_nodes
masquerade iptables

probe() { "$CALL" probe "$@" 2>&1; }

# ---- by hand ------------------------------------------------------------------------
# by_hand ip|ip6 BASE OTHER TARGET: one masqueraded flow; delete an address that
# has nothing to do with it, then, to see that a flush shows at all, its own.
by_hand() {
	local family=ipv${1/ip6/6} verdict=fixed try

	family=${family/ipvip/ipv4}
	one() { [ "$(entries -f "$family" -p udp -d "$4")" = 1 ]; }
	ip link add hand0 type veth peer name hand1
	ip link set hand1 up
	ip link set hand0 arp off up
	ip addr add "$2" dev hand0
	ip addr add "$3" dev hand0
	nft "add table $1 hand; add chain $1 hand post { type nat hook postrouting priority 90; };
		add rule $1 hand post oifname hand0 masquerade"
	echo x >"/dev/udp/$4/9"
	one "$@" || verdict='no entry'
	ip addr del "$3" dev hand0
	if wait_for 1 not one "$@"; then
		verdict=affected
	else
		ip addr del "$2" dev hand0
		# the kernel skips a flush while 16 of them wait, in all namespaces together
		for ((try = 1; ; try++)); do
			! wait_for 3 not one "$@" || break
			[ $try -lt 5 ] || { verdict='never flushed' && break; }
			ip addr add "$2" dev hand0
			ip addr del "$2" dev hand0
		done
	fi
	nft delete table "$1" hand
	ip link del hand0
	echo "$verdict"
}

WANT="$(by_hand ip 10.77.0.1/24 10.78.0.1/24 10.77.0.2) $(by_hand ip6 fd77::1/64 fd78::1/64 fd77::2)"
like "$WANT" '^(affected|fixed) (affected|fixed)$' "an experiment by hand has a result: $WANT"

# ---- the probe ------------------------------------------------------------------------

# Everything the probe could leave: state, links, namespaces, processes, files.
traces() {
	local name

	state
	ip -j link | jq -c 'map(.ifname)'
	iptables-save -t nat | grep -v '^[#:]'
	readlink /proc/[0-9]*/ns/net | sort -u
	# /run/mount is mount's own, from hiding the programs further down.
	find /run -path "$T" -prune -o -path /run/mount -prune -o -print
	for name in kernelcall nft iptables ip6tables sleep; do pgrep -x $name; done
}

before=$(traces)
like "$(probe 60000)" "^$WANT [0-9]+ ms\$" "the probe agrees with it"
is "$(traces)" "$before" "and leaves nothing"

out=$(for _ in {1..20}; do probe 60000; done) # a busy kernel flushes late
is "$(grep -c "^$WANT [0-9]* ms\$" <<<"$out")" 20 "twenty times in a row"
diag "$(grep -v "^$WANT [0-9]* ms\$" <<<"$out")"
diag "milliseconds: $(awk '{ print $3 }' <<<"$out" | sort -n | paste -sd' ')"
for i in {1..8}; do probe 60000 >"$T/probe.$i" & PIDS[i]=$!; done
wait "${PIDS[@]}"
is "$(cat "$T"/probe.[1-8] | grep -c "^$WANT [0-9]* ms\$")" 8 "eight at once"
is "$(traces)" "$before" "and nothing is left"

# ---- with what there is ------------------------------------------------------------------

# without "NAMES" COMMAND...: run it where these programs do not exist
without() {
	local names=$1

	shift
	# shellcheck disable=SC2016
	unshare --mount bash -c '
		for name in $1; do
			for dir in /usr/sbin /sbin /usr/bin /bin; do
				[ ! -e $dir/$name ] || mount --bind /dev/null "$(readlink -f $dir/$name)"
			done
		done
		shift; exec "$@"' - "$names" "$@"
}

# instead_of_nft SCRIPT COMMAND...: where this is what nft does
instead_of_nft() {
	printf '#!/bin/sh\n%s\n' "$1" >"$T/nft"
	chmod +x "$T/nft"
	shift
	# shellcheck disable=SC2016
	unshare --mount bash -c 'mount --bind "$0" "$(readlink -f "$(command -v nft)")"; exec "$@"' \
		"$T/nft" "$@"
}

export -f instead_of_nft
export T

IPT='iptables ip6tables iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft'
like "$(without nft "$CALL" probe)" "^$WANT [0-9]+ ms\$" "without nft"
like "$(without "$IPT" "$CALL" probe)" "^$WANT [0-9]+ ms\$" "without iptables"
out=$(without "nft $IPT" "$CALL" probe)
like "$out" '^unknown unknown [0-9]+ ms no masquerade rule could be set up \(.*not installed' \
	"with neither: unknown, and why"
like "$out" 'nft: not installed' "nft is named"
like "$out" 'iptables: not installed' "so is iptables"

like "$(instead_of_nft 'echo boom >&2; exit 1' "$CALL" probe)" "^$WANT " \
	"an nft that fails: iptables takes over"
like "$(instead_of_nft 'exit 0' "$CALL" probe)" "^$WANT " \
	"an nft that only says it worked: iptables takes over"
# shellcheck disable=SC2016
like "$(without "$IPT" bash -c 'instead_of_nft "$@"' - \
	'printf "boom\\033[31m\\nmore" >&2; exit 1' "$CALL" probe)" \
	'^unknown unknown [0-9]+ ms no masquerade .*nft: boom\?\[31m, ' "its complaint is told, printable"

# the machine may be late, but not each time
for _ in 1 2 3 4 5; do
	out=$(instead_of_nft 'exec sleep infinity' "$CALL" probe 400)
	read -r _ _ ms _ <<<"$out"
	[ "$ms" -ge 1200 ] || break
done
like "$out" '^unknown unknown [0-9]+ ms the experiment did not finish in time$' "an nft that hangs"
check "ends with the budget ($ms ms of 400)" [ "$ms" -lt 1200 ]
no_sleeper() { ! pgrep -x sleep; }
check "and takes the hanging program along" wait_for 30 no_sleeper

# shellcheck disable=SC2016
instead_of_nft 'exec sleep infinity' bash -c 'echo $$ >"$T/pid"; exec "$0" probe 60000' "$CALL" &
runner=$!
sleeper() { pgrep -x sleep; }
check "a probe at work" wait_for 30 sleeper
kill -KILL "$(cat "$T/pid")"
wait $runner 2>/dev/null
check "killed, nothing of it goes on" wait_for 30 no_sleeper
check "not even a child" wait_for 30 not pgrep -x kernelcall
is "$(traces)" "$before" "and nothing is left"

# ---- helpers -------------------------------------------------------------------------------

# Of those that are loaded; none is loaded for it. A directory in /sys is what shows a module.
helpers() { "$BUILD/vipsafe" --json probe | jq -r .helpers; }
mount -t tmpfs none /sys/module || bail_out "no place"
is "$(helpers)" unknown "no helper is loaded, none is tried"
umount /sys/module
if [ -d /sys/module/nf_conntrack_ftp ]; then
	like "$(helpers)" '^(kept|lost)$' "a helper that is loaded is tried ($(helpers))"
	is "$(conntrack -L 2>/dev/null | grep -c 198.51.100.1)" 0 "on entries that are not the node's"
else
	skip "a helper is tried" "this kernel has none"
fi
rm -r /run/vipsafe # the answer is kept there
is "$(traces)" "$before" "and nothing is left"

# ---- without the right to -------------------------------------------------------------------

like "$(setpriv --bounding-set=-all "$CALL" probe)" "^$WANT |^unknown unknown .*no permission" \
	"without any capability: through a user namespace, or told why not"
# The limit of a user namespace of our own; never anybody else's.
# shellcheck disable=SC2016
forbidden() {
	unshare --user --map-root-user bash -c \
		'echo 0 >/proc/sys/user/max_net_namespaces && exec "$0" probe' "$CALL"
}
out=$(forbidden 2>&1)
like "$out" '^unknown unknown [0-9]+ ms no more network namespaces are allowed here$' \
	"where no namespace may be made"
is "$(traces)" "$before" "and nothing is left"
done_testing
