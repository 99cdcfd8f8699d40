/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run under way: what the stages hand to each other. Private to move and guard. */
#pragma once

#include <errno.h>

#include "base/addr.h"
#include "base/connset.h"
#include "base/kernel.h"
#include "base/shape.h"
#include "lvs/collide.h"
#include "move/announce.h"
#include "move/probe.h"
#include "move/run.h"

/* Where an entry of the snapshot stands. */
enum entry_state {
	ENTRY_THERE,	  /* never seen missing */
	ENTRY_MISSING,	  /* flushed, to be created */
	ENTRY_CONFLICT,	  /* its original tuple is there with another translation */
	ENTRY_CREATED,	  /* created by us, not yet read back */
	ENTRY_RESTORED,	  /* created by us and read back as asked */
	ENTRY_SUPERSEDED, /* a newer connection took its place */
	ENTRY_LOST,	  /* will not come back */
};

struct entry {
	uint8_t skip;	 /* enum skip_reason; SKIP_NONE: a candidate */
	uint8_t state;	 /* enum entry_state */
	bool seen;	 /* in the listing under way */
	bool pinned;	 /* re-created by us before the change */
	bool made;	 /* there as we created it, and so out of a flush's reach */
	bool bare;	 /* as re-created: without the helper it had */
	bool dropped;	 /* deleted with its address */
	bool refused;	 /* of a shape that this kernel creates otherwise */
	bool unselected; /* lost, and nobody was to protect it */
};

/* Whether entry E of a snapshot could be flushed and is not ours to touch. */
static inline bool entry_is_spared(const struct entry *e)
{
	return e->skip == SKIP_ALTERED || e->skip == SKIP_UNSELECTED;
}

/* The addresses of the node as listed at one moment. */
struct addr_table {
	struct ifaddr *items; /* owned */
	size_t n, cap;
};

struct run {
	const struct run_env *env;
	const struct request *req;
	struct report *report;
	bool done; /* nothing more to do; the report says why */
	usec_t started, deadline;
	usec_t move_by; /* when addresses go at the latest; not after DEADLINE */
	bool late;	/* the deadline passed */
	bool flushing;	/* a flush may be under way that can still take worthy entries */
	bool off;	/* the addresses are not to be changed any more; the report says why */
	/* What there is time for while more of the table is read. NULL: nothing. */
	void (*meanwhile)(struct run *run);
	struct pin_early *early; /* its state, NULL: none. Owned. */
	bool pins_early;	 /* something was, maybe */
	usec_t pinned_for;	 /* that took so long */
	usec_t prepared;	 /* when what the change relies on was last found out or done */

	int run_dir, lock; /* descriptors; -1: none */
	struct link link;
	struct addr_table before;
	struct ifaddr targets[VIPS_MAX]; /* as to be added, or as found to be deleted */
	size_t order[VIPS_MAX];		 /* of the moves: secondaries before primaries */
	struct addrset local, leaving;	 /* after the change */
	uint8_t family;			 /* of the leaving addresses; AF_UNSPEC: both */

	struct probe_result probe_result;
	bool sync_flush; /* whatever is flushed is gone when the delete returns */
	struct connset *set;
	struct entry *entries; /* one per entry of SET; owned */
	size_t cap_entries;
	usec_t snapshot_at;
	struct source source;		  /* OPS is set */
	uint64_t pinned_before;		  /* known to the source, and not in SET */
	const struct selection *selected; /* by the settings of the device; NULL: all. Not owned. */
	bool watching;			  /* births and changes are collected */
	bool overrun;			  /* and some were lost, since the last dump */
	bool torn;			  /* that dump was cut short */
	uint64_t n_added;		  /* entries added since the snapshot */
	bool holding;			  /* hold rules are in place */
	bool hold_opened;		  /* by this run, or tried: there may be rules to remove */
	usec_t hold_deadline;		  /* of all that the hold needs together */
	usec_t held_until;		  /* when they let go by themselves */
	usec_t armed_since;		  /* 0: they are not armed by this run */
	usec_t held_for;		  /* how long they were armed before that */
	usec_t arming;			  /* time that arming and disarming took */
	bool keep_armed;		  /* they stay armed for what follows this run */
	uint64_t listed;		  /* entries seen by verifying listings */
	unsigned rounds;		  /* of verifying and restoring, so far */
	struct lvs_map *map;		  /* owned; NULL: collisions are not looked for */
	struct collide *flows;	/* owned; NULL: no LVS, or not looked at yet (collide.h) */
	size_t known;		/* entries of SET in FLOWS from before the move */
	int slot;		/* the source's, in use for this run; -1: none */
	bool saved;		/* a journal of this run is in the run directory */
	bool given_up;		/* recovering: past the deadline of the killed run */
	bool moved;		/* recovering: the killed run had tried the change */
	bool refuted[VIPS_MAX]; /* added, but another node has it: to be deleted again */
	bool left;		/* a killed run had left something of this device */
	bool recovering;	/* finishing a killed run: the address may be gone already */
	struct shapes own_shapes, *shapes; /* tried so far: the source's, or our own */
};

/* The stages, each in the file that its name begins with; their order is in pipeline.c. Each may
 * set run->done. */
void announce_added(struct run *run);	/* what was added */
void committed_mend(struct run *run);	/* what was written for it from elsewhere */
void arrive_clear(struct run *run);	/* entries to it that lead elsewhere */
void check_change(struct run *run);	/* what would change, and may it */
void collide_meet(struct run *run);	/* connections that a real server takes for one */
void collide_warn(struct run *run);	/* the same, after an add */
void vipflows_drop(struct run *run);	/* the flows of the leaving addresses */
void check_find(struct run *run);	/* the device and its lock */
void journal_forget(struct run *run);	/* the journal of this run */
void hold_prepare(struct run *run);	/* rules in place, unarmed */
void plan_weigh(struct run *run);	/* what a dry run says besides */
void recover_leftover(struct run *run); /* finish what a killed run left */
void check_again(struct run *run);	/* whether the change is still wanted */
void move_addresses(struct run *run);
void tickle_clients(struct run *run); /* of connections that ended with another node */
void pin_entries(struct run *run);    /* out of the flush's reach */
void pin_early(struct run *run);      /* some of them while others are read: run->meanwhile */
void pin_early_end(struct run *run);  /* at the end of the run, whether it began or not */
void probe_kernel(struct run *run);   /* what does this kernel flush, so which strategy */
void hold_release(struct run *run);
void remember_pinned(struct run *run); /* what we have created */
void vipflows_reset(struct run *run);
void journal_save(struct run *run); /* the journal of this run */
void snapshot_entries(struct run *run);
void verify_entries(struct run *run); /* what was flushed, and restore it */

/* Whether there is anything to pin: what a guard has pinned is out of reach already. */
static inline bool run_may_pin(const struct run *run)
{
	return run->set && run->report->strategy != STRATEGY_NONE &&
	       run->source.ops->is_exposed(run);
}

/* Whether what the run creates is to be noted for later runs: a guard keeps its own notes. */
static inline bool run_remembers(const struct run *run)
{
	return run->run_dir >= 0 && !run->source.goes_on;
}

/* Whether addresses are to go before the deadline. */
static inline bool run_is_bounded(const struct run *run)
{
	return run->move_by < run->deadline;
}

/* run.c: begin and end of a run. REPORT is filled from here on. */
void run_begin(struct run *run, const struct run_env *env, const struct request *req,
	       struct report *report);
void run_conclude(struct run *run);
/* Release what the run holds; the run directory is left as it is. */
void run_end(struct run *run);

/* Whether the change is refused unless somebody insists on it: the asker has not, and is not the
 * instance itself, which may have changed its state since its run was killed. */
static inline bool run_may_be_refused(const struct run *run)
{
	return !run->req->force && (!run->req->is_instance || run->recovering);
}

/* Until when entries may be read, and pinned, so that there is time left for what has to be done
 * with them before the addresses go at run->move_by. */
static inline usec_t run_read_until(const struct run *run)
{
	return run_is_bounded(run) ? run->move_by - (run->move_by - run->started) / 2
				   : run->deadline;
}

static inline usec_t run_pin_until(const struct run *run)
{
	return run_is_bounded(run) ? run->move_by - (run->move_by - run->started) / 16
				   : run->deadline;
}

/* insist.c: refuse what is only done for who insists on it. */
void run_check_insisted(struct run *run);

/* The exit code of a run for which the kernel has refused something with ERROR. */
static inline enum exit_code run_refused_code(int error)
{
	return error == -EPERM ? EXIT_NOT_PERMITTED : EXIT_KERNEL_REFUSED;
}

static inline usec_t run_now(const struct run *run)
{
	return run->env->kernel.ops->now(run->env->kernel.ctx);
}

/* Seconds since the entries were read: by so much their timeouts are older. */
static inline uint32_t run_elapsed(const struct run *run)
{
	return (uint32_t)((run_now(run) - run->snapshot_at) / USEC_PER_SEC);
}

static inline void run_sleep(const struct run *run, usec_t duration)
{
	run->env->kernel.ops->sleep(run->env->kernel.ctx, duration);
}

/* dump.c: list the addresses again into T. Returns 0 or a negative errno. */
int addr_table_read(const struct kernel *k, struct addr_table *t);
void addr_table_done(struct addr_table *t);
/* The address that VIP means: with its peer, or without one; if VIP names none, the first with any
 * will do. NULL: there is none. */
const struct ifaddr *addr_table_find(const struct addr_table *t, int ifindex,
				     const struct vip *vip);

/* Whether A is to be deleted by this run. */
bool run_is_target(const struct run *run, const struct ifaddr *a);

/* Derive run->local and run->leaving from the addresses in T, once those of
 * run->targets[] that WILL_GO marks are gone. */
int run_sort_addresses(struct run *run, const struct addr_table *t, const bool *will_go);

/* dump.c: which entries a flush of the run's device can take. */
struct reach {
	struct addrset on_device; /* addresses the device keeps */
	bool own4, own6;	  /* one of them, of that family, is a usual source */
};

/* By the addresses as run->before has them. 0 or -ENOMEM. */
int reach_read(const struct run *run, struct reach *ret);
void reach_done(struct reach *r);

/* Whether C is masqueraded to an address of the device. A device without one of
 * global scope borrows another's, so then every entry may be meant
 * (inet_select_addr(), ipv6_dev_get_saddr()). */
bool reach_has(const struct reach *r, const struct conn *c);

/* Say in a dry run that the hold is switched off, and where. */
void hold_why_off(struct run *run);

/* Whether a flush could take an entry that the run answers for. */
bool run_is_exposed(const struct run *run);

/* selected.c: take up what the settings of the device select, unless the source has told. */
void run_select_device(struct run *run);

/* selected.c: whether entry I of the set is one to protect; whether that is asked at all. */
bool run_selects(const struct run *run, size_t i);
bool run_is_selective(const struct run *run);

/* check.c: whether it is too late to change an address; refuse to. */
bool run_is_overdue(const struct run *run);
void run_refuse_overdue(struct run *run);

/* Arm the hold, if there is one, unless it has long to go; let go of it at once. */
void run_keep_hold(struct run *run);
void run_let_go(struct run *run);

/* Whether there may be somebody to hold packets for: what is not selected is not held back. */
bool run_holds_for_any(const struct run *run);

/* hold.c: how long a hold may take that begins NOW in a run that is to end at
 * DEADLINE. */
usec_t hold_budget(usec_t now, usec_t deadline);

/* pin.c: pin the candidates of run->set until DEADLINE and read them back; those
 * that did not fit are counted. 0 or a negative errno. */
int pin_candidates(struct run *run, usec_t deadline, uint64_t *ret_left);

/* pin.c: whether the table has room to spare; warns if not. */
bool pin_has_room(struct run *run);

/* dump.c: ask for the entries with KEYS one by one; those that are there go to SINK. 0 or a
 * negative errno. */
int fetch_keys(const struct kernel *k, const struct conn_key *keys, size_t n, conn_sink sink,
	       void *ud);

/* journal.c: begin the journal before all entries are known; it grows by journal_grow() until
 * journal_save() replaces it. Returns a descriptor or a negative errno. */
int journal_begin(struct run *run);

/* vipflows.c: list what is behind the leaving addresses, and nothing else. */
int vipflows_find(struct run *run);

/* snapshot.c: entries[] for the set as it is. 0 or -ENOMEM. */
int snapshot_init_entries(struct run *run);

/* Keep entries[] as long as the set. New ones are THERE. */
int snapshot_grow(struct run *run);

/* Whether entry I is a candidate now. */
enum skip_reason snapshot_select_now(const struct run *run, size_t i);

/* Classify every entry of the snapshot anew and count it in the report. */
void snapshot_classify(struct run *run);

/* Add one entry, or refresh it while it is untouched by us. */
int snapshot_put(struct run *run, const struct conn_record *record);

/* Take up what was born or has changed since: what events tell of, fetched whole. Where
 * there are no events update() lists again. After the move the kernel may have flushed
 * what an event tells of: note() takes the events themselves. 0 or a negative errno. */
int snapshot_fetch(struct run *run);
int snapshot_update(struct run *run);
int snapshot_note(struct run *run);

/* arrive.c: the addresses that this run has added, or would. 0 or -ENOMEM. */
int arrive_addresses(const struct run *run, struct addrset *ret);

/* verify_list.c: set each candidate's state by what is there. Returns 0 or a
 * negative errno. */
int verify_list(struct run *run);

/* restore.c: create what is MISSING, resolve what is a CONFLICT; afterwards no
 * candidate is left in either state unless the deadline passed, or only what is
 * worth less while run->flushing. */
void restore_missing(struct run *run);

/* restore.c: the message that creates entry I as it was, its timeout aged by run_elapsed(). */
struct ct_op restore_op(const struct run *run, uint32_t i, uint32_t elapsed);

/* restore.c: fetch each CREATED entry and settle its state: what is not as asked
 * is deleted, lost, and named. */
void restore_read_back(struct run *run);

/* restore.c: the same of entry I alone. 0 or a negative errno. */
int restore_read_back_one(struct run *run, uint32_t i);

/* restore.c: create the likes of C with PAYLOAD, between addresses that are
 * nobody's, and take it away again. *RET_ASKED is what was asked for, *RET_FOUND
 * what came of it. 0, or a negative errno: nothing is known then. */
int trial_create(const struct kernel *k, const struct conn *c, const void *payload, size_t len,
		 struct conn *ret_asked, struct conn *ret_found);
