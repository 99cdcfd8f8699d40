/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the configuration files into settings; base/settings.h decides what keys mean. */
#pragma once

#include "base/settings.h"

/* Read PATH, then conf.d/NAME.conf beside it in the order of their names, over the defaults. PATH
 * NULL: the default file, which may be missing; a file that is given must exist. Returns 0, or a
 * negative errno with *RET_ERROR naming file and line; *RET is then released already. */
int config_load(const char *path, struct settings *ret, struct request_error *ret_error);
