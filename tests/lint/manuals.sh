#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The manuals: well formed, and not behind the tables of the program. What has
# been added to those is taken over with: VIPSAFE_BUILD=DIR tests/lint/manuals.sh --update
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"
man=packaging/man

# The list of keys in vipsafe.conf(5), as the program prints them.
fresh_manual() {
	sed '/^\.\\" begin of what/,$d' $man/vipsafe.conf.5
	echo '.\" begin of what vipsafed --print-manual prints'
	"$BUILD/vipsafed" --print-manual
	sed -n '/^\.\\" end of it/,$p' $man/vipsafe.conf.5
}
if [ "${1:-}" = --update ]; then
	[ -x "$BUILD/vipsafed" ] || {
		echo "$0: no $BUILD/vipsafed: set VIPSAFE_BUILD to the build directory" >&2
		exit 1
	}
	fresh_manual >$man/vipsafe.conf.5.new && mv $man/vipsafe.conf.5.new $man/vipsafe.conf.5
	exit
fi

if command -v mandoc >/dev/null; then
	# other programs' manuals need not be installed here
	verdict "mandoc finds no fault" "$(mandoc -T lint $man/* 2>/dev/null | grep -v 'referenced manual not found')"
else
	skip "mandoc finds no fault" "mandoc is not installed"
fi
if [ ! -x "$BUILD/vipsafed" ]; then
	skip "the manuals are up to date" "vipsafed is not built"
	done_testing
fi
verdict "vipsafe.conf(5) lists the keys as they are (else: $0 --update)" \
	"$(fresh_manual | diff $man/vipsafe.conf.5 - | head -n 20)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
conf=packaging/conf/vipsafe.conf
verdict "the installed file is short, and nothing but comments that point to the manual" \
	"$(grep -v '^#' $conf; [ "$(wc -l <$conf)" -le 10 ] || wc -l $conf; grep -L 'vipsafe\.conf(5)' $conf)"
"$BUILD/vipsafed" --print-config >"$tmp/all"
verdict "vipsafed takes what it prints" "$("$BUILD/vipsafed" --config "$tmp/all" --check 2>&1)"
sed -E 's/^#([a-z_]+ =|\[)/\1/' "$tmp/all" >"$tmp/bare"
verdict "and each of its lines when it is no comment any more" \
	"$("$BUILD/vipsafed" --config "$tmp/bare" --check 2>&1; [ "$(grep -c '^[a-z_]* =' "$tmp/bare")" -gt 40 ] || echo few)"
# a copy of the tree, which must stay as it is
mkdir -p "$tmp/tree/tests/lint" "$tmp/tree/packaging"
cp -r packaging/man packaging/conf "$tmp/tree/packaging" && cp -r tests/lib "$tmp/tree/tests" &&
	cp -r tests/lint/lib tests/lint/manuals.sh "$tmp/tree/tests/lint"
verdict "without a program, --update refuses and changes nothing" "$(
	(unset VIPSAFE_BUILD VIPSAFE_SRC && sh "$tmp/tree/tests/lint/manuals.sh" --update 2>/dev/null) && echo accepted
	diff -r packaging/man "$tmp/tree/packaging/man"
	diff -r packaging/conf "$tmp/tree/packaging/conf"
)"

# both formatters know the page's name, its section and what the manual is called
heads() { "$@" 2>/dev/null | col -b | sed 's/[[:space:]]\{1,\}/ /g' | sed -n '1p;$p'; }
for page in "$man"/*; do
	name=$(basename "$page")
	title="$(echo "${name%.*}" | tr '[:lower:]' '[:upper:]')(${name##*.})"
	case $name in
	*.5) volume='File Formats Manual' ;;
	*.7) volume='Miscellaneous Information Manual' ;;
	*) volume="System Manager's Manual" ;;
	esac
	for formatter in 'mandoc -T ascii' 'groff -mandoc -T ascii -P-c'; do
		command -v "${formatter%% *}" >/dev/null || {
			skip "$name: head and foot of ${formatter%% *}" "${formatter%% *} is not installed"
			continue
		}
		# shellcheck disable=SC2086 # words
		verdict "$name: head and foot of ${formatter%% *}" "$(heads $formatter "$page" | {
			read -r head
			read -r foot
			[ "$head" = "$title $volume $title" ] || echo "$head"
			case $foot in *BSD*) echo "$foot" ;; esac
		})"
	done
done

# every command, and every option, of the help
words=$("$BUILD/vipsafe" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
verdict "the help lists commands" "$([ "$(echo "$words" | wc -l)" -gt 5 ] || echo none)"
verdict "vipsafe(8) tells of every command" "$(for w in $words; do
	grep -q "^\.It Cm $w\b" $man/vipsafe.8 || echo "$w"
done)"
for program in vipsafe vipsafed; do
	verdict "$program(8) tells of every option" "$(
		"$BUILD/$program" --help | sed -n 's/^  \(-., \)\{0,1\}--\([a-z-]*\).*/\2/p' | while read -r o; do
			grep -q "^\.It.* Fl -$o\b" $man/$program.8 || echo "--$o"
		done
	)"
done
# and nothing that is not there
verdict "vipsafe(8) tells of no other command" "$(
	sed -n '/^The commands are/,/^The options may/s/^\.It Cm \([a-z]*\).*/\1/p' $man/vipsafe.8 | sort -u | while read -r w; do
		echo "$words" | grep -qx "$w" || echo "$w"
	done
)"
# exit codes: all of them in the one table of the README, and no others; those of a command in its manual
codes=$(sed -n 's/^\tEXIT_[A-Z_]* = \([0-9]*\),.*/\1/p' include/vipsafe/protocol.h | sort -n)
verdict "the README has every exit code, and no other" "$(
	table=$(sed -n 's/^| \([0-9][0-9, ]*\) | .*/\1/p' README.md | tr -d ' ' | tr ',' '\n' | sort -n)
	[ "$codes" = "$table" ] || printf 'the program has:\n%s\nthe table has:\n%s\n' "$codes" "$table"
)"
verdict "vipsafe(8) has every exit code" "$(for code in $codes; do
	sed -n '/^\.Sh EXIT STATUS/,/^\.Sh [^E]/p' $man/vipsafe.8 | grep -q "^\.It.*\b$code\b" || echo "$code"
done)"
verdict "vipsafe.conf(5) has an example with an instance" "$(
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' $man/vipsafe.conf.5 | grep -q '^\[instance ' || echo none
)"
verdict "no manual and no advice takes devices from NetworkManager by \"unmanaged-devices =\"" "$(
	grep -rnE 'unmanaged-devices *=' README.md $man docs agent hooks
)"
verdict "manuals name only manuals that are there" "$(
	sed -n 's/^\.Xr \(vipsafe[a-z.-]*\) \([0-9]\).*/\1.\2/p' $man/* | sort -u | while read -r page; do
		[ -e "$man/$page" ] || echo "$page"
	done
)"
done_testing
