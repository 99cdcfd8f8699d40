#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The package on a node without systemd, while 1000 pinned connections live:
# upgraded from the one before, downgraded, removed, purged. None may break. A
# Debian tree in a network namespace is the node, dpkg and the init script do
# the work; what gets flushed on any kernel is what lies behind an address that
# leaves one of its two places (see tests/netns/lib/pair.sh).
here=$(dirname "$(realpath "$0")")
if [ -z "${NETNS_INSIDE:-}" ]; then
	bash "$here/lib/prepare"
	[ $? = 10 ] || exit 0
fi
# shellcheck source=tests/netns/lib/pair.sh
. "$here/../netns/lib/pair.sh"; netns_main "$@"
# shellcheck source=/dev/null
. "$BUILD/packages/env" # TREE, NEW, OLD, VERSION

R=$T/node
mkdir "$R"
mount -t tmpfs -o mode=755 none "$R" || bail_out "no room for a tree"
(cd "$R" && cpio -idm --quiet <"$TREE")
mount -t proc proc "$R/proc"
mount -t tmpfs none "$R/dev" || bail_out "cannot mount /dev"
mknod -m 666 "$R/dev/null" c 1 3
mknod -m 666 "$R/dev/urandom" c 1 9
# no init has left word of a runlevel there
printf '#!/bin/sh\nexit 104\n' >"$R/usr/sbin/policy-rc.d"
chmod +x "$R/usr/sbin/policy-rc.d"
cp "$NEW" "$R/t/new.deb"
cp "$OLD" "$R/t/old.deb"

node() { DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$R" "$@"; }
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
check "installed" node dpkg -i /t/old.deb
check "it runs" wait_for 20 runs 0.0.9
N=${UPGRADE_FLOWS:-1000}
for ((i = 0; i < 10; i++)); do open "f$i" node1 $((N / 10)) 10.232.3.28 8899; done
check "$N flows get pinned" wait_for 30 pinned_at_least "$N"
leave_twin
alive "guarded"
addresses=$(ip -o addr)
check "upgraded" node dpkg -i /t/new.deb
check "the new guard runs" wait_for 20 runs "$VERSION"
alive "upgraded"
is "$(ip -o addr)" "$addresses" "upgraded: addresses as before"
check "upgraded: it knows what is pinned" wait_for 30 pinned_at_least "$N"
leave_twin
alive "guarded by the new one"
check "downgraded" node dpkg -i --force-downgrade /t/old.deb
check "the old guard runs again" wait_for 20 runs 0.0.9
check "downgraded: it knows what is pinned" wait_for 30 pinned_at_least "$N"
leave_twin
alive "guarded by the old one again"
check "the configuration is as it was" grep -q 'pin_after = 500ms' "$R/etc/vipsafe/conf.d/test.conf"
check "removed" node dpkg -r vipsafe
check "nobody guards" wait_for 20 nobody
leave_twin
alive "removed"
is "$(ip -o addr)" "$addresses" "removed: addresses as before"
is "$(nft list tables | grep -c vipsafe)" 0 "removed: no rule is left"
check "purged" node dpkg -P vipsafe
alive "purged"
is "$(diff "$T/before" <(files))" "" "purged: no file, user or group is left"
jobs_end
done_testing
