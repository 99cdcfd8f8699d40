#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Flows of every layer 4 protocol outlive a pin as well: protocols.sh once more.
PROTECT='--strategy pin'
# shellcheck source=tests/netns/protocols.sh
. "$(dirname "$0")/protocols.sh"
