/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the configuration files into settings; what keys mean is decided in
 * base/settings.h. */
#pragma once

#include "base/settings.h"

/* Read PATH, then conf.d/NAME.conf beside it in the order of their names, over
 * the defaults. PATH NULL means the default file, which may be missing; a file
 * that was named must be there. Returns 0, or a negative errno with *RET_ERROR
 * saying file and line; *RET is then released already. */
int config_load(const char *path, struct settings *ret, struct request_error *ret_error);
