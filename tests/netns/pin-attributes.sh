#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mark and labels outlive a pin as well: attributes.sh once more.
PROTECT='--strategy pin'
# shellcheck source=tests/netns/attributes.sh
. "$(dirname "$0")/attributes.sh"
