/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `make bench` measures and how results are kept. Each measure_ function
 * runs what vipsafe does and what it is compared with in turns, several
 * rounds: only their ratio within a round means something on a machine that
 * does other things too. They return 0 or a negative errno. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/settings.h"
#include "move/run.h"

#include "clock.h"
#include "score.h"

struct bench {
	const char *self; /* the path of this program */
	struct run_env env;
	struct settings settings;
	struct request request; /* the delete whose stages are measured */
	struct scores *scores;
	struct stopwatch watch;
	size_t entries; /* in the table now */
	unsigned rounds;
	bool has_conntrack; /* the conntrack program is here */
};

/* The whole snapshot stage against a dump that only counts messages. */
int measure_snapshot(struct bench *b);

/* Resident memory that a snapshot takes, seen by the kernel, in a process of
 * its own: memory_child() is what that process does. */
int measure_memory(struct bench *b);
int memory_child(struct bench *b);

/* Start this program again with option WORD and the number of entries; *RET is
 * what it prints. */
int memory_child_start(struct bench *b, const char *word, pid_t *ret_pid, FILE **ret);

/* Resident kilobytes of this process now, and at most so far. */
int memory_resident(unsigned long *ret_now, unsigned long *ret_peak);

/* The collision check over tuples made up for it, of sizes of its own, each in
 * a process of its own: collide_child() is what that process does. */
int measure_collide(struct bench *b);
int collide_child(struct bench *b);

/* restore_missing() against a loop that sends the very datagrams it sent, and
 * against `conntrack --load-file`. */
int measure_restore(struct bench *b);

/* The pin stage against a loop that sends the very messages it sends. */
int measure_pin(struct bench *b);

/* How long an entry is away while it is pinned, seen by a prober. */
int measure_gap(struct bench *b);

/* `vipsafe del` as a program, under live traffic, beside what is done without
 * it (del.sh). */
int measure_del(struct bench *b);

/* `vipsafe del` and keepalived's scripts where there are few connections (small.sh). */
int measure_small(struct bench *b);

/* A delete, an event, an idle second and a resync of a guard that has pinned everything. */
int measure_guard(struct bench *b);

/* An address that vanishes, and the end of its time, while everything lingers. */
int measure_linger(struct bench *b);

/* Resident memory of the guard's shadow, made up for it, in a process of its
 * own, pinned and not: shadow_child() is what that process does. */
int measure_shadow(struct bench *b);
int shadow_child(struct bench *b, bool pinned);

/* ctcodec_decode() against libnetfilter_conntrack on one recorded dump. */
int measure_decode(struct bench *b);
