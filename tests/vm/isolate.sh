#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# an address on a device of its own: nobody's delete flushes anything, without a daemon
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" isolate
