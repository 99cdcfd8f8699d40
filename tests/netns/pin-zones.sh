#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Flows with equal tuples in two zones outlive a pin as well: zones.sh once more.
PROTECT='--strategy pin'
# shellcheck source=tests/netns/zones.sh
. "$(dirname "$0")/zones.sh"
