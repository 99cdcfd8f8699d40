#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the sources, the manuals and the program's own words refer to is there.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

texts='\.([chy]|sh|md|am|ac|service|socket|[1-9])$|^NEWS$|^bootstrap$|^hooks/'

# FILE:LINE:docs/NAME.md N[, N…] is a numbered heading of that file
lost_sections() {
	files "$texts" | xargs grep -noE '(docs/[a-z]+\.md|[^/a-z][a-z]+\.md) [0-9]+(, [0-9]+)*' /dev/null |
		while IFS=: read -r file line said; do
			doc=${said%% [0-9]*} numbers=${said#*.md }
			case $doc in
			docs/*) ;;
			*)
				echo "$file:$line: $said: say docs/NAME.md"
				continue
				;;
			esac
			for n in $(echo "$numbers" | tr , ' '); do
				grep -q "^## $n\\. " "$doc" 2>/dev/null || echo "$file:$line: $doc has no section $n"
			done
		done
}
verdict 'every section that is cited is there' "$(lost_sections)"

# Our own manuals, as NAME(N) and as mandoc's .Xr NAME N.
lost_manuals() {
	files "$texts" | xargs grep -noE '\bvipsafe[a-z.-]*\([1-8]\)|^\.Xr vipsafe[a-z.-]* [1-8]' /dev/null |
		while IFS=: read -r file line said; do
			page=$(echo "${said#.Xr }" | sed 's/[( )]/./; s/)$//')
			[ -e "packaging/man/$page" ] || echo "$file:$line: no manual $said"
		done
}
verdict 'every manual that is named is there' "$(lost_manuals)"
verdict 'what the program prints after see= is a manual' \
	"$(grep -rnE 'see=' tests/unit agent --include='*.c' | grep -vE 'see=vipsafe[a-z.-]*\([1-8]\)')"

lost_links() {
	files '\.md$' | while IFS= read -r file; do
		grep -noE '\]\([^):#]+\)' "$file" | while IFS=: read -r line said; do
			path=${said#](}
			[ -e "$(dirname "$file")/${path%)}" ] || echo "$file:$line: ${path%)} is not there"
		done
	done
}
verdict 'every link to a file leads there' "$(lost_links)"

verdict 'every screen is one that a test shows' \
	"$(for file in tests/unit/screens/*.txt; do
		name=${file##*/}
		grep -q "screen_is(\"${name%.txt}\"" tests/unit/*.c || echo "$file"
	done)"

# The first lines of the doctor's screens, as they are where nothing is broken at column 80.
verdicts() {
	for file in tests/unit/screens/doctor-*.txt; do
		awk 'NR == 1 { v = $0; next } /^  / { sub(/^  fix/, ";&"); sub(/^ +/, " "); sub(/^;  /, "; "); v = v $0; next }
			{ exit } END { print v }' "$file"
	done
}
verdict "the doctor's verdicts in README are those of its screens" \
	"$(verdicts | grep -vxF -f README.md | sed 's/^/not in README: /')"

in_table=$(sed -n '/^static const struct stage {/,/^};/s/^\t{ "\([a-z]*\)",.*/\1/p' agent/move/pipeline.c)
in_design=$(sed -n '/^## One pipeline/,/^What differs/s/^    \([a-z ]*\)$/\1/p' docs/design.md | tr -s ' ' '\n')
verdict 'the stages of docs/design.md are those of the table' \
	"$([ -n "$in_table" ] && [ "$in_table" = "$in_design" ] || printf '%s\n' "$in_table" "--" "$in_design")"
verdict 'a stage stands in the file that its function names' \
	"$(sed -n '/^static const struct stage {/,/^};/s/^\t{ "[a-z]*", \([a-z_]*\),.*/\1/p' agent/move/pipeline.c |
		while IFS= read -r work; do
			grep -q "^void $work(" "agent/move/${work%%_*}.c" || echo "agent/move/${work%%_*}.c has no $work()"
		done)"
done_testing
