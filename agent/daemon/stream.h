/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data still to be sent to one reader: whole messages, in order, without
 * blocking, and limited in size. */
#pragma once

#include <stddef.h>

/* Bytes queued at most, besides what the socket holds. */
#define STREAM_QUEUE_MAX ((size_t)256 * 1024)

struct stream_piece;

/* Initially zero: an empty stream. */
struct stream {
	struct stream_piece *first, *last; /* owned */
	size_t queued;
};

/* Queue a copy of TEXT. -ENOBUFS: the queue is full; -ENOMEM. */
int stream_push(struct stream *s, const char *text);

/* Send to FD what it takes. Returns 0 when nothing is left, 1 when the rest has
 * to wait until FD is writable, or a negative errno. */
int stream_send(struct stream *s, int fd);

void stream_done(struct stream *s);
