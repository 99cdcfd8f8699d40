/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address changes that clients and instances ask for: run one after the other under the
 * same locks as anybody's, waiting for them outside the loop's way. */
#pragma once

#include "daemon/control.h"
#include "daemon/publish.h"
#include "daemon/guards.h"
#include "move/run.h"

struct moves;

/* ENV's kernel serves devices without a guard. All have to outlive it. */
int moves_new(const struct run_env *env, const struct guards *guards, struct publisher *publisher,
	      struct moves **ret);

/* Clients that wait are left to the caller. */
struct moves *moves_free(struct moves *m);

/* Do what R asks, or queue it, and answer C. */
void moves_ask(struct moves *m, struct client *c, const struct wire_request *r);

/* C does not wait any more: what has not begun is dropped, so that it does not
 * happen after something newer. */
void moves_forget(struct moves *m, const struct client *c);

/* Who waits for a move that no client asked for. */
struct moves_job {
	/* It is done, now or later: R says how; NULL: there was no room for it. */
	void (*done)(void *ud, const struct report *r);
	void *ud;
	const struct announce_settings *announce; /* of its addresses */
};

/* Do REQUEST, or queue it. */
void moves_submit(struct moves *m, const struct request *request, const struct moves_job *job);

/* Drop the job of UD if it has not begun. */
void moves_withdraw(struct moves *m, const void *ud);

/* Do what is due. Returns when to call again. */
usec_t moves_tick(struct moves *m);

/* How many were done. */
uint64_t moves_count(const struct moves *m);

/* Who is told what they did. */
struct publisher *moves_publish(const struct moves *m);
