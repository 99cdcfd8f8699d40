#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A new user's way: Debian 12 (or another) with systemd, on a kernel that flushes a whole
# device. Each command is taken from README.md as it stands there, and they are ten at most
# from the package to the verdict PROTECTED. What happens there is in readme/t/run.
#
# SUITES='bookworm bullseye' for Debian 11, too: the package is built there, which takes some minutes.
# shellcheck source=tests/packages/lib/packages.sh
. "$(dirname "$0")/lib/packages.sh"
need debootstrap dpkg-buildpackage dh qemu-system-x86_64
here=$(dirname "$(realpath "$0")")

# way SUITE DIR: what the case says there, without a plan
way() {
	local suite=$1 dir=$2

	SUITE=$suite debian_tree
	mkdir -p "$dir/t/download"
	cp -r "$here/readme/." "$dir/"
	cp "$SRC/README.md" "$dir/t/"
	cp "$P/$3/vipsafe_$VERSION"-*.deb "$dir/t/download/"
	VM_FLOW=$4 VM_BASE=$TREE VM_MEM=1536 \
		VM_APPEND='rdinit=/lib/systemd/systemd systemd.show_status=0 systemd.unified_cgroup_hierarchy=1' \
		"$here/../vm/run-vm" -t "${BOOT_LIMIT:-900}" "$dir" 2>"$T/errors" >"$T/said"
	status=$?
	case $status in
	0 | 1) ;;
	77) cannot_test "$(tail -n 1 "$T/errors")" ;;
	*)
		sed 's/^/# /' "$T/said"
		bail_out "$suite: status $status: $(tail -n 1 "$T/errors")"
		;;
	esac
	# the lines of the case, with numbers of our own
	while IFS= read -r line; do
		case $line in
		'ok '*) ok "$suite: ${line#ok * - }" ;;
		'not ok '*) not_ok "$suite: ${line#not ok * - }" ;;
		1..*) ;;
		*) echo "# $line" ;;
		esac
	done <"$T/said"
	is "$(grep -c '^1\.\.' "$T/said")" 1 "$suite: the case ran to its end"
}

for suite in ${SUITES:-bookworm}; do
	case $suite in
	bookworm)
		built deb new
		way "$suite" "$T/$suite" new "$BUILD/flow"
		;;
	*)
		built_on "$suite"
		way "$suite" "$T/$suite" "$suite" "$P/$suite/flow"
		;;
	esac
done
done_testing
