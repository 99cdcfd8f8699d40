/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the latest end of a connection by a hash of its tuple. It may forget one that is older than
 * most: each access is to one line of memory, and nothing is ever removed. The caller compares what
 * is found. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENDS_INDEX_WAYS 8

struct ends_index_item {
	uint32_t hash; /* 0: free */
	uint32_t number;
};

/* Initially zero: nothing is found. */
struct ends_index {
	void *memory;		       /* owned */
	struct ends_index_item *items; /* in it, at the beginning of a line */
	size_t mask;		       /* of buckets of ENDS_INDEX_WAYS */
};

/* For N ends. 0 or -ENOMEM. */
int ends_index_init(struct ends_index *x, size_t n);
void ends_index_done(struct ends_index *x);

/* HASH will be put soon. */
void ends_index_prepare(const struct ends_index *x, uint32_t hash);

/* End NUMBER is the latest with HASH. */
void ends_index_put(struct ends_index *x, uint32_t hash, uint32_t number);

/* Its number as *RET_NUMBER. */
bool ends_index_find(const struct ends_index *x, uint32_t hash, uint32_t *ret_number);
