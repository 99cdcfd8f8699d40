/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived's notify FIFO. It is ours: made if missing, and also held open for
 * writing, so that it does not reach its end when writers close it. If
 * keepalived has made its own, which it may unlink at any time, that one is
 * read. */
#pragma once

#include "keepalived/instance_event.h"
#include "daemon/loop.h"

struct fifo;

struct fifo_handler {
	struct instance_lines_sink sink; /* events have source and stamp */
	void (*lost)(void *ud);		 /* it was nearly full: lines may have been lost */
	void *ud;
};

int fifo_new(struct loop *l, const struct fifo_handler *h, struct fifo **ret);

/* The file stays: a writer that has it open would otherwise lose what it
 * writes. */
struct fifo *fifo_free(struct fifo *f);

/* From now on read PATH (NULL: none). If the FIFO has to be made, its owner is
 * USER. */
void fifo_set(struct fifo *f, const char *path, const char *user);

/* Read what is there now. */
void fifo_drain(struct fifo *f);

/* Why it cannot be read now; NULL: it can. */
const char *fifo_problem(const struct fifo *f);
