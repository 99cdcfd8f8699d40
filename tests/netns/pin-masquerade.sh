#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Flows, plain and behind a DNATed service, outlive a pin as well: masquerade.sh once more.
PROTECT='--strategy pin'
# shellcheck source=tests/netns/masquerade.sh
. "$(dirname "$0")/masquerade.sh"
