#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# a real director: its map, connections that cross, and what the check says
PATH=$PATH:/usr/sbin:/sbin
if ! command -v ipvsadm >/dev/null; then
	echo "vm tier: ipvsadm is not installed: IPVS was NOT tested" >&2
	if [ "${VM_REQUIRED:-0}" = 0 ]; then
		echo "1..0 # SKIP ipvsadm is not installed"
	else
		echo "Bail out! VM_REQUIRED is set and ipvsadm is not installed"
	fi
	exit 0
fi
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" lvs
