/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RESEND_MS 400 /* datagrams: about what a first TCP retransmission takes */
#define EVENTS_MAX 256

bool client_init(struct client *c, const struct options *o)
{
	*c = (struct client){ .options = o };
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return c->epoll_fd >= 0;
}

static void flow_free(struct flow *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

void client_done(struct client *c)
{
	for (size_t i = 0; i < c->n; i++)
		flow_free(c->flows[i]);
	free(c->flows);
	close(c->epoll_fd);
}

static bool bind_local(struct flow *f, const struct options *o, size_t index)
{
	union sockaddr_any a = o->bind;
	int on = 1;

	if (!o->has_bind && !o->first_port && !o->any_answer)
		return true;
	if (!o->has_bind) {
		memset(&a, 0, sizeof(a));
		a.sa.sa_family = (sa_family_t)o->wire.family;
	}
	if (o->wire.type != SOCK_RAW) {
		wire_set_port(&a, o->first_port ? (uint16_t)(o->first_port + index) : 0);
		/* An earlier connection from that very port may not be gone yet.
		 * Where the kernel chooses it would choose differently. */
		if (o->first_port)
			(void)setsockopt(f->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	}
	return !bind(f->fd, &a.sa, wire_address_len(&a));
}

static void keep_alive(struct flow *f, int seconds)
{
	const int on = 1;

	(void)setsockopt(f->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(f->fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
	(void)setsockopt(f->fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
}

static void learn_local_port(struct flow *f, const struct options *o, size_t index)
{
	union sockaddr_any a;
	socklen_t len = sizeof(a);

	if (o->wire.type == SOCK_RAW)
		f->local_port = (uint16_t)((o->first_port ? o->first_port : 20000) + index);
	else if (!getsockname(f->fd, &a.sa, &len))
		f->local_port = wire_port(&a);
}

static struct flow *flow_open(struct client *c, size_t index)
{
	const struct options *o = c->options;
	union sockaddr_any remote = o->remote;
	struct flow *f = calloc(1, sizeof(*f));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = f };

	if (!f)
		return NULL;
	f->fate = FATE_STALLED;
	f->fd = socket(o->wire.family, o->wire.type | SOCK_CLOEXEC | SOCK_NONBLOCK, o->wire.proto);
	if (f->fd < 0)
		goto error;
	if (o->keepalive)
		keep_alive(f, o->keepalive);
	if (o->wire.type == SOCK_RAW)
		wire_set_port(&remote, 0);
	if (!bind_local(f, o, index) ||
	    (!o->any_answer && connect(f->fd, &remote.sa, wire_address_len(&remote)) &&
	     errno != EINPROGRESS))
		goto error;
	learn_local_port(f, o, index);
	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, f->fd, &ev))
		goto error;
	return f;
error:
	perror("flow");
	flow_free(f);
	return NULL;
}

/* A stream that is still connecting refuses data (EAGAIN): client_resend()
 * comes back to it. */
static void transmit(struct client *c, struct flow *f)
{
	const struct wire *w = &c->options->wire;
	uint8_t packet[WIRE_PACKET_MAX];
	char text[32];
	size_t len;
	ssize_t n;

	snprintf(text, sizeof(text), "%u", f->asked);
	if (w->type == SOCK_RAW)
		len = wire_pack(w, true, f->local_port, wire_port(&c->options->remote), text,
				packet);
	else
		len = (size_t)snprintf((char *)packet, sizeof(packet), "%s\n", text);
	if (c->options->any_answer)
		n = sendto(f->fd, packet, len, MSG_NOSIGNAL, &c->options->remote.sa,
			   wire_address_len(&c->options->remote));
	else
		n = send(f->fd, packet, len, MSG_NOSIGNAL);
	f->resent_ms = n < 0 && errno == EAGAIN ? 0 : now_ms();
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		f->fate = FATE_RESET;
}

void client_ask(struct client *c, struct flow *f)
{
	if (f->fate == FATE_RESET)
		return;
	f->asked++;
	f->waiting = true;
	f->fate = FATE_STALLED;
	f->sent_ms = now_ms();
	transmit(c, f);
	if (f->fate == FATE_RESET)
		f->waiting = false;
}

void client_resend(struct client *c, uint64_t now)
{
	bool stream = c->options->wire.type == SOCK_STREAM;

	for (size_t i = 0; i < c->n; i++) {
		struct flow *f = c->flows[i];

		if (!f->waiting)
			continue;
		if (stream ? f->resent_ms == 0 : now - f->resent_ms >= RESEND_MS)
			transmit(c, f);
		if (f->fate == FATE_RESET)
			f->waiting = false;
	}
}

/* LINE is "ADDR PORT NUMBER", or "ADDR PORT push". */
static void take_line(struct client *c, struct flow *f, const char *line)
{
	const char *last = strrchr(line, ' ');
	size_t len = last ? (size_t)(last - line) : 0;
	uint64_t took;

	if (!len || len >= sizeof(f->seen))
		return;
	if (!strcmp(last + 1, "push")) {
		f->pushed = true;
		return;
	}
	if (!f->waiting || strtoul(last + 1, NULL, 10) != f->asked)
		return; /* a late answer to an earlier exchange */
	memcpy(f->seen, line, len);
	f->seen[len] = '\0';
	if (!*f->first)
		memcpy(f->first, f->seen, sizeof(f->first));
	f->waiting = false;
	f->fate = strcmp(f->first, f->seen) ? FATE_CHANGED : FATE_ALIVE;
	took = now_ms() - f->sent_ms;
	c->exchanges++;
	if (took > c->longest_ms)
		c->longest_ms = took;
}

static void take_bytes(struct client *c, struct flow *f, const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			f->partial[f->partial_len] = '\0';
			take_line(c, f, f->partial);
			f->partial_len = 0;
		} else if (f->partial_len < sizeof(f->partial) - 1) {
			f->partial[f->partial_len++] = buf[i];
		}
	}
}

static void flow_readable(struct client *c, struct flow *f)
{
	const struct wire *w = &c->options->wire;
	uint8_t buf[2048];
	ssize_t n;

	for (;;) {
		uint16_t sport, dport;
		char text[WIRE_TEXT_MAX];

		n = recv(f->fd, buf, sizeof(buf), 0);
		if (n <= 0)
			break;
		if (w->type != SOCK_RAW)
			take_bytes(c, f, (const char *)buf, (size_t)n);
		else if (wire_unpack(w, false, buf, (size_t)n, &sport, &dport, text) &&
			 (!w->has_port || dport == f->local_port))
			take_line(c, f, text);
	}
	/* A datagram socket's ECONNREFUSED is a hint from some router, not an
	 * end: such a flow counts as stalled when nobody answers. */
	if (w->type == SOCK_STREAM && (n == 0 || errno != EAGAIN)) {
		epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
		f->fate = FATE_RESET;
		f->waiting = false;
	}
}

bool client_poll(struct client *c, int extra_fd, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	struct epoll_event extra = { .events = EPOLLIN, .data.ptr = NULL };
	bool heard = false;
	int n;

	if (extra_fd >= 0 && epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, extra_fd, &extra))
		heard = errno == EPERM; /* a file or /dev/null is always readable */
	n = epoll_wait(c->epoll_fd, events, EVENTS_MAX, heard ? 0 : timeout_ms);
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			flow_readable(c, events[i].data.ptr);
		else
			heard = true;
	}
	if (extra_fd >= 0)
		epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, extra_fd, NULL);
	return heard;
}

#define LOOK_MS 10

struct patience client_patience(const struct client *c)
{
	return (struct patience){ .end = now_ms() + c->options->deadline_ms,
				  .looks = c->options->deadline_ms / LOOK_MS };
}

bool client_wait(struct client *c, struct patience *p)
{
	uint64_t began = now_ms(), now;

	client_poll(c, -1, LOOK_MS);
	now = now_ms();
	p->looks -= p->looks && now >= began + LOOK_MS;
	client_resend(c, now);
	return p->looks || now < p->end;
}

/* Forget the flows from FIRST on that were never answered. */
static size_t drop_unanswered(struct client *c, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < c->n; i++) {
		if (*c->flows[i]->first)
			c->flows[kept++] = c->flows[i];
		else
			flow_free(c->flows[i]);
	}
	c->n = kept;
	return kept - first;
}

size_t client_open(struct client *c, size_t n)
{
	size_t first = c->n;
	struct patience p = client_patience(c);
	struct flow **flows = realloc(c->flows, (c->n + n + 1) * sizeof(*flows));

	if (!flows)
		return 0;
	c->flows = flows;
	while (n--) {
		struct flow *f = flow_open(c, c->n);

		if (!f)
			break;
		c->flows[c->n++] = f;
		client_ask(c, f);
		client_poll(c, -1, 0);
	}
	while (client_waiting(c) && client_wait(c, &p))
		;
	return drop_unanswered(c, first);
}

size_t client_waiting(const struct client *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->flows[i]->waiting;
	return n;
}

size_t client_count(const struct client *c, enum fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->flows[i]->fate == fate;
	return n;
}

void client_print_counts(const struct client *c)
{
	printf("alive=%zu reset=%zu stalled=%zu changed=%zu", client_count(c, FATE_ALIVE),
	       client_count(c, FATE_RESET), client_count(c, FATE_STALLED),
	       client_count(c, FATE_CHANGED));
}
