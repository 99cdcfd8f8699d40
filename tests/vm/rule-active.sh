#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# the test bed itself: is the old rule really in force?
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" rule-active
