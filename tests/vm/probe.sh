#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# the verdict follows the rule, plan and errors change nothing
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" probe
