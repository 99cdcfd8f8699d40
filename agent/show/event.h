/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events for watchers. */
#pragma once

#include <jansson.h>

#include "base/finding.h"
#include "base/report.h"

enum event_kind {
	EVENT_MOVE,	  /* an operation has ended; see report */
	EVENT_STATE,	  /* a device is guarded, or no longer */
	EVENT_ADDRESS,	  /* somebody else has deleted or added an address */
	EVENT_REPAIR,	  /* after that, connections were put back */
	EVENT_LOST,	  /* one of the connections that were not; text as conntrack(8) lists it */
	EVENT_REMOVED,	  /* entries were removed after their address was lost */
	EVENT_LINGER,	  /* connections of an address that vanished stay, or no longer */
	EVENT_QUARANTINE, /* repairs are suspended or resumed */
	EVENT_COLLISION,  /* two connections may become identical */
	EVENT_INSTANCE,	  /* keepalived has reported something */
	EVENT_CONFIG,	  /* the configuration was read again, or refused */
};

struct event {
	enum event_kind kind;
	enum severity severity;		  /* NOTE, WARNING, CRITICAL */
	usec_t at;			  /* monotonic … */
	usec_t wall;			  /* … and what the wall clock showed then */
	char device[DEVICE_NAME_MAX];	  /* "": no device */
	char text[CONN_LINE_MAX];	  /* one line; not needed for a MOVE */
	const struct report *report;	  /* MOVE only */
	uint64_t restored, lost, removed; /* since the last event of this kind */
};

/* {"event":…, "when":…, "at_us":N, "severity":…, "device":…, "text":…} and, depending on
 * the kind, "report", "restored", "lost", "removed". NULL: out of memory. */
json_t *event_json_new(const struct event *e);

#define EVENT_LINE_MAX 1024

/* "2026-11-30 02:58:31.123 br-mgmt repair: …", in local time, escaped, without newline. Returns
 * BUF. */
const char *event_line(const struct event *e, char buf[EVENT_LINE_MAX]);
