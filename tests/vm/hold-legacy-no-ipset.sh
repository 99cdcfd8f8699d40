#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# no hold on a node of ip_tables whose kernel has no ipset, and that is said
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" hold node=legacy-no-ipset
