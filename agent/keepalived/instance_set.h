/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses of the instances exist, and the requests that change them. */
#pragma once

#include "base/kernel.h"
#include "keepalived/instance_settings.h"

/* For one instance. */
struct instance_view {
	bool *there; /* for each of its addresses; owned */
	bool *tried; /* the same: part of a request of this round; owned */
	size_t n_there;
	size_t n_possible; /* addresses whose device exists */
	bool decoy_there;
};

/* The next request of the round: the addresses of one device that ACTION concerns and that were
 * not tried yet. False: there are no more. */
void instance_view_begin(struct instance_view *v, const struct instance_settings *s);

/* Whether A is an address or a decoy of any instance. */
bool instance_views_meant(const struct settings *s, const struct ifaddr *a);

/* Announce the addresses of S that are there, once. */
void instance_view_announce(const struct kernel *k, const struct instance_view *v,
			    const struct instance_settings *s);

/* All instances of a configuration, for the daemon and for a hook that runs without one: events
 * are received, the kernel's addresses are read, and then each instance says what is to be done.
 * The caller does it. */
/* Arrays are in the order of SETTINGS->instances. */
struct instance_set {
	const struct settings *settings; /* owned by the caller */
	size_t n;
	struct instance *states;     /* owned */
	struct instance_view *views; /* owned */
	bool dirty;		     /* the states differ from the file */
};

/* Start with nothing known and nothing there. Returns 0, or -ENOMEM with *S empty. */
int instance_set_init(struct instance_set *s, const struct settings *settings);
void instance_set_done(struct instance_set *s);

/* Handle EVENT. Returns whether it concerns any instance. */
bool instance_set_receive(struct instance_set *s, const struct instance_event *event, usec_t now);

/* Whether EVENT concerns the instance AT. */
bool instance_set_meant(const struct instance_set *s, size_t at,
			const struct instance_event *event);

/* Read the addresses from the kernel; a decoy that came or went changes the state. Returns 0 or a
 * negative errno. */
int instance_set_look(struct instance_set *s, const struct kernel *k, usec_t now);

/* What to do with the instance AT now; *RET_WHEN as for instance_next(). */
enum instance_action instance_set_next(struct instance_set *s, size_t at, usec_t now,
				       usec_t *ret_when);

/* What its state asks for, whenever it can be done. */
enum instance_action instance_set_wants(const struct instance_set *s, size_t at);

/* Begin a round of moves, then get its requests as with instance_view_request(). */
void instance_set_begin(struct instance_set *s, size_t at, usec_t now);
bool instance_set_request(struct instance_set *s, size_t at, enum instance_action action,
			  struct request *ret);

/* Remove its stale decoy if the addresses are ours. Returns 0: it is gone; -EPERM: it is not ours
 * to remove; or another negative errno. */
int instance_set_remove_decoy(struct instance_set *s, size_t at, const struct kernel *k);

/* What conntrackd is asked for, one run after the other: the words of run I, ended by NULL; NULL:
 * there are no more. -c writes the other node's connections to the kernel, before packets arrive
 * if possible; "-f external" forgets them then, or a later -c would write what they were to the
 * kernel again (docs/conntrackd.md 3); -R and -B make conntrackd start from the kernel's table, and
 * send it. Never -t: it empties the kernel's table later. */
#define INSTANCE_COMMIT 0
const char *const *instance_conntrackd(size_t i);

/* The run after run I, which has FAILED or not: what was not committed is not forgotten. */
size_t instance_conntrackd_next(size_t i, bool failed);
