/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard that remembers how connections end, and what it remembers. */
#pragma once

#include "guarding.h"

#include "guard/ends.h"

/* What is on file, the newest first. */
struct ending_told {
	struct end_told items[256];
	size_t n;
};

struct ending {
	struct scene *s;
	struct guard *g;
	struct ends *ends;
};

struct ending ending_begin(void **state, enum pin_mode mode);
void ending_spin(struct ending *w, usec_t duration);
void ending_end(struct ending *w);

/* The memory of MAX ends in the run directory. */
struct ends *ending_memory(const struct scene *s, size_t max);

/* For ends_list_step(): put E into UD, a struct ending_told. */
int ending_take(void *ud, const struct end_told *e);

/* What is on file of C, or of all if it is NULL. */
struct ending_told ending_told(const struct scene *s, const struct conn *c);

/* The one end of C, by CAUSE. */
struct end_told ending_only(const struct scene *s, const struct conn *c, enum end_cause cause);

uint64_t ending_counted(const struct ending *w, enum end_cause cause);

/* A flow that the guard knows, in STATE. */
struct conn ending_known(struct ending *w, uint16_t n, enum conn_tcp_state state);

/* It dies by the kernel's hand, with or without time left. */
void ending_kill(struct ending *w, const struct conn *c, bool expired);

/* The same after the latest event told of STATE. */
void ending_kill_in(struct ending *w, struct conn *c, enum conn_tcp_state state, bool expired);
