#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A delete that pins, killed before each of its calls: killed.sh once more.
PROTECT='--strategy pin' FIRST=2
# shellcheck source=tests/netns/killed.sh
. "$(dirname "$0")/killed.sh"
