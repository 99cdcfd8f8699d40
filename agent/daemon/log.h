/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's own lines in the journal, or in syslog and on stderr where no
 * journal listens. What a run did is told by show/oplog. No line waits for
 * whoever should read it (show/logger.h). */
#pragma once

#include "show/logger.h"

/* PRIORITY: of syslog.h. One line; what is not printable is escaped. */
void log_line(int priority, const char *fmt, ...) _printf_(2, 3);

/* Where the lines go, for others who have something to say there. */
struct logger *log_logger(void);

/* Tell how many lines were dropped, once there is room. Returns when to call
 * again. */
usec_t log_tick(usec_t now);
