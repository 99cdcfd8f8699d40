/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one line per operation in the journal, or in syslog where no journal
 * listens. A plan changes nothing and is not logged. */
#pragma once

#include <stddef.h>

#include "core/report.h"

/* Largest line: 64 addresses, five tuples, all escaped. */
#define OPLOG_LINE_MAX 8192

/* "op=del vip=… dev=… …": key=value, quoted where a value holds spaces.
 * Returns BUF. */
const char *oplog_format(const struct report *r, char buf[OPLOG_LINE_MAX]);

/* LOG_INFO, LOG_WARNING or LOG_ERR (syslog.h). */
int oplog_priority(const struct report *r);

/* Send it; failures are nobody's business any more. */
void oplog_write(const struct report *r);
