/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived says of an instance or a group, in the words of its notify
 * scripts and of its notify FIFO. All of it comes from outside. */
#pragma once

#include <stddef.h>

#include <vipsafe/base.h>

#include "base/request.h"

#define INSTANCE_NAME_MAX 128 /* with the NUL; longer ones are refused */
#define INSTANCE_LINE_MAX 512 /* a line of the FIFO, without its newline */

/* keepalived's states. What was not heard yet is UNKNOWN, and so is the state
 * of an event that tells of none (MASTER_PRIORITY …). */
enum instance_state {
	INSTANCE_UNKNOWN,
	INSTANCE_MASTER,
	INSTANCE_BACKUP,
	INSTANCE_FAULT,
	INSTANCE_STOP,
	INSTANCE_DELETED,
};

/* Who said so. */
enum instance_source {
	SOURCE_NONE,
	SOURCE_HOOK,  /* a script: it may come late, twice, or never */
	SOURCE_FIFO,  /* a line: in order, lost only when nobody reads */
	SOURCE_DECOY, /* the address that keepalived itself adds and removes */
};

struct instance_event {
	bool group; /* NAME is a vrrp_sync_group's */
	char name[INSTANCE_NAME_MAX];
	enum instance_state state; /* UNKNOWN: it tells of no state */
	unsigned priority;
	usec_t stamp; /* when it happened, as far as can be told */
	enum instance_source source;
};

/* The words a script is called with: INSTANCE|GROUP NAME STATE [PRIORITY].
 * Returns 0, or -EINVAL with *RET_ERROR naming the word. Stamp and source are
 * the caller's to fill. */
int instance_event_words(struct instance_event *ret, int argc, char *const argv[],
			 struct request_error *ret_error);

/* The same from SIZE bytes of a line: TYPE "NAME" STATE PRIORITY. -ENOMSG: it is
 * of a virtual server, which is no business of ours. */
int instance_event_line(struct instance_event *ret, const char *line, size_t size,
			struct request_error *ret_error);

/* As in the words: "MASTER". UNKNOWN is "unknown". */
const char *instance_state_name(enum instance_state s);
int instance_state_parse(const char *word, enum instance_state *ret);
const char *instance_source_name(enum instance_source s);
int instance_source_parse(const char *word, enum instance_source *ret);
