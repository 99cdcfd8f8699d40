/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow churn: so many new connections a second, each of which lives for a
 * while, does an exchange at its beginning, in its middle and at its end, and
 * closes. A connection is broken when one of the exchanges is not answered in
 * time, or by somebody who sees another source than before. */
#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define BURST_MAX 200 /* opened at a time when we are behind */
#define EXCHANGES 3

struct life {
	struct life *next, **link; /* all that are open, the youngest first */
	int fd;
	bool connected;
	unsigned asked, answered; /* exchanges */
	uint64_t born_ms, asked_ms;
	char first[WIRE_TEXT_MAX]; /* source as seen in the first answer */
	char line[WIRE_TEXT_MAX];
	size_t len;
};

struct churn {
	const struct options *options;
	int epoll;
	struct life *open;
	uint64_t opened, unopened;
	uint64_t whole, reset, stalled, changed; /* how they have ended */
};

static void life_end(struct life *l, uint64_t *why)
{
	(*why)++;
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	close(l->fd);
	free(l);
}

static void life_begin(struct churn *c, uint64_t now)
{
	const struct options *o = c->options;
	struct life *l = calloc(1, sizeof(*l));
	struct epoll_event e = { .events = EPOLLOUT | EPOLLIN | EPOLLET, .data.ptr = l };

	if (!l)
		abort();
	c->opened++;
	l->born_ms = l->asked_ms = now;
	l->fd = socket(o->wire.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 ||
	    (connect(l->fd, &o->remote.sa, wire_address_len(&o->remote)) && errno != EINPROGRESS) ||
	    epoll_ctl(c->epoll, EPOLL_CTL_ADD, l->fd, &e)) {
		if (!c->unopened++)
			perror("flow churn");
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return;
	}
	l->next = c->open;
	l->link = &c->open;
	if (l->next)
		l->next->link = &l->next;
	c->open = l;
}

static bool life_ask(struct life *l, uint64_t now)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u\n", ++l->asked);

	l->asked_ms = now;
	return send(l->fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

/* "ADDR PORT NUMBER". False: from another source than before. */
static bool life_heard(struct life *l)
{
	char *last = strrchr(l->line, ' ');

	if (!last || strtoul(last + 1, NULL, 10) != l->asked)
		return true;
	*last = '\0';
	if (!*l->first)
		memcpy(l->first, l->line, sizeof(l->first));
	l->answered = l->asked;
	return !strcmp(l->first, l->line);
}

static void life_readable(struct churn *c, struct life *l)
{
	char buf[512];
	ssize_t n, i;

	while ((n = recv(l->fd, buf, sizeof(buf), 0)) > 0) {
		for (i = 0; i < n; i++) {
			if (buf[i] != '\n') {
				l->line[l->len] = buf[i];
				l->len += l->len < sizeof(l->line) - 1;
				continue;
			}
			l->line[l->len] = '\0';
			l->len = 0;
			if (!life_heard(l)) {
				life_end(l, &c->changed);
				return;
			}
		}
	}
	if (n == 0 || errno != EAGAIN)
		life_end(l, &c->reset);
	else if (l->answered == EXCHANGES)
		life_end(l, &c->whole);
}

static void poll_once(struct churn *c, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int i, n = epoll_wait(c->epoll, events, EVENTS_MAX, timeout_ms);

	for (i = 0; i < n; i++) {
		struct life *l = events[i].data.ptr;

		if (events[i].events & (EPOLLERR | EPOLLHUP)) {
			life_end(l, &c->reset);
			continue;
		}
		l->connected |= (events[i].events & EPOLLOUT) != 0;
		if (events[i].events & EPOLLIN)
			life_readable(c, l);
	}
}

/* What is due by the clock: the next exchange, or the end of patience. */
static void attend(struct churn *c, uint64_t now)
{
	const struct options *o = c->options;
	struct life *l, *next;

	for (l = c->open; l; l = next) {
		uint64_t due = l->born_ms + l->asked * (uint64_t)o->life_ms / (EXCHANGES - 1);

		next = l->next;
		if (l->answered < l->asked || !l->connected) {
			if (now - l->asked_ms > o->deadline_ms)
				life_end(l, &c->stalled);
		} else if (now >= due && !life_ask(l, now)) {
			life_end(l, &c->reset);
		}
	}
}

int churn_main(const struct options *o)
{
	struct churn c = { .options = o, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	uint64_t started = now_ms(), ends = started + o->seconds * UINT64_C(1000);
	uint64_t now, due, attended = 0;

	if (c.epoll < 0 || !o->rate)
		return 1;
	puts("ready");
	do {
		int burst = 0;

		now = now_ms();
		/* all that were asked for, however long it takes */
		due = ((now < ends ? now : ends) - started) * o->rate / 1000;
		while (c.opened < due && burst++ < BURST_MAX)
			life_begin(&c, now);
		poll_once(&c, c.opened < due ? 0 : 1);
		if (now >= attended + 5) {
			attend(&c, now);
			attended = now;
		}
	} while (now < ends || c.opened < due || c.open);
	printf("churn whole=%" PRIu64 " unopened=%" PRIu64 " reset=%" PRIu64 " stalled=%" PRIu64
	       " changed=%" PRIu64 " opened=%" PRIu64 " ms=%" PRIu64 "\n",
	       c.whole, c.unopened, c.reset, c.stalled, c.changed, c.opened, now_ms() - started);
	close(c.epoll);
	return 0;
}
