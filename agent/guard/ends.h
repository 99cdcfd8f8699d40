/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ends of the connections of all guarded devices: the latest ones, in a file of the run
 * directory that outlives a restart and a kill. Whoever reads it trusts nothing in it. */
#pragma once

#include <stddef.h>

#include "base/end.h"
#include "base/pattern.h"

#define ENDS_MAX (1U << 24)

struct ends;

/* Keep MAX ends (0: none) in RUN_DIR, taking up those that are there of the boot BOOT_ID. 0 or
 * -ENOMEM. If the file cannot be written, that is tried again, and told by ends_unsaved(). */
int ends_new(const char *run_dir, const char *boot_id, uint64_t seed, size_t max, usec_t now,
	     struct ends **ret);
struct ends *ends_free(struct ends *s);

/* Another MAX, or another directory. What does not fit is forgotten, the oldest first. */
void ends_set(struct ends *s, const char *run_dir, size_t max, usec_t now);

/* Remember D, so that ends can refer to it: its number, or 0. */
uint16_t ends_deed(struct ends *s, const struct deed *d);

/* Change what is remembered as NUMBER; it must not be 0. */
void ends_change_deed(struct ends *s, uint16_t number, const struct deed *d);

/* Number of the device, for struct end; 0: there are too many. */
uint8_t ends_device(struct ends *s, const char *name);

/* Add E. It is on file after the ends_write() that follows, or a moment later: then ends_due() says
 * when to call it again. */
void ends_add(struct ends *s, const struct end *e);
void ends_write(struct ends *s, usec_t now);
usec_t ends_due(const struct ends *s);

/* All that waits is on file after that, if it can be written: somebody wants to read it. */
void ends_write_all(struct ends *s, usec_t now);

/* The latest end of KEY, except those by itself (FIN, reset, the timeout of a datagram). False:
 * none is remembered, or it is too old. Cheap if there is none. */
bool ends_find(struct ends *s, const struct conn_key *key, struct end *ret);

/* Make the next ends_find() quick: now and then, when there is time. */
void ends_catch_up(struct ends *s);

/* The latest end of all, if it is not written yet; or NULL. */
const struct end *ends_latest(const struct ends *s);

/* Set FLAGS of the latest end of KEY, which there is. */
void ends_mark(struct ends *s, const struct conn_key *key, uint8_t flags);

/* One more end by CAUSE, of whatever device; and how many there were of each since the start. They
 * are counted apart from being kept: what is put back is no end. */
void ends_count(struct ends *s, enum end_cause cause, uint64_t n);
uint64_t ends_counted(const struct ends *s, enum end_cause cause);

/* Why the latest could not be written, negative errno; or 0. */
int ends_unsaved(const struct ends *s);

/* Which of them are asked for. Initially zero: all. */
struct ends_query {
	struct pattern pattern;
	usec_t since, until; /* monotonic, both included; UNTIL 0: no limit */
};

/* Reading the file, the newest first; beside whoever writes it. */
struct ends_list;

/* -ENOENT: there is none of this boot. Other negative errnos. */
int ends_list_new(const char *run_dir, const char *boot_id, const struct ends_query *q,
		  struct ends_list **ret);
struct ends_list *ends_list_free(struct ends_list *l);

/* Hand over those of the next ENDS_LIST_STEP that are asked for. Returns 1: there may be more; 0:
 * that was all; or the error of SINK or of reading. */
#define ENDS_LIST_STEP 64
int ends_list_step(struct ends_list *l, int (*sink)(void *ud, const struct end_told *e), void *ud);

/* When the oldest that is remembered was; 0: there is none. *RET_MAX: how many there can be. */
usec_t ends_list_oldest(const struct ends_list *l, size_t *ret_max);

/* Since when ends have been remembered, and how many there were. */
usec_t ends_list_since(const struct ends_list *l, uint64_t *ret_n);

/* Since when every end is remembered: the oldest one, once others had to go for it. *RET_MAX: how
 * many there can be. */
usec_t ends_list_whole(const struct ends_list *l, size_t *ret_max);
