/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived's notify FIFO. It is ours: made when it is missing, and held open
 * for writing as well, so that it never ends whoever comes and goes. Where
 * keepalived has made one of its own, which it unlinks when it likes, that one
 * is read. */
#pragma once

#include "keepalived/instance_lines.h"
#include "daemon/loop.h"

struct fifo;

struct fifo_handler {
	struct instance_lines_sink sink; /* events have source and stamp */
	void (*lost)(void *ud);		 /* so much was there that some will be missing */
	void *ud;
};

int fifo_new(struct loop *l, const struct fifo_handler *h, struct fifo **ret);

/* The file stays: whoever has it open would write into the void. */
struct fifo *fifo_free(struct fifo *f);

/* Read PATH (NULL: none) from now on; if it has to be made, it is USER's. */
void fifo_set(struct fifo *f, const char *path, const char *user);

/* Take all that is there. */
void fifo_drain(struct fifo *f);

/* Do what is due. Returns when to call again. */
usec_t fifo_tick(struct fifo *f);

/* Why it cannot be read now; NULL: it is. */
const char *fifo_problem(const struct fifo *f);
