/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pin.c and pin_early.c have in common. Private to both. */
#pragma once

#include "base/shape.h"
#include "move/stage.h"

/* Pairs per batch at most: well within one send, so that the conntrack lock,
 * events and the hold get their turn. */
#define PIN_PAIRS 64

struct pinning {
	struct run *run;
	struct reach reach;
	usec_t deadline;
	uint64_t left;	    /* did not fit into the deadline */
	uint64_t offloaded; /* would not be deleted */
};

/* A helper that would be lost is worth more than the pin: the flush may not come, or not take that
 * entry. It is restored if it does. */
bool pin_is_meant(const struct pinning *p, size_t i);

/* The first of each shape among IDX is pinned alone and read back before others
 * of that shape are: if this kernel makes something else of it, one is lost and
 * not all. */
int pin_firsts(struct pinning *p, const uint32_t *idx, size_t n);

/* Pin those of the N (PIN_PAIRS at most) IDX that are still meant (events may have told otherwise)
 * and whose shape is trusted so far. */
int pin_chunk(struct pinning *p, const uint32_t *idx, size_t n, enum shape_trust trust);
