/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client side of flows, shared by hold and busy. */
#pragma once

#include "flow.h"

enum fate {
	FATE_ALIVE,   /* answered, seen by the server as at first */
	FATE_CHANGED, /* answered, but the server saw another source */
	FATE_STALLED, /* not answered (yet) */
	FATE_RESET,   /* closed or reset by the far end: for good */
};

struct flow {
	int fd;
	uint16_t local_port;
	char first[80]; /* "ADDR PORT" as the server saw it in the first answer */
	char seen[80];	/* the same of the last answer */
	unsigned asked; /* number of the current exchange */
	uint64_t sent_ms, resent_ms;
	bool waiting; /* for the answer to it */
	bool pushed;  /* the server has sent something unasked */
	enum fate fate;
	char partial[WIRE_TEXT_MAX];
	size_t partial_len;
};

struct client {
	const struct options *options;
	int epoll_fd;
	struct flow **flows;
	size_t n;
	uint64_t exchanges, longest_ms;
};

bool client_init(struct client *c, const struct options *o);
void client_done(struct client *c);

/* Open N further flows and do one exchange on each; returns how many of them
 * were answered in time. The others are closed and forgotten. */
size_t client_open(struct client *c, size_t n);

/* Begin an exchange on F unless it was reset. */
void client_ask(struct client *c, struct flow *f);

/* Handle what the sockets, or EXTRA_FD, have to say; waits at most
 * TIMEOUT_MS. True when EXTRA_FD (-1: none) is readable. */
bool client_poll(struct client *c, int extra_fd, int timeout_ms);

/* Send again what a datagram flow has waited for too long. */
void client_resend(struct client *c, uint64_t now);

/* How long answers are waited for: the deadline of the options, and as many looks as fit into it.
 * A machine that gives us no time makes it longer. */
struct patience {
	uint64_t end;
	unsigned looks;
};

struct patience client_patience(const struct client *c);

/* One look, of 10 ms if there is nothing to be heard; sends again what is due. False: no
 * patience is left. */
bool client_wait(struct client *c, struct patience *p);

size_t client_waiting(const struct client *c);
size_t client_count(const struct client *c, enum fate fate);

/* "alive=A reset=R stalled=S changed=C", without an end of line */
void client_print_counts(const struct client *c);
