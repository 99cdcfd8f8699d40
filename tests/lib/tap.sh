# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: every sh here has it
# TAP for every test that is a shell script, in bash and in sh. Each word prints one
# result; done_testing prints the plan and ends with the case's exit code. $T is a
# folder for scratch (/tmp where a case has none of its own).

TAP_N=0 TAP_BAD=0

# diag TEXT: a comment, for the log of a failed run
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# ok DESCRIPTION, not_ok DESCRIPTION
ok() {
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N - $*"
}

not_ok() {
	TAP_N=$((TAP_N + 1)) TAP_BAD=$((TAP_BAD + 1))
	echo "not ok $TAP_N - $*"
}

# report 0|OTHER DESCRIPTION [WHY]: 0 is well
report() {
	if [ "$1" = 0 ]; then
		ok "$2"
	else
		not_ok "$2"
		[ -z "${3:-}" ] || diag "$3"
	fi
}

# check DESCRIPTION COMMAND...: well when the command succeeds
check() {
	local what="$1" r=0

	shift
	"$@" >"${T:-/tmp}/check.out" 2>&1 || r=1
	report $r "$what" "failed: $*
$(head -c 2000 "${T:-/tmp}/check.out")"
}

# is GOT WANTED DESCRIPTION
is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
		return
	fi
	not_ok "$3"
	case $1$2 in
	*'
'*)
		printf '%s\n' "$2" >"${T:-/tmp}/wanted"
		printf '%s\n' "$1" >"${T:-/tmp}/got"
		diag "wanted (-), got (+):"
		diag "$(diff -U 3 "${T:-/tmp}/wanted" "${T:-/tmp}/got" | tail -n +3)"
		;;
	*)
		diag "got:    $1"
		diag "wanted: $2"
		;;
	esac
}

# nothing FOUND DESCRIPTION: well when nothing was found, one finding a line
nothing() {
	if [ -z "$(printf '%s' "$1" | tr -d '[:space:]')" ]; then
		ok "$2"
	else
		not_ok "$2"
		diag "$(printf '%s\n' "$1" | sed '/^$/d')"
	fi
}

# skip DESCRIPTION REASON: loud, also on stderr
skip() {
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N - $1 # SKIP $2"
	echo "SKIP $(basename "$0" .sh): $1: $2" >&2
}

# skip_all REASON: nothing of this case can be tested here
skip_all() {
	echo "1..0 # SKIP $*"
	echo "SKIP $(basename "$0" .sh): $*" >&2
	exit 0
}

bail_out() {
	echo "Bail out! $*"
	exit 99
}

# case_end: what a library adds to the end of each of its cases
case_end() { :; }

done_testing() {
	case_end
	echo "1..$TAP_N"
	[ "$TAP_BAD" = 0 ]
	exit
}
