#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# FTP sessions, their data connections and their helper outlive a pin as well: ftp.sh once more.
PROTECT='--strategy pin'
# shellcheck source=tests/netns/ftp.sh
. "$(dirname "$0")/ftp.sh"
