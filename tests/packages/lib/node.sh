# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a case begins with whose node is a Debian tree in a network namespace, without systemd: it runs the
# case again in namespaces of its own, with the words of tests/netns/lib. Then the tree is in $R, the packages
# are $NEW and $OLD, RPMs if PACKAGES is rpm, and `node COMMAND...` runs there.

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
if [ -z "${NETNS_INSIDE:-}" ]; then
	bash "$here/prepare" ${PACKAGES:+"$PACKAGES"}
	[ $? = 10 ] || exit 0
fi
# shellcheck source=tests/netns/lib/pair.sh
. "$here/../../netns/lib/pair.sh"; netns_main "$@"
# shellcheck source=/dev/null
. "$BUILD/packages/${PACKAGES:+$PACKAGES.}env" # TREE, NEW, OLD, VERSION

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
node() { DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$R" "$@"; }
