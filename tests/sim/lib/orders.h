/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small world for all orders of what can happen to it: a guard, its kernel, and three flows
 * through one address of the node. A is masqueraded; B has been altered by
 * somebody, and is not to be touched; C begins when its first packet leaves, from the source port
 * that A is translated to.
 *
 * After each act the world is judged by what must never happen:
 * - a packet of a flow that was protected meets no entry, so that an end is answered with a reset;
 * - one port is two flows', or an entry that vipsafe made is not what the flow had;
 * - B is created or deleted, or what somebody has deleted on purpose comes back;
 * - packets are held back for longer than the limit, or rules or files are left in the end. */
#pragma once

#include "scene.h"

#include "guard/guard.h"

enum orders_act {
	ORDERS_OUT_A, /* a packet of the client */
	ORDERS_IN_A,  /* a packet of the server */
	ORDERS_OUT_C,
	ORDERS_IN_C,
	ORDERS_FLUSH,	   /* somebody deletes the VIP, and the whole device is flushed */
	ORDERS_LATE_FLUSH, /* the same from a work queue; once more: now the queue gets to it */
	ORDERS_PIN,	/* `vipsafe del` of the VIP that pins, served by the guard if one lives */
	ORDERS_RESTORE, /* one that restores, by a process of its own */
	ORDERS_DELETE,	/* somebody deletes the entry of A on purpose */
	ORDERS_ADDRESS, /* the address that the flows are translated to goes, or comes back */
	ORDERS_LOSS,	/* of events about entries */
	ORDERS_KILL, /* of the guard; without one, of a delete that has just changed the address */
	ORDERS_TICK, /* a step of the guard, or time until the next thing is due; a new guard */
	ORDERS_COUNT
};

extern const char *const orders_words[ORDERS_COUNT];

#define ORDERS_FLOWS 2 /* A and C; B is another matter */
#define ORDERS_LINGER (5 * USEC_PER_SEC)
#define ORDERS_REST (7 * USEC_PER_SEC) /* after that nothing is under way … */
#define ORDERS_TICKS_MAX 200	       /* … and it takes no more steps than these */

struct orders_flow {
	struct conn conn;
	bool alive;	   /* its ends have not been reset */
	bool ended;	   /* somebody has deleted its entry: it is not to come back … */
	bool ended_told;   /* … if the guard has read of it … */
	bool ended_missed; /* … which it has not, and will not */
	bool unprotected;  /* for good: its port or its address went to others or for too long */
	bool may_break;	   /* a packet may meet no entry now */
	bool owed;	   /* there is no entry, and vipsafe has to bring it back */
	bool saved;	   /* the guard has done a step since */
};

struct orders {
	struct scene *s;
	void *state; /* of cmocka: the scene */
	enum pin_mode mode;
	struct guard *g;   /* NULL: it was killed */
	usec_t live_since; /* it knows the table; 0: not yet */
	bool flush_unseen; /* a late flush is under way whose delete it was not told of */
	usec_t due;	   /* when it wants to be called */
	struct orders_flow flows[ORDERS_FLOWS];
	struct conn altered;
	bool altered_gone;
	bool has_deleted, c_began;
	bool lost_unread;	/* the guard has not noticed that events were lost */
	usec_t flushed_at;	/* the latest delete of an address */
	usec_t away_since;	/* 0: the address is there */
	struct kernel_ops deaf; /* of such a run */
	bool beside;		/* a run of another process is under way: others are told of it */
	char wrong[160];	/* "": nothing */
	/* A wrong program instead of vipsafe: what it does instead of a create or delete it says in
	 * op->result, and returns true; and one that does not look who has deleted an entry. */
	bool (*bad_op)(struct orders *o, struct ct_op *op);
	bool is_blind;
};

/* The world before anything has happened. */
void orders_begin(struct orders *o, enum pin_mode mode, void (*sabotage)(struct orders *o));
void orders_end(struct orders *o);

/* Whether ACT would change anything. */
bool orders_is_possible(const struct orders *o, enum orders_act act);

/* Do it, and judge. False: o->wrong says what is. */
bool orders_do(struct orders *o, enum orders_act act);

/* Let everything come to rest, and judge that. The world is of no use afterwards. */
bool orders_settle(struct orders *o);

/* What can be seen of kernel, guard and judge, times in steps: worlds in which it is the same are
 * taken for the same. */
uint64_t orders_hash(const struct orders *o);

/* ---- between the files of this ---- */
/* What there is before something happens. */
struct orders_seen {
	bool there[ORDERS_FLOWS], pinned[ORDERS_FLOWS], guarded[ORDERS_FLOWS];
	bool was_living, was_live, was_idle; /* the guard: there, knowing what happens, at rest */
	bool was_cut; /* its repair, by a kill, while a late flush is under way */
	unsigned flushed;
};

void orders_wrong(struct orders *o, const char *what, const char *whose);
void orders_see(const struct orders *o, struct orders_seen *ret);
void orders_judge(struct orders *o, enum orders_act act, const struct orders_seen *seen);
void orders_judge_end(struct orders *o);
usec_t orders_pending_due(const struct orders *o); /* of a late flush; USEC_NEVER: none */
