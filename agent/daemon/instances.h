/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived's instances: receives states from hooks and FIFO, watches the
 * addresses, and has those moved that do not match. */
#pragma once

#include "daemon/loop.h"
#include "daemon/moves.h"
#include "show/status.h"
#include "move/run.h"

struct instances;

/* ENV's settings, the moves and the loop must outlive it. */
int instances_new(struct loop *l, const struct run_env *env, struct moves *moves,
		  struct instances **ret);
struct instances *instances_free(struct instances *s);

/* The settings have changed: instances of the same name keep their state. The
 * first call takes the states that the last daemon or hook stored. */
void instances_apply(struct instances *s);

/* A hook reported EVENT. ACTED: it has already acted on it, as no daemon
 * answered. */
void instances_receive(struct instances *s, const struct instance_event *event, bool acted);

/* A hook reported something that cannot be understood. */
void instances_reject(struct instances *s, const char *why);

/* Do what is due. Returns when to call again. */
usec_t instances_tick(struct instances *s);

/* Delete the addresses that are ours, for on_stop = release. */
void instances_release(struct instances *s);

/* Their states in the order of the settings, valid as long as S. */
const struct instance *const *instances_states(const struct instances *s);

/* Their status, freed by the caller; NULL: out of memory. */
struct status_instance *instances_status(const struct instances *s, size_t *ret_n);
struct status_notify instances_notify_status(const struct instances *s);
