/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What in a keepalived.conf conflicts with vipsafe, or with the version of keepalived that will
 * read it. */
#pragma once

#include "base/finding.h"
#include "keepalived/instance_settings.h"
#include "keepalived/vrrp_address.h"
#include "keepalived/vrrp.h"

struct keepalived_lint {
	const struct keepalived_conf *conf;
	const struct vrrp_conf *vrrp; /* also says for which version it is judged */
	const struct settings *settings;
	const char *hooks;	/* directory of our hooks */
	const char *root;	/* prefix of the paths of unit files; "" outside of tests */
	unsigned trusted_owner; /* user that may own scripts, besides root */
	/* Whether a device of this node has ARP, or is lo: 1, 0, or -ENODEV. NULL: devices are not
	 * judged. */
	int (*has_arp)(const char *device);
};

/* Append the findings to F. Codes:
 *   keepalived-not-understood  a part of the file, which is not judged
 *   vip-owned-twice  no-track-missing
 *   decoy-missing  decoy-differs  decoy-no-track  decoy-on-lo  decoy-shared
 *   instance-unknown  routes-need-address  address-not-in-kernel
 *   notify-missing  notify-arguments  notify-stop-missing  notify-twice
 *   group-removed
 *   fifo-unknown  fifo-script
 *   lifetime-finite  killed-keeps-addresses
 *   vip-device-missing  vip-unannounced
 *   script-missing  script-unsafe  script-not-executable
 *   script-user-missing  script-user-group
 *   conntrackd-flush  address-flush  link-down  scripts-unseen
 *   conntrackd-caches  conntrackd-sequence  conntrackd-both
 *   kill-mode */
void keepalived_lint(const struct keepalived_lint *what, struct findings *f);

/* Append one finding, "FILE:LINE: …", printable. FIX may be NULL. */
void lint_found(struct findings *f, enum severity severity, const char *code,
		const struct keepalived_directive *at, const char *fix, const char *fmt, ...)
	_printf_(6, 7);

/* Parts of it: the decoy of an instance, OURS being its section of vipsafe.conf or NULL
 * (lint_decoy.c); whether vipsafe gets its events (lint_events.c); scripts as files and users
 * (lint_scripts.c); how they drive conntrackd (lint_conntrackd.c); the unit that starts keepalived
 * (lint_unit.c). */
/* The decoy to suggest for V: that of vipsafe.conf, or a new one. Returns BUF. */
const char *keepalived_lint_decoy_for(const struct keepalived_lint *what,
				      const struct vrrp_instance *v, char buf[DECOY_TEXT_MAX]);
void keepalived_lint_decoy(const struct keepalived_lint *what, const struct vrrp_instance *v,
			   const struct instance_settings *ours, struct findings *f);
void keepalived_lint_events(const struct keepalived_lint *what, const struct vrrp_instance *v,
			    const struct instance_settings *ours, struct findings *f);
void keepalived_lint_notify(const struct keepalived_lint *what,
			    const struct vrrp_script scripts[VRRP_EVENTS], struct findings *f);
void keepalived_lint_fifo(const struct keepalived_lint *what, struct findings *f);
void keepalived_lint_scripts(const struct keepalived_lint *what, struct findings *f);
void keepalived_lint_conntrackd(const struct keepalived_lint *what, const struct vrrp_instance *v,
				struct findings *f);
/* Whether the script S, which may be none, drives conntrackd; any of V or its group; *RET_AT: the
 * line that leads to the first call. */
bool keepalived_script_drives_conntrackd(const struct vrrp_script *s);
bool keepalived_drives_conntrackd(const struct vrrp_instance *v,
				  const struct keepalived_directive **ret_at);
void keepalived_lint_unit(const struct keepalived_lint *what, struct findings *f);
