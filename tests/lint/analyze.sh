#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a static analyser sees that compilers do not. Leaks are left to ASan,
# which knows the cleanup attribute, and arrays filled up to a counter to gcc,
# which knows the counter; cppcheck cries wolf at both.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

if ! command -v cppcheck >/dev/null 2>&1; then
	skip 'cppcheck has nothing to say' 'CPPCHECK IS NOT INSTALLED'
	finish
fi
verdict 'cppcheck has nothing to say' \
	"$(c_files '^(agent|include)/' | grep '\.c$' |
		timeout 120 cppcheck --quiet --std=c99 --language=c --inline-suppr \
			--enable=warning,portability --suppress=missingInclude --suppress=memleak --suppress=uninitvar \
			--suppress=missingIncludeSystem -I include -I agent \
			--template='{file}:{line}: {severity}: {message} [{id}]' --file-list=- 2>&1 ||
		echo "cppcheck ended with $?")"
finish
