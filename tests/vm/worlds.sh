#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# a node as kube-proxy's mode ipvs leaves it
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" worlds
