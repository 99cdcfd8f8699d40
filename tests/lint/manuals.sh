#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The manuals: well formed, and not behind the tables of the program. What has
# been added to those is taken over with: tests/lint/manuals.sh --update
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"
man=packaging/man

# The list of keys in vipsafe.conf(5), and the default file, as the program prints them.
fresh_manual() {
	sed '/^\.\\" begin of what/,$d' $man/vipsafe.conf.5
	echo '.\" begin of what vipsafed --print-manual prints'
	"$BUILD/vipsafed" --print-manual
	sed -n '/^\.\\" end of it/,$p' $man/vipsafe.conf.5
}
if [ "${1:-}" = --update ]; then
	fresh_manual >$man/vipsafe.conf.5.new && mv $man/vipsafe.conf.5.new $man/vipsafe.conf.5
	"$BUILD/vipsafed" --print-config >packaging/conf/vipsafe.conf
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
verdict "the default file is what vipsafed prints (else: $0 --update)" \
	"$("$BUILD/vipsafed" --print-config | diff packaging/conf/vipsafe.conf - | head -n 20)"

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
verdict "manuals name only manuals that are there" "$(
	sed -n 's/^\.Xr \(vipsafe[a-z.-]*\) \([0-9]\).*/\1.\2/p' $man/* | sort -u | while read -r page; do
		[ -e "$man/$page" ] || echo "$page"
	done
)"
done_testing
