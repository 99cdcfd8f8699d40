/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keepalived of this node. */
#pragma once

#include "front/keepalived_version.h"

/* The version of the program that is installed. Returns 0; -ENOENT: there is
 * none; another negative errno when it does not say. */
int keepalived_ask_version(struct keepalived_version *ret);
