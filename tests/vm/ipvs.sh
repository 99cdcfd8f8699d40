#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# connections that IPVS balances in NAT mode
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" ipvs
