/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a connection died: what was recorded of its end, what is known of it now, and what it may be
 * otherwise, in words. Pure: whoever asks has looked at the node before. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/kernel.h"
#include "base/settings.h"
#include "guard/guard.h"

/* Where the ends are from. */
enum explain_source {
	EXPLAIN_FROM_NOTHING,
	EXPLAIN_FROM_DAEMON,
	EXPLAIN_FROM_FILE, /* what a daemon that does not answer has left */
};

/* What the words depend on. */
struct explain_context {
	usec_t now, wall; /* both clocks at the same instant */
	const struct settings *settings;
	/* The instance of keepalived with ADDRESS ("192.0.2.1/32"), or NULL. */
	const char *(*instance)(void *ud, const char *address);
	void *ud;
	enum explain_source source;
	usec_t recorded_since; /* every end from then on is remembered; 0: not known */
	uint64_t recorded_max; /* so many at most */
	bool incomplete;       /* something could not be read to its end */
	bool nearest;	       /* it is not of the time asked for: nothing was */
	bool unended;	       /* no end of what is asked for is remembered */
};

/* END, an object of show/end_json, with what is to be said of it. NULL: out of memory, or it is no
 * such object. */
json_t *explain_end(const struct explain_context *c, const json_t *end);

/* RECORD, which the table has now; K: whose ct_mark is used. DEVICE may be NULL. */
json_t *explain_alive(const struct explain_context *c, const struct kernel *k,
		      const struct conn_record *record, const char *device, enum protection p);

/* What the node shows beside the ends; texts may be "". */
struct explain_facts {
	bool has_counts;
	uint64_t invalid, early_drop, dropped; /* packets and entries, since the boot */
	bool has_usage;
	uint32_t entries, max;
	const char *notrack;	  /* the first rule that takes packets out of tracking */
	bool drops_invalid;	  /* a rule drops what conntrack calls INVALID */
	const char *rules_unseen; /* why the firewall's rules could not be read */
	bool other_namespace;	  /* than that of process 1 */
	const char *collision;	  /* the other connection, and which service */
	const char *ipvs;	  /* how long it was idle, if the node's IPVS has forgotten it */
	bool table_unseen;	  /* the conntrack table could not be read */
};

/* What it may be, as a list: for a connection of which nothing was recorded (KNOWN false), or which
 * the table has now. NULL: out of memory. */
json_t *explain_possible(const struct explain_context *c, const struct explain_facts *f,
			 bool known);

/* All of it: takes over ITEMS and POSSIBLE, lists of the above. TUPLE: as it was asked for. */
json_t *explain_result(const struct explain_context *c, const char *tuple, json_t *items,
		       json_t *possible);

/* Order a list of ends and living connections: the newest first. NULL: out of memory; takes over
 * ITEMS. */
json_t *explain_sort(json_t *items);

/* Print a result. COLUMNS: of the terminal; 0: no limit. MAX: connections; 0: all. */
void explain_print(const struct explain_context *c, const json_t *result, unsigned columns,
		   size_t max, FILE *out);
