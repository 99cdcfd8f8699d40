/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What in a keepalived.conf does not go with vipsafe, or with the version of
 * keepalived that is to read it. */
#pragma once

#include "core/finding.h"
#include "core/instance_settings.h"
#include "front/keepalived_version.h"
#include "front/keepalived_vrrp.h"

struct keepalived_lint {
	const struct keepalived_conf *conf;
	const struct vrrp_conf *vrrp;
	const struct settings *settings;
	struct keepalived_version version;
	const char *hooks;	/* the directory of ours */
	const char *root;	/* what the paths of unit files begin with: "" */
	unsigned trusted_owner; /* who may write to scripts besides root */
};

/* Append what is found. Codes:
 *   keepalived-not-understood  part of the file; what is there is not judged
 *   vip-owned-twice  no-track-missing
 *   decoy-missing  decoy-differs  decoy-no-track  instance-unknown
 *   notify-missing  notify-arguments  notify-stop-missing
 *   fifo-unknown  fifo-script
 *   lifetime-finite
 *   script-missing  script-unsafe  script-not-executable
 *   script-user-missing  script-user-group
 *   conntrackd-flush  address-flush  link-down  scripts-unseen
 *   kill-mode */
void keepalived_lint(const struct keepalived_lint *what, struct findings *f);

/* Parts of it: scripts as files and users (keepalived_lint_scripts.c), and the
 * unit that starts keepalived (keepalived_lint_unit.c). */
void keepalived_lint_scripts(const struct keepalived_lint *what, struct findings *f);
void keepalived_lint_unit(const struct keepalived_lint *what, struct findings *f);
