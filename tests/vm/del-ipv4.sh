#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# add and del keep IPv4 flows, iptables
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" del family=4 rule=iptables
