/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All instances of a configuration, as the daemon and a hook without one drive
 * them: what was said is received, what is there is looked at, and then each
 * says what is to be done. Who does it, and when, is up to the caller. */
#pragma once

#include "keepalived/instance_view.h"

/* Arrays are in the order of SETTINGS->instances. */
struct instance_set {
	const struct settings *settings; /* the caller's */
	size_t n;
	struct instance *states;     /* owned */
	struct instance_view *views; /* owned */
	bool dirty;		     /* the states differ from the file */
};

/* Nothing is known, and nothing there. 0 or -ENOMEM, with *S empty. */
int instance_set_init(struct instance_set *s, const struct settings *settings);
void instance_set_done(struct instance_set *s);

/* Take note of EVENT. Returns whether any instance is meant by it. */
bool instance_set_receive(struct instance_set *s, const struct instance_event *event, usec_t now);

/* Whether the instance AT is meant by EVENT. */
bool instance_set_meant(const struct instance_set *s, size_t at,
			const struct instance_event *event);

/* Look at what is there; decoys count as words. 0 or negative errno. */
int instance_set_look(struct instance_set *s, const struct kernel *k, usec_t now);

/* What is to be done with the instance AT now; *RET_WHEN as of instance_next(). */
enum instance_action instance_set_next(struct instance_set *s, size_t at, usec_t now,
				       usec_t *ret_when);

/* What its state wants, whenever it can be done. */
enum instance_action instance_set_wants(const struct instance_set *s, size_t at);

/* A round of moves begins; then its requests, as of instance_view_request(). */
void instance_set_begin(struct instance_set *s, size_t at, usec_t now);
bool instance_set_request(struct instance_set *s, size_t at, enum instance_action action,
			  struct request *ret);

/* Its decoy is stale: take it away if the addresses are ours. 0: it is gone; -EPERM:
 * it is not ours to take; other negative errno. */
int instance_set_remove_decoy(struct instance_set *s, size_t at, const struct kernel *k);

/* What conntrackd is run with before the addresses of an instance are added, and
 * after that. -c writes what the other node knew to the kernel, which has to be
 * over when packets come; -R and -B make it start from what is in the kernel, and
 * tell. Never -t: that empties the kernel's table later. Ended by NULL. */
extern const char *const instance_conntrackd_before[];
extern const char *const instance_conntrackd_after[];
