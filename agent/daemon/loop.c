/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include <vipsafe/base.h>

#include "base/array.h"
#include "base/os.h"
#include "base/program.h"

#define ROUND_MAX 64 /* events taken at a time */

/* One per descriptor, by its number. */
struct slot {
	loop_ready fn; /* NULL: free */
	void *ud;
	uint32_t serial; /* tells it from an earlier user of the same number */
	bool urgent;
};

struct signal_slot {
	void (*fn)(void *ud, int sig);
	void *ud;
};

struct loop {
	int epoll, timer, signals;
	struct slot *slots; /* owned */
	size_t n_slots;
	uint32_t serial;
	sigset_t mask, mask_before;
	struct signal_slot signal[NSIG];
	struct loop_timer *timers;
	usec_t (*round)(void *ud);
	void *round_ud;
	usec_t armed; /* what the timer is set to */
	bool stopped;
};

static int loop_slots_grow(struct loop *l, size_t fd)
{
	size_t had = l->n_slots;
	int r = array_reserve(&l->slots, &l->n_slots, fd + 1, sizeof(*l->slots));

	if (r == 0)
		memset(l->slots + had, 0, (l->n_slots - had) * sizeof(*l->slots));
	return r;
}

int loop_add(struct loop *l, int fd, uint32_t events, bool urgent, loop_ready fn, void *ud)
{
	struct epoll_event e = { .events = events };
	struct slot *s;
	int r = loop_slots_grow(l, (size_t)fd);

	if (r < 0)
		return r;
	s = &l->slots[fd];
	if (!s->fn || s->ud != ud)
		*s = (struct slot){ .serial = ++l->serial };
	e.data.u64 = (uint64_t)s->serial << 32 | (uint32_t)fd;
	/* closing a descriptor removes it from epoll silently */
	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &e) < 0 &&
	    (errno != ENOENT || epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)) {
		s->fn = NULL;
		return -errno;
	}
	s->fn = fn;
	s->ud = ud;
	s->urgent = urgent;
	return 0;
}

void loop_remove(struct loop *l, int fd, const void *ud)
{
	if (fd < 0 || (size_t)fd >= l->n_slots || !l->slots[fd].fn || l->slots[fd].ud != ud)
		return;
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	l->slots[fd].fn = NULL;
}

static void loop_on_signal(void *ud, uint32_t events _unused_)
{
	struct loop *l = ud;
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo < NSIG && l->signal[info.ssi_signo].fn)
			l->signal[info.ssi_signo].fn(l->signal[info.ssi_signo].ud,
						     (int)info.ssi_signo);
}

static void on_timer(void *ud, uint32_t events _unused_)
{
	struct loop *l = ud;
	uint64_t times;

	(void)!read(l->timer, &times, sizeof(times));
	l->armed = USEC_NEVER;
}

int loop_signal(struct loop *l, int sig, void (*fn)(void *ud, int sig), void *ud)
{
	l->signal[sig] = (struct signal_slot){ fn, ud };
	sigaddset(&l->mask, sig);
	if (sigprocmask(SIG_BLOCK, &l->mask, NULL) < 0 ||
	    signalfd(l->signals, &l->mask, SFD_NONBLOCK | SFD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

void loop_add_timer(struct loop *l, struct loop_timer *t)
{
	t->next = l->timers;
	l->timers = t;
}

void loop_remove_timer(struct loop *l, const struct loop_timer *t)
{
	struct loop_timer **at = &l->timers;

	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
}

static struct loop_timer *loop_first_timer(const struct loop *l)
{
	struct loop_timer *first = l->timers, *t;

	for (t = first; t; t = t->next)
		if (t->due < first->due)
			first = t;
	return first;
}

/* Once through at most: what is due again at once has its turn in the next round. */
static void loop_run_timers(struct loop *l)
{
	usec_t now = os_now();
	struct loop_timer *t;
	size_t n = 0;

	for (t = l->timers; t; t = t->next)
		n++;
	for (t = loop_first_timer(l); t && t->due <= now && n; t = loop_first_timer(l), n--) {
		t->due = USEC_NEVER;
		t->fn(t->ud);
	}
}

/* Do what is due. Returns when there is more to do. */
static usec_t loop_round(struct loop *l)
{
	const struct loop_timer *first;
	usec_t next;

	loop_run_timers(l);
	next = l->round ? l->round(l->round_ud) : USEC_NEVER;
	first = loop_first_timer(l);
	return first && first->due < next ? first->due : next;
}

void loop_on_round(struct loop *l, usec_t (*fn)(void *ud), void *ud)
{
	l->round = fn;
	l->round_ud = ud;
}

int loop_new(struct loop **ret)
{
	_cleanup_(loop_freep) struct loop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->armed = USEC_NEVER;
	sigemptyset(&l->mask);
	sigprocmask(SIG_BLOCK, NULL, &l->mask_before);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	l->signals = signalfd(-1, &l->mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (l->epoll < 0 || l->timer < 0 || l->signals < 0)
		return -errno;
	r = loop_add(l, l->timer, EPOLLIN, false, on_timer, l);
	if (r == 0)
		r = loop_add(l, l->signals, EPOLLIN, false, loop_on_signal, l);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

struct loop *loop_free(struct loop *l)
{
	if (!l)
		return NULL;
	closep(&l->signals);
	closep(&l->timer);
	closep(&l->epoll);
	sigprocmask(SIG_SETMASK, &l->mask_before, NULL);
	free(l->slots);
	free(l);
	return NULL;
}

static int arm(struct loop *l, usec_t at)
{
	/* zero would disarm it */
	usec_t when = at == USEC_NEVER ? 0 : MAX(at, (usec_t)1);
	struct itimerspec its = { .it_value = { .tv_sec = (time_t)(when / USEC_PER_SEC),
						.tv_nsec = (long)(when % USEC_PER_SEC) * 1000 } };

	if (at == l->armed)
		return 0;
	l->armed = at;
	return timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &its, NULL) < 0 ? -errno : 0;
}

/* Skips descriptors that an earlier call in this round has removed. */
static void loop_serve(struct loop *l, const struct epoll_event *events, int n, bool urgent)
{
	int i;

	for (i = 0; i < n; i++) {
		size_t fd = (uint32_t)events[i].data.u64;
		struct slot s = l->slots[fd];

		if (s.fn && s.serial == events[i].data.u64 >> 32 && s.urgent == urgent)
			s.fn(s.ud, events[i].events);
	}
}

int loop_run(struct loop *l)
{
	while (!l->stopped) {
		struct epoll_event events[ROUND_MAX];
		int n, r = arm(l, loop_round(l));

		if (r < 0)
			return r;
		if (l->stopped)
			break;
		n = epoll_wait(l->epoll, events, ROUND_MAX, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		loop_serve(l, events, n, true);
		loop_serve(l, events, n, false);
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

/* How often a child that has closed its output is waited for. */
#define REAP_LOOK (2 * USEC_PER_MSEC)

struct child {
	struct loop *loop;
	pid_t pid; /* 0: already reaped */
	int fd;	   /* its output; end of file when it has ended */
	usec_t deadline, next;
	void (*fn)(void *ud, int r);
	void *ud;
};

static void __attribute__((noreturn)) child_become(char *const argv[], int out, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int std[3] = { null, out, out };

	setsid();
	program_become(argv[0], argv, std, parent);
}

/* The output itself is discarded; only its end matters. */
static void on_output(void *ud, uint32_t events _unused_)
{
	struct child *c = ud;
	char data[4096];
	ssize_t n;

	do
		n = read(c->fd, data, sizeof(data));
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0 && errno == EAGAIN)
		return;
	loop_remove(c->loop, c->fd, c);
	close(c->fd);
	c->fd = -1;
	c->next = 0;
}

int child_new(struct loop *l, char *const argv[], usec_t timeout, void (*fn)(void *ud, int r),
	      void *ud, struct child **ret)
{
	struct child *c = calloc(1, sizeof(*c));
	pid_t parent = getpid();
	int fds[2], r;

	if (!c)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		free(c);
		return r;
	}
	*c = (struct child){ .loop = l, .fd = fds[0], .fn = fn, .ud = ud };
	c->deadline = c->next = os_now() + timeout;
	r = loop_add(l, c->fd, EPOLLIN, false, on_output, c);
	c->pid = r < 0 ? -1 : fork();
	if (!c->pid)
		child_become(argv, fds[1], parent);
	close(fds[1]);
	if (c->pid < 0) {
		r = r < 0 ? r : -EAGAIN;
		c->pid = 0;
		child_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct child *child_free(struct child *c)
{
	if (!c)
		return NULL;
	if (c->pid > 0)
		(void)program_kill(c->pid, NULL);
	if (c->fd >= 0) {
		loop_remove(c->loop, c->fd, c);
		close(c->fd);
	}
	free(c);
	return NULL;
}

usec_t child_tick(struct child *c)
{
	usec_t now = os_now();
	int status = 0, r;
	pid_t got;

	if (!c)
		return USEC_NEVER;
	if (now < c->next)
		return c->next;
	got = waitpid(c->pid, &status, WNOHANG);
	if (got == 0 && now < c->deadline) {
		c->next = MIN(c->deadline, now + REAP_LOOK);
		return c->next;
	}
	if (got == 0) {
		r = -ETIMEDOUT;
	} else {
		c->pid = 0;
		r = got > 0 && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
	}
	c->next = USEC_NEVER;
	c->fn(c->ud, r);
	return 0;
}

struct stream_piece {
	struct stream_piece *next;
	size_t size;
	char text[];
};

int stream_push(struct stream *s, const char *text)
{
	size_t size = strlen(text);
	struct stream_piece *p;

	if (s->queued + size > STREAM_QUEUE_MAX)
		return -ENOBUFS;
	p = malloc(sizeof(*p) + size);
	if (!p)
		return -ENOMEM;
	p->next = NULL;
	p->size = size;
	memcpy(p->text, text, size);
	if (s->last)
		s->last->next = p;
	else
		s->first = p;
	s->last = p;
	s->queued += size;
	return 0;
}

static void pop(struct stream *s)
{
	struct stream_piece *p = s->first;

	s->first = p->next;
	if (!s->first)
		s->last = NULL;
	s->queued -= p->size;
	free(p);
}

int stream_send(struct stream *s, int fd)
{
	while (s->first) {
		ssize_t n = send(fd, s->first->text, s->first->size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
			return 1;
		if (n < 0)
			return -errno;
		pop(s);
	}
	return 0;
}

void stream_done(struct stream *s)
{
	while (s->first)
		pop(s);
}
