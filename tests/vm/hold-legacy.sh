#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# the hold on a node of ip_tables with ipset
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" hold node=legacy
