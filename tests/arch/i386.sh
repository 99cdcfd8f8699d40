#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine whose pointers and longs have 32 bits: by Debian's cross compiler, run by this processor, or
# by qemu's user emulation where the kernel runs no such programs (a paravirtualized one may not).
# shellcheck source=tests/arch/lib/arch.sh
. "$(dirname "$0")/lib/arch.sh"

need i686-linux-gnu-gcc
sysroot i386
loader=$ROOT/lib/ld-linux.so.2
by=()
"$loader" --version >/dev/null 2>&1 || by=(qemu-i386-static)
need "${by[@]}"
cross i386 i686-linux-gnu i386-linux-gnu
is_for ELF32
[ ${#by[@]} = 0 ] || emulated
runs_all "${by[@]}" "$loader" --library-path "$ROOT/lib/i386-linux-gnu:$ROOT/usr/lib/i386-linux-gnu"
done_testing
