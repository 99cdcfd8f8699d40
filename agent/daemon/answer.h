/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to requests that change nothing. */
#pragma once

#include "daemon/daemon.h"

void answer_status(struct daemon *d, struct client *c, const struct wire_request *r);
void answer_metrics(struct daemon *d, struct client *c, const struct wire_request *r);

/* From now on, send events to C. */
void answer_watch(struct daemon *d, struct client *c);

/* The history, to a client who may not read its file. */
void answer_history(struct daemon *d, struct client *c);

/* List connections to C, in steps beside everything else. */
void answer_connections(struct daemon *d, struct client *c, const struct wire_request *r);

/* A packet for a list: of LINES, which have LEN bytes and a NUL, as many from *AT on as fit. Moves
 * *AT. NULL: out of memory. */
char *answer_packet(char *lines, size_t *at, size_t len);

/* Tell C of recorded ends, in steps as well. */
void answer_explain(struct daemon *d, struct client *c, const struct wire_request *r);

/* Write the metrics of daemon UD to the configured file, if there is one. */
void textfile_on_timer(void *ud);

/* The daemon ends, and says so in the file, unless another daemon may be writing it: it has begun
 * to write itself. */
void textfile_end(struct daemon *d);

/* From now on the file is TO ("": none): remove the one so far, which nobody would keep true. */
void textfile_move(struct daemon *d, const char *to);
