/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Versions of keepalived: the meaning of a configuration depends on them. */
#pragma once

#include <stdbool.h>

struct keepalived_version {
	unsigned major, minor, patch; /* major 0: not known */
};

/* Parse "2.2.7", "v1.3.5", the version of a package ("1:2.2.7-1", "keepalived-1.3.5-19.el7"), or
 * the first line of keepalived --version. Returns 0 or -EINVAL. */
int keepalived_version_parse(const char *text, struct keepalived_version *ret);

/* Whether V is known and older than MAJOR.MINOR.PATCH. */
bool keepalived_version_before(const struct keepalived_version *v, unsigned major, unsigned minor,
			       unsigned patch);
