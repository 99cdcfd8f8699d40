#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a static analyser sees that compilers do not. Leaks are left to ASan: it
# knows the cleanup attribute, cppcheck does not.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

if ! command -v cppcheck >/dev/null 2>&1; then
	skip 'cppcheck has nothing to say' 'CPPCHECK IS NOT INSTALLED'
	finish
fi
verdict 'cppcheck has nothing to say' \
	"$(c_files '^(agent|include)/' | grep '\.c$' |
		timeout 120 cppcheck --quiet --std=c99 --language=c --inline-suppr \
			--enable=warning,portability --suppress=missingInclude --suppress=memleak \
			--suppress=missingIncludeSystem -I include -I agent \
			--template='{file}:{line}: {severity}: {message} [{id}]' --file-list=- 2>&1 ||
		echo "cppcheck ended with $?")"
finish
