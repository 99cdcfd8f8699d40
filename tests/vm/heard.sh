#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# who speaks for an address on a VLAN is heard there, and not below it
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" heard
