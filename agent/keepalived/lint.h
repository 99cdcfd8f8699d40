/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What in a keepalived.conf does not go with vipsafe, or with the version of
 * keepalived that is to read it. */
#pragma once

#include "base/finding.h"
#include "keepalived/instance_settings.h"
#include "keepalived/vrrp_decoy.h"
#include "keepalived/vrrp.h"

struct keepalived_lint {
	const struct keepalived_conf *conf;
	const struct vrrp_conf *vrrp; /* knows for which version it is judged */
	const struct settings *settings;
	const char *hooks;	/* the directory of ours */
	const char *root;	/* what the paths of unit files begin with: "" */
	unsigned trusted_owner; /* who may write to scripts besides root */
};

/* Append what is found. Codes:
 *   keepalived-not-understood  part of the file; what is there is not judged
 *   vip-owned-twice  no-track-missing
 *   decoy-missing  decoy-differs  decoy-no-track  decoy-on-lo  decoy-shared
 *   instance-unknown  routes-need-address  address-not-in-kernel
 *   notify-missing  notify-arguments  notify-stop-missing  notify-twice
 *   group-removed
 *   fifo-unknown  fifo-script
 *   lifetime-finite  killed-keeps-addresses
 *   script-missing  script-unsafe  script-not-executable
 *   script-user-missing  script-user-group
 *   conntrackd-flush  address-flush  link-down  scripts-unseen
 *   kill-mode */
void keepalived_lint(const struct keepalived_lint *what, struct findings *f);

/* One of them, as "FILE:LINE: …", printable. FIX may be NULL. */
void lint_found(struct findings *f, enum severity severity, const char *code,
		const struct keepalived_directive *at, const char *fix, const char *fmt, ...)
	_printf_(6, 7);

/* Parts of it: the decoy of an instance, OURS being its section of vipsafe.conf
 * or NULL (keepalived_lint_decoy.c); who is told of it (keepalived_lint_told.c);
 * scripts as files and users (keepalived_lint_scripts.c); and the unit that
 * starts keepalived (keepalived_lint_unit.c). */
/* The decoy to advise for V: that of vipsafe.conf, or one to be. Returns BUF. */
const char *keepalived_lint_decoy_for(const struct keepalived_lint *what,
				      const struct vrrp_instance *v, char buf[DECOY_TEXT_MAX]);
void keepalived_lint_decoy(const struct keepalived_lint *what, const struct vrrp_instance *v,
			   const struct instance_settings *ours, struct findings *f);
void keepalived_lint_told(const struct keepalived_lint *what, const struct vrrp_instance *v,
			  const struct instance_settings *ours, struct findings *f);
void keepalived_lint_notify(const struct keepalived_lint *what,
			    const struct vrrp_script scripts[VRRP_EVENTS], struct findings *f);
void keepalived_lint_fifo(const struct keepalived_lint *what, struct findings *f);
void keepalived_lint_scripts(const struct keepalived_lint *what, struct findings *f);
void keepalived_lint_unit(const struct keepalived_lint *what, struct findings *f);
