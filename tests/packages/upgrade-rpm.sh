#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The RPM is upgraded, downgraded and erased while connections live: upgrade.sh once more.
export PACKAGES=rpm
# shellcheck source=tests/packages/upgrade.sh
. "$(dirname "$0")/upgrade.sh"
