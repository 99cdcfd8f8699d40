/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address on a device of its own: what the parts of the command share. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/report.h"
#include "cli/cli.h"
#include "cli/isolate_choice.h"
#include "kernel/link_own.h"

/* One call under way. */
struct isolation {
	struct cli *cli;
	struct isolate_request req;
	struct kernel_real *real; /* owned */
	struct kernel k;
	struct nlsock *route; /* owned */
	struct isolate_facts facts;
	struct isolate_choice choice;
	int from, device; /* numbers of the two devices; 0: there is none */
};

/* isolate_take.c: look at the node. 0, -ENODEV: there is no such device, or another negative
 * errno. The name of the device in i->req becomes its real one. */
int isolate_take(struct isolation *i);

/* isolate_take.c: whether address P is on the device IFINDEX; its attributes in *RET, which may be
 * NULL. 1, 0 or a negative errno. */
int isolate_is_on(const struct isolation *i, int ifindex, const struct prefix *p,
		  struct ifaddr *ret);

/* isolate_take.c: whether the new device has an address beside the one that it was made for, and
 * beside what the kernel itself gives to each: 1 and one of them in *RET, 0, or a negative errno.
 */
int isolate_other_address(const struct isolation *i, struct prefix *ret);

/* What came of it. */
struct isolate_outcome {
	struct report report;  /* result, exit code, error and warnings; of the move away */
	bool made;	       /* the device, by this call */
	bool deleted;	       /* the device */
	json_t *add, *del;     /* the two moves; owned, NULL: not made */
	struct move *moves[2]; /* owned; for isolate_after() */
};

/* ---- isolate_device.c ---- */

/* Open what it needs of the kernel. 0 or a negative errno. */
int isolation_open(struct isolation *i);
void isolation_done(struct isolation *i);

/* Take the lock of all calls until DEADLINE: a descriptor, -ETIMEDOUT, or another negative errno
 * (then there is no run directory, and calls are not kept apart). */
int isolate_lock(struct isolation *i, usec_t deadline);

/* "WHAT NAME: ERROR; nothing changed" becomes the outcome. */
void isolate_fail(struct isolate_outcome *o, int error, const char *what, const char *name);

/* Have the device, marked as one that is being moved to, set up and up. After an error, which is in
 * the outcome except for -EOPNOTSUPP of a macvlan, it is as it was. */
int isolate_have_device(struct isolation *i, struct isolate_outcome *o);

/* Write its settings, and its mark. */
int isolate_settle(const struct isolation *i);
int isolate_mark(const struct isolation *i, enum isolate_state state);

/* Not if it has other addresses, which is in the outcome. */
void isolate_delete(struct isolation *i, struct isolate_outcome *o);

/* A device has this name until it gets its own, before which it is marked. */
#define ISOLATE_UNNAMED "vipsafe-isolate"

/* Delete one that a killed call has left with that name: nothing has been on it yet. */
void isolate_remove_unnamed(const struct isolation *i);

/* Find the device that i->req means. Returns how many there are; the first is in i->req. */
int isolate_find(struct isolation *i);

/* ---- isolate_do.c ---- */

/* ERR gets messages that are not in the outcome. */
void isolate_do(struct isolation *i, FILE *err, struct isolate_outcome *ret);

/* Put the address back; i->req is as isolate_find() left it. */
void isolate_undo(struct isolation *i, FILE *err, struct isolate_outcome *ret);

/* What follows after the caller has its answer. */
void isolate_after(struct isolation *i, struct isolate_outcome *o);
void isolate_outcome_done(struct isolate_outcome *o);

/* isolate.c: what came of it, as text and JSON. */
void isolate_print(const struct isolation *i, const struct isolate_outcome *o, FILE *out,
		   FILE *err);
json_t *isolate_json_new(const struct isolation *i, const struct isolate_outcome *o);

/* What was done about one that a kill had left. */
typedef void (*isolate_sink)(void *ud, const struct isolation *i, const struct isolate_outcome *o);

/* Finish what killed calls left, or undo it where the address had not come to the new device.
 * Returns how many there were, or a negative errno. */
int isolate_recover(struct cli *cli, isolate_sink sink, void *ud, FILE *err);
