#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# the guard makes bare address deletes harmless
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" guard
