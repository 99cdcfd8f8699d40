/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is no address change of vipsafe's own, on its way to the history. Some lines of a kind are
 * written at once; what comes too often is put together, and told of in one line ("n times"). */
#pragma once

#include "base/ratelimit.h"
#include "daemon/log.h"
#include "show/history_line.h"

/* Of a kind: lines at once, and one more in this time. */
#define NOTES_BURST 20
#define NOTES_EVERY (60 * USEC_PER_SEC)

/* Addresses of one line; of more the latest are kept. */
#define NOTE_ADDRESSES_MAX 16
#define NOTE_ADDRESS_MAX 80 /* with a port, too */

/* Notes of a kind that are put together. */
struct note_kept {
	struct history_note note; /* points into what follows */
	struct history_time time; /* of the latest */
	char addresses[NOTE_ADDRESSES_MAX][NOTE_ADDRESS_MAX];
	const char *list[NOTE_ADDRESSES_MAX];
	char device[DEVICE_NAME_MAX], result[32], text[REPORT_TEXT_MAX];
};

/* All zero at first. */
struct notes {
	struct ratelimit limits[HISTORY_OP_COUNT];
	struct note_kept *kept[HISTORY_OP_COUNT]; /* owned; NULL: none */
};

/* Write N, whose id is set here, or put it with others like it. Errors are ignored. */
void notes_put(struct notes *w, struct publisher *t, const struct history_note *n,
	       struct history_time at);

/* Write what was put together, if it may be written again, or if it must (ALL). */
void notes_flush(struct notes *w, struct publisher *t, bool all);
