/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries are pinned and restored first if there is not time for all: those whose loss
 * breaks most. So that no source address can use up the time of others by opening many
 * connections, each has a share that comes first. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"
#include "base/connset.h"
#include "move/stage.h"

/* Of one socket so many come first. Linux keeps the translated entries of one
 * socket in one chain, which it walks with each that is created: 20 000 of them
 * cost some hundred microseconds each (nf_nat_core.c: find_appropriate_src()). */
#define WORTH_SOCKET_SHARE 4

/* Of one source address so many come first. */
#define WORTH_SOURCE_SHARE 1024

enum worth {
	WORTH_TCP,	/* assured TCP: reset when its translation changes */
	WORTH_ASSURED,	/* other assured ones */
	WORTH_ANSWERED, /* answered, and not assured yet */
	/* The same, beyond the share of their source. */
	WORTH_TCP_MORE,
	WORTH_ASSURED_MORE,
	WORTH_ANSWERED_MORE,
	WORTH_CROWDED,	  /* any of these, beyond the share of their socket */
	WORTH_UNANSWERED, /* nobody has ever answered */
	WORTH_UNANSWERED_MORE,
	WORTH_COUNT
};

/* Whether somebody has answered, by worth. */
static inline int worth_is_answered(enum worth w)
{
	return w < WORTH_UNANSWERED;
}

/* What has come so far of each source and socket. */
struct worth_shares;

/* For about N entries; SEED keeps hostile traffic from choosing whom it is counted
 * with (two sources may share a count by chance). NULL: out of memory. */
struct worth_shares *worth_shares_new(uint64_t seed, size_t n);
struct worth_shares *worth_shares_free(struct worth_shares *s);
void worth_shares_reset(struct worth_shares *s);

/* Worth of C without regard to others: TCP, ASSURED, ANSWERED or UNANSWERED. */
enum worth worth_of(const struct conn *c);

/* The next entry is C. *RET_TURN: its number among those of its source and kind. */
enum worth worth_take(struct worth_shares *s, const struct conn *c, uint32_t *ret_turn);

/* Sort INDICES of entries of SET: by worth; of equal worth one of each source in
 * turn; of one source the most active first. An entry comes after its master when
 * that is among INDICES, and no earlier than what is worth as much as the master.
 * RET_ENDS[W]: where those of worth W and better end. 0 or -ENOMEM. */
int worth_order(uint64_t seed, const struct connset *set, uint32_t *indices, size_t n,
		size_t ret_ends[WORTH_COUNT]);

/* Work on the entries of a run, some hundred at a time. Private to restore.c and restore.c. */
/* Entries per batch at most. A batch is also the grain in which the deadline is seen. */
#define CHUNK_MAX 256

struct chunk {
	struct run *run;
	bool only_looks; /* for which no packet needs to be held back */
	struct ct_op ops[2 * CHUNK_MAX];
	struct conn found[CHUNK_MAX];
	struct conn doomed[CHUNK_MAX]; /* what stands in the way, with its id */
};

/* Send the N operations OPS; each has its own result. 0 or a negative errno. */
int chunk_send(const struct run *run, struct ct_op *ops, size_t n);

typedef int (*chunk_work)(struct chunk *ch, const uint32_t *idx, size_t n);

/* Call WORK on chunks of the candidates in STATE, what is worth most first, until the
 * deadline. 0 or a negative errno. */
int chunk_each(struct run *run, enum entry_state state, chunk_work work);
