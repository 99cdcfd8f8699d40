/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: who may ask, how much, and for how long. One request per
 * connection. It knows nothing of what requests mean, and whatever comes over
 * the socket, the loop goes on. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/loop.h"
#include "daemon/peer.h"
#include "show/wire.h"

/* Served at once; the others wait in the socket's queue. */
#define CONTROL_CLIENTS_MAX 64

/* Of them, those who watch. */
#define CONTROL_WATCHERS_MAX 16

struct control;
struct client;

struct control_handler {
	/* Answer it with control_answer(), now or later. */
	void (*request)(void *ud, struct client *c, const struct wire_request *r);
	/* C has gone without waiting for its answer; not to be answered. */
	void (*gone)(void *ud, struct client *c);
	/* Somebody who is not permitted was turned away. */
	void (*refused)(void *ud, pid_t pid, uid_t uid);
	/* The request of somebody who has gone was dropped unread. */
	void (*abandoned)(void *ud);
	void *ud;
};

/* Serve the listening socket FD (taken over on success). */
int control_new(struct loop *l, int fd, gid_t gid, const struct control_handler *h,
		struct control **ret);
struct control *control_free(struct control *c);

void control_set_group(struct control *c, gid_t gid);

/* Who C is, as it was when it connected. */
const struct peer *control_peer(const struct client *c);
enum peer_rights control_rights(const struct client *c);

/* Send LINE (taken over; NULL: out of memory) to C and be done with it. */
void control_answer(struct client *c, char *line);
void control_refuse(struct client *c, enum wire_refusal why, const char *text);

/* Whether C still waits. Who has given up may be doing the work himself by now,
 * and what he asked for must not happen after something newer. */
bool control_is_awaited(const struct client *c);

/* Instead of an answer: C is sent what is published until it goes, and has gone
 * when it reads too slowly. -EBUSY: too many do, and it has been told so. */
int control_watch(struct client *c);

/* Send LINE, one packet, to the watcher C. False: C has been dropped. */
bool control_send(struct client *c, const char *line);

/* Send LINE to all who watch. C may be NULL. */
void control_publish(struct control *c, const char *line);
size_t control_watchers(const struct control *c);
uint64_t control_watchers_dropped(const struct control *c);

/* Turn away who takes too long. Returns when to call again. */
usec_t control_tick(struct control *c);
