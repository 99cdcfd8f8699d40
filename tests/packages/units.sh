#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The units as systemd 219 (RHEL 7) reads them, and what they may weigh today.
# What they do under a systemd that runs is in boot.sh.
# shellcheck source=tests/packages/lib/packages.sh
. "$(dirname "$0")/lib/packages.sh"
need systemd-analyze
units=$SRC/packaging/systemd
for unit in vipsafed.service vipsafed.socket vipsafe-probe.service; do
	sed "s,@sbindir@,$BUILD,g" "$units/$unit.in" >"$T/$unit"
done

# Those of 219's directives (load-fragment-gperf) that are in use here. What
# else there is 219 must be able to do without: the second list says so, one by
# one, and a directive in neither has not been thought about.
known='Description Documentation Wants After Before Type NotifyAccess ExecStart ExecReload
	TimeoutStartSec TimeoutStopSec KillMode WatchdogSec Restart RestartSec RestartPreventExitStatus
	SuccessExitStatus LimitNOFILE CapabilityBoundingSet NoNewPrivileges RestrictAddressFamilies
	SystemCallArchitectures SystemCallFilter SystemCallErrorNumber ProtectSystem ProtectHome PrivateTmp
	PrivateDevices DevicePolicy UMask WantedBy Also ListenSequentialPacket DirectoryMode SocketUser
	SocketGroup SocketMode Backlog RemoveOnStop LimitNOFILE'
later='IPAddressDeny RestrictNamespaces ReadWritePaths PrivateMounts ProtectClock ProtectControlGroups
	ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc
	LockPersonality MemoryDenyWriteExecute RestrictRealtime RestrictSUIDSGID KeyringMode'
directives() { sed -n 's/^\([A-Za-z]*\)=.*/\1/p' "$T"/vipsafe*; }
# shellcheck disable=SC2086 # words
nothing "$(directives | sort -u | grep -vxF "$(printf '%s\n' $known $later)")" \
	"every directive is known to 219, or may be missing there"
nothing "$(grep -h '^SystemCallFilter=[^~]' "$T"/vipsafe*)" \
	"no list of allowed system calls: 219 knows no groups, and would allow nothing"
nothing "$(grep -h '^RuntimeDirectory=' "$T"/vipsafe*)" \
	"no RuntimeDirectory: before 235 it goes with the service, and what is pinned is forgotten"
for unit in vipsafed.service vipsafe-probe.service; do
	is "$(sed -n 's/^ProtectSystem=//p' "$T/$unit" | tr '\n' ' ')" "full strict " \
		"$unit: what 219 knows of ProtectSystem comes before what it ignores"
done
nothing "$(grep -hE '^Exec[A-Za-z]*=[^/]' "$T"/vipsafe*)" "no prefix that 219 takes for part of a path"

nothing "$(systemd-analyze verify --man=no "$T"/vipsafe* 2>&1)" "systemd-analyze verify is silent"
exposure() { systemd-analyze security --offline=true --no-pager "$T/$1" | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p'; }
exposed=$(exposure vipsafed.service)
check "exposure of vipsafed.service, $exposed, is at most 2.0" awk "BEGIN { exit !($exposed <= 2.0) }"
check "that of vipsafe-probe.service, $(exposure vipsafe-probe.service), is what one more capability costs" \
	awk "BEGIN { exit !($(exposure vipsafe-probe.service) <= 3.5) }"
is "$(sed -n 's/^CapabilityBoundingSet=//p' "$T/vipsafed.service")" "CAP_NET_ADMIN CAP_NET_RAW" "two capabilities"

if command -v apparmor_parser >/dev/null; then
	check "the AppArmor profile can be read" apparmor_parser -Q -K "$SRC/packaging/apparmor/usr.sbin.vipsafed"
fi
for script in sysv openrc; do
	check "the $script script can be read" sh -n "$SRC/packaging/$script/vipsafed.in"
done
files=$(sed -n 's/^LimitNOFILE=//p' "$T/vipsafed.service")
is "$(sed -n 's/^rc_ulimit="-n \([0-9]*\)".*/\1/p' "$SRC/packaging/openrc/vipsafed.in")" "$files" \
	"OpenRC: as many open files"
is "$(sed -n 's/^[[:space:]]*ulimit -n \([0-9]*\) .*/\1/p' "$SRC/packaging/sysv/vipsafed.in")" "$files" \
	"sysv: as many open files"
done_testing
