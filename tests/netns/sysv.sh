#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The script for nodes without systemd: it starts, tells, reloads and ends the daemon,
# which may open as many files as the unit lets it, however few its caller may.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_nodes
know_verdict fixed
sed "s,@sbindir@,$BUILD,g" "$SRC/packaging/sysv/vipsafed.in" >"$T/vipsafed"
script() { timeout 60 sh "$T/vipsafed" "$1"; }
# no configuration but this one
mount -t tmpfs -o mode=755 none /etc/vipsafe 2>/dev/null || ! [ -d /etc/vipsafe ] ||
	skip_all "/etc/vipsafe is in use"
pid() { cat /run/vipsafed.pid; }
limits() { awk '/open files/ { print $4, $5 }' "/proc/$(pid)/limits"; }

script status >/dev/null
is $? 3 "it is not running"
wanted=$(sed -n 's/^LimitNOFILE=//p' "$SRC/packaging/systemd/vipsafed.service.in")
(ulimit -n 512; script start)
is $? 0 "start"
check "it answers" wait_for 60 answers
is "$(cat "/proc/$(pid)/comm")" vipsafed "the number in the file is the daemon's"
if (ulimit -n 512; ulimit -n 1024) 2>/dev/null; then
	is "$(limits)" "$wanted $wanted" "it may open $wanted files"
else
	skip "it may open $wanted files" "a limit cannot be raised here"
fi
script status >/dev/null
is $? 0 "it is running"
script start
is $? 0 "started twice is started"
first=$(pid)
script reload
is $? 0 "reload"
check "it answers" answers
script restart
is $? 0 "restart"
check "it answers" wait_for 60 answers
check "it is another one" test "$(pid)" != "$first"
script stop
is $? 0 "stop"
check "it is gone" not answers
check "so is the file" not test -e /run/vipsafed.pid
done_testing
