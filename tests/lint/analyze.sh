#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What static analysers see that compilers do not. Leaks are left to ASan, which
# knows the cleanup attribute and lists that own what is put into them; both
# analysers cry wolf at these, and cppcheck at arrays filled up to a counter.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

if ! command -v cppcheck >/dev/null 2>&1; then
	skip 'cppcheck has nothing to say' 'CPPCHECK IS NOT INSTALLED'
else
	verdict 'cppcheck has nothing to say' \
		"$(c_files '^(agent|include)/' | grep '\.c$' |
			timeout 1200 cppcheck --quiet --std=c99 --language=c --inline-suppr \
				--enable=warning,portability --suppress=missingInclude --suppress=memleak --suppress=uninitvar \
				--suppress=ctuuninitvar --suppress=missingIncludeSystem -I include -I agent \
				--template='{file}:{line}: {severity}: {message} [{id}]' --file-list=- 2>&1 ||
			echo "cppcheck ended with $?")"
fi

# Without optimization: what gcc has inlined it takes for uninitialized.
if [ ! -e "$BUILD/config.h" ] || ! echo | ${CC:-gcc} -fanalyzer -x c -fsyntax-only - 2>/dev/null; then
	skip 'gcc -fanalyzer has nothing to say' 'THIS gcc HAS NO -fanalyzer, OR NOTHING IS BUILT'
	done_testing
fi
analyze() {
	# shellcheck disable=SC2046,SC2086 # words
	xargs -P "$(nproc 2>/dev/null || echo 2)" -n 1 ${CC:-gcc} -std=gnu99 -O0 -S -o /dev/null \
		-fanalyzer -Wno-analyzer-malloc-leak -I "$BUILD" -I include -I agent -include config.h \
		-DSYSCONFDIR='""' -DHOOKSDIR='""' \
		$(pkg-config --cflags libnl-3.0 libnetfilter_conntrack 2>/dev/null) 2>&1
}
verdict 'gcc -fanalyzer has nothing to say' "$(c_files '^agent/' | grep '\.c$' | analyze)"
done_testing
