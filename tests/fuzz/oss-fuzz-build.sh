#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Build the fuzz targets as OSS-Fuzz calls for: $CC, $CFLAGS, $CXX, $CXXFLAGS and $LIB_FUZZING_ENGINE
# say with what, and to $OUT (absolute) go fuzz_NAME, fuzz_NAME_seed_corpus.zip, and in lib/ the
# libraries that a machine without ours lacks. It needs what `./bootstrap` needs, and zip:
#   apt-get install -y autoconf automake pkg-config zip libnl-3-dev libnl-route-3-dev libnl-genl-3-dev \
#     libnetfilter-conntrack-dev libjansson-dev libinih-dev libsystemd-dev
# By hand: CC=clang CFLAGS='-g -O1 -fsanitize=address,fuzzer-no-link' LIB_FUZZING_ENGINE=-fsanitize=fuzzer \
#     OUT=/tmp/out sh tests/fuzz/oss-fuzz-build.sh
# $WORK (a new folder of /tmp) is where it builds.
set -eu
: "${OUT:?the folder to put the targets in}" "${LIB_FUZZING_ENGINE:?what to link with}"
: "${CC:=clang}" "${CFLAGS:=}" "${CXX:=clang++}" "${CXXFLAGS:=$CFLAGS}"
src=$(cd "$(dirname "$0")/../.." && pwd)
work=${WORK:-$(mktemp -d)}
mkdir -p "$OUT/lib" "$work"
OUT=$(cd "$OUT" && pwd)

[ -x "$src/configure" ] || (cd "$src" && autoreconf -fi)
cd "$work"
"$src/configure" -q CC="$CC" CFLAGS="$CFLAGS" LIB_FUZZING_ENGINE="$LIB_FUZZING_ENGINE" \
	LDFLAGS="-Wl,-rpath,'\$\$ORIGIN/lib'"
# an engine may be of C++
make -s -j"$(nproc)" fuzz-install OUT="$OUT" CCLD="$CXX" LDFLAGS="-Wl,-rpath,'\$\$ORIGIN/lib' $CXXFLAGS"
for target in "$OUT"/fuzz_*; do
	[ -x "$target" ] || continue
	ldd "$target" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'
done | sort -u | grep -E '/lib(nl|netfilter|nfnetlink|mnl|jansson|inih|systemd|cap|gcrypt|gpg-error|lzma|zstd|lz4)' |
	while read -r library; do cp -L "$library" "$OUT/lib/"; done
