# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the lint tests share: where the tree is, which files count, and TAP.
# A check hands its findings (one per line, none: passed) to `verdict`.
set -u

SRC=${VIPSAFE_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck disable=SC2034 # for the scripts that look at built objects
BUILD=${VIPSAFE_BUILD:-$SRC}
cd "$SRC" || exit 99
export LC_ALL=C
# shellcheck source=tests/lib/tap.sh
. "$SRC/tests/lib/tap.sh"

# Files of the project, one per line: what git tracks and has not lost, or, in
# an unpacked tarball, what is there. Arguments are patterns for grep -E.
files() {
	if [ -e .git ] && git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files
	else
		find . -type f ! -path './build-aux/*' ! -path './autom4te.cache/*' \
			! -name configure ! -name aclocal.m4 ! -name '*.in' | sed 's,^\./,,'
	fi | grep -E "$1" | while IFS= read -r f; do
		[ -f "$f" ] && printf '%s\n' "$f"
	done
	return 0
}

c_files() {
	files "${1-}.*\\.[ch]\$"
}

# verdict DESCRIPTION FINDINGS
verdict() { nothing "$2" "$1"; }
