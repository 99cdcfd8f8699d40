#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# keepalived-versions.sh with the newer half of the keepaliveds, from 2.0.10 to 2.4.3.
exec env VERSIONS="${VERSIONS:-2.0.10 2.0.20 2.4.3}" bash "$(dirname "$0")/keepalived-versions.sh"
