/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an existing keepalived.conf to vipsafe.conf: the sections for its
 * instances, and what is to be changed in keepalived.conf. */
#pragma once

#include <stdio.h>

#include "keepalived/instance_settings.h"
#include "keepalived/vrrp.h"

struct keepalived_import {
	const struct keepalived_conf *conf;
	const struct vrrp_conf *vrrp;	 /* knows for which version lines are proposed */
	enum instance_owner owner;	 /* of the addresses, from then on */
	const struct settings *settings; /* vipsafe.conf as it is; NULL: there is none */
	const char *fifo;		 /* where vipsafed reads */
	const char *hooks;		 /* the directory of the hooks */
};

/* Print it to OUT: a file that vipsafed --check accepts. What could not be
 * carried over stays with keepalived, and is a comment that begins with "#!"
 * and names the line; *RET_LEFT says how many. An instance of which nothing can
 * be carried over has no section, and nothing is to be changed for it. Returns
 * 0 or -ENOMEM. */
int keepalived_import(const struct keepalived_import *what, FILE *out, unsigned *ret_left);
