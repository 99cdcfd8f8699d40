#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The package on a node without systemd, while 1000 pinned connections live, and 200
# more that send without a pause: upgraded from the one before, downgraded, removed,
# purged. None may break. A Debian tree in a network namespace is the node, dpkg and
# the init script do the work; what gets flushed on any kernel is what lies behind an
# address that leaves one of its two places (see tests/netns/lib/pair.sh). upgrade-rpm.sh
# is the same with RPMs, and a systemctl that does what systemd would.
# shellcheck source=tests/packages/lib/node.sh
. "$(dirname "$0")/lib/node.sh"

# ---- what dpkg does, or rpm ------------------------------------------------------------
is_rpm() { [ "${PACKAGES:-}" = rpm ]; }
! is_rpm || cp "$SRC/tests/packages/lib/systemctl" "$R/usr/bin/systemctl"
cp "$NEW" "$R/t/new"
cp "$OLD" "$R/t/old"
install_package() { # old|new
	if is_rpm; then # the packages there are not rpm's
		rpm --root "$R" --dbpath /var/lib/rpm --nodeps -U --oldpackage "$R/t/$1"
	else
		node dpkg -i --force-downgrade "/t/$1"
	fi
}
remove_package() {
	if is_rpm; then
		rpm --root "$R" --dbpath /var/lib/rpm --nodeps -e vipsafe
	else
		node dpkg -r vipsafe
	fi
}

guard() { node vipsafe --json status 2>/dev/null | jq -r "$1"; }
pinned_at_least() { [ "$(guard '[.devices[].pinned] | add')" -ge "$1" ] 2>/dev/null; }
runs() { [ "$(guard '"\(.running) \(.version)"')" = "true $1" ]; }
nobody() { not pgrep -x vipsafed; }
files() { # but not dpkg's own, nor backups of the user database
	(cd "$R" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./var/log -o -path ./var/lib/dpkg -o \
		-path ./run/xtables.lock -o -path ./run/adduser -o -path ./var/cache/debconf -o -path './etc/*-' \) -prune -o -print | sort)
	ls "$R"/var/lib/dpkg/info/vipsafe* 2>/dev/null
	node getent passwd vipsafe
	node getent group vipsafe
}
# The twin leaves by ip(8), as with any other program: without a guard this
# flushes every flow.
leave_twin() {
	twin_up
	ip addr del "$TWIN" dev br-mgmt
}
alive() { # WHAT
	local name bad=

	for name in "${!FLOWS[@]}"; do
		ask "$name" ping 30
		[ "$REPLY" = "ping alive=${FLOWS[$name]} reset=0 stalled=0 changed=0" ] || bad="$bad $name: $REPLY"
	done
	is "$bad" "" "$1: all of the $N flows alive, same source ports"
}

topo_nodes
masquerade
files >"$T/before"
serve server node2 10.232.3.28 8899

# ---- the control: no package -------------------------------------------------------
open bare node1 50 10.232.3.28 8899
leave_unguarded
judge bare reset server bare "no package"
fresh
FLOWS=()
serve server node2 10.232.3.28 8899

# ---- with it -----------------------------------------------------------------------
mkdir -p "$R/etc/vipsafe/conf.d"
printf '[device br-mgmt]\npin = continuous\npin_after = 500ms\n' >"$R/etc/vipsafe/conf.d/test.conf"
check "installed" install_package old
! is_rpm || node systemctl start vipsafed.service # rpm leaves that to whoever installs it
check "it runs" wait_for 20 runs 0.0.9
N=${UPGRADE_FLOWS:-1000} SENDERS=200
for ((i = 0; i < 10; i++)); do open "f$i" node1 $((N / 10)) 10.232.3.28 8899; done
check "$N flows get pinned" wait_for 30 pinned_at_least "$N"
leave_twin
alive "guarded"
# each sends its next line as soon as it has the answer to the last one, from here to the removal
# shellcheck disable=SC2153 # netns.sh sets FLOW
job senders in_ns node1 "$FLOW" busy -n "$SENDERS" -d 0 -t 120 10.232.3.28 8899
hear senders
is "$REPLY" "open $SENDERS" "$SENDERS senders that never rest"
check "they get pinned, too" wait_for 60 pinned_at_least $((N + SENDERS))
addresses=$(ip -o addr)
check "upgraded" install_package new
check "the new guard runs" wait_for 20 runs "$VERSION"
alive "upgraded"
is "$(ip -o addr)" "$addresses" "upgraded: addresses as before"
check "upgraded: it knows what is pinned" wait_for 30 pinned_at_least "$N"
leave_twin
alive "guarded by the new one"
check "downgraded" install_package old
check "the old guard runs again" wait_for 20 runs 0.0.9
check "downgraded: it knows what is pinned" wait_for 30 pinned_at_least "$N"
leave_twin
alive "guarded by the old one again"
ask senders end 240
like "$REPLY" "^busy alive=$SENDERS reset=0 stalled=0 changed=0 " "and none of those that sent all the time is lost"
check "they did: ${REPLY##*changed=0 }" test "$(sed -n 's/.*exchanges=\([0-9]*\).*/\1/p' <<<"$REPLY")" -gt $((SENDERS * 10))
check "the configuration is as it was" grep -q 'pin_after = 500ms' "$R/etc/vipsafe/conf.d/test.conf"
check "removed" remove_package
check "nobody guards" wait_for 20 nobody
leave_twin
alive "removed"
is "$(ip -o addr)" "$addresses" "removed: addresses as before"
is "$(nft list tables | grep -c vipsafe)" 0 "removed: no rule is left"
if ! is_rpm; then
	check "purged" node dpkg -P vipsafe
	alive "purged"
	is "$(diff "$T/before" <(files))" "" "purged: no file, user or group is left"
fi
jobs_end
done_testing
