/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judgements of a repair: is this the entry we knew, may it be replaced, and
 * in which order do entries come back. */
#pragma once

#include "base/conn.h"
#include "base/connset.h"

/* What a listed or fetched entry is to the one we remember. */
enum conflict {
	CONFLICT_SAME,	     /* the same tuples and translation */
	CONFLICT_WRONG,	     /* the old connection, mapped anew: replace it */
	CONFLICT_BOGUS,	     /* the peer's packet, taken for a connection to us: replace it */
	CONFLICT_SUPERSEDED, /* a newer connection of the same client: leave it */
	CONFLICT_FOREIGN,    /* somebody else's: leave it, ours is lost */
	CONFLICT_ALTERED,    /* somebody else has altered it, or to another server: likewise */
};

/* NOW is an entry that stands in the way of OLD: one of its tuples equals one
 * of OLD's. ABSENT: what OLD is translated to lingers, and is on no device. */
enum conflict repair_judge(const struct conn *old, const struct conn *now, bool absent);

/* Whether NOW, created from OLD, is what was asked for: both tuples and the
 * status bits of the translation. A wrongly restored entry has the same tuples
 * and lacks the bits: its packets leave untranslated (docs/kernel.md 4). NOW may have
 * DST_NAT_DONE where OLD has not: nf_tables before 4.18 leaves a direction out
 * for which there is no chain, ctnetlink does not (Linux 3.16). */
bool repair_matches(const struct conn *old, const struct conn *now);

/* Whether C, which is missing ELAPSED seconds after it was read, can have ended
 * by itself. If not, something has taken it away: a flush. */
bool repair_may_have_ended(const struct conn *c, uint32_t elapsed);

/* The keys under which the kernel finds whatever stands in C's place: ATTEMPT
 * 0 its own, then its reply tuple. False when there is no such attempt. */
bool repair_lookup_key(const struct conn *c, unsigned attempt, struct conn_key *ret);

/* Sort INDICES by how lately each entry saw a packet, the latest first, judged
 * by its timeout beside the longest one of its kind: the more active a flow,
 * the more it loses by waiting. Returns 0 or -ENOMEM. */
int repair_order_active(const struct connset *set, uint32_t *indices, size_t n);

/* Reorder INDICES so that each entry comes after its master when that is among
 * SET; otherwise the order stays. Returns 0 or -ENOMEM. */
int repair_order(const struct connset *set, uint32_t *indices, size_t n);
