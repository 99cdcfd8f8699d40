/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the node and the daemon, as a value: filled by the daemon or, as far as possible,
 * by the command line without it; shown as JSON and text. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/end.h"
#include "base/finding.h"
#include "base/report.h"
#include "base/settings.h"
#include "move/survey.h"
#include "show/status_instance.h"
#include "show/status_apart.h"
#include "show/status_device.h"

/* LSB: the state of the service is unknown. */
#define STATUS_CODE_UNKNOWN 4

/* The operations that a status shows. */
#define STATUS_OPERATIONS_MAX 5

/* An address that vanished, and whose connections stay in case it comes back. */
struct status_lingering {
	struct addr addr;
	uint64_t entries;
	usec_t age, left; /* since it vanished; until they go */
	bool link_down;	  /* the time does not run meanwhile */
};

#define STATUS_LINGERING_MAX 16

/* How such an address ends: these words, in this order. */
#define STATUS_LINGER_ENDS 4
extern const char *const status_linger_words[STATUS_LINGER_ENDS]; /* back, time, heard, given */

struct status_device {
	char device[DEVICE_NAME_MAX];
	uint64_t ends[END_CAUSE_COUNT]; /* of its connections, by cause */
	const char *state; /* a word: absent, syncing, live, stale, degraded; unguarded */
	enum pin_mode mode;
	enum hold_choice hold; /* never AUTO */
	bool quarantined;
	bool full; /* the limit of known entries is reached: some are not protected */
	uint64_t pinned, unpinned;  /* entries known now */
	uint64_t altered;	    /* of UNPINNED: altered by somebody else, left alone */
	uint64_t helpers;	    /* of UNPINNED: a pin would cost them their helper */
	uint64_t unselected;	    /* known besides these: the settings leave them out */
	struct selection selection; /* by which */
	bool refused;		    /* one kind of connection is not pinned: see REASON */
	uint64_t foreign_deletes;   /* addresses deleted by somebody else */
	uint64_t pins, pin_failures, repairs, restored, lost, removed, overruns, relists;
	uint64_t superseded; /* not put back: their client had begun anew */
	usec_t linger;	     /* as it is set */
	struct status_lingering lingering[STATUS_LINGERING_MAX]; /* the first of … */
	uint64_t lingering_addresses, lingering_entries;
	uint64_t linger_ends[STATUS_LINGER_ENDS];
	uint64_t holds, held_usec;    /* packets were held: how often, for how long */
	uint64_t arrivals;	      /* addresses that somebody else added … */
	uint64_t led_away;	      /* … entries to them that led elsewhere: removed */
	uint64_t committed;	      /* what another node had, written here by conntrackd … */
	uint64_t unsure;	      /* … SCTP and others: perhaps with another port */
	uint64_t gone;		      /* addresses that were deleted while nobody guarded them */
	uint64_t unproven;	      /* entries left behind by those: not proved to be vipsafe's */
	uint64_t unsaved;	      /* writes that failed, of the state needed after a kill … */
	int unsaved_error;	      /* … and the last error: negative errno */
	char reason[REPORT_TEXT_MAX]; /* why it is not live; "" otherwise */
	bool waits;		      /* it is configured, and there is no daemon to guard it */
};

struct status {
	bool absent; /* no daemon, or no answer: the rest was collected without it */
	const char *version;
	int64_t pid;
	usec_t uptime;
	const char *config;		      /* the file that was read */
	uint64_t moves;			      /* done for clients since the start */
	uint64_t ends[END_CAUSE_COUNT];	      /* of connections of its devices, by cause */
	uint64_t refused;		      /* requests of clients without permission */
	uint64_t log_dropped;		      /* log messages for which there was no room */
	bool log_unread;		      /* that is the case now */
	char config_error[REQUEST_ERROR_MAX]; /* of the last reload; "": none */
	const struct status_device *devices;
	size_t n_devices;
	const struct status_instance *instances;
	size_t n_instances;
	struct status_notify notify;
	struct status_lvs lvs;
	struct status_apart apart;
	const struct survey *survey; /* NULL: not done */
	json_t *operations;	     /* show/history, newest first; NULL: not known */
	usec_t now;		     /* monotonic, and since 1970 */
	usec_t wall;
	unsigned columns; /* of the terminal it is printed on; 0: no limit */
};

/* New reference, or NULL when out of memory. */
json_t *status_json_new(const struct status *s);

/* Print the daemon, each device and its protection, addresses and their owners, the last
 * operations, and what needs attention. VERBOSE adds the counters. */
void status_print(const struct status *s, bool verbose, FILE *out);

/* The protection of D: "continuous", "on demand", "observing" (none: what happens is only told) or
 * "moves only". */
const char *status_protection(const struct status_device *d);

/* Whether that protection is in force now. Never if the device is only observed. */
bool status_in_force(const struct status_device *d);

/* Whether D is not as the configuration wants it: not in force, or not even observed. */
bool status_fails(const struct status_device *d);

/* The exit code of "vipsafe status", as for an init script: 0, or 4 if the addresses of an
 * instance could not be put where its state wants them. */
int status_exit_code(const struct status *s);

/* Append what needs attention. */
void status_findings(const struct status *s, struct findings *ret);
