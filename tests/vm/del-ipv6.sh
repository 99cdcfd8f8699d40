#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# add and del keep IPv6 flows, iptables
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" del family=6 rule=iptables
