/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is still to be sent to somebody who listens: whole messages, in order,
 * never waited for and bounded. */
#pragma once

#include <stddef.h>

/* What may wait for a reader besides what the socket holds. */
#define STREAM_QUEUE_MAX ((size_t)256 * 1024)

struct stream_piece;

/* All zero is an empty one. */
struct stream {
	struct stream_piece *first, *last; /* owned */
	size_t queued;
};

/* Add a copy of TEXT. -ENOBUFS: too much waits already, -ENOMEM. */
int stream_push(struct stream *s, const char *text);

/* Send to FD what it takes. Returns 0 when nothing is left, 1 when the rest has
 * to wait until FD is writable, or a negative errno. */
int stream_send(struct stream *s, int fd);

void stream_done(struct stream *s);
