/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keepalived of this node. */
#pragma once

#include "base/request.h"
#include "keepalived/conf.h"
#include "keepalived/version.h"

/* The version of the program that is installed. Returns 0; -ENOENT: there is
 * none; another negative errno when it does not say. */
int keepalived_ask_version(struct keepalived_version *ret);

/* Read FILE, which has to be a keepalived.conf. Returns 0, or a negative errno
 * and *RET_ERROR says in one line why not. */
int keepalived_open(const char *file, struct keepalived_conf **ret,
		    struct request_error *ret_error);
