#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL in the middle, then recover
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" kill
