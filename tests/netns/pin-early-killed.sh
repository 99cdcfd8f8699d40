#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With so many flows that some are pinned while others are still being read, by a thread: killed.sh once more, before
# some of the many calls.
PROTECT='--strategy pin' CROWD=1200 KILL_SOME=13
export CROWD KILL_SOME # to the worlds
# shellcheck source=tests/netns/killed.sh
. "$(dirname "$0")/killed.sh"
