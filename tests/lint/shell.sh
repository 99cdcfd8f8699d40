#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Shell scripts: what shellcheck says, and that /bin/sh can read them.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

scripts() {
	# what the fuzzers are fed is not for running
	files '.' | grep -v '^tests/fuzz/corpus/' | while IFS= read -r f; do
		case $f in
		*.sh) echo "$f" ;;
		*) head -c 64 "$f" | head -n 1 | grep -qaE '^#!.*[/ ](sh|bash|dash)( |$)' && echo "$f" ;;
		esac
	done
}

unreadable() {
	scripts | while IFS= read -r f; do
		case $(head -n 4 "$f" | grep -E '^#!|^# shellcheck shell=') in
		*bash*) bash -n "$f" 2>&1 ;;
		*) sh -n "$f" 2>&1 ;;
		esac
	done
}
verdict 'every script can be read' "$(unreadable)"

not_executable() {
	scripts | while IFS= read -r f; do
		head -c 2 "$f" | grep -q '^#!' && [ ! -x "$f" ] && echo "$f"
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
