/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor looks at, each in a file doctor_*.c. Private to these. */
#pragma once

#include "base/finding.h"
#include "cli/cli.h"
#include "cli/facts.h"

/* Collects the facts for the doctor. Private to doctor*.c. */

/* What the kernel flushes, the connection table, settings, devices. */
void doctor_take_kernel(const struct cli *cli, const struct kernel *k, struct facts *f);

/* What the firewall's programs print, and the devices that rules may translate to. */
void doctor_take_firewall(const struct cli *cli, const struct kernel *k, struct facts *f);

/* Other programs that run, and what their scripts do. */
void doctor_take_others(struct facts *f);

/* The state of the run directory. */
void doctor_take_run_dir(const struct cli *cli, const struct kernel *k, struct facts *f);

/* vipsafe doctor --keepalived FILE. */
/* Check FILE for keepalived VERSION; NULL: the installed one. Returns 0, or with *RET_ERROR
 * filled -EINVAL (the version) or -EIO (the file). */
int doctor_keepalived(const struct cli *cli, const char *file, const char *version,
		      struct findings *ret, struct request_error *ret_error);
