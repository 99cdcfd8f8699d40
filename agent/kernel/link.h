/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices as the kernel knows them. Reads only. */
#pragma once

#include <stdbool.h>

#include "base/kernel.h"
#include "kernel/nlsock.h"

#define LINK_OWN_MARK "vipsafe: " /* how the alias of a device of ours begins */

/* Find the device called NAME; alternative names too where the kernel has
 * them (Linux 5.5). -ENODEV when there is none, also for impossible names; -EOPNOTSUPP: it can only
 * be an alternative one, and the kernel has none. */
int link_get(struct nlsock *s, const char *name, struct link *ret);

/* Whether LINK has neighbours with six-byte MACs, and ARP. */
bool link_is_ethernet(const struct link *link);

/* Whether deleting a primary IPv4 address of LINK promotes a secondary:
 * 1, 0, or negative errno. Reads the sysctls of the calling task's network
 * namespace; the kernel takes "all" OR the device's own. */
int link_promotes_secondaries(const struct link *link);

/* Whether LINK forwards IPv6, and is thus a router to its neighbours. False
 * when that cannot be found out. */
bool link_is_router(const struct link *link);

/* Makes network devices. */
/* Make a device of KIND called NAME, with PEER at its other end if that is not
 * NULL and KIND has one (veth). -EEXIST; -EOPNOTSUPP: the kernel has no KIND. */
int link_make(struct nlsock *s, const char *kind, const char *name, const char *peer);

/* Set FLAGS (IFF_UP …) of a device; others stay. */
int link_set_flags(struct nlsock *s, int ifindex, unsigned flags);

/* A device called NAME that leads nowhere, and is up: made unless there is one of
 * that name. */
int link_make_lonely(struct nlsock *s, const char *name);

/* Of which devices rules are to be removed: what is passed as WANTED with its UD. */
/* The one whose index UD points to. */
static inline bool wanted_one(void *ud, int ifindex)
{
	return ifindex == *(const int *)ud;
}

/* All but those that are busy. UD: a struct wanted_busy. */
#define WANTED_FOUND_MAX 32
struct wanted_busy {
	const struct rule_cleaning *c;
	int found[WANTED_FOUND_MAX]; /* which they were, as far as there is room; once each */
	size_t n;
};

static inline bool wanted_idle(void *ud, int ifindex)
{
	struct wanted_busy *w = ud;
	size_t i;

	if (w->c->busy(w->c->ud, ifindex))
		return false;
	for (i = 0; i < w->n && w->found[i] != ifindex; i++)
		;
	if (i == w->n && i < WANTED_FOUND_MAX)
		w->found[w->n++] = ifindex;
	return true;
}

/* Name those that were found and, as R says, removed, and begin anew. Returns R. */
int wanted_tell(struct wanted_busy *w, int r, const char *name);
