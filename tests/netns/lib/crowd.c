/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crowd PATH N: N clients of the control socket PATH at a time. Half of them
 * ask properly; the others say nothing, or garbage, or send 10 MB, or leave in
 * the middle. Who is done is replaced by one of its kind until a line comes or
 * stdin ends; then
 *   crowd served=S unserved=U silent=… garbage=… large=… leaving=…
 * UNSERVED asked properly and were not answered; of the others it is counted
 * how many were turned away as they should be, or have left. Prints "crowded"
 * once all N are there. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LARGE_SIZE ((size_t)10 << 20)
#define PIECE_SIZE ((size_t)128 << 10)
#define SEND_BUFFER (512 << 10)
/* So long, and until as many as the crowd have ended since: one at a time is served. */
#define PATIENCE_MS 60000
#define PATIENCE_MAX_MS (10 * PATIENCE_MS)

enum kind { PROPER, SILENT, GARBAGE, LARGE, LEAVING, KINDS };

static const enum kind mix[] = { PROPER, SILENT, PROPER, GARBAGE, PROPER, LEAVING, PROPER, LARGE };

/* What each kind has to hear at last; a LEAVING one hears nothing. */
static const char *const expected[] = { "\"status\"", "\"too-late\"", "\"bad-request\"",
					"\"too-large\"", "" };

struct client {
	enum kind kind;
	int fd; /* -1: has to connect (again) */
	uint64_t since;
	unsigned long before; /* so many had ended */
	size_t sent;	      /* LARGE */
	bool reset, right;
};

struct crowd {
	struct sockaddr_un address;
	int epoll;
	struct client *clients;
	size_t n;
	unsigned long ended; /* but for who left by itself */
	unsigned long done[KINDS], failed[KINDS];
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void finish(struct crowd *c, struct client *cl, bool well)
{
	if (!well && cl->kind == PROPER)
		fprintf(stderr, "crowd: unserved after %llu ms\n",
			(unsigned long long)(now_ms() - cl->since));
	(well ? c->done : c->failed)[cl->kind]++;
	c->ended += cl->kind != LEAVING;
	close(cl->fd);
	cl->fd = -1;
}

static void say(int fd, const char *text)
{
	/* who was turned away already will hear it */
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* False: the listener's queue is full, or nobody listens. */
static bool begin(struct crowd *c, struct client *cl)
{
	int size = SEND_BUFFER;
	struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = cl } };

	cl->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (cl->fd < 0)
		return false;
	if (connect(cl->fd, (struct sockaddr *)&c->address, sizeof(c->address)) < 0) {
		close(cl->fd);
		cl->fd = -1;
		return false;
	}
	cl->since = now_ms();
	cl->before = c->ended;
	cl->sent = 0;
	cl->reset = cl->right = false;
	switch (cl->kind) {
	case PROPER:
		say(cl->fd, "{\"v\":2,\"words\":[\"status\"]}");
		break;
	case GARBAGE:
		say(cl->fd, "\x16\x03\x01\xff{\"v\":[[[[[[\\");
		break;
	case LARGE:
		(void)setsockopt(cl->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		e.events |= EPOLLOUT;
		break;
	case LEAVING:
		say(cl->fd, "{\"v\":2,\"words\":[\"stat");
		finish(c, cl, true);
		return true;
	case SILENT:
	case KINDS:
		break;
	}
	epoll_ctl(c->epoll, EPOLL_CTL_ADD, cl->fd, &e);
	return true;
}

static void send_more(struct crowd *c, struct client *cl)
{
	static const char piece[PIECE_SIZE];
	struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = cl } };

	while (cl->sent < LARGE_SIZE) {
		ssize_t n = send(cl->fd, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break; /* it does not want more; what it says is to be read */
		cl->sent += (size_t)n;
	}
	epoll_ctl(c->epoll, EPOLL_CTL_MOD, cl->fd, &e);
}

static void hear(struct crowd *c, struct client *cl)
{
	static char buf[64 << 10];

	for (;;) {
		ssize_t n = recv(cl->fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == ECONNRESET && !cl->reset) {
			cl->reset = true; /* what was said before is there all the same */
			continue;
		}
		if (n <= 0) {
			finish(c, cl, cl->right);
			return;
		}
		buf[n] = '\0';
		cl->right |= strstr(buf, expected[cl->kind]) != NULL;
	}
}

static void round_once(struct crowd *c)
{
	struct epoll_event events[64];
	int i, n = epoll_wait(c->epoll, events, 64, 20);

	for (i = 0; i < n; i++) {
		struct client *cl = events[i].data.ptr;

		if (cl->kind == LARGE && events[i].events & EPOLLOUT)
			send_more(c, cl);
		if (cl->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			hear(c, cl);
	}
}

static bool waits_too_long(const struct crowd *c, const struct client *cl, uint64_t now)
{
	return now - cl->since > PATIENCE_MAX_MS ||
	       (now - cl->since > PATIENCE_MS && c->ended - cl->before > c->n);
}

/* Connect who is not, and give up on who waits without end. Returns how many
 * are there. */
static size_t fill(struct crowd *c, bool anew)
{
	uint64_t now = now_ms();
	size_t i, n = 0;

	for (i = 0; i < c->n; i++) {
		struct client *cl = &c->clients[i];

		if (cl->fd >= 0 && waits_too_long(c, cl, now))
			finish(c, cl, false);
		if (cl->fd < 0 && anew)
			(void)begin(c, cl);
		n += cl->fd >= 0 || (anew && cl->kind == LEAVING);
	}
	return n;
}

static bool is_told(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

int main(int argc, char *argv[])
{
	struct crowd c = { .address = { .sun_family = AF_UNIX } };
	struct rlimit l;
	bool told = false;
	size_t i;

	if (argc != 3 || strlen(argv[1]) >= sizeof(c.address.sun_path))
		return 2;
	memcpy(c.address.sun_path, argv[1], strlen(argv[1]) + 1);
	c.n = strtoul(argv[2], NULL, 10);
	if (!getrlimit(RLIMIT_NOFILE, &l)) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	c.epoll = epoll_create1(EPOLL_CLOEXEC);
	c.clients = calloc(c.n, sizeof(*c.clients));
	if (!c.clients || c.epoll < 0)
		return 1;
	for (i = 0; i < c.n; i++)
		c.clients[i] = (struct client){ .kind = mix[i % 8], .fd = -1 };
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!is_told()) {
		if (fill(&c, true) == c.n && !told) {
			puts("crowded");
			told = true;
		}
		round_once(&c);
	}
	while (fill(&c, false))
		round_once(&c);
	printf("crowd served=%lu unserved=%lu silent=%lu garbage=%lu large=%lu leaving=%lu\n",
	       c.done[PROPER], c.failed[PROPER], c.done[SILENT], c.done[GARBAGE], c.done[LARGE],
	       c.done[LEAVING]);
	return 0;
}
