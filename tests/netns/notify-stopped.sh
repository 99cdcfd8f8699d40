#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # functions given to wait_for and check
# A daemon that stands still, and a hook that acts without it meanwhile: when the daemon
# goes on it goes by the newer word, and the VIP stays where that wants it.
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

VIP=192.168.11.100/32
topo_nodes
config '[agent]' 'announce_again = 0' '[device br-mgmt]' 'pin = off' \
	'[instance VI_1]' 'device = br-mgmt' "address = $VIP" \
	'[instance VI_2]' 'device = br-mgmt' 'address = 192.168.11.102/32'
there() { has_addr "${1:-$VIP}" br-mgmt; }
state() { jsons status | jq -r ".instances[] | select(.name == \"${1:-VI_1}\") | .state"; }
state_is() { [ "$(state)" = "$1" ]; }
told() { "$VIPSAFE" notify INSTANCE "${2:-VI_1}" "$1"; }

# stays WORDS...: true at each of many looks
stays() {
	local end

	uptime_cs
	end=$((REPLY + 200))
	while "$@"; do
		uptime_cs
		[ "$REPLY" -lt "$end" ] || return 0
		sleep 0.02
	done
	return 1
}

# nobody_moves: the daemon is in no move whose lock a hook would wait for
nobody_moves() { flock -n /run/vipsafe/lock-br-mgmt true; }

# stopped WORD COMMAND...: WORD is said while the daemon stands still; COMMAND tells
# whether the address is where that wants it
stopped() {
	local word=$1

	shift
	wait_for 60 nobody_moves || bail_out "a move of the daemon does not end"
	kill -STOP "$DAEMON"
	timeout 60 "$VIPSAFE" --config "$CONF" --local notify INSTANCE VI_1 "$word"
	check "$word without the daemon: it is done" wait_for 60 "$@"
	kill -CONT "$DAEMON"
	check "$word: the daemon knows when it goes on" wait_for 60 state_is "$word"
	check "$word: and leaves it so" stays "$@"
	is "$(state)" "$word" "$word: it is still known"
	is "$(state VI_2)" MASTER "$word: of others nothing has changed"
	check "$word: nor of their addresses" there 192.168.11.102/32
	check "$word: it is on disk" grep -q "^$word .* VI_1\$" /run/vipsafe/instances
}

daemon_start
told MASTER VI_2
told MASTER
wait_for 60 there || bail_out "MASTER brings no address"
wait_for 60 there 192.168.11.102/32 || bail_out "MASTER brings no address to VI_2"
stopped BACKUP not there
stopped MASTER there
stopped FAULT not there
# What it hears afterwards is newer again.
told MASTER
check "a word to the daemon itself counts as ever" wait_for 60 there
check "and stays so" stays there
# The other way round: the daemon has heard the newest word.
kill -STOP "$DAEMON"
timeout 60 "$VIPSAFE" --config "$CONF" --local notify INSTANCE VI_1 BACKUP
wait_for 60 not there
kill -CONT "$DAEMON"
told MASTER
check "a newer one is not undone by what is in the file" wait_for 60 there
check "nor later" stays there
is "$(state)" MASTER "it is known as that"
daemon_end
is $? 0 "it ends"
done_testing
