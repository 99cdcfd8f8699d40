/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries as people know them: in the notation of conntrack(8), rendered by the library that
 * conntrack(8) itself uses. Not for hot paths; touches no socket. */
#pragma once

#include "base/conn.h"

/* As the ct_line of struct kernel_ops. Should the library fail (no memory), BUF gets
 * conn_format(). */
const char *cttext_line(const struct conn_record *record, char buf[CONN_LINE_MAX]);
