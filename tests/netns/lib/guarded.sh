# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# vipsafed in a case of its own: start, end, ask, and what a link bounce is.

. "$(dirname "${BASH_SOURCE[0]}")/netns.sh"

VIPSAFED=$BUILD/vipsafed
# shellcheck disable=SC2034 # read by the cases
SOCKET=/run/vipsafe/control.sock
CONF=/run/t/vipsafe.conf
DAEMON_LOG=/run/t/vipsafed.log
DAEMON=
DAEMON_UNDER=() # valgrind and its options

need_daemon() {
	need_vipsafe
	[ -x "$VIPSAFED" ] || bail_out "no $VIPSAFED: set VIPSAFE_BUILD to the build directory"
}

config() { printf '%s\n' "$@" >"$CONF"; }

answers() { timeout 60 "$VIPSAFE" status >/dev/null 2>&1; }

# daemon_start [WORDS...]: running and answering when this returns
daemon_start() {
	${DAEMON_UNDER[@]+"${DAEMON_UNDER[@]}"} "$VIPSAFED" --config "$CONF" "$@" 2>>"$DAEMON_LOG" &
	DAEMON=$!
	wait_for 60 answers || bail_out "vipsafed does not answer: $(tail -n 3 "$DAEMON_LOG")"
}

# daemon_end [SIGNAL]: its exit code
daemon_end() {
	kill -"${1:-TERM}" "$DAEMON" 2>/dev/null
	wait "$DAEMON" 2>/dev/null
}

logged() { grep -q -- "$1" "$DAEMON_LOG"; }

# guard FILTER [DEVICE]: of the device's part of the status, "" without an answer
guard() {
	jsons status 2>/dev/null |
		jq -r ".devices[] | select(.device == \"${2:-br-mgmt}\") | $1"
}
guard_live() { [ "$(guard .state)" = live ]; }
pinned_at_least() { [ "$(guard .pinned)" -ge "$1" ] 2>/dev/null; }

# A link down takes IPv4 routes through it along, as on a real node. Without
# one there is nowhere to send to, which is no fault of an entry.
bounce() {
	ip link set br-mgmt down
	ip link set br-mgmt up
	ip route replace 10.232.3.0/24 via 192.168.11.8
}

# flushed_by COMMAND WORDS...: COMMAND until the entries of these words are gone.
# The kernel flushes from a work queue, and the last acknowledgment of a quiet
# connection may come after it and make an entry of its own.
flushed_by() {
	local command=$1 i

	shift
	for ((i = 0; i < 6; i++)); do
		$command
		! wait_for 5 no_entries "$@" || return 0
	done
	bail_out "the kernel flushed nothing"
}

# until_done CONDITION... -- COMMAND...: COMMAND until CONDITION holds, whose flush it waits for: of all
# namespaces together the kernel has no more than 16 under way, and leaves the others out.
until_done() {
	local condition=() i

	while [ "$1" != -- ]; do
		condition+=("$1")
		shift
	done
	shift
	for ((i = 0; i < 10; i++)); do
		"$@"
		! wait_for 6 "${condition[@]}" || return 0
	done
	return 1
}

# Milliseconds that the daemon has waited for a processor, the hypervisor's part included.
waited() {
	local wait steal

	read -r _ wait _ <"/proc/$DAEMON/schedstat" || wait=0
	read -r _ _ _ _ _ _ _ _ steal _ </proc/stat
	echo $((wait / 1000000 + steal * 10))
}

# What a daemon must not lose in the long run.
resident_kb() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$DAEMON/status"; }
descriptors() { find "/proc/$DAEMON/fd" -mindepth 1 | wc -l; }
