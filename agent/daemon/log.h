/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's own lines in the journal, or in syslog and on stderr where no
 * journal listens. Runs are logged by show/oplog. No line waits for its reader
 * (show/logger.h). */
#pragma once

#include "show/logger.h"

/* PRIORITY: of syslog.h. One line; unprintable characters are escaped. */
void log_line(int priority, const char *fmt, ...) _printf_(2, 3);

/* The logger of these lines, for other modules that log. */
struct logger *log_logger(void);

/* Log how many lines were dropped, once there is room. Returns when to call
 * again. */
usec_t log_tick(usec_t now);
