#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# what the kernel drops from a full table is called so
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" full
