/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a guard, each in a file of its own: what is known, addresses,
 * pins, repairs, and what a run asks of it. Private to the guard. */
#pragma once

#include "base/addr.h"
#include "base/connset.h"
#include "base/pinned.h"
#include "move/pace.h"
#include "move/worth.h"
#include "base/unpinned.h"
#include "guard/away.h"
#include "guard/ending.h"
#include "guard/guard.h"
#include "move/probe.h"
#include "move/marks.h"
#include "move/stage.h"

/* Entries worked on in one step, some milliseconds: at most, and at first. */
#define GUARD_STEP 512
#define GUARD_STEP_FIRST 64

#define GUARD_PASSES 11 /* of an order (pins.c) */

/* Entries looked at in one step, most of which need no work. */
#define GUARD_SCAN 65536

/* When to try again after another run had the lock. */
#define GUARD_LOCK_EVERY (10 * USEC_PER_MSEC)

/* When to try again after a device was absent or the table could not be read. */
#define GUARD_RETRY_EVERY USEC_PER_SEC

/* A flush that runs from a work queue comes this late at most, and is this
 * quiet when it is over (move/verify.c). */
#define GUARD_SETTLE_MAX (400 * USEC_PER_MSEC)
#define GUARD_SETTLE_QUIET (150 * USEC_PER_MSEC)

/* After lost events the table is read again, at most once in this time. */
#define GUARD_RELIST_EVERY (250 * USEC_PER_MSEC)

/* Repairs that begin within this time count as one. */
#define GUARD_ONE_REPAIR USEC_PER_SEC

#define GUARD_FIGHTERS_MAX 64

/* A way through what is known and not pinned, what is worth most first. All zero:
 * none is open. */
struct guard_order {
	bool open;
	unsigned pass;
	size_t at;		     /* of the pass: entries below it are still to be looked at */
	unsigned met[2];	     /* kinds of worth, without a master and with one */
	struct worth_shares *shares; /* owned */
	size_t max;
	struct pace pace;	    /* of the work on what it finds; the caller notes it */
	size_t paces[GUARD_PASSES]; /* what it was at the end of each; 0: never begun */
};

/* After somebody has deleted an address: everything that is not pinned is looked
 * at, again and again, until no flush can be under way any more. */
struct guard_repair {
	bool active;
	bool foreign;	   /* not left over by a run of ours */
	bool partial;	   /* what was not seen in this round may have ended long since */
	usec_t began;	   /* the delete */
	usec_t last_death; /* the latest entry that the kernel took since; 0: none */
	usec_t swept;	   /* the latest sweep through everything began; 0: none yet */
	/* The sweep under way, through what was flushed or through everything. */
	bool sweeping;
	struct guard_order order;
	unsigned restored, in_vain;
	/* What may have been flushed, on disk: one more than its descriptor, 0: none
	 * yet. Entries below SAVE_AT are still to be written. */
	int journal;
	uint64_t n_saved;
	size_t save_at;
	bool cannot_save;
};

/* An address of the device that somebody has taken away. */
struct guard_fighter {
	struct prefix prefix;
	usec_t went;	    /* the last time */
	usec_t since;	    /* TIMES are counted from then */
	usec_t counted;	    /* the last of them */
	usec_t pause_until; /* its deletes begin no repair until then */
	unsigned times;
	bool came;    /* again, since it went */
	bool accused; /* it went again: counted if that breaks something */
};

/* The flush of the latest delete, which may still come. */
struct guard_late {
	usec_t until;
	bool is_lost; /* it is not to be repaired */
	bool foreign; /* not of a run of ours */
};

/* What is on disk for the next guard: keep.c. */
struct guard_keep {
	bool loaded;	     /* what was there of guards before us */
	struct addrset set;  /* addresses that entries may be pinned to */
	bool set_changed;    /* and the file does not tell */
	struct addrset went; /* out of it, and the file does not tell */
	struct marks file;   /* of what is pinned */
	/* What replaces it, and does not hold those below the two numbers yet. */
	struct marks next;
	size_t at_pinned, at_unpinned;
	bool stale;		      /* it is to be replaced */
	struct markset left;	      /* marks of guards before us … */
	uint8_t *still;		      /* … 1: the entry is there, and not pinned by us */
	uint64_t pending[GUARD_STEP]; /* not written yet */
	size_t n_pending;
	struct connset *made; /* owned: what was put back for a guard that was killed; or NULL */
	bool counting;	      /* the first listing is under way */
	usec_t retry;	      /* not to be written before */
};

/* Addresses that somebody else adds: arrive.c. */
struct guard_arrive {
	struct addrset went;	  /* and were not seen to come back; or are there untold */
	struct addrset came;	  /* were told of since addresses were read */
	struct addrset tentative; /* not in use yet */
	struct addrset due;	  /* entries to them are to be looked at … */
	usec_t not_before;	  /* … not earlier */
	unsigned tries;
};

#define GUARD_WENT_MAX 64

/* The table is being read again, in steps: resync.c. */
struct guard_resync {
	unsigned drains; /* batches of events read before it begins */
	bool listing;
	bool torn; /* events were lost meanwhile: it is to be read once more */
	usec_t began;
	struct conn_key *ended; /* owned; whose end was told of since the latest step */
	size_t n_ended;
};

/* The number of entries there should be, of all devices: count.c. */
struct guard_count {
	bool unread; /* there are events that were not read */
	bool is_known;
	int64_t expected;
	uint64_t own;		 /* changes of our own by then */
	uint64_t known_before;	 /* entries, as the table was read */
	usec_t off_since;	 /* the kernel's number is another since then; 0: it is not */
	bool is_over;		 /* it is larger */
	usec_t patience;	 /* for how long it may be */
	bool suspects;		 /* the table is read for it */
	struct conn_key deleted; /* the latest death, if a program caused it … */
	uint32_t deleted_by;	 /* … this one, by netlink port; 0: the kernel did */
};

/* A connection that was lost, and of its payload what people are told of; a longer one is left
 * out. */
struct guard_named {
	struct conn conn;
	size_t payload_len;
	uint8_t payload[256] __attribute__((aligned(8)));
};

struct guard {
	struct run_env env;
	struct device_settings device;
	struct link link;
	struct guard_status status;
	struct addr_table addresses; /* of the node … */
	struct addrset own, local;   /* … of the device, and of all devices */
	struct addrset awaited;	     /* guard_await() */
	bool down;		     /* the link, as far as was told */
	bool readdress;		     /* they are out of date */
	struct pinned_set *pinned;
	struct unpinned *unpinned;
	struct probe_result probe_result;
	int slot;	 /* a descriptor; -1: none */
	usec_t next;	 /* something is due then */
	usec_t batch_at; /* when the current batch of events was read */
	bool full;	 /* some entries are not known */
	char why_degraded[REPORT_TEXT_MAX], why_hold[REPORT_TEXT_MAX];
	bool no_room;				   /* in the conntrack table, to pin */
	char why_refused[REPORT_TEXT_MAX];	   /* a shape is not pinned */
	struct guard_named named[GUARD_NAMED_MAX]; /* that were lost … */
	size_t n_named;				   /* … since they were asked for */

	/* The table was read: when, and for how long. What it did not show is
	 * looked for one by one: entries below the two numbers. */
	usec_t relisted, relist_took;
	size_t tidy_pinned, tidy_unpinned;

	struct guard_order pins; /* the round under way */
	usec_t step_at;		 /* when the step under way began */
	enum helper_kind helpers;
	struct shapes shapes; /* that were tried */

	bool holding;	    /* hold rules are in place */
	bool opening;	    /* or being made */
	usec_t held_until;  /* armed */
	usec_t armed_since; /* 0: not */
	bool keep_armed;    /* between steps, too */
	usec_t hold_retry;  /* not to be had before */
	usec_t arming;	    /* what arming and letting go has taken, in all */
	usec_t pin_next;    /* no pin before: packets were held back long enough */
	bool first_pins;    /* what was there before the guard is not pinned yet */
	bool locked_out;    /* somebody else has the lock of the device */

	struct guard_resync resync;
	struct guard_count count;
	struct guard_ending ending;
	struct guard_linger linger;
	struct guard_arrive arrive;
	struct guard_keep keep;
	struct guard_repair repair;
	usec_t repair_counted; /* the latest one that was needed */
	struct guard_fighter fighters[GUARD_FIGHTERS_MAX];
	size_t n_fighters;
	usec_t suffer_until; /* what the kernel takes until then is lost */
	struct guard_late late;
	struct guard_foreign_news foreign;

	const struct run *moving; /* a run that the guard serves and that is changing addresses */
};

static inline usec_t guard_now(const struct guard *g)
{
	return g->env.kernel.ops->now(g->env.kernel.ctx);
}

/* Whether events are to be read. */
static inline bool guard_reads(const struct guard *g)
{
	return g->status.state == GUARD_LIVE || g->status.state == GUARD_STALE || g->resync.listing;
}

/* Nothing is pinned, held back, put back or removed: what happens is only told. */
static inline bool guard_observes(const struct guard *g)
{
	return g->device.pin == PIN_OFF;
}

/* Whether the unpinned entry I was there when the repair began, as far as can be known. */
static inline bool guard_repair_knows(const struct guard *g, size_t i)
{
	return !g->repair.partial || unpinned_is_seen(g->unpinned, i);
}

/* Something that the next guard would need could not be written. */
static inline void guard_note_unsaved(struct guard *g, int error)
{
	g->status.unsaved++;
	g->status.unsaved_error = error;
}

/* ---- known.c: the shadow of the table ---- */

/* An entry is born or has changed, or it was listed. */
int guard_take(struct guard *g, const struct conn_record *record);
void guard_select_all(struct guard *g); /* the settings select others now; pins stay */

/* It is pinned from now on; or it is gone. */
int guard_note_pinned(struct guard *g, const struct conn *c);
void guard_forget(struct guard *g, const struct conn_key *key);

/* Read a batch of events; those of entries that are not pinned go to SINK (may be NULL)
 * as well. -EAGAIN: there are more. -ENOBUFS: some were lost. */
int guard_events(struct guard *g, conn_sink sink, void *ud);

/* The same, to empty the socket before the table is read: -ENOBUFS has no consequences. */
int guard_drop_events(struct guard *g);

/* ---- resync.c: reading the table ---- */
/* At once. 0 or a negative errno; -EINTR: cut short. */
int guard_relist(struct guard *g);
/* A step of reading it again. -EAGAIN: there is more; else it is over, as above. If events were
 * lost meanwhile the guard is stale after it. */
int guard_resync_step(struct guard *g);
bool guard_relist_is_due(const struct guard *g, usec_t now);
/* A step of looking for what the table did not show. False: nothing is left. */
bool guard_tidy(struct guard *g);

/* ---- resync_events.c: while it is read ---- */
/* Break it off: then the guard is stale. Whether what is known since it began is all that has
 * happened since. False: none was under way, or events were lost. */
bool guard_resync_stop(struct guard *g);
/* Events were lost. */
void guard_resync_lost(struct guard *g);
/* An event has told of the end of KEY or of a change of C; or KEY was deleted by us. */
void guard_resync_ended(struct guard *g, const struct conn_key *key);
void guard_resync_told(struct guard *g, const struct conn *c);

/* ---- count.c: were events lost unnoticed? ---- */
/* An event was told of. */
void guard_count_event(struct guard *g, const struct conn_record *record);
/* The table is about to be read, with no event left unread; it was read. */
void guard_count_begin(struct guard *g);
void guard_count_end(struct guard *g);
/* The number changes in ways that no event tells of. */
void guard_count_forget(struct guard *g);
/* Once a second: the guard is stale after that if the kernel's number has been another one for
 * too long. */
void guard_count_look(struct guard *g);

/* ---- addresses.c ---- */
/* 0 or a negative errno: then what was known stays. */
int guard_read_addresses(struct guard *g);
/* The addresses of the node as they are now. */
int guard_copy_addresses(const struct guard *g, struct addr_table *t);

/* ---- losses.c ---- */
/* Address events. -ENOBUFS: some were lost. The addresses are out of date after an error. */
int guard_address_events(struct guard *g);
/* The run under way has deleted A from the device. What is still pinned to it stays on purpose; if
 * another node takes it over it lingers until then. */
void guard_own_gone(struct guard *g, const struct ifaddr *a);

/* ---- arrive.c ---- */
/* An address event: A was added by somebody else (or is told of again), by a run of
 * ours, or has gone. */
void guard_note_added(struct guard *g, const struct ifaddr *a);
void guard_note_own_added(struct guard *g, const struct addr *a);
void guard_note_went(struct guard *g, const struct addr *a);
/* Look at the entries to added addresses. False: none is due. */
bool guard_arrive_step(struct guard *g);
usec_t guard_arrive_next(const struct guard *g); /* when it is; USEC_NEVER: not */
void guard_arrive_done(struct guard *g);
/* List the entries to TO: by the kernel, or where that would take long, those that
 * are known. 0 or a negative errno. */
int guard_arriving(struct guard *g, const struct addrset *to, conn_sink sink, void *ud);

/* ---- keep.c ---- */
/* Take up what guards before us have left, if there is anything. */
void guard_keep_load(struct guard *g);
/* Read the addresses. 0 or a negative errno: then what was known stays. */
int guard_see_addresses(struct guard *g);
/* They have been read: those that went unseen are losses. */
void guard_keep_addresses(struct guard *g);
/* Nothing is pinned to A any more, or all that is stays on purpose. */
void guard_keep_no_more(struct guard *g, const struct addr *a);
/* C is translated to none of the guarded addresses: is it ours? 0 or -ENOMEM. */
int guard_keep_meet(struct guard *g, const struct conn *c);
/* RECORD is translated to a guarded address. If a guard before us has pinned it, and it is that
 * entry still, it counts as pinned, and *RET_TAKEN. The mark alone does not tell: one that traffic
 * has brought up in the same place of memory has the same id. 0 or -ENOMEM. */
int guard_keep_meet_again(struct guard *g, const struct conn_record *record, bool *ret_taken);
void guard_keep_pin(struct guard *g, const struct conn_key *key, uint32_t id,
		    const struct addr *as);
void guard_keep_committed(struct guard *g, const struct conn *c); /* besides */
/* What was noted is on disk after that; or what a kill before the next step of the guard would do
 * harm without. */
void guard_keep_write(struct guard *g);
void guard_keep_write_first(struct guard *g);
/* A step of writing the file anew; false: nothing to do now. */
bool guard_keep_step(struct guard *g);
void guard_keep_look(struct guard *g); /* once a second: is it still there? */
void guard_keep_end(struct guard *g);

/* ---- flush.c: what is lost ---- */
/* C is gone and does not come back: counted, and named to whoever asks. */
void guard_note_lost(struct guard *g, const struct conn *c);

/* ---- pins.c: in which order ---- */
/* Begin at the most worthy, with no more than MAX at a time. 0 or -ENOMEM. */
int guard_order_begin(struct guard *g, struct guard_order *o, size_t max);
void guard_order_end(struct guard_order *o);
/* A step: the next ones of those WANTED, as many as the pace allows. It may find
 * none and still be open. */
size_t guard_order_next(struct guard *g, struct guard_order *o,
			bool (*wanted)(const struct guard *g, size_t i), struct conn_key *ret_keys);

/* ---- pins.c ---- */
void guard_begin_pins(struct guard *g);
void guard_postpone_all(struct guard *g); /* pin_after has changed */
int guard_pin_step(struct guard *g);	  /* 0, or -EAGAIN: there is more */

/* ---- hold.c ---- */
/* Read what the probe has found out, until it has. */
void guard_load_probe_result(struct guard *g);

/* What this kernel does with a helper; if the probe does not know, tried with the likes of the
 * one in SAMPLE. */
enum helper_kind guard_try_helper(struct guard *g, const struct connset *sample);
/* Known entries that are not pinned for that. */
uint64_t guard_count_helpers(const struct guard *g);

/* ---- repair.c ---- */
/* A step. 0 or a negative errno: then it is over. Not *RET_MORE: nothing to do now. */
int guard_repair_step(struct guard *g, bool *ret_more);
usec_t guard_repair_next(const struct guard *g);

/* ---- save.c ---- */
void guard_begin_save(struct guard *g); /* as the repair begins */
bool guard_save_step(struct guard *g);	/* false: all is saved that can be */
/* The repair is over, or the guard: what is flushed still stays on disk. */
void guard_end_save(struct guard *g);

/* ---- flush.c: fights over an address ---- */
/* Somebody else has added P to the device; or has deleted it: true if that is not
 * to be repaired. */
void guard_note_arrival(struct guard *g, const struct prefix *p);
bool guard_note_departure(struct guard *g, const struct prefix *p);
/* Those who took an address away have broken something. */
void guard_count_fights(struct guard *g);
void guard_end_fights(struct guard *g); /* those whose time is over */

/* ---- flush.c ---- */
/* An address is gone, by a FOREIGN hand or one of ours. */
void guard_begin_repair(struct guard *g, bool foreign);
/* A delete that is not repaired: what dies of it counts as lost. */
void guard_suffer(struct guard *g);
/* A run of ours deletes: what is flushed from now on is put back, by the run or by us. */
void guard_suffer_no_more(struct guard *g);
void guard_count_death(struct guard *g, const struct conn *c);
/* Not selected: lost if it was a flush that took it. */
void guard_count_unselected(struct guard *g, const struct conn *known, const struct conn *dead);

/* ---- flush.c: when it comes late ---- */
/* An address is gone, by a FOREIGN hand or one of ours. Its flush may be late; then it
 * is to be repaired, or what it takes is lost. */
void guard_expect_late(struct guard *g, bool repair, bool foreign);
/* The kernel has taken KNOWN, and tells DEAD of it. If that is such a flush it begins
 * what an early one would have met. */
void guard_meet_late(struct guard *g, const struct conn *known, const struct conn *dead);

/* ---- work.c: small runs of the stages over some entries ---- */

/* What became of an entry. */
enum guard_fate {
	FATE_OURS,    /* made by us just now, with the id in C */
	FATE_THERE,   /* there, as the kernel or its traffic made it */
	FATE_FAILED,  /* could not be pinned */
	FATE_ENDED,   /* not there any more, or nothing to work on */
	FATE_OTHER,   /* a newer one legitimately took its place */
	FATE_LOST,    /* taken away, by us or before, and not to be had again */
	FATE_AGAIN,   /* not decided yet */
	FATE_SPARED,  /* has a helper that would be lost */
	FATE_ALTERED, /* by somebody else, and left alone */
	FATE_REFUSED, /* this kernel makes something else of its like: left alone */
};

typedef int (*guard_outcome)(void *ud, const struct conn *c, enum guard_fate fate);

/* Fetch KEYS anew and pin them. OUTCOME is called for each of them. 0 or a
 * negative errno; -ENOSPC: the conntrack table has no room, nothing is pinned. */
int guard_pin(struct guard *g, const struct conn_key *keys, size_t n, guard_outcome outcome,
	      void *ud);

/* Put back those of SET that are gone. SET is consumed. */
int guard_restore(struct guard *g, struct connset *set, guard_outcome outcome, void *ud,
		  struct report *ret_report);

/* ---- hold.c ---- */
/* The lock of the device, so that no run works beside us: -EAGAIN while somebody
 * else has it. Without a run directory -1 is the lock. */
int guard_lock(struct guard *g, int *ret_fd);

void guard_begin_hold(struct guard *g);
bool guard_wait_hold(struct guard *g);

/* Look whether the rules are in place, without arming: whoever worked beside us may
 * have taken them away. Then they are made again. */
void guard_check_hold(struct guard *g);
/* It is gone: make it anew. 0 or a negative errno. */
int guard_reopen_hold(struct guard *g, usec_t deadline);
/* A run has connections to pin, and no hold: say why. */
void guard_warn_no_hold(const struct guard *g, struct report *report);
void guard_let_go(struct guard *g);
/* Arm it, if it has not long to go: something is to be put back. */
void guard_hold_back(struct guard *g);

/* A run over some entries works with the guard's hold, and says how long for. */
void guard_lend_hold(const struct guard *g, struct run *run);
void guard_take_hold(struct guard *g, const struct run *run);

/* ---- serve.c ---- */
/* For the guard's own runs over some entries, which it lends its hold and its shapes. */
struct source guard_work_source(struct guard *g);
