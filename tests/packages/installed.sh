#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The way of README with the installed package: what packaging/deb/tests has for autopkgtest, on a
# Debian tree without systemd. boot.sh runs it with systemd.
# shellcheck source=tests/packages/lib/node.sh
. "$(dirname "$0")/lib/node.sh"
TESTS=$SRC/packaging/deb/tests

cp "$NEW" "$R/t/new.deb"
cp "$TESTS/readme" "$R/t/"
is "$(sed -n 's/^Tests: //p' "$TESTS/control" | tr ' ' '\n' | sort)" "$(cd "$TESTS" && find . -type f -perm -100 -printf '%P\n' | sort)" \
	"control names what there is to run"
check "what it depends on is there" node sh -c "command -v ip nft perl nsenter"
check "installed" node dpkg -i /t/new.deb
readme() { node bash /t/readme >"$T/said" 2>&1; }
readme
is $? 0 "all of it is as README says"
sed 's/^/# /' "$T/said"
is "$(grep -c '^ok: ' "$T/said")" 8 "and it has looked at everything"
left() { nft list tables; ip netns list; ls "$R/etc/vipsafe/conf.d"; }
nothing_left() { [ -z "$(left)" ]; }
check "nothing is left of it" wait_for 60 nothing_left

# the control: it can fail
node dpkg -r vipsafe >/dev/null
check "without the package it fails" not readme
is "$(grep FAILED "$T/said")" "FAILED: vipsafe does not run" "and says why"
done_testing
