/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a vipsafe.conf from an existing keepalived.conf: sections for its instances, and the
 * changes to make in keepalived.conf. */
#pragma once

#include <stdio.h>

#include "keepalived/instance_settings.h"
#include "keepalived/vrrp.h"

struct keepalived_import {
	const struct keepalived_conf *conf;
	const struct vrrp_conf *vrrp;	 /* also says for which version lines are proposed */
	enum instance_owner owner;	 /* the future owner of the addresses */
	const struct settings *settings; /* of the present vipsafe.conf; NULL: there is none */
	const char *fifo;		 /* path of the FIFO that vipsafed reads */
	const char *hooks;		 /* directory of the hooks */
	const char *script_user;	 /* whom scripts run as by default, NULL: root */
	bool patch;			 /* print a diff of keepalived.conf behind it */
};

/* Print to OUT a file that vipsafed --check accepts, and with PATCH a unified diff, which patch(1)
 * finds behind it. What could not be carried over stays with
 * keepalived: a comment that begins with "#!" names the line, and *RET_LEFT counts these. An
 * instance of which nothing can be carried over gets no section and no changes. Returns 0 or
 * -ENOMEM. */
int keepalived_import(const struct keepalived_import *what, FILE *out, unsigned *ret_left);
