/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that have vanished (away.c), and what is translated to them meanwhile (linger.c).
 * Private to the guard. */
#pragma once

#include "base/addr.h"
#include "guard/guard.h"

/* An address that has vanished. */
struct guard_away {
	struct addr addr;
	usec_t since;
	uint64_t entries; /* that were deleted */
	enum linger_what why;
	bool own;      /* it went from the device, and we were there */
	bool told;     /* that connections linger */
	bool over;     /* they go */
	bool met;      /* it has come since, and may be there */
	uint16_t deed; /* why they go (ends.h); 0: not noted yet */
	bool stuck;    /* the kernel has refused to delete one of them … */
	usec_t retry;  /* … nothing is tried before */
};

/* What is translated to addresses that have vanished: away.c, linger.c. */
struct guard_linger {
	struct guard_away *list; /* owned; sorted by address */
	size_t n, cap;
	/* Of them: those that are treated as if they were there, and those that the device had. */
	struct addrset away, own;
	bool beyond;	     /* there were more than there is room for */
	usec_t look;	     /* nothing is to be decided before */
	bool link_down;	     /* as of then */
	struct addrset over; /* whose entries are being deleted: those below the two numbers are
				still to be looked at */
	bool sweeping;
	size_t at_pinned, at_unpinned;
	struct addrset given; /* given up on purpose lately */
	usec_t given_until;
	bool unsaved; /* the file does not tell */
	bool on_disk; /* there is a file */
	usec_t saved_at;
	usec_t resave; /* the file could not be written: not before */
	bool listen;   /* look again who lingers */
	/* Other hosts that have one of these addresses are listened for, on that device. */
	struct addrset heard;
	int heard_on;
	bool hearing;
	usec_t deaf_at; /* no longer from then on; 0: as long as it takes */
	struct guard_linger_news news[GUARD_LINGER_NEWS];
	size_t n_news;
	uint64_t news_beyond;
};

/* ---- away.c ---- */
/* With linger = 0 the entries of a vanished address are deleted after so long, in case it comes
 * back at once. Well within the tenth of a second that is promised. */
#define GUARD_LINGER_SETTLE (20 * USEC_PER_MSEC)

/* A has vanished, from the guarded device if OWN. What is translated to it stays until A is
 * back or its time is up. False: that is known already. */
bool guard_away_begin(struct guard *g, const struct addr *a, bool own);
/* A is back, or was for a moment: when it vanishes once more, its time begins anew. */
void guard_away_meet(struct guard *g, const struct addr *a);
/* Whether more addresses vanished than there was room for, since it was asked last. */
bool guard_away_had_beyond(struct guard *g);
/* The addresses of the node have been read: those that are back are as before. */
void guard_away_meet_back(struct guard *g);
void guard_away_set(struct guard *g); /* the settings have changed */
struct guard_away *guard_away_find(const struct guard_linger *l, const struct addr *a);
/* Whether the address that X tells of is to be treated as if it were there. */
bool guard_away_holds(const struct guard *g, const struct guard_away *x);
/* The connections of X linger no longer. */
void guard_away_finish(struct guard *g, struct guard_away *x, enum linger_what why);
/* X is not in the list any more. */
void guard_away_remove(struct guard *g, struct guard_away *x);
void guard_away_tell(struct guard *g, const struct guard_away *x, enum linger_what what,
		     uint64_t entries);
usec_t guard_away_due(const struct guard *g, const struct guard_away *x); /* its time is up */
/* When the next one's time is up. */
usec_t guard_away_next(const struct guard *g);
void guard_away_load(struct guard *g, int dir);
void guard_away_write(struct guard *g);
void guard_away_done(struct guard *g);

/* ---- linger.c ---- */
void guard_linger_meet_link(struct guard *g); /* it went down, or came up */
/* A step of deleting what is translated to addresses whose time is up. False: no more work
 * now; then guard_away_next() says when. */
bool guard_linger_step(struct guard *g);
bool guard_linger_is_idle(const struct guard *g);
/* The device is absent, and guards before us have left entries of vanished addresses. */
void guard_linger_purge(struct guard *g);
/* Tell who lingers, and listen for others that have their addresses. */
void guard_linger_look(struct guard *g);
void guard_linger_hear(struct guard *g); /* what has been heard; addresses are up to date */
