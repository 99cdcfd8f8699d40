#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# the SNAT lines of doctor keep flows without a daemon, iptables
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" snat rule=iptables
