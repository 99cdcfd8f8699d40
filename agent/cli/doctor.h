/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor looks at, each in a file doctor_*.c. Private to these. */
#pragma once

#include "base/finding.h"
#include "cli/cli.h"
#include "cli/facts.h"

/* Collects the facts for the doctor. Private to doctor*.c. */

/* What the daemon says about itself, its devices and its warnings; from then on CLI has its
 * configuration. To be called first. */
void doctor_take_daemon(struct cli *cli, struct facts *f, struct findings *ret);

/* keepalived.conf: the file of the keepalived that runs, or the usual one. */
void doctor_take_keepalived(const struct cli *cli, const struct kernel *k, struct facts *f,
			    struct findings *ret);

/* conntrackd: its file, the one that runs, and what of the instances' connections it replicates. To
 * be called after keepalived's file was looked at. */
void doctor_take_conntrackd(const struct cli *cli, const struct kernel *k, const struct facts *f,
			    struct findings *ret);

/* Whether DEVICE is one that vipsafe isolate has made. */
bool doctor_is_isolated(const struct kernel *k, const char *device);

/* What the kernel flushes, the connection table, settings, devices. */
void doctor_take_kernel(const struct cli *cli, const struct kernel *k, struct facts *f);

/* What the firewall's programs print, and the devices that rules may translate to. */
void doctor_take_firewall(const struct cli *cli, const struct kernel *k, struct facts *f);

/* Other programs that run, and what their scripts do. */
void doctor_take_others(struct facts *f);

/* Local ports in use twice, and this node's own IPVS. */
void doctor_take_lvs(const struct kernel *k, struct facts *f);

/* The state of the run directory. */
void doctor_take_run_dir(const struct cli *cli, const struct kernel *k, struct facts *f);

/* vipsafe doctor --keepalived FILE. */
/* Check FILE for keepalived VERSION; NULL: the installed one. Returns 0, or with *RET_ERROR
 * filled -EINVAL (the version) or -EIO (the file). */
int doctor_keepalived(const struct cli *cli, const char *file, const char *version,
		      struct findings *ret, struct request_error *ret_error);
