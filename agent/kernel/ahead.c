/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "base/thread.h"
#include "kernel/attr.h"
#include "kernel/nlsock.h"

/* Datagrams that wait for their reader: some thousand entries. */
#define SLOTS 16

struct ahead {
	struct nlsock *s; /* not owned */
	pthread_t thread;
	bool held; /* the caller works on the oldest one */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	size_t read, taken; /* datagrams since the begin */
	bool stop, ended;
	int error;
	int len[SLOTS];
	uint8_t data[SLOTS][NLSOCK_READ_SIZE] __attribute__((aligned(8)));
};

static bool is_last(const void *data, int left)
{
	const struct nlmsghdr *nlh;

	for (nlh = data; message_is_whole(nlh, left); nlh = NLMSG_NEXT(nlh, left))
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			return true;
	return false;
}

/* Wait for a free slot. False: nobody wants more. */
static bool await_room(struct ahead *a)
{
	bool go_on;

	pthread_mutex_lock(&a->lock);
	while (!a->stop && a->read - a->taken == SLOTS)
		pthread_cond_wait(&a->changed, &a->lock);
	go_on = !a->stop;
	pthread_mutex_unlock(&a->lock);
	return go_on;
}

static void *read_on(void *ud)
{
	struct ahead *a = ud;
	bool last = false;

	while (!last && await_room(a)) {
		size_t slot = a->read % SLOTS; /* only this thread changes it */
		const void *data;
		int n = nlsock_receive(a->s, os_now() + NLSOCK_PATIENCE, &data);

		last = n < 0 || is_last(data, n);
		if (n > 0)
			memcpy(a->data[slot], data, (size_t)n);
		pthread_mutex_lock(&a->lock);
		if (n < 0) {
			a->error = n;
		} else {
			a->len[slot] = n;
			a->read++;
		}
		a->ended = last;
		pthread_cond_signal(&a->changed);
		pthread_mutex_unlock(&a->lock);
	}
	return NULL;
}

/* As far as one can see: with more than the set has room for there are several. */
static bool is_alone(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
}

int ahead_new(struct nlsock *s, struct ahead **ret)
{
	struct ahead *a;
	int r;

	if (is_alone())
		return -EOPNOTSUPP;
	a = malloc(sizeof(*a)); /* what is never read into costs no memory */
	if (!a)
		return -ENOMEM;
	memset(a, 0, offsetof(struct ahead, data));
	a->s = s;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	r = thread_start(read_on, a, &a->thread);
	if (r < 0) {
		free(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct ahead *ahead_free(struct ahead *a)
{
	if (!a)
		return NULL;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return NULL;
}

int ahead_next(struct ahead *a, const void **ret)
{
	size_t slot;
	int r;

	pthread_mutex_lock(&a->lock);
	a->taken += a->held;
	if (a->held)
		pthread_cond_signal(&a->changed);
	while (a->read == a->taken && !a->ended)
		pthread_cond_wait(&a->changed, &a->lock);
	slot = a->taken % SLOTS;
	a->held = a->read != a->taken;
	r = a->held ? a->len[slot] : a->error ? a->error : -EPROTO;
	pthread_mutex_unlock(&a->lock);
	*ret = a->data[slot];
	return r;
}

bool ahead_waits(struct ahead *a)
{
	bool r;

	pthread_mutex_lock(&a->lock);
	r = a->read == a->taken + a->held && !a->ended;
	pthread_mutex_unlock(&a->lock);
	return r;
}
