/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

struct stream_piece {
	struct stream_piece *next;
	size_t size;
	char text[];
};

int stream_push(struct stream *s, const char *text)
{
	size_t size = strlen(text);
	struct stream_piece *p;

	if (s->queued + size > STREAM_QUEUE_MAX)
		return -ENOBUFS;
	p = malloc(sizeof(*p) + size);
	if (!p)
		return -ENOMEM;
	p->next = NULL;
	p->size = size;
	memcpy(p->text, text, size);
	if (s->last)
		s->last->next = p;
	else
		s->first = p;
	s->last = p;
	s->queued += size;
	return 0;
}

static void pop(struct stream *s)
{
	struct stream_piece *p = s->first;

	s->first = p->next;
	if (!s->first)
		s->last = NULL;
	s->queued -= p->size;
	free(p);
}

int stream_send(struct stream *s, int fd)
{
	while (s->first) {
		ssize_t n = send(fd, s->first->text, s->first->size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
			return 1;
		if (n < 0)
			return -errno;
		pop(s);
	}
	return 0;
}

void stream_done(struct stream *s)
{
	while (s->first)
		pop(s);
}
