/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work on the entries of a run, some hundred at a time. Private to restore.c and read_back.c. */
#pragma once

#include "move/stage.h"

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
