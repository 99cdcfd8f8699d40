/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address changes for clients and instances: run one after the other under the
 * same locks as all other processes, without blocking the loop while waiting
 * for them. */
#pragma once

#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/guards.h"
#include "move/run.h"

struct moves;

/* ENV's kernel serves devices without a guard. All arguments must outlive
 * it. */
int moves_new(const struct run_env *env, const struct guards *guards, struct publisher *publisher,
	      struct moves **ret);

/* Does not answer clients that still wait; the caller does. */
struct moves *moves_free(struct moves *m);

/* Do what R asks, now or when its turn comes, and answer C. */
void moves_ask(struct moves *m, struct client *c, const struct wire_request *r);

/* C no longer waits: drop its request if it has not begun, so that it is not
 * done after something newer. */
void moves_forget(struct moves *m, const struct client *c);

/* Receives the outcome of a move that no client asked for. */
struct moves_job {
	/* The move is done, now or later, with the report R; NULL: there was no
	 * room to queue it. */
	void (*done)(void *ud, const struct report *r);
	void *ud;
	const struct announce_settings *announce; /* for its addresses */
};

/* Do REQUEST, now or when its turn comes. */
void moves_submit(struct moves *m, const struct request *request, const struct moves_job *job);

/* Drop the job with UD if it has not begun. */
void moves_withdraw(struct moves *m, const void *ud);

/* guards_await() of the guards of M. */
void moves_await(const struct moves *m, const char *device, const struct addr *a);

/* A was given up on purpose without a move: nothing of it lingers. */
void moves_give_up(const struct moves *m, const struct addr *a);

/* Do what is due. Returns when to call again. */
usec_t moves_tick(struct moves *m);

/* How many moves were done. */
uint64_t moves_count(const struct moves *m);

/* The publisher of their reports. */
struct publisher *moves_publish(const struct moves *m);
