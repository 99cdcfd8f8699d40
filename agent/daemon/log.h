/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's own lines in the journal, or in syslog and on stderr where no
 * journal listens. What a run did is told by front/oplog. */
#pragma once

#include <vipsafe/base.h>

/* PRIORITY: of syslog.h. One line; what is not printable is escaped. */
void log_line(int priority, const char *fmt, ...) _printf_(2, 3);
