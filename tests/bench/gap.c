/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <linux/netlink.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "look.h"
#include "pinning.h"

/* Entries looked at in one round, at most one per datagram: each costs a socket. */
#define MARKS_MAX 900

/* Gaps wanted at least, for a p99 that means something. */
#define GAPS_WANTED 3000

/* A gap not known better than this is one during which the prober was not
 * running itself. */
#define UNCLEAR_NS 20000

/* One entry the prober follows. */
struct mark {
	int fd;
	uint32_t pair; /* how many are pinned before it, however they are cut into datagrams */
	bool late;     /* the prober was there too late to say anything */
	uint64_t most; /* nanoseconds it was away, at most */
	uint64_t least;
};

/* Between prober and pinner, which are processes of their own. */
struct shared {
	struct tape_progress progress;
	volatile bool ready, over;
	size_t pairs; /* as rehearsed */
	size_t n;
	struct mark marks[MARKS_MAX];
};

struct gaps {
	double *us;
	size_t n, cap, unclear;
	double busy_us; /* the kernel's time for all datagrams */
	size_t pairs;
};

/* Prober and pinner each have a processor to themselves, as far as that can be
 * had: what is measured is how long the kernel takes for a pair, not what else
 * the machine does. A pin that is interrupted inside a pair takes longer, which
 * on a busy machine happens once in a time slice, hence to one of some hundred. */
static int run_on(size_t which, cpu_set_t *ret_before)
{
	struct sched_param first = { .sched_priority = 1 };
	cpu_set_t one;
	size_t cpu, n = 0;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(*ret_before), ret_before) < 0)
		return -errno;
	if (CPU_COUNT(ret_before) < 2)
		return -ENOTSUP;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, ret_before) && n++ == which)
			CPU_SET(cpu, &one);
	(void)sched_setscheduler(0, SCHED_FIFO, &first);
	return sched_setaffinity(0, sizeof(one), &one) < 0 ? -errno : 0;
}

static void run_anywhere(const cpu_set_t *before)
{
	struct sched_param normal = { 0 };

	(void)sched_setscheduler(0, SCHED_OTHER, &normal);
	(void)sched_setaffinity(0, sizeof(*before), before);
}

/* The entry in the middle of a datagram: what comes before it is the prober's
 * time to get there. */
static int mark_set(struct mark *m, const struct tape *t, size_t datagram, size_t before)
{
	size_t len, i = 0, half = 0;
	const uint8_t *data = tape_get(t, datagram, &len);
	const struct nlmsghdr *nlh = (const void *)data;
	struct nf_conntrack *ct = nfct_new();
	unsigned left = (unsigned)len;

	for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
		half++;
	nlh = (const void *)data;
	left = (unsigned)len;
	for (; NLMSG_OK(nlh, left) && i < half / 2; nlh = NLMSG_NEXT(nlh, left))
		i++;
	m->pair = (uint32_t)(before + i / 2);
	m->fd = ct ? nfct_nlmsg_parse(nlh, ct) : -ENOMEM;
	if (m->fd >= 0)
		m->fd = look_open(nfct_get_attr_u32(ct, ATTR_ORIG_IPV4_SRC),
				  nfct_get_attr_u16(ct, ATTR_ORIG_PORT_SRC),
				  nfct_get_attr_u32(ct, ATTR_ORIG_IPV4_DST),
				  nfct_get_attr_u16(ct, ATTR_ORIG_PORT_DST));
	if (ct)
		nfct_destroy(ct);
	if (m->fd >= 0 && look_there(m->fd) != 1)
		return -ENOENT;
	return m->fd < 0 ? m->fd : 0;
}

static int marks_set(struct shared *s, const struct tape *t)
{
	size_t step = t->n / MARKS_MAX + 1, at, len, pairs = 0;
	int r = 0;

	look_raise_limit();
	for (at = 0; at < t->n && r == 0; at++) {
		const uint8_t *data = tape_get(t, at, &len);

		if (at % step == 0) {
			r = mark_set(&s->marks[s->n], t, at, pairs);
			s->n += r == 0;
		}
		pairs += tape_creates(data, len);
	}
	s->pairs = pairs;
	return r;
}

/* Look until it has gone and come back. Between the last look that still found
 * it and the first that found it again it was away at most that long. When it
 * was never found missing, the longest time between two looks while its
 * datagram was under way says how long that can have been. */
static void follow(struct shared *s, struct mark *m)
{
	uint64_t was_there, first_miss = 0, last_miss = 0;
	bool missed = false;

	m->late = s->progress.sent > m->pair;
	was_there = look_clock();
	while (!s->over) {
		bool sent = s->progress.sent > m->pair;
		uint64_t before = look_clock(), after;
		int there = look_there(m->fd);

		after = look_clock();
		if (there == 0) {
			first_miss = missed ? first_miss : after;
			last_miss = before;
			missed = true;
			continue;
		}
		if (missed) {
			m->most = after - was_there;
			m->least = last_miss > first_miss ? last_miss - first_miss : 0;
			return;
		}
		if (s->progress.sending > m->pair)
			m->most = MAX(m->most, after - was_there);
		was_there = before;
		if (sent)
			return;
	}
	m->late = true;
}

static void __attribute__((noreturn)) prober(struct shared *s)
{
	cpu_set_t before;
	size_t i;

	/* it must not look for ever */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || run_on(1, &before) < 0)
		_exit(1);
	s->ready = true;
	for (i = 0; i < s->n; i++)
		follow(s, &s->marks[i]);
	_exit(0);
}

/* Pin while a prober guards. */
static int pin_watched(struct pinning *p, struct shared *s)
{
	cpu_set_t before;
	int status = 0, r;
	pid_t pid = fork();

	if (pid == 0)
		prober(s);
	if (pid < 0)
		return -errno;
	r = run_on(0, &before);
	while (!s->ready && waitpid(pid, &status, WNOHANG) == 0)
		sched_yield(); /* it is ready at once, or dead */
	tape_watch(&s->progress);
	if (r == 0)
		r = s->ready ? pinning_perform(p) : -ECHILD;
	tape_watch(NULL);
	s->over = true;
	(void)waitpid(pid, &status, 0);
	run_anywhere(&before);
	return r;
}

static int gaps_take(struct gaps *g, const struct shared *s, size_t pairs)
{
	size_t i;

	if (g->n + s->n > g->cap) {
		size_t cap = (g->n + s->n) * 2;
		double *p = realloc(g->us, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		g->us = p;
		g->cap = cap;
	}
	for (i = 0; i < s->n; i++) {
		const struct mark *m = &s->marks[i];

		if (m->late || m->most - m->least > UNCLEAR_NS)
			g->unclear++;
		else
			g->us[g->n++] = (double)m->most / 1e3;
	}
	g->busy_us += (double)s->progress.busy_ns / 1e3;
	g->pairs += pairs;
	return 0;
}

static int once(struct bench *b, struct gaps *g)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct tape t = { 0 };
	struct pinning p;
	size_t i;
	int r;

	if (s == MAP_FAILED)
		return -ENOMEM;
	r = pinning_begin(&p, b, true);
	if (r == 0)
		r = pinning_rehearse(&p, &t);
	if (r == 0)
		r = marks_set(s, &t);
	if (r == 0)
		r = pin_watched(&p, s);
	if (r == 0 && s->progress.sent != s->pairs) {
		fprintf(stderr, "bench: pin gap: %u pairs were sent instead of %zu as rehearsed\n",
			(unsigned)s->progress.sent, s->pairs);
		r = -ESTALE;
	}
	if (r == 0)
		r = gaps_take(g, s, b->entries);
	for (i = 0; i < s->n; i++)
		close(s->marks[i].fd);
	munmap(s, sizeof(*s));
	tape_done(&t);
	pinning_end(&p);
	return r;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Shares of the gaps in which medians and the like are taken, in the order of measuring. */
#define GAP_ROUNDS 5

static struct score *add(struct bench *b, const char *unit, double limit)
{
	return scores_add(b->scores, &(struct score){
					     .what = "pin gap",
					     .unit = unit,
					     .entries = b->entries,
					     .bound = limit ? BOUND_AT_MOST : BOUND_NONE,
					     .limit = limit,
				     });
}

static void conclude(struct bench *b, struct gaps *g)
{
	struct score *median = add(b, "us, median", 10), *p99 = add(b, "us, p99", 50);
	struct score *longest = add(b, "us, longest", 0), *pair = add(b, "us/pair sent", 0);
	size_t i, n = g->n / GAP_ROUNDS;

	for (i = 0; n && i < GAP_ROUNDS; i++) {
		double *us = g->us + i * n;

		qsort(us, n, sizeof(*us), compare);
		sample_add(&median->sample, us[n / 2], 0);
		sample_add(&p99->sample, us[n * 99 / 100], 0);
		sample_add(&longest->sample, us[n - 1], 0);
	}
	sample_add(&pair->sample, g->busy_us / (double)g->pairs, 0);
	fprintf(stderr,
		"bench: pin gap: %zu entries were watched by a prober; %zu more are left out, the "
		"prober itself was not running\n",
		g->n, g->unclear);
}

int measure_gap(struct bench *b)
{
	struct gaps g = { 0 };
	size_t round;
	int r = 0;

	for (round = 0; round < 64 && g.n < GAPS_WANTED && r == 0; round++) {
		r = once(b, &g);
		r = r == -ESTALE ? 0 : r; /* that round says nothing */
	}
	if (r == 0 && g.n < GAP_ROUNDS)
		fprintf(stderr,
			"bench: pin gap: NOT MEASURED: in no round could an entry be "
			"followed (%zu were too late)\n",
			g.unclear);
	if (r == -ENOTSUP)
		fprintf(stderr, "bench: SKIP pin gap: needs two processors\n");
	else if (r == 0 && g.n >= GAP_ROUNDS)
		conclude(b, &g);
	free(g.us);
	return r == -ENOTSUP ? 0 : r;
}
