/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests/bench/del.sh needs beside flows: many entries that the kernel
 * itself masquerades, so that it also flushes them, and an eye on some. */
#pragma once

#include <stddef.h>

/* Send one TCP segment, from the middle of a connection, for each of N
 * connections through the masquerade rule in force. Returns 0 or a negative
 * errno. */
int traffic_fill(size_t n);

/* Look at some of these N entries again and again until a line or the end
 * comes on stdin, then print how long they were away:
 *   watch looked=L gone=G back=B median_us=M longest_us=X */
int traffic_watch(size_t n);
