/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived's instances: hears what it says over hooks and FIFO, sees what
 * becomes of the addresses, and has moved what does not agree. */
#pragma once

#include "daemon/loop.h"
#include "daemon/moves.h"
#include "show/status.h"
#include "move/run.h"

struct instances;

/* ENV's settings, the moves and the loop have to outlive it. */
int instances_new(struct loop *l, const struct run_env *env, struct moves *moves,
		  struct instances **ret);
struct instances *instances_free(struct instances *s);

/* The settings have changed: instances of the same name go on from where they
 * are. The first time, from where the last daemon or script was. */
void instances_apply(struct instances *s);

/* A script said so. ACTED: it has done something about it itself, as nobody
 * was there. */
void instances_receive(struct instances *s, const struct instance_event *event, bool acted);

/* A script said what cannot be understood. */
void instances_reject(struct instances *s, const char *why);

/* Do what is due. Returns when to call again. */
usec_t instances_tick(struct instances *s);

/* Delete what is ours to delete, as on_stop = release wants it. */
void instances_release(struct instances *s);

/* Where their states are, in the order of the settings, as long as S is there. */
const struct instance *const *instances_states(const struct instances *s);

/* How they are, to be freed; NULL: out of memory. */
struct status_instance *instances_status(const struct instances *s, size_t *ret_n);
struct status_notify instances_notify_status(const struct instances *s);
