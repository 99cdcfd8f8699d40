#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The fuzz targets as OSS-Fuzz gets them: each links with an engine, finds the libraries beside it,
# runs over its own corpus, and the archive of that is what the source has.
# shellcheck source=tests/packages/lib/packages.sh
. "$(dirname "$0")/lib/packages.sh"

need clang clang++ zip unzip
echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return !p && n; }' |
	clang -x c -fsanitize=fuzzer,address -o /dev/null - 2>"$T/why" ||
	cannot_test "clang has no libFuzzer here: $(head -n 1 "$T/why")"

OUT=$T/out
check 'builds as OSS-Fuzz does' env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS CC=clang CXX=clang++ \
	CFLAGS='-O1 -fsanitize=address,fuzzer-no-link' LIB_FUZZING_ENGINE=-fsanitize=fuzzer \
	OUT="$OUT" WORK="$T/work" sh "$SRC/tests/fuzz/oss-fuzz-build.sh"
rm -rf "$T/work"
is "$(cd "$OUT" && echo fuzz_*[a-z] | tr ' ' '\n' | grep -v zip)" \
	"$(cd "$SRC/tests/fuzz/corpus" && printf 'fuzz_%s\n' *)" 'there is a target for each corpus'
for target in "$OUT"/fuzz_*.zip; do
	name=$(basename "$target" _seed_corpus.zip)
	mkdir "$T/seeds"
	unzip -q "$target" -d "$T/seeds" || diag "cannot open $target"
	is "$(cd "$T/seeds" && find . -type f | sort)" \
		"$(cd "$SRC/tests/fuzz/corpus/${name#fuzz_}" && find . -type f | sort)" \
		"$name: the archive is its corpus"
	# -runs=0: nothing but the seeds
	check "$name: runs over it" "$OUT/$name" -runs=0 "$T/seeds"
	rm -rf "$T/seeds"
done
check 'the libraries are beside the targets' test -e "$OUT/lib/libnetfilter_conntrack.so.3"
done_testing
