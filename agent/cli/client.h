/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of the daemon's control socket. */
#pragma once

#include <stdbool.h>

#include "show/wire.h"

enum client_outcome {
	CLIENT_ANSWERED,
	CLIENT_ABSENT,	/* no listener, or one that is not trusted */
	CLIENT_BARRED,	/* no access to the socket: whether it runs is unknown */
	CLIENT_REFUSED, /* the daemon refused: see error_code and error_text */
	CLIENT_BROKEN,	/* no whole answer came: what the daemon did is unknown */
};

#define CLIENT_TEXT_MAX 192

/* One line for CLIENT_BARRED and -EACCES: who may use the socket PATH. */
const char *client_barred_text(const char *path, char buf[CLIENT_TEXT_MAX]);

/* Send R to the socket PATH and wait for the answer for up to PATIENCE. The
 * daemon begins nothing after that time, unless R has a deadline of its own.
 * *RET is filled for ANSWERED and REFUSED, and for BARRED with the text; call
 * wire_answer_done() on it in any case. Never fails. */
void client_ask(const char *path, const struct wire_request *r, usec_t patience,
		struct wire_answer *ret, enum client_outcome *ret_outcome);

/* For commands that only the daemon can serve: the message for an OUTCOME other
 * than ANSWERED, valid as long as A, and the exit code. */
const char *client_failure_text(enum client_outcome outcome, const struct wire_answer *a);
int client_failure_code(enum client_outcome outcome, const struct wire_answer *a);

/* Called for each packet; A stays the caller's. Return false to end. */
typedef bool (*client_packet)(void *ud, const struct wire_answer *a);

/* Send R to the socket PATH and pass each packet to FN. 0: FN returned false, a
 * signal asked to end, our output has no reader, or PATIENCE is over. -EPIPE:
 * the daemon closed the connection; -ENOENT, -ECONNREFUSED, …: no daemon;
 * -EACCES: no access to its socket. SIGINT, SIGTERM and SIGHUP stay blocked. */
int client_listen(const char *path, const struct wire_request *r, usec_t patience, client_packet fn,
		  void *ud);
