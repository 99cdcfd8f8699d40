/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow pairs: from one local port after the other a connection to the real server and one to the
 * service before it. A pair has crossed if the server has seen one source for both, and has failed
 * if an exchange was not answered. Some pairs are open at any time; each is asked again before it
 * ends. */
#include "flow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define OPEN_MAX 256
#define SPAN 20000 /* local ports */

struct end {
	int fd;
	char seen[WIRE_TEXT_MAX]; /* "ADDR PORT" of the last answer */
};

struct pair {
	bool open;
	struct end direct, via;
};

struct pairs {
	const struct options *o;
	struct pair pairs[OPEN_MAX];
	size_t crossed, failed;
};

/* One line there and back. */
static bool end_ask(struct end *e)
{
	char line[WIRE_TEXT_MAX], *space;
	size_t len = 0;
	ssize_t n;

	if (send(e->fd, "x\n", 2, MSG_NOSIGNAL) != 2)
		return false;
	while (!len || line[len - 1] != '\n') {
		n = recv(e->fd, line + len, sizeof(line) - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	line[len] = '\0';
	space = strrchr(line, ' ');
	if (space)
		*space = '\0';
	memcpy(e->seen, line, sizeof(line));
	return space;
}

static bool end_open(struct end *e, const struct options *o, uint16_t port,
		     const union sockaddr_any *to)
{
	const struct timeval patience = { .tv_sec = o->deadline_ms / 1000,
					  .tv_usec = o->deadline_ms % 1000 * 1000 };
	const struct linger at_once = { .l_onoff = 1 };
	union sockaddr_any from = o->bind;
	const int on = 1;

	wire_set_port(&from, port);
	e->fd = socket(o->wire.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return e->fd >= 0 && !setsockopt(e->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
	       !setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) &&
	       !setsockopt(e->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
	       !setsockopt(e->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) &&
	       !bind(e->fd, &from.sa, wire_address_len(&from)) &&
	       !connect(e->fd, &to->sa, wire_address_len(to)) && end_ask(e);
}

static void end_close(struct end *e)
{
	if (e->fd >= 0)
		close(e->fd);
}

static void pair_end(struct pairs *p, struct pair *pair)
{
	if (pair->open && (!end_ask(&pair->direct) || !end_ask(&pair->via)))
		p->failed++;
	if (pair->open) {
		end_close(&pair->direct);
		end_close(&pair->via);
	}
	pair->open = false;
}

static void pair_begin(struct pairs *p, struct pair *pair, uint16_t port)
{
	bool answered;

	*pair = (struct pair){ .open = true, .direct.fd = -1, .via.fd = -1 };
	answered = end_open(&pair->direct, p->o, port, &p->o->remote) &&
		   end_open(&pair->via, p->o, port, &p->o->second);
	if (answered && strcmp(pair->direct.seen, pair->via.seen) != 0)
		return;
	if (answered) {
		if (!p->crossed++)
			fprintf(stderr, "flow pairs: port %u: both are %s\n", port, pair->via.seen);
	} else if (!p->failed++) {
		fprintf(stderr, "flow pairs: port %u: %s\n", port, strerror(errno));
	}
	end_close(&pair->direct);
	end_close(&pair->via);
	pair->open = false;
}

int pairs_main(const struct options *o)
{
	static struct pairs p;
	size_t i;

	p.o = o;
	for (i = 0; i < o->n + OPEN_MAX; i++) {
		struct pair *pair = &p.pairs[i % OPEN_MAX];

		pair_end(&p, pair);
		if (i < o->n)
			pair_begin(&p, pair, (uint16_t)(o->first_port + i % SPAN));
	}
	printf("pairs %zu crossed=%zu failed=%zu\n", o->n, p.crossed, p.failed);
	return 0;
}
