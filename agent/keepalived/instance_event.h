/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived reports about an instance or a group to its notify scripts and its notify FIFO.
 * The input is not trusted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <vipsafe/base.h>

#include "base/request.h"

#define INSTANCE_NAME_MAX 128 /* with the NUL; longer ones are refused */
#define INSTANCE_LINE_MAX 512 /* a line of the FIFO, without its newline */

/* keepalived's states. UNKNOWN: none reported yet; in an event: it carries no state
 * (MASTER_PRIORITY …). */
enum instance_state {
	INSTANCE_UNKNOWN,
	INSTANCE_MASTER,
	INSTANCE_BACKUP,
	INSTANCE_FAULT,
	INSTANCE_STOP,
	INSTANCE_DELETED,
};

/* Where an event comes from. */
enum instance_source {
	SOURCE_NONE,
	SOURCE_HOOK,  /* a script: it may come late, twice, or never */
	SOURCE_FIFO,  /* a line: in order, lost only if nobody reads */
	SOURCE_DECOY, /* the address that keepalived itself adds and removes */
};

struct instance_event {
	bool group; /* NAME is that of a vrrp_sync_group */
	char name[INSTANCE_NAME_MAX];
	enum instance_state state; /* UNKNOWN: it carries no state */
	unsigned priority;
	usec_t stamp; /* when it happened, as far as known */
	enum instance_source source;
};

/* Parse the words a script is called with: INSTANCE|GROUP NAME STATE [PRIORITY]. Returns 0, or
 * -EINVAL with *RET_ERROR naming the word. The caller fills stamp and source. */
int instance_event_words(struct instance_event *ret, int argc, char *const argv[],
			 struct request_error *ret_error);

/* Parse a line of SIZE bytes: TYPE "NAME" STATE PRIORITY. Returns 0, -EINVAL with *RET_ERROR
 * filled, or -ENOMSG: it is about a virtual server, which does not concern vipsafe. */
int instance_event_line(struct instance_event *ret, const char *line, size_t size,
			struct request_error *ret_error);

/* The name as in events: "MASTER". UNKNOWN: "unknown". */
const char *instance_state_name(enum instance_state s);
const char *instance_source_name(enum instance_source s);

/* Splits what is read from keepalived's notify FIFO, in pieces of any size, into lines. */

struct instance_lines {
	char text[INSTANCE_LINE_MAX];
	size_t size;
	bool too_long; /* the rest of the line is skipped */
};

struct instance_lines_sink {
	void (*event)(void *ud, const struct instance_event *event);
	void (*bad)(void *ud, const struct request_error *why);
	void *ud;
};

/* Take SIZE bytes of DATA; SINK is called for each line that ends in them. Lines about virtual
 * servers are skipped. */
void instance_lines_feed(struct instance_lines *l, const char *data, size_t size,
			 const struct instance_lines_sink *sink);
