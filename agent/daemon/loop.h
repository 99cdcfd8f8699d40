/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one loop of vipsafed: descriptors, signals and one deadline, on epoll,
 * signalfd and timerfd (systemd 219 has no public sd-event). It knows nothing
 * about what it waits for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

struct loop;

/* EVENTS: of epoll (EPOLLIN …). */
typedef void (*loop_ready)(void *ud, uint32_t events);

int loop_new(struct loop **ret);
struct loop *loop_free(struct loop *l);
DEFINE_CLEANUP(struct loop, loop_free)

/* Call FN when one of EVENTS is there on FD; URGENT ones come before others
 * that are ready at the same time. A second call for the same FD and UD
 * replaces the first, also if FD was closed and opened again in between. Call
 * loop_remove() before another user can get the number FD. */
int loop_add(struct loop *l, int fd, uint32_t events, bool urgent, loop_ready fn, void *ud);

/* Forget FD if it was added with UD; it may be closed already. */
void loop_remove(struct loop *l, int fd, const void *ud);

/* Block SIG and call FN for it instead. */
int loop_signal(struct loop *l, int sig, void (*fn)(void *ud, int sig), void *ud);

/* Something to be done at a time, not before. FN may set it again, and may remove it. */
struct loop_timer {
	usec_t due; /* CLOCK_MONOTONIC; USEC_NEVER: not set. The owner may change it at any time. */
	void (*fn)(void *ud);
	void *ud;
	struct loop_timer *next; /* of the loop */
};

/* Call T->fn from now on whenever T->due has come, which is USEC_NEVER by then. T belongs to
 * the caller, who removes it before it goes. */
void loop_add_timer(struct loop *l, struct loop_timer *t);

/* Nothing happens if it was not added. */
void loop_remove_timer(struct loop *l, const struct loop_timer *t);

/* FN is called after each round of events and at its deadline; it returns the
 * next deadline (CLOCK_MONOTONIC, or USEC_NEVER). */
void loop_on_round(struct loop *l, usec_t (*fn)(void *ud), void *ud);

/* Run until loop_stop(). Returns 0 or a negative errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* An external program, run beside the loop and killed after a timeout. */

struct child;

/* Run ARGV (argv[0] is the file) for TIMEOUT at most. FN is called once when it
 * has ended, never from within child_new(): R is 0, -EIO when it failed, or
 * -ETIMEDOUT. FN may free the child. */
int child_new(struct loop *l, char *const argv[], usec_t timeout, void (*fn)(void *ud, int r),
	      void *ud, struct child **ret);

/* Kill the child if it still runs; FN is not called then. */
struct child *child_free(struct child *c);

/* Do what is due. Returns when to call again. */
usec_t child_tick(struct child *c);

/* Data still to be sent to one reader: whole messages, in order, without
 * blocking, and limited in size. */
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
