#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The habits a reader relies on: license lines, sizes, white space.
# shellcheck disable=SC2016 # what looks like $1 belongs to awk
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

FUNCTION_MAX=100 FILE_MAX=500 FILE_WARN=400

# one process for all files: a thousand cost more than what they look at
no_license() {
	files '\.([ch]|sh|py|awk|am|ac|yml|service|socket|[0-9])$|^bootstrap$|^hooks/|^\.ci/' | xargs -r awk '
		function judge() { if (name != "" && !has) print name }
		FNR == 1 { judge(); name = FILENAME; has = 0 }
		/SPDX-License-Identifier: GPL-2.0-or-later/ { has = 1 }
		FNR == 3 { nextfile }
		END { judge() }'
}
verdict 'every source has its SPDX line' "$(no_license)"

# In this style a function is what lies between "{" and "}" in column one.
long_functions() {
	c_files '^(agent|include|tests)/' | xargs -r awk -v max=$FUNCTION_MAX '
		FNR == 1 { start = 0 }
		/^[a-zA-Z_].*\(/ { name = $0 }
		/^\{/ { start = FNR }
		/^\}/ {
			if (start && FNR - start - 1 > max)
				printf "%s:%d: %d lines: %s\n", FILENAME, start, FNR - start - 1, name
			start = 0
		}'
}
verdict "no function longer than $FUNCTION_MAX lines" "$(long_functions)"

long_files() {
	c_files '^(agent|include|tests)/' | xargs -r wc -l | awk -v max="$1" \
		'$2 != "total" && $1 > max { print $2 ": " $1 " lines" }'
}
verdict "no source longer than $FILE_MAX lines" "$(long_files $FILE_MAX)"
long_files $FILE_WARN | sed "s/^/# warning, over $FILE_WARN lines: /"

verdict 'no white space at the end of a line' \
	"$(files '\.([ch]|sh|py|md|am|ac|awk|yml)$' | xargs -r grep -nE '[[:space:]]+$' /dev/null | head -n 20)"
verdict 'no line of C over 100 columns' \
	"$(c_files '^(agent|include|tests)/' | xargs -r awk '
		{
			n = split($0, part, "\t")
			columns = length(part[1])
			for (i = 2; i <= n; i++)
				columns = int(columns / 8) * 8 + 8 + length(part[i])
		}
		columns > 100 { print FILENAME ":" FNR ": " columns " columns" }')"

no_once() {
	c_files '^(agent|include|tests)/' | grep '\.h$' | xargs -r grep -L '^#pragma once$'
}
unlisted() {
	for f in tests/*/*.sh; do
		case $f in
		tests/lint/* | tests/netns/* | tests/vm/*) grep -q "$f" Makefile.am || echo "$f" ;;
		esac
	done
}
verdict 'every case is in a list of Makefile.am' "$(unlisted)"

# The table of tests/README.md, and the folders.
worlds() {
	{
		(cd tests/worlds && printf '%s\n' *)
		sed -n 's,^| \[\(.*\)\](worlds/\1) |.*,\1,p' tests/README.md
	} | sort | uniq -u
}
verdict 'every world is in the table of tests/README.md, once' "$(worlds)"

verdict 'every header has #pragma once' "$(no_once)"

# A tag, a backtrace and grep find one place for a name. Tables' init and done may
# stand in several.
shared_statics() {
	c_files '^agent/' | xargs -r awk '
		/^static / && /\(/ && !/=/ {
			line = $0
			gsub(/(_printf_|__attribute__)[ ]*\(+[^)]*\)+/, "", line)
			if (!match(line, /[a-z_][a-z0-9_]*\(/))
				next
			name = substr(line, RSTART, RLENGTH - 1)
			if (name == "init" || name == "done" || (name, FILENAME) in seen)
				next
			seen[name, FILENAME] = 1
			if (name in first)
				print FILENAME ":" FNR ": " name "() is in " first[name] " as well"
			else
				first[name] = FILENAME
		}'
}
verdict 'no static function has its name in two files' "$(shared_statics)"

# A switch over an enum of ours lists every member, so that a new one breaks the
# build. `default:` is for values from outside, with a comment that says so on
# the same line or the one before.
defaults() {
	c_files '^(agent|include)/' | xargs -r awk '
		/^[[:space:]]*default[[:space:]]*:/ && !/\/\*/ && before !~ /\*\/[[:space:]]*$/ {
			print FILENAME ":" FNR ": default: without a reason beside it"
		}
		{ before = $0 }'
}
verdict 'no default: in a switch over our own enum' "$(defaults)"

verdict 'no mutable global outside the mains' \
	"$(c_files '^agent/' | grep -v '/main\.c$' |
		xargs -r grep -nE '^(static )?(unsigned |struct [a-z_]+ |enum [a-z_]+ )?[a-z_]+ \**[a-z_]+(\[[^]]*\])*( = [^(]*)?;$' /dev/null |
		grep -vE ':(static )?const |\bextern |typedef |return |:(struct|enum) [a-z_]+;$')"

# The shape of the code differs between versions of the formatter; the one of
# Debian 12 decides.
if command -v clang-format >/dev/null 2>&1 && clang-format --version | grep -q 'version 14\.'; then
	verdict 'clang-format has nothing to change' \
		"$(c_files '^(agent|include|tests)/' | xargs -r clang-format --dry-run 2>&1 |
			grep -E '^[^ :]+:[0-9]+:[0-9]+: warning:' | cut -d: -f1 | sort | uniq -c |
			awk '{ print $2 ": " $1 " places" }')"
else
	skip 'clang-format has nothing to change' 'clang-format 14 is not here'
fi
done_testing
