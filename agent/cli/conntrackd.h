/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conntrackd of this node. */
#pragma once

#include <limits.h>

#include "base/settings.h"
#include "keepalived/conntrackd_conf.h"
#include "keepalived/conntrackd_stats.h"
#include "keepalived/version.h"

/* The version of the installed program. Returns 0; -ENOENT: not installed; another negative
 * errno: it does not print its version. */
int conntrackd_ask_version(const struct settings *s, struct keepalived_version *ret);

/* Ask the running one, as vipsafed does: at the socket that the usual file names. Only root may,
 * since conntrackd makes its socket so. RET->answered says whether it has. */
void conntrackd_ask(const struct settings *s, struct conntrackd_stats *ret);

/* How many run in this network namespace, and the file that the first one was started with: as
 * this process can open it; "" if it was not named. Its clients and children do not count. */
unsigned conntrackd_find(char ret_file[PATH_MAX]);

/* Read FILE. Returns 0, or a negative errno: -EINVAL if it is not understood. */
int conntrackd_conf_open(const char *file, struct conntrackd_conf *ret);
