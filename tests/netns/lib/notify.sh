# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154 # of and for the cases that source this
# For cases about keepalived: vipsafe and its hooks where a package puts them,
# a configuration, and the words of a status. Sourced after netns.sh.

VIPSAFED=$BUILD/vipsafed
CONF=/etc/vipsafe/vipsafe.conf
FIFO=/run/vipsafe/keepalived.fifo
HOOKS=/usr/local/libexec/vipsafe
VIP=192.168.11.100/32
VIP6=fd00:11::100/128
DECOY=169.254.77.1/32

# /etc, /usr/local and what is below are this case's own.
install_here() {
	mkdir "$T/etc" || bail_out "no place for /etc"
	cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.* /etc/alternatives /etc/protocols \
		"$T/etc" 2>/dev/null
	{ mount -t tmpfs -o mode=755 none /usr/local && mount -t tmpfs -o mode=755 none /etc; } ||
		bail_out "no private /etc and /usr/local"
	cp -a "$T/etc/." /etc
	mkdir -p /usr/local/sbin "$HOOKS" /etc/vipsafe /etc/keepalived
	cp "$SRC"/hooks/notify* "$HOOKS" && chmod 755 "$HOOKS"/*
}

install_vipsafe() { ln -sf "$VIPSAFE" /usr/local/sbin/vipsafe; }

config() { printf '%s\n' "$@" >"$CONF"; }

answers() { "$VIPSAFE" status >/dev/null 2>&1; }

start_daemon() {
	"$VIPSAFED" -v 2>>"$T/log" &
	DAEMON=$!
	wait_for 60 answers || bail_out "vipsafed does not answer: $(tail -n 3 "$T/log")"
}

end_daemon() { # SIGNAL
	kill -"$1" "$DAEMON"
	wait "$DAEMON" 2>/dev/null
}

logged() { grep -q -- "$1" "$T/log"; }

there() { has_addr "${1:-$VIP}" br-mgmt; }
gone() { not has_addr "${1:-$VIP}" br-mgmt; }

# of_instance KEY [NAME]: what status says of it
of_instance() {
	jsons status | jq -r --arg n "${2:-VI_1}" ".instances[] | select(.name == \$n) | .$1"
}
of_notify() { jsons status | jq -r ".notify.$1"; }
state_is() { [ "$(of_instance state "${2:-VI_1}")" = "$1" ]; }
counted() { [ "$(of_notify "$1")" -ge "$2" ]; }

# Nothing is being done or waited for any more.
quiet() { [ "$(of_instance moving)" = false ]; }
