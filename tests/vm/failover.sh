#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# the guard makes keepalived's own deletes harmless
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" failover
