#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Shell scripts: what shellcheck says, and that /bin/sh can read them.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

# what the fuzzers are fed is not for running
all=$(files '.' | grep -v '^tests/fuzz/corpus/' | tr '\n' '\0' | xargs -0 awk '
	FNR == 1 && (FILENAME ~ /\.sh$/ || /^#!.*[\/ ](sh|bash|dash)( |$)/) { print FILENAME }
	{ nextfile }')
scripts() { echo "$all"; }

unreadable() {
	scripts | while IFS= read -r f; do
		{ read -r first; read -r second; read -r third; } <"$f"
		case $first$second$third in
		'#!'*bash* | *'# shellcheck shell=bash'*) bash -n "$f" 2>&1 ;;
		*) sh -n "$f" 2>&1 ;;
		esac
	done
}
verdict 'every script can be read' "$(unreadable)"

not_executable() {
	scripts | while IFS= read -r f; do
		read -r first <"$f"
		case $first in
		'#!'*) [ -x "$f" ] || echo "$f" ;;
		esac
	done
}
verdict 'every script with #! is executable' "$(not_executable)"

# Whoever calls a script may have any of these open; bash chooses a free one: exec {fd}<FILE.
verdict 'no descriptor from 10 on has a fixed number' "$(scripts | tr '\n' '\0' | xargs -0 -r grep -nE \
	'(^|[[:space:];({|&])[1-9][0-9]+[<>]|[<>]&[1-9][0-9]+|read .*-u *"?[0-9][0-9$]' /dev/null |
	grep -v '^[^:]*:[0-9]*:[[:space:]]*#')"

# SC2317, SC2119: functions called by name through another one look unreachable,
# and those with an optional argument look as if it had been forgotten.
if command -v shellcheck >/dev/null 2>&1; then
	verdict 'shellcheck has nothing to say' \
		"$(scripts | tr '\n' '\0' | xargs -0 -r shellcheck -x -P "$SRC:SCRIPTDIR" -e SC2317,SC2119 \
			-f gcc 2>&1)"
else
	skip 'shellcheck has nothing to say' 'SHELLCHECK IS NOT INSTALLED'
fi
done_testing
