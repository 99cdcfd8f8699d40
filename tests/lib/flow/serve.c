/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow serve: answers every line or datagram with "ADDR PORT TEXT", the
 * sender as it looks from here. The line "push" on stdin makes it send
 * "ADDR PORT push" to everybody it has heard of, unasked. */
#include "flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 256

struct peer {
	int fd; /* stream: its own; datagram: the server's */
	union sockaddr_any addr;
	uint16_t port; /* as seen, also of raw protocols */
	char line[WIRE_TEXT_MAX];
	size_t line_len;
};

struct server {
	const struct options *options;
	int fd, epoll_fd;
	struct peer **peers;
	size_t n, size;
};

static const char *address_text(const union sockaddr_any *a, char buf[INET6_ADDRSTRLEN])
{
	const void *p = a->sa.sa_family == AF_INET ? (const void *)&a->in.sin_addr
						   : (const void *)&a->in6.sin6_addr;

	return inet_ntop(a->sa.sa_family, p, buf, INET6_ADDRSTRLEN) ? buf : "?";
}

static void answer(struct server *s, const struct peer *p, const char *text)
{
	const struct wire *w = &s->options->wire;
	char addr[INET6_ADDRSTRLEN], line[WIRE_TEXT_MAX + 80];
	uint8_t packet[WIRE_PACKET_MAX];
	union sockaddr_any to = p->addr;
	int len = snprintf(line, sizeof(line), "%s %u %.40s%s", address_text(&p->addr, addr),
			   p->port, text, w->type == SOCK_RAW ? "" : "\n");

	if (w->type == SOCK_STREAM) {
		(void)!send(p->fd, line, (size_t)len, MSG_NOSIGNAL);
	} else if (w->type == SOCK_DGRAM) {
		(void)!sendto(p->fd, line, (size_t)len, 0, &to.sa, wire_address_len(&to));
	} else {
		size_t n =
			wire_pack(w, false, wire_port(&s->options->remote), p->port, line, packet);

		wire_set_port(&to, 0);
		(void)!sendto(s->fd, packet, n, 0, &to.sa, wire_address_len(&to));
	}
}

static struct peer *peer_add(struct server *s, int fd, const union sockaddr_any *addr,
			     uint16_t port)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (s->n == s->size) {
		size_t size = s->size ? 2 * s->size : 64;
		struct peer **peers = realloc(s->peers, size * sizeof(*peers));

		if (!peers)
			abort();
		s->peers = peers;
		s->size = size;
	}
	if (!p)
		abort();
	p->fd = fd;
	p->addr = *addr;
	p->port = port;
	s->peers[s->n++] = p;
	return p;
}

static int open_socket(const struct options *o)
{
	union sockaddr_any a = o->remote;
	int on = 1,
	    fd = socket(o->wire.family, o->wire.type | SOCK_CLOEXEC | SOCK_NONBLOCK, o->wire.proto);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (o->wire.type == SOCK_RAW)
		wire_set_port(&a, 0);
	if (!bind(fd, &a.sa, wire_address_len(&a)))
		return fd;
	close(fd);
	return -1;
}

/* As QUIC servers do: what this peer sends next comes to a socket of its own. */
static struct peer *peer_connect(struct server *s, const union sockaddr_any *addr, uint16_t port)
{
	int fd = open_socket(s->options);
	struct peer *p = peer_add(s, fd, addr, port);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };

	if (fd < 0 || connect(fd, &addr->sa, wire_address_len(addr)) ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		abort();
	return p;
}

static void peer_drop(struct server *s, struct peer *p)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->peers[i] == p) {
			s->peers[i] = s->peers[--s->n];
			break;
		}
	close(p->fd);
	free(p);
}

static bool same_address(const union sockaddr_any *a, const union sockaddr_any *b)
{
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr));
}

static struct peer *peer_find(struct server *s, const union sockaddr_any *addr, uint16_t port)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->peers[i]->port == port && same_address(&s->peers[i]->addr, addr))
			return s->peers[i];
	return NULL;
}

static void accept_all(struct server *s)
{
	union sockaddr_any addr;
	socklen_t len = sizeof(addr);
	int fd;

	while ((fd = accept4(s->fd, &addr.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct peer *p = peer_add(s, fd, &addr, wire_port(&addr));
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };

		if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
			peer_drop(s, p);
		len = sizeof(addr);
	}
}

static void stream_readable(struct server *s, struct peer *p)
{
	char buf[2048];
	ssize_t n;

	while ((n = recv(p->fd, buf, sizeof(buf), 0)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n') {
				p->line[p->line_len] = '\0';
				answer(s, p, p->line);
				p->line_len = 0;
			} else if (p->line_len < sizeof(p->line) - 1) {
				p->line[p->line_len++] = buf[i];
			}
		}
	if (n == 0 || errno != EAGAIN)
		peer_drop(s, p);
}

static void datagrams_readable(struct server *s)
{
	const struct wire *w = &s->options->wire;
	union sockaddr_any from;
	socklen_t len = sizeof(from);
	uint8_t buf[2048];
	ssize_t n;

	for (; (n = recvfrom(s->fd, buf, sizeof(buf) - 1, 0, &from.sa, &len)) >= 0;
	     len = sizeof(from)) {
		uint16_t sport = wire_port(&from), dport = 0;
		char text[WIRE_TEXT_MAX];
		struct peer *p;

		if (w->type == SOCK_RAW) {
			if (!wire_unpack(w, true, buf, (size_t)n, &sport, &dport, text) ||
			    (w->proto == IPPROTO_SCTP && dport != wire_port(&s->options->remote)))
				continue;
		} else {
			buf[n] = '\0';
			snprintf(text, sizeof(text), "%.*s", (int)strcspn((char *)buf, "\n"), buf);
		}
		p = peer_find(s, &from, sport);
		if (!p)
			p = s->options->connects ? peer_connect(s, &from, sport)
						 : peer_add(s, s->fd, &from, sport);
		answer(s, p, text);
	}
}

/* False at the end of stdin. */
static bool obey(struct server *s)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	if (!strcmp(line, "push\n")) {
		for (size_t i = 0; i < s->n; i++)
			answer(s, s->peers[i], "push");
		printf("pushed %zu\n", s->n);
	}
	return true;
}

static bool listen_on(struct server *s)
{
	s->fd = open_socket(s->options);
	return s->fd >= 0 && (s->options->wire.type != SOCK_STREAM || !listen(s->fd, 4096));
}

int serve_main(const struct options *o)
{
	struct server s = { .options = o, .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	struct epoll_event own = { .events = EPOLLIN, .data.ptr = &s };
	struct epoll_event input = { .events = EPOLLIN, .data.ptr = NULL };
	struct epoll_event events[EVENTS_MAX];

	if (!listen_on(&s) || epoll_ctl(s.epoll_fd, EPOLL_CTL_ADD, s.fd, &own)) {
		perror("flow serve");
		return 1;
	}
	(void)epoll_ctl(s.epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &input);
	puts("ready");
	for (;;) {
		int n = epoll_wait(s.epoll_fd, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			if (!events[i].data.ptr) {
				if (!obey(&s))
					return 0;
			} else if (events[i].data.ptr != &s) {
				stream_readable(&s, events[i].data.ptr);
			} else if (o->wire.type == SOCK_STREAM) {
				accept_all(&s);
			} else {
				datagrams_readable(&s);
			}
		}
	}
}
