/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask the daemon. */
#pragma once

#include <stdbool.h>

#include "show/wire.h"

enum client_outcome {
	CLIENT_ANSWERED,
	CLIENT_ABSENT,	/* nobody listens there, or nobody we would trust */
	CLIENT_BARRED,	/* its socket is not for us: whether it runs is not known */
	CLIENT_REFUSED, /* it would not: see error_code and error_text */
	CLIENT_BROKEN,	/* it fell silent: what it has done is not known */
};

/* Said of a socket that is not for us. */
#define CLIENT_BARRED_TEXT "not permitted to ask the daemon"

/* Send R to the socket PATH and wait for the answer until PATIENCE is over, after
 * which nothing is begun any more unless R has a deadline of its own.
 * *RET is filled for ANSWERED and REFUSED, to be given to
 * wire_answer_done(). Never fails. */
void client_ask(const char *path, const struct wire_request *r, usec_t patience,
		struct wire_answer *ret, enum client_outcome *ret_outcome);

/* Of an OUTCOME but ANSWERED, for commands that only the daemon can serve: what is said,
 * which lives as long as A, and the exit code. */
const char *client_failure_text(enum client_outcome outcome, const struct wire_answer *a);
int client_failure_code(enum client_outcome outcome, const struct wire_answer *a);

/* Called for each packet; what A owns stays its own. False: no more. */
typedef bool (*client_packet)(void *ud, const struct wire_answer *a);

/* Send R to the socket PATH and hand what comes to FN until it has enough, a
 * signal says to end, nobody reads our output any more or PATIENCE (0: none) is
 * over, which is 0. -EPIPE: the daemon has ended it; -ENOENT, -ECONNREFUSED, …:
 * there is none; -EACCES: its socket is not for us. SIGINT, SIGTERM and SIGHUP stay blocked. */
int client_listen(const char *path, const struct wire_request *r, usec_t patience, client_packet fn,
		  void *ud);
