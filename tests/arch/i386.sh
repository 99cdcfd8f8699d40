#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine whose pointers and longs have 32 bits: by Debian's cross compiler, run by this processor.
# shellcheck source=tests/arch/lib/arch.sh
. "$(dirname "$0")/lib/arch.sh"

need i686-linux-gnu-gcc
sysroot i386
loader=$ROOT/lib/ld-linux.so.2
"$loader" --version >/dev/null 2>&1 || cannot_test "this kernel runs no programs of 32 bits"
cross i386 i686-linux-gnu i386-linux-gnu
is_for ELF32
runs_all "$loader" --library-path "$ROOT/lib/i386-linux-gnu:$ROOT/usr/lib/i386-linux-gnu"
done_testing
