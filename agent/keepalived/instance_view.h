/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is there of the instances' addresses, and the requests that change it. */
#pragma once

#include "base/kernel.h"

#include "keepalived/instance_settings.h"

/* Of one instance. */
struct instance_view {
	bool *there; /* for each of its addresses; owned */
	bool *tried; /* the same: part of a request of this round */
	size_t n_there;
	size_t n_possible; /* whose device exists */
	bool decoy_there;
};

/* One for each of S->instances, nothing there. NULL: out of memory. */
struct instance_view *instance_views_new(const struct settings *s);
void instance_views_free(struct instance_view *list, size_t n);

/* Look at the kernel. On failure LIST stays as it was. */
int instance_views_look(const struct kernel *k, const struct settings *s,
			struct instance_view *list);

enum instance_presence instance_view_presence(const struct instance_view *v,
					      const struct instance_settings *s);

/* The next request of the round: those addresses of one device that ACTION is
 * about and that were not tried yet. False: there are no more. */
bool instance_view_request(struct instance_view *v, const struct instance_settings *s,
			   const struct settings *all, enum instance_action action,
			   struct request *ret);
void instance_view_begin(struct instance_view *v, const struct instance_settings *s);

/* Whether A is an address or a decoy of any instance. */
bool instance_views_meant(const struct settings *s, const struct ifaddr *a);

/* Announce those addresses of S that are there, once. */
void instance_view_announce(const struct kernel *k, const struct instance_view *v,
			    const struct instance_settings *s);
