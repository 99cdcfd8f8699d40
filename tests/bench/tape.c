/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "kernel/nfsock.h"

#define ALIGNED(len) (((len) + 7) & ~(size_t)7)

/* ld --wrap leaves no argument that could carry them. */
static struct tape *tape_sent, *tape_received;

int __real_nfsock_send(struct nl_sock *sk, const void *data, size_t len);
int __wrap_nfsock_send(struct nl_sock *sk, const void *data, size_t len);
int __real_nfsock_recv(struct nl_sock *sk, void *buf, size_t size, int timeout_ms);
int __wrap_nfsock_recv(struct nl_sock *sk, void *buf, size_t size, int timeout_ms);

void tape_record(struct tape *sent, struct tape *received)
{
	tape_sent = sent;
	tape_received = received;
}

static int grow(void *array, size_t *cap, size_t need, size_t size)
{
	void **p = array;
	size_t to = MAX(need, *cap * 2);
	void *q;

	if (need <= *cap)
		return 0;
	q = realloc(*p, to * size);
	if (!q)
		return -ENOMEM;
	*p = q;
	*cap = to;
	return 0;
}

static void append(struct tape *t, const void *data, size_t len)
{
	int r = grow(&t->data, &t->cap, t->len + ALIGNED(len), 1);

	if (r == 0)
		r = grow(&t->ends, &t->cap_n, t->n + 1, sizeof(*t->ends));
	if (r < 0) {
		t->error = r;
		return;
	}
	memcpy(t->data + t->len, data, len);
	t->ends[t->n++] = t->len + len;
	t->len += ALIGNED(len);
}

const uint8_t *tape_get(const struct tape *t, size_t i, size_t *ret_len)
{
	size_t begin = i ? ALIGNED(t->ends[i - 1]) : 0;

	*ret_len = t->ends[i] - begin;
	return t->data + begin;
}

void tape_done(struct tape *t)
{
	free(t->data);
	free(t->ends);
	*t = (struct tape){ 0 };
}

int __wrap_nfsock_send(struct nl_sock *sk, const void *data, size_t len)
{
	if (tape_sent)
		append(tape_sent, data, len);
	return __real_nfsock_send(sk, data, len);
}

int __wrap_nfsock_recv(struct nl_sock *sk, void *buf, size_t size, int timeout_ms)
{
	int r = __real_nfsock_recv(sk, buf, size, timeout_ms);

	if (tape_received && r > 0)
		append(tape_received, buf, (size_t)r);
	return r;
}
