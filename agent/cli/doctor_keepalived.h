/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe doctor --keepalived FILE. */
#pragma once

#include "cli/cli.h"
#include "base/finding.h"

/* Check FILE for keepalived VERSION; NULL: the installed one. Returns 0, or with *RET_ERROR
 * filled -EINVAL (the version) or -EIO (the file). */
int doctor_keepalived(const struct cli *cli, const char *file, const char *version,
		      struct findings *ret, struct request_error *ret_error);
