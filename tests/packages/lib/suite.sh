# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # of and for mktree, mkmanagers and mkbuilder, which source this
# What debootstrap needs to get Debian's packages from the mirror that apt uses here.
# Status 77 with a reason on stderr where none can be had.
suite=${SUITE:-bookworm}

skip() { echo "$(basename "$0"): $*" >&2; exit 77; }

need_tools() {
	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

find_mirror() {
	mirror=$(apt-cache policy 2>/dev/null |
		sed -n "s|^ *[0-9]* \(https\{0,1\}://[^ ]*\) bookworm/main .*|\1|p" | grep -v security | head -n 1)
	eval "$(apt-config shell http_proxy Acquire::http::Proxy 2>/dev/null || true)"
	[ -z "${http_proxy:-}" ] || export http_proxy
	mirror=${mirror:-http://deb.debian.org/debian}
}

# need_suite TOOL...: these and debootstrap are there
need_suite() {
	[ "$(id -u)" = 0 ] || skip "debootstrap needs root"
	need_tools debootstrap "$@"
	find_mirror
}

# debian ROOT WORDS...: debootstrap, which says why it cannot; its log is in $cache
debian() {
	local root=$1

	shift
	debootstrap --variant=minbase "$@" "$suite" "$root" \
		"$mirror" >"$cache/debootstrap.log" 2>&1 </dev/null || {
		tail -n 5 "$cache/debootstrap.log" >&2
		skip "debootstrap of $suite failed"
	}
}
