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

/* One element for each of S->instances, with nothing there. NULL: out of memory. */
struct instance_view *instance_views_new(const struct settings *s);
void instance_views_free(struct instance_view *list, size_t n);

/* Read the addresses from the kernel. On failure LIST stays as it was. */
int instance_views_look(const struct kernel *k, const struct settings *s,
			struct instance_view *list);

enum instance_presence instance_view_presence(const struct instance_view *v,
					      const struct instance_settings *s);

/* The next request of the round: the addresses of one device that ACTION concerns and that were
 * not tried yet. False: there are no more. */
bool instance_view_request(struct instance_view *v, const struct instance_settings *s,
			   const struct settings *all, enum instance_action action,
			   struct request *ret);
void instance_view_begin(struct instance_view *v, const struct instance_settings *s);

/* Whether A is an address or a decoy of any instance. */
bool instance_views_meant(const struct settings *s, const struct ifaddr *a);

/* Announce the addresses of S that are there, once. */
void instance_view_announce(const struct kernel *k, const struct instance_view *v,
			    const struct instance_settings *s);
