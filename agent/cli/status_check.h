/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe status --check: one answer for a probe. */
#pragma once

#include <jansson.h>

#include <vipsafe/protocol.h>

#include "keepalived/conntrackd_stats.h"
#include "keepalived/instance_settings.h"

#define STATUS_CHECK_TEXT_MAX 320

/* LSB: the service is not running. */
#define STATUS_CODE_NOT_RUNNING 3

/* Judge STATUS, as show/status makes it: whether every device that is to be protected is, and the
 * addresses of every instance are where its state wants them; with INSTANCE, only the latter, of
 * this one. Returns 0; or with *RET_WHY, one line: STATUS_CODE_NOT_RUNNING, STATUS_CODE_UNKNOWN
 * (not in force, not in place), or EXIT_USAGE (there is no such instance). */
int status_check(json_t *status, const char *instance, char ret_why[STATUS_CHECK_TEXT_MAX]);

/* Whether conntrackd has to be asked for INSTANCE (NULL: for any): its section in S says so. */
bool status_check_asks_conntrackd(const struct settings *s, const char *instance);

/* Judge what conntrackd has SAID as well: whether a node that takes over, or has the addresses of
 * such an instance, knows the other's connections. Returns as above. */
int status_check_conntrackd(json_t *status, const char *instance, const struct settings *s,
			    const struct conntrackd_stats *said,
			    char ret_why[STATUS_CHECK_TEXT_MAX]);
