/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/os.h"
#include "daemon/loop.h"

/* For connecting until the request is there, and for reading an answer. Clients
 * send their request at once, so when all places are taken those without one
 * are dropped sooner. */
#define PATIENCE (2 * USEC_PER_SEC)
#define PATIENCE_WHEN_FULL (100 * USEC_PER_MSEC)

/* Accepted per round, so that other descriptors are served, too. */
#define ACCEPTS_MAX 16

/* For reading the next part of a list: somebody may be looking at it page by page. */
#define LIST_PATIENCE (300 * USEC_PER_SEC)

/* How often a new spare descriptor is tried for. */
#define SPARE_AGAIN (100 * USEC_PER_MSEC)

enum client_state {
	CLIENT_FREE,
	CLIENT_ASKING,
	CLIENT_WAITING, /* for the handler's answer */
	CLIENT_READING,
	CLIENT_LISTING,	 /* is sent a list, as fast as it reads */
	CLIENT_WATCHING, /* is sent what is published, until it disconnects */
};

struct client {
	struct control *control;
	enum client_state state;
	struct peer peer;
	enum peer_rights rights;
	int fd;
	usec_t since; /* when it entered this state */
	char *answer; /* owned */
	size_t sent, size;
	struct stream stream;
	struct control_list list; /* LISTING only */
	bool is_last;		  /* of the list: nothing comes behind what is queued */
};

struct control {
	struct loop *loop;
	int fd;
	gid_t gid;
	struct control_handler handler;
	struct client clients[CONTROL_CLIENTS_MAX];
	int spare; /* descriptor kept back for one client when there are no others; -1: in use */
	size_t n_clients, n_watchers, n_lists;
	uint64_t watchers_dropped;
	char in[WIRE_REQUEST_MAX + 1];
};

static void on_listening(void *ud, uint32_t events);
static void on_client(void *ud, uint32_t events);

static void get_spare(struct control *c)
{
	if (c->spare < 0)
		c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* At the limit of clients or descriptors, stop accepting. */
static void look_for_clients(struct control *c)
{
	if (c->n_clients < CONTROL_CLIENTS_MAX && c->spare >= 0)
		(void)loop_add(c->loop, c->fd, EPOLLIN, false, on_listening, c);
	else
		loop_remove(c->loop, c->fd, c);
}

static void client_end(struct client *cl)
{
	struct control *c = cl->control;

	loop_remove(c->loop, cl->fd, cl);
	close(cl->fd);
	free(cl->answer);
	stream_done(&cl->stream);
	c->n_watchers -= cl->state == CLIENT_WATCHING;
	c->n_lists -= cl->state == CLIENT_LISTING;
	if (cl->state == CLIENT_LISTING)
		cl->list.done(cl->list.ud);
	*cl = (struct client){ .control = c, .fd = -1 };
	c->n_clients--;
	get_spare(c);
	look_for_clients(c);
}

static void control_enter(struct client *cl, enum client_state state)
{
	cl->state = state;
	cl->since = os_now();
}

/* Send as much of the answer as the socket takes. */
static void client_send(struct client *cl)
{
	while (cl->sent < cl->size) {
		size_t piece = MIN(cl->size - cl->sent, WIRE_PIECE_MAX);
		ssize_t n = send(cl->fd, cl->answer + cl->sent, piece, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS) &&
		    loop_add(cl->control->loop, cl->fd, EPOLLOUT, false, on_client, cl) == 0)
			return;
		if (n < 0)
			break;
		cl->sent += (size_t)n;
	}
	client_end(cl);
}

void control_answer(struct client *cl, char *line)
{
	if (!line) {
		client_end(cl);
		return;
	}
	cl->answer = line;
	cl->size = strlen(line);
	control_enter(cl, CLIENT_READING);
	client_send(cl);
}

/* Send what is queued. A watcher that reads too slowly is dropped: then
 * false. */
static bool watcher_send(struct client *cl)
{
	int r = stream_send(&cl->stream, cl->fd);
	uint32_t events = EPOLLRDHUP | (r > 0 ? EPOLLOUT : 0);

	if (r >= 0 && loop_add(cl->control->loop, cl->fd, events, false, on_client, cl) == 0)
		return true;
	client_end(cl);
	return false;
}

bool control_send(struct client *cl, const char *line)
{
	if (stream_push(&cl->stream, line) == 0)
		return watcher_send(cl);
	cl->control->watchers_dropped++;
	client_end(cl);
	return false;
}

void control_publish(struct control *c, const char *line)
{
	size_t i;

	for (i = 0; c && i < CONTROL_CLIENTS_MAX && c->n_watchers; i++) {
		if (c->clients[i].state == CLIENT_WATCHING)
			(void)control_send(&c->clients[i], line);
	}
}

/* Send what is queued; when that is gone, make the next packet and begin to send it. */
static void list_step(struct client *cl)
{
	_cleanup_free_ char *line = NULL;
	int r = stream_send(&cl->stream, cl->fd);

	if (r == 0 && cl->is_last) {
		client_end(cl);
		return;
	}
	if (r == 0) {
		control_enter(cl, CLIENT_LISTING);
		r = cl->list.next(cl->list.ud, &line);
		cl->is_last = r == 1;
		if (r >= 0)
			r = line ? stream_push(&cl->stream, line) : 0;
		if (r == 0)
			r = stream_send(&cl->stream, cl->fd);
	}
	if (r < 0)
		client_end(cl);
}

int control_send_list(struct client *cl, const struct control_list *list)
{
	if (cl->control->n_lists == CONTROL_LISTS_MAX) {
		control_refuse(cl, WIRE_TOO_MANY, "too many lists are being sent already");
		return -EBUSY;
	}
	control_enter(cl, CLIENT_LISTING);
	cl->control->n_lists++;
	cl->list = *list;
	if (loop_add(cl->control->loop, cl->fd, EPOLLOUT | EPOLLRDHUP, false, on_client, cl) < 0)
		client_end(cl);
	return 0;
}

size_t control_watchers(const struct control *c)
{
	return c ? c->n_watchers : 0;
}

uint64_t control_watchers_dropped(const struct control *c)
{
	return c ? c->watchers_dropped : 0;
}

const struct peer *control_peer(const struct client *cl)
{
	return &cl->peer;
}

enum peer_rights control_rights(const struct client *cl)
{
	return cl->rights;
}

void control_refuse(struct client *cl, enum wire_refusal why, const char *text)
{
	control_answer(cl, wire_answer_refusal(why, text));
}

int control_watch(struct client *cl)
{
	if (cl->control->n_watchers == CONTROL_WATCHERS_MAX) {
		control_refuse(cl, WIRE_INTERNAL, "too many watch already");
		return -EBUSY;
	}
	control_enter(cl, CLIENT_WATCHING);
	cl->control->n_watchers++;
	return 0;
}

/* On a SOCK_SEQPACKET socket, the peer's close is visible at once, even before
 * what it sent earlier is read. */
bool control_is_awaited(const struct client *cl)
{
	struct pollfd p = { .fd = cl->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) <= 0;
}

static void client_read(struct client *cl)
{
	struct control *c = cl->control;
	enum wire_refusal why = WIRE_BAD_REQUEST;
	struct request_error e = { "" };
	struct wire_request request;
	ssize_t n;

	do
		n = recv(cl->fd, c->in, sizeof(c->in), MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) { /* closed without a request */
		client_end(cl);
		return;
	}
	if (!control_is_awaited(cl)) {
		c->handler.abandoned(c->handler.ud);
		client_end(cl);
		return;
	}
	if (wire_request_parse(c->in, (size_t)n, &request, &why, &e) < 0) {
		control_refuse(cl, why, e.text);
		return;
	}
	control_enter(cl, CLIENT_WAITING);
	/* from now on only its disconnect matters */
	if (loop_add(c->loop, cl->fd, EPOLLRDHUP, false, on_client, cl) < 0)
		client_end(cl);
	else
		c->handler.request(c->handler.ud, cl, &request);
}

static void on_client(void *ud, uint32_t events)
{
	const bool broken = events & (EPOLLHUP | EPOLLERR), left = broken || events & EPOLLRDHUP;
	struct client *cl = ud;

	switch (cl->state) {
	case CLIENT_FREE:
		break;
	case CLIENT_ASKING:
		client_read(cl);
		break;
	case CLIENT_WAITING:
		if (left) {
			cl->control->handler.gone(cl->control->handler.ud, cl);
			client_end(cl);
		}
		break;
	case CLIENT_READING: /* it may have closed its writing end and still read */
		broken ? client_end(cl) : client_send(cl);
		break;
	case CLIENT_LISTING:
		left ? client_end(cl) : list_step(cl);
		break;
	case CLIENT_WATCHING:
		left ? client_end(cl) : (void)watcher_send(cl);
		break;
	}
}

static void client_begin(struct control *c, int fd)
{
	struct client *cl = c->clients;
	char why[PEER_TEXT_MAX];

	while (cl->state != CLIENT_FREE)
		cl++;
	*cl = (struct client){ .control = c, .fd = fd };
	c->n_clients++;
	control_enter(cl, CLIENT_ASKING);
	if (peer_read(fd, &cl->peer) == 0)
		cl->rights = peer_rights(&cl->peer, fd, c->gid);
	if (cl->rights == PEER_NOBODY) {
		c->handler.refused(c->handler.ud, cl->peer.pid, cl->peer.uid);
		control_refuse(cl, WIRE_NOT_PERMITTED, peer_refusal(c->gid, why));
	} else if (loop_add(c->loop, fd, EPOLLIN, false, on_client, cl) < 0) {
		client_end(cl);
	} else {
		client_read(cl);
	}
}

/* If there is no descriptor left, use the spare one: no other client is
 * accepted until there is a spare one again. */
static int accept_client(struct control *c)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 || errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return fd;
	close(c->spare);
	c->spare = -1;
	return accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void on_listening(void *ud, uint32_t events _unused_)
{
	struct control *c = ud;
	int i;

	for (i = 0; i < ACCEPTS_MAX && c->n_clients < CONTROL_CLIENTS_MAX && c->spare >= 0; i++) {
		int fd = accept_client(c);

		if (fd < 0)
			break;
		client_begin(c, fd);
	}
	look_for_clients(c);
}

/* When CL is dropped for being too slow in its state; USEC_NEVER: not at
 * all. */
static usec_t client_deadline(const struct client *cl)
{
	const bool full = cl->control->n_clients == CONTROL_CLIENTS_MAX;

	if (cl->state == CLIENT_ASKING)
		return cl->since + (full ? PATIENCE_WHEN_FULL : PATIENCE);
	if (cl->state == CLIENT_LISTING)
		return cl->since + LIST_PATIENCE;
	return cl->state == CLIENT_READING ? cl->since + PATIENCE : USEC_NEVER;
}

usec_t control_tick(struct control *c)
{
	usec_t now = os_now(), next = USEC_NEVER;
	size_t i;

	if (c->spare < 0) {
		get_spare(c);
		look_for_clients(c);
		next = c->spare < 0 ? now + SPARE_AGAIN : USEC_NEVER;
	}
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *cl = &c->clients[i];

		if (now >= client_deadline(cl) && cl->state == CLIENT_READING) {
			client_end(cl);
		} else if (now >= client_deadline(cl)) {
			client_read(cl); /* the request may have come while the loop was busy */
			if (cl->state == CLIENT_ASKING)
				control_refuse(cl, WIRE_TOO_LATE, "no request came in time");
		}
		next = MIN(next, client_deadline(cl));
	}
	return next;
}

int control_new(struct loop *l, int fd, gid_t gid, const struct control_handler *h,
		struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	size_t i;
	int r;

	if (!c)
		return -ENOMEM;
	c->loop = l;
	c->fd = fd;
	c->gid = gid;
	c->handler = *h;
	c->spare = -1;
	get_spare(c);
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->clients[i] = (struct client){ .control = c, .fd = -1 };
	r = loop_add(l, fd, EPOLLIN, false, on_listening, c);
	if (r < 0) {
		closep(&c->spare);
		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct control *control_free(struct control *c)
{
	size_t i;

	if (!c)
		return NULL;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *cl = &c->clients[i];

		if (cl->state == CLIENT_WAITING)
			c->handler.gone(c->handler.ud, cl);
		if (cl->state != CLIENT_FREE)
			client_end(cl);
	}
	loop_remove(c->loop, c->fd, c);
	close(c->fd);
	closep(&c->spare);
	free(c);
	return NULL;
}

void control_set_group(struct control *c, gid_t gid)
{
	c->gid = gid;
}
