#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# the VIP's own flows stay gone, its twin's stay
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" vip-own
