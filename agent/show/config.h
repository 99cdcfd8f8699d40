/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the configuration files into settings; base/settings.h decides what keys mean. */
#pragma once

#include "base/settings.h"

/* Read PATH, then conf.d/NAME.conf beside it in the order of their names, over the defaults. PATH
 * NULL: the default file, which may be missing; a file that is given must exist. Returns 0, or a
 * negative errno with *RET_ERROR naming file and line; *RET is then released already. */
int config_load(const char *path, struct settings *ret, struct request_error *ret_error);

/* The same for the network namespace NETNS (a name or a path; NULL: as configured), which is not
 * entered: base/netns.h does that with the path in *RET. */
int config_load_in(const char *path, const char *netns, struct settings *ret,
		   struct request_error *ret_error);

/* The defaults, as without any file, for the network namespace NETNS as above. */
int config_defaults(const char *netns, struct settings *ret, struct request_error *ret_error);
