#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# the hold on a node of nft rules
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" hold node=nft
