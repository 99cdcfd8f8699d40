/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: who may ask, how much, and for how long. One request per
 * connection. It does not interpret requests, and no input or client can stop
 * the loop. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/loop.h"
#include "daemon/peer.h"
#include "show/wire.h"

/* Served at the same time; further clients wait in the socket's queue. */
#define CONTROL_CLIENTS_MAX 64

/* How many of them may watch. */
#define CONTROL_WATCHERS_MAX 16

/* How many may be sent long lists. */
#define CONTROL_LISTS_MAX 4

struct control;
struct client;

struct control_handler {
	/* C asks for R. Answer with control_answer(), now or later. */
	void (*request)(void *ud, struct client *c, const struct wire_request *r);
	/* C disconnected before its answer; it must not be answered. */
	void (*gone)(void *ud, struct client *c);
	/* A client without permission was turned away. */
	void (*refused)(void *ud, pid_t pid, uid_t uid);
	/* A client disconnected; its request was dropped unread. */
	void (*abandoned)(void *ud);
	void *ud;
};

/* Serve the listening socket FD (taken over on success). */
int control_new(struct loop *l, int fd, gid_t gid, const struct control_handler *h,
		struct control **ret);
struct control *control_free(struct control *c);

void control_set_group(struct control *c, gid_t gid);

/* The identity of C when it connected. */
const struct peer *control_peer(const struct client *c);
enum peer_rights control_rights(const struct client *c);

/* Send LINE (taken over; NULL: out of memory) to C and end the connection. */
void control_answer(struct client *c, char *line);
void control_refuse(struct client *c, enum wire_refusal why, const char *text);

/* Whether C still waits. A client that has given up may be doing the work
 * itself, and its request must not be done after something newer. */
bool control_is_awaited(const struct client *c);

/* Instead of answering, send C what is published until it disconnects or reads
 * too slowly. -EBUSY: too many watch already; C has been told. */
int control_watch(struct client *c);

/* A long answer, made as it is sent. */
struct control_list {
	/* The next packet as *RET_LINE, taken over, or NULL: not ready, call again. 1: it was the
	 * last; 0; or a negative errno, which ends the connection. */
	int (*next)(void *ud, char **ret_line);
	void (*done)(void *ud); /* called once, whatever becomes of C */
	void *ud;
};

/* Instead of answering, send C what LIST gives, one packet after the other: one step for each turn
 * of the loop, and none while C does not read. -EBUSY: too many lists are being sent; C has been
 * told, and done() is not called. */
int control_send_list(struct client *c, const struct control_list *list);

/* Send LINE, one packet, to the watcher C. False: C has been dropped. */
bool control_send(struct client *c, const char *line);

/* Send LINE to all watchers. C may be NULL. */
void control_publish(struct control *c, const char *line);
size_t control_watchers(const struct control *c);
uint64_t control_watchers_dropped(const struct control *c);

/* Drop clients that take too long. Returns when to call again. */
usec_t control_tick(struct control *c);
