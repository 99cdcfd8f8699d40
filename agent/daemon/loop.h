/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one loop of vipsafed: descriptors, signals and one deadline, on epoll,
 * signalfd and timerfd (systemd 219 has no public sd-event). It knows nothing
 * of what it waits for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>

struct loop;

/* EVENTS: of epoll (EPOLLIN …). */
typedef void (*loop_ready)(void *ud, uint32_t events);

int loop_new(struct loop **ret);
struct loop *loop_free(struct loop *l);
DEFINE_CLEANUP(struct loop, loop_free)

/* Call FN when one of EVENTS is there on FD; URGENT ones come before others
 * that are ready at the same time. Again for the same FD and UD: as it is now,
 * also when FD has been closed and opened again meanwhile. Remove it before
 * somebody else's descriptor can have that number. */
int loop_add(struct loop *l, int fd, uint32_t events, bool urgent, loop_ready fn, void *ud);

/* Forget FD if it was added with UD; it may be closed already. */
void loop_remove(struct loop *l, int fd, const void *ud);

/* Block SIG and call FN for it instead. */
int loop_signal(struct loop *l, int sig, void (*fn)(void *ud, int sig), void *ud);

/* Called after each round of events and when its deadline is over; returns the
 * next one (CLOCK_MONOTONIC, or USEC_NEVER). */
void loop_on_round(struct loop *l, usec_t (*fn)(void *ud), void *ud);

/* Until loop_stop(). Returns 0 or a negative errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);
