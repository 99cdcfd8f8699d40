/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard of one device: makes address deletes by anybody harmless. It keeps
 * entries pinned (or, on demand, knows them well enough to restore them), takes
 * over the kernel's duty to remove what it has pinned when its address really
 * goes, and never fights another actor. It has no thread, no loop and no clock:
 * the caller polls its descriptors and calls it. Work on many entries is done in
 * steps of a few milliseconds, one per call. */
#pragma once

#include "base/kernel.h"

#include "base/end.h"
#include "base/settings.h"
#include "move/run.h"

enum guard_state {
	GUARD_ABSENT,  /* no such device; it may come */
	GUARD_SYNCING, /* reading the table */
	GUARD_LIVE,
	GUARD_STALE,	/* events were lost: no repair until it has been read again */
	GUARD_DEGRADED, /* conntrack or netlink refuse: nothing is guarded */
};

/* What has become of an address that vanished while connections were translated to it. */
enum linger_what {
	LINGER_BEGUN, /* they linger */
	LINGER_BACK,  /* it is back: all is as before */
	LINGER_TIME,  /* it did not come back: they are removed */
	LINGER_HEARD, /* another host has it: likewise */
	LINGER_GIVEN, /* a run of ours has given it up: likewise */
	LINGER_WHAT_COUNT
};

struct guard_status {
	char device[DEVICE_NAME_MAX];
	enum guard_state state;
	enum pin_mode mode;
	enum hold_choice hold;
	bool quarantined;	     /* flushed too often: repairs are suspended */
	bool full;		     /* more entries than may be known: see reason */
	uint64_t pinned;	     /* known to be pinned now */
	uint64_t unpinned;	     /* known and not pinned (on demand: all known) */
	uint64_t altered;	     /* of these, by somebody else: left alone */
	uint64_t helpers;	     /* of these: a pin would cost them their helper here */
	uint64_t unselected;	     /* known besides these: the settings leave them out */
	uint64_t pins, pin_failures; /* since the start */
	uint64_t foreign_deletes;    /* of the device's addresses, by anybody else */
	struct prefix foreign_last;  /* the latest one */
	uint64_t repairs, restored;  /* after foreign deletes */
	uint64_t superseded;	     /* whose client had begun anew by then: left alone */
	uint64_t lost;		     /* of which nothing came back, whoever began it */
	bool refused;		     /* this kernel made something else of one: see reason */
	uint64_t removed;	     /* since their address was lost */
	usec_t linger;		     /* as it is set */
	uint64_t linger_ends[LINGER_WHAT_COUNT]; /* addresses whose connections lingered */
	int deaf; /* why other hosts with such addresses are not heard: negative errno; 0: they are
		   */
	uint64_t arrivals; /* addresses that somebody else added … */
	uint64_t led_away; /* … entries to them that led elsewhere: removed */
	uint64_t gone;	   /* addresses that went while nobody guarded them */
	uint64_t unproven; /* entries translated to those, not known as ours: left */
	uint64_t unsaved;  /* times that what a kill would need was not written … */
	int unsaved_error; /* … the latest time: negative errno */
	uint64_t overruns, relists;
	uint64_t ends[END_CAUSE_COUNT]; /* of its connections, by cause */
	uint64_t holds, held_usec;	/* how often packets were held back, and for how long */
	uint64_t committed;		/* by another program, of a node that had an address … */
	uint64_t unsure;	      /* … of these: of which only it could have told the port */
	char reason[REPORT_TEXT_MAX]; /* why it is less than it should be; "" otherwise */
};

struct guard;

/* A guard of the device D->name. ENV->kernel must be its own: the guard watches
 * through it and keeps a hold open. Nothing is asked of the kernel yet. */
int guard_new(const struct run_env *env, const struct device_settings *d, struct guard **ret);

/* From now on G remembers in ENDS how connections end, which must outlive it; NULL: it only
 * counts. */
struct ends;
void guard_remember(struct guard *g, struct ends *ends);

/* Other settings for the same device; REHOLD: the hold is to be another, too. What is known and
 * what is under way stay. Whether the device is only observed (PIN_OFF) must not change. */
void guard_set(struct guard *g, const struct device_settings *d, bool rehold);

/* Close the hold. Entries stay as they are, pinned. */
struct guard *guard_free(struct guard *g);

/* Something may be readable on one of the kernel's descriptors: take some of it. */
void guard_ready(struct guard *g);

/* Do a step of what is due. Returns when to call again at the latest
 * (monotonic): at once if there is more to do. */
usec_t guard_tick(struct guard *g);

/* Whether nothing has to be put back or removed now. */
bool guard_is_idle(const struct guard *g);

/* Connections that were flushed and are not put back yet. */
uint64_t guard_unfinished(const struct guard *g);

void guard_get_status(const struct guard *g, struct guard_status *ret);
const char *guard_state_name(enum guard_state s);

/* The latest that are counted as lost since the last call, as conntrack(8) lists
 * them: up to GUARD_NAMED_MAX, the oldest first. Returns how many. */
#define GUARD_NAMED_MAX 5
size_t guard_take_lost(struct guard *g, char ret[GUARD_NAMED_MAX][CONN_LINE_MAX]);

/* An address that has vanished, and whose connections stay until UNTIL (monotonic). */
struct guard_lingering {
	struct addr addr;
	usec_t since, until;
	uint64_t entries;
	bool link_down; /* the time does not run meanwhile */
};

/* Those addresses: their number, of which the first GUARD_LINGERING_MAX are in RET, and the
 * entries of all of them. */
#define GUARD_LINGERING_MAX 16
size_t guard_lingering(const struct guard *g, struct guard_lingering ret[GUARD_LINGERING_MAX],
		       uint64_t *ret_entries);

/* An address of the device that somebody else has deleted. */
struct guard_foreign {
	struct deed deed;	   /* which, when and who */
	uint64_t pinned, unpinned; /* connections of the device that were known then */
	bool quarantined;	   /* what it flushed is not put back */
};

#define GUARD_FOREIGN_NEWS 16
struct guard_foreign_news {
	struct guard_foreign list[GUARD_FOREIGN_NEWS]; /* the oldest first */
	size_t n;
	uint64_t beyond; /* how many more there were */
};

/* Those since the last call, without what other runs of vipsafe have deleted. */
void guard_take_foreign(struct guard *g, struct guard_foreign_news *ret);

struct guard_linger_news {
	struct addr addr;
	enum linger_what what;
	usec_t after; /* it had vanished */
	uint64_t entries;
};

/* What has become of such addresses since the last call, the oldest first; *RET_BEYOND: how
 * many more there were. */
#define GUARD_LINGER_NEWS 16
size_t guard_take_linger_news(struct guard *g, struct guard_linger_news ret[GUARD_LINGER_NEWS],
			      uint64_t *ret_beyond);

/* An instance or a request has given A up on purpose, or will in a moment: nothing of it
 * lingers. KEEP: what is translated to it stays for good. */
void guard_give_up(struct guard *g, const struct addr *a, bool keep);

/* A is about to come, and another program writes the connections of the node that had it to the
 * kernel: what it creates from now on is as good as pinned, and the guard takes over what a pin
 * obliges to. NULL: no more. If an address did not come, what was created goes as if it had
 * vanished. */
void guard_await(struct guard *g, const struct addr *a);

/* How a connection of the guarded device is protected. */
enum protection {
	PROTECTION_NONE, /* it is none of this device's */
	PROTECTION_PINNED,
	PROTECTION_UNPINNED,   /* known, and not pinned */
	PROTECTION_ALTERED,    /* by somebody else, so that it cannot be pinned */
	PROTECTION_LINGERING,  /* its address is gone, and may come back */
	PROTECTION_UNSELECTED, /* the settings leave it out */
	PROTECTION_COMMITTED,  /* another node had it (guard_await()); as good as pinned */
};

/* What is done for C, as it is in the kernel now. */
enum protection guard_protection(const struct guard *g, const struct conn *c);

/* Index of the guarded device; 0 while it is absent. */
int guard_ifindex(const struct guard *g);

/* Whether a run of REQ may go by what the guard knows now, instead of listing the
 * table. Reads what events there are. */
bool guard_serves(struct guard *g, const struct request *req);

/* What it knows, for such a run (run_env.source), whose kernel is the guard's. */
struct source guard_source(struct guard *g);

/* Call FN for each known entry until it returns an error, which is returned. */
int guard_each(const struct guard *g,
	       int (*fn)(void *ud, const struct conn_key *key, uint32_t id, bool pinned), void *ud);
