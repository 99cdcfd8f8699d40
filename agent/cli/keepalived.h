/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keepalived of this node. */
#pragma once

#include "base/request.h"
#include "keepalived/conf.h"
#include "keepalived/version.h"

/* The version of the installed program. Returns 0; -ENOENT: not installed; another negative
 * errno: it does not print its version. */
int keepalived_ask_version(struct keepalived_version *ret);

/* Read FILE, which has to be a keepalived.conf. Returns 0, or a negative errno with the reason in
 * *RET_ERROR, one line. */
int keepalived_open(const char *file, struct keepalived_conf **ret,
		    struct request_error *ret_error);
