/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The result of a run, as one value. Text, JSON, journal lines and metrics are renderings of it;
 * nothing else is logged below the mains. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vipsafe/base.h>
#include <vipsafe/protocol.h>

#include "base/conn.h"
#include "base/request.h"

#define REPORT_WARNINGS_MAX 16
#define REPORT_TEXT_MAX 320
#define REPORT_CODE_MAX 32
#define REPORT_TUPLES_MAX 5

enum result {
	RESULT_OK,
	RESULT_PARTIAL,	    /* address done, some connections not restored */
	RESULT_UNPROTECTED, /* address done, protection did not run */
	RESULT_REFUSED,	    /* for safety, nothing changed */
	RESULT_FAILED,	    /* kernel refused, or a condition before the change */
};

/* Whether deleting one address flushes the whole device. */
enum kernel_kind {
	KERNEL_UNKNOWN,
	KERNEL_AFFECTED,
	KERNEL_FIXED,
};

/* What becomes of the helper (FTP and the like) of an entry that is created over netlink. */
enum helper_kind {
	HELPERS_UNKNOWN,
	HELPERS_KEPT,
	HELPERS_FORGOTTEN,
};

/* What is found out of a kernel by trial. */
struct probe_result {
	enum kernel_kind ipv4, ipv6;
	char reason[REPORT_TEXT_MAX]; /* why one is unknown; "" otherwise */
	bool cached;		      /* read, not measured now */
	enum helper_kind helpers;
};

/* Why an entry of the snapshot is not to be restored. Each entry is either a candidate or has one
 * of these reasons. */
enum skip_reason {
	SKIP_NONE,	/* a candidate */
	SKIP_NOT_NAT,	/* no source translation was set up: never masqueraded */
	SKIP_OF_VIP,	/* it has the leaving address in a tuple */
	SKIP_CLOSING,	/* TIME_WAIT or CLOSE */
	SKIP_EXPIRED,	/* its timeout has run out since */
	SKIP_NOT_LOCAL, /* its translated source is no address of this node, or no longer */
	SKIP_DYING,
	SKIP_ENDED,	 /* ended by itself before it could be pinned */
	SKIP_ALTERED,	 /* by somebody else, and cannot be created again (shape.h) */
	SKIP_LEFT,	 /* not pinned in time: left to the guard, which restores it if flushed */
	SKIP_UNVERIFIED, /* a flush may still take it, and there is no time left to check */
	SKIP_UNSELECTED, /* request or settings leave it out; if flushed, it is lost */
	SKIP_REASON_COUNT,
};

/* What is found of an entry to an address that has been added (move/arrive.h). */
enum arrival {
	ARRIVAL_LED_AWAY, /* its source is translated for the way elsewhere: removed */
	ARRIVAL_PLAIN,	  /* its source is not: it serves here as a new one would */
	ARRIVAL_SERVICE,  /* its destination is translated: it leads to a server on purpose */
	ARRIVAL_ALTERED,  /* by somebody else, as IPVS does */
	ARRIVAL_FOREIGN,  /* not translated in the node's own hooks, but by Open vSwitch, say */
	ARRIVAL_STREAM,	  /* TCP and the like: the kernel answers it as it is */
	ARRIVAL_ANSWERED, /* a connected socket of this node has it */
	ARRIVAL_REFUSED,  /* the kernel does not remove it: it is offloaded */
	ARRIVAL_COUNT,
};

/* Entries to addresses that were added. */
struct arrival_counts {
	uint64_t found;
	uint64_t removed; /* led elsewhere; in a dry run: would be removed */
	uint64_t left;	  /* = found - removed */
	uint64_t reasons[ARRIVAL_COUNT];
};

struct report_warning {
	char code[REPORT_CODE_MAX]; /* stable: "last-ipv4-address" */
	char text[REPORT_TEXT_MAX];
	char fix[REPORT_TEXT_MAX]; /* "": nothing to be done */
};

/* Where the entries before the change are known from. */
enum before {
	BEFORE_NONE,
	BEFORE_DUMP,
	BEFORE_SHADOW, /* the guard of the device */
};

/* What happened to one address. */
enum vip_outcome {
	VIP_UNTOUCHED,
	VIP_CHANGED,
	VIP_ALREADY, /* nothing to do */
	VIP_FAILED,
};

struct report {
	char id[20]; /* the same in journal, history and JSON */
	enum op op;
	bool plan;
	bool recovered; /* finished for a run that was killed */
	struct prefix addresses[VIPS_MAX];
	struct vip_extra extra[VIPS_MAX]; /* of a delete, only the peer */
	enum vip_outcome outcomes[VIPS_MAX];
	size_t n_addresses;
	char device[DEVICE_NAME_MAX];
	struct asker by;
	bool changed;
	bool has_resets; /* for RESET_FOR, rules answer clients of a leaving address with a reset */
	enum result result;
	enum exit_code exit_code;
	char error[REPORT_TEXT_MAX]; /* one line why refused or failed; "" otherwise */
	enum kernel_kind kernel;
	enum strategy strategy;		/* the one used: never AUTO */
	enum hold_choice hold;		/* the one used: never AUTO */
	char hold_why[REPORT_TEXT_MAX]; /* why it is OFF, or not the first that was tried */
	enum before before;

	struct {
		uint64_t snapshot;   /* entries read before the change */
		uint64_t candidates; /* of them: could be flushed and may be restored;
				      * = untouched + pinned + restored + superseded + lost */
		uint64_t untouched;  /* not flushed */
		uint64_t pinned;     /* re-created before the change, and still there after it */
		uint64_t flushed;    /* = restored + superseded + lost */
		uint64_t restored;
		uint64_t superseded; /* a newer flow has taken the tuple */
		uint64_t lost;	     /* flushed and not brought back */
		uint64_t skipped;    /* = snapshot - candidates */
		uint64_t mismatch;   /* created differently than asked; deleted, part of lost */
		uint64_t lost_unselected; /* not selected, part of lost */
		uint64_t reasons[SKIP_REASON_COUNT];
	} entries;

	struct {
		enum vip_flows policy;
		uint64_t removed;
		uint64_t tickled; /* ended elsewhere: whose clients were asked … */
		uint64_t reset;	  /* … and have been reset in time */
	} vip_flows;

	struct arrival_counts arrivals;

	/* What another node's connections became here, if the request is replicated. */
	struct {
		uint64_t read;	 /* back, of those that are translated to the added addresses */
		uint64_t bare;	 /* they say so, and are not; = mended + lost */
		uint64_t mended; /* created anew; part of entries.restored */
		uint64_t lost;	 /* not translated, or not there now; part of entries.lost */
	} committed;

	struct {
		usec_t snapshot, hold, pin, move, arrive, verify, restore, total;
		usec_t until_moved;  /* from its begin until the addresses were there, or gone */
		usec_t expected_gap; /* plan only */
	} timing;

	/* Of a dry run. */
	struct {
		uint64_t exposed; /* connections that would be lost with strategy none */
	} preview;

	char lost[REPORT_TUPLES_MAX][CONN_LINE_MAX]; /* the first few, as conntrack(8) lists them */
	size_t n_lost;

	struct report_warning warnings[REPORT_WARNINGS_MAX];
	size_t n_warnings;
	unsigned warnings_dropped; /* did not fit */
};

void report_init(struct report *r, const struct request *req);

/* Add a warning; the same code and text twice is one. FIX may be "". */
void report_warn(struct report *r, const char *code, const char *fix, const char *fmt, ...)
	_printf_(4, 5);

/* Set result, exit code and the one-line error. */
void report_fail(struct report *r, enum result result, enum exit_code code, const char *fmt, ...)
	_printf_(4, 5);

/* Report a problem other than with the address change: sets RESULT unless it is worse already. */
void report_degrade(struct report *r, enum result result);

/* Set the exit code and, from the counts, the result of a run that changed the address or had
 * nothing to change: lost entries make it PARTIAL, but for those that were not selected. */
void report_conclude(struct report *r);

/* A connection was lost; LINE is about it. The first few are kept. */
void report_add_lost(struct report *r, const char *line);

/* How many connections at risk have survived: untouched, pinned or restored. */
uint64_t report_kept(const struct report *r);

/* Of a dry run: whether the run itself would change an address. */
bool report_would_change(const struct report *r);

/* Whether each address of R is where it was asked to be. */
bool report_is_placed(const struct report *r);

const char *result_name(enum result r);
const char *kernel_kind_name(enum kernel_kind k);
const char *helper_kind_name(enum helper_kind h);
const char *skip_reason_name(enum skip_reason s);
const char *arrival_name(enum arrival a);
const char *vip_outcome_name(enum vip_outcome o);
const char *before_name(enum before b);

/* The counts and times of a report. Each is a row with its names in text, JSON, log, journal and
 * history. */
struct report_row {
	const char *key;     /* in JSON and history; NULL ends the table */
	size_t offset;	     /* of a uint64_t in struct report; 0: report_kept() */
	const char *label;   /* in the details of the text; NULL: not there */
	const char *note;    /* after it; may be NULL */
	const char *log;     /* key in the log line; NULL: not there */
	const char *journal; /* field of the journal; NULL: none */
};

/* In the order of output. */
#define REPORT_COUNTS 15
extern const struct report_row report_counts[], report_times[];

/* The index in report_counts of KEY, which must be in there. */
size_t report_count_find(const char *key);

uint64_t report_row_value(const struct report *r, const struct report_row *row);
