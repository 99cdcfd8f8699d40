#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A big-endian machine: by Debian's cross compiler, run by qemu's user emulation.
# shellcheck source=tests/arch/lib/arch.sh
. "$(dirname "$0")/lib/arch.sh"

need s390x-linux-gnu-gcc qemu-s390x-static
sysroot s390x
cross s390x s390x-linux-gnu s390x-linux-gnu CFLAGS=-O1 # the emulation is slow
is_for 'big endian'
emulated
QEMU_LD_PREFIX=$ROOT runs_all qemu-s390x-static
done_testing
