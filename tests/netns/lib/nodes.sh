# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two nodes a and b, in the namespaces na and nb, with the real keepalived and a vipsafed each. The
# networks are those of failover.sh and gateways.sh.

. "$(dirname "${BASH_SOURCE[0]}")/netns.sh"

VIPSAFED=$BUILD/vipsafed
GLOBAL_LINES='' VRRP_LINES=''
declare -A KA=() GUARD=()

need_nodes() { # PROGRAM...
	local program

	for program; do
		command -v "$program" >/dev/null || skip_all "no program $program"
	done
	need_vipsafe
	[ -x "$VIPSAFED" ] || bail_out "no $VIPSAFED: set VIPSAFE_BUILD to the build directory"
}

# ---- keepalived -------------------------------------------------------------------

# keepalived_conf NODE LINES...: with LINES and those of $VRRP_LINES in the instance, and those
# of $GLOBAL_LINES, in which NODE stands for the node, in global_defs. An advertisement comes
# every $ADVERT_MS.
keepalived_conf() {
	local node=$1

	shift
	cat >"$T/$node.keepalived" <<-.
		global_defs {
			router_id $node
			vrrp_version 3
			vrrp_garp_master_repeat 3
			vrrp_garp_master_delay 1
			script_user root
			${GLOBAL_LINES//NODE/$node}
		}
		vrrp_track_file prio {
			file $T/$node.prio
			weight 1
		}
		vrrp_instance VI_1 {
			state BACKUP
			interface eth0
			virtual_router_id 51
			priority 100
			advert_int 0.$((ADVERT_MS / 100))
			track_file {
				prio weight 1
			}
			$VRRP_LINES
			$(printf '%s\n' "$@")
		}
	.
}

keepalived_start() {
	rm -f "$T/$1.pid" "$T/$1.vrrp.pid"
	: >"$T/$1.log"
	# its scripts find the node's own vipsafe, if it has one
	PATH=$T/$1.bin:$PATH nsenter --net="/run/netns/n$1" -- keepalived -n -l -P -f "$T/$1.keepalived" \
		-p "$T/$1.pid" -r "$T/$1.vrrp.pid" >>"$T/$1.log" 2>&1 </dev/null &
	KA[$1]=$!
	wait_for 60 grep -q 'Entering BACKUP STATE' "$T/$1.log" ||
		bail_out "keepalived of $1 does not start: $(tail -n 5 "$T/$1.log")"
}

keepalived_end() {
	kill -TERM "${KA[$1]}" 2>/dev/null
	wait "${KA[$1]}" 2>/dev/null
}

# raise NODE N: its priority becomes 100 + N, and it knows
raise() {
	echo "$2" >"$T/$1.prio.new"
	mv "$T/$1.prio.new" "$T/$1.prio"
	wait_for 60 has_priority "$1" $((100 + $2)) || bail_out "$1 does not take its priority"
}
has_priority() {
	[ "$(sed -n 's/.*Changing effective priority from .* to //p' "$T/$1.log" | tail -n 1)" = "$2" ]
}

# ---- vipsafed ----------------------------------------------------------------------------

vipsafe_on() { # NODE WORDS...
	local node=$1

	shift
	# shellcheck disable=SC2153 # netns.sh sets VIPSAFE
	timeout 60 nsenter --net="/run/netns/n$node" -- "$VIPSAFE" --config "$T/$node.conf" "$@"
}

guard_start() {
	nsenter --net="/run/netns/n$1" -- "$VIPSAFED" --config "$T/$1.conf" 2>>"$T/$1.vipsafed" &
	GUARD[$1]=$!
	wait_for 60 guard_is "$1" .state live ||
		bail_out "vipsafed of $1 does not start: $(tail -n 5 "$T/$1.vipsafed")"
}

guard_of() { # NODE FILTER
	vipsafe_on "$1" --json status 2>/dev/null |
		jq -r ".devices[] | select(.device == \"eth0\") | $2"
}
guard_is() { [ "$(guard_of "$1" "$2")" = "$3" ]; }
guard_pinned() { [ "$(guard_of "$1" .pinned)" -ge "$2" ] 2>/dev/null; }

guard_end() {
	kill -TERM "${GUARD[$1]}" 2>/dev/null
	wait "${GUARD[$1]}" 2>/dev/null
}
