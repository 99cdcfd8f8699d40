#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package on a node that runs it: systemd as init, AppArmor, the
# sandbox of the units, keepalived, and a kernel that flushes a whole device.
# What happens there is in boot/t/run.
# shellcheck source=tests/packages/lib/packages.sh
. "$(dirname "$0")/lib/packages.sh"
need debootstrap dpkg-buildpackage dh qemu-system-x86_64
here=$(dirname "$(realpath "$0")")
debian_tree
built deb new
built deb old
mkdir -p "$T/case"
cp -r "$here/boot/." "$T/case/"
cp "$SRC/packaging/deb/tests/readme" "$T/case/t/"
cp "$P/new/vipsafe_$VERSION"-*.deb "$T/case/t/new.deb"
cp "$P/old/vipsafe_0.0.9"-*.deb "$T/case/t/old.deb"
VM_BASE=$TREE VM_MEM=1536 VM_APPEND='rdinit=/lib/systemd/systemd systemd.show_status=0 apparmor=1 security=apparmor audit=1' \
	"$here/../vm/run-vm" -t "${BOOT_LIMIT:-900}" "$T/case" 2>"$T/errors" |
	sed -u -E '/^((not )?ok |1\.\.[0-9]+|Bail out!)/!s/^/# /'
status=${PIPESTATUS[0]}
case $status in
0 | 1) exit "$status" ;; # the TAP lines say it
77) cannot_test "$(tail -n 1 "$T/errors")" ;;
*) bail_out "status $status: $(tail -n 1 "$T/errors")" ;;
esac
