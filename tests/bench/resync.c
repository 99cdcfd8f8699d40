/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard that has lost events reads the table again: how long does one of its calls keep the
 * daemon's loop, and does a client have to wait meanwhile? */
#include "resync.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kernel/kernel_real.h"
#include "look.h"
#include "scene.h"

#define ROUNDS 5

/* Of these births or deaths the guard hears little. */
#define UNHEARD 8000

/* What a socket holds then, and what it holds otherwise. */
#define LITTLE 4096
#define MUCH (32 << 20)

/* Without any progress. */
#define STALLED (60 * USEC_PER_SEC)

/* Between two questions of the client. */
#define CLIENT_PAUSE_US 300

/* Of the client, which is a process of its own. */
struct asked {
	volatile unsigned round; /* of which answers count; 0: none do */
	volatile unsigned answers;
	volatile double longest; /* seconds that it waited for one */
};

struct resync {
	struct guarding *g;
	struct asked *asked;
	int client; /* our end */
	pid_t pid;
	unsigned round;
	double longest, all; /* processor time of a call, and of all */
};

static void __attribute__((noreturn)) client(struct asked *a, int fd)
{
	char c = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		unsigned round = a->round; /* not if it was asked before the loop began */
		uint64_t began = look_clock();
		double waited;

		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			_exit(0);
		waited = (double)(look_clock() - began) / 1e9;
		if (round && a->round == round) {
			a->answers++;
			a->longest = MAX(a->longest, waited);
		}
		usleep(CLIENT_PAUSE_US);
	}
}

static int client_start(struct resync *x)
{
	int fds[2];

	x->asked = mmap(NULL, sizeof(*x->asked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (x->asked == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	x->pid = fork();
	if (x->pid == 0) {
		close(fds[0]);
		client(x->asked, fds[1]);
	}
	close(fds[1]);
	x->client = fds[0];
	return x->pid < 0 ? -errno : 0;
}

static void client_end(struct resync *x)
{
	if (x->client >= 0)
		close(x->client);
	if (x->pid > 0)
		(void)waitpid(x->pid, NULL, 0);
	if (x->asked && x->asked != MAP_FAILED)
		munmap(x->asked, sizeof(*x->asked));
}

static void took(struct resync *x)
{
	double lap = stopwatch_lap(&x->g->bench->watch);

	x->longest = MAX(x->longest, lap);
	x->all += lap;
}

/* What the daemon's loop does: take what can be read, answer, do a step of what is due. */
static usec_t turn(struct resync *x, int timeout_ms)
{
	struct guarding *g = x->g;
	struct pollfd p[KERNEL_FDS + 1];
	int fds[KERNEL_FDS], i, readable = 0;
	usec_t next;
	char c;

	kernel_real_fds(g->real, fds);
	for (i = 0; i < KERNEL_FDS; i++)
		p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	p[KERNEL_FDS] = (struct pollfd){ .fd = x->client, .events = POLLIN };
	(void)poll(p, KERNEL_FDS + 1, timeout_ms);
	for (i = 0; i < KERNEL_FDS; i++)
		readable |= p[i].revents;
	if (p[KERNEL_FDS].revents && read(x->client, &c, 1) == 1)
		(void)!write(x->client, &c, 1);
	if (readable) {
		stopwatch_start(&g->bench->watch);
		guard_ready(g->guard);
		took(x);
	}
	stopwatch_start(&g->bench->watch);
	next = guard_tick(g->guard);
	took(x);
	return next;
}

/* How much room there is for events. */
static int resync_room(const struct guarding *g, int size)
{
	int fds[KERNEL_FDS];

	kernel_real_fds(g->real, fds);
	return setsockopt(fds[0], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ? -errno : 0;
}

static int resync_lose(struct guarding *g, bool births)
{
	int r;

	guarding_listen(g);
	r = resync_room(g, LITTLE);
	if (r == 0)
		r = guarding_others(g, births, UNHEARD);
	return r == 0 ? resync_room(g, MUCH) : r;
}

/* Until it knows all of WANTED entries again, and only these. */
static int resync_await(struct resync *x, size_t wanted, const struct guard_status *before)
{
	struct guarding *g = x->g;
	const struct kernel *k = &g->env.kernel;
	usec_t until = k->ops->now(k->ctx) + STALLED, next = 0;
	struct guard_status s;
	size_t known, was = 0;

	for (;;) {
		usec_t t = k->ops->now(k->ctx);

		next = turn(x, next > t ? (int)MIN((next - t) / 1000, 100) : 0);
		guard_get_status(g->guard, &s);
		known = (size_t)(s.pinned + s.unpinned);
		if (s.state == GUARD_LIVE && s.relists > before->relists && known == wanted)
			break;
		if (known != was || s.state == GUARD_SYNCING)
			until = t + STALLED;
		was = known;
		if (t > until || s.state == GUARD_DEGRADED) {
			fprintf(stderr, "bench: resync: the guard is %s and knows %zu, not %zu\n",
				guard_state_name(s.state), known, wanted);
			return -EBADMSG;
		}
	}
	if (s.overruns > before->overruns)
		return 0;
	fprintf(stderr, "bench: resync: no events were lost\n");
	return -EBADMSG;
}

static int resync_once(struct resync *x, bool births)
{
	struct bench *b = x->g->bench;
	struct guard_status before;
	int r;

	guard_get_status(x->g->guard, &before);
	r = resync_lose(x->g, births);
	if (r < 0)
		return r;
	x->asked->round = ++x->round;
	r = resync_await(x, b->entries - (births ? 0 : UNHEARD), &before);
	x->asked->round = 0;
	return r;
}

int resync_measure(struct guarding *g)
{
	struct bench *b = g->bench;
	struct score item = { .what = "resync",
			      .unit = "ms: longest call",
			      .entries = b->entries,
			      .bound = BOUND_AT_MOST,
			      .limit = 5 };
	struct score *call = scores_add(b->scores, &item), *wait, *all;
	struct resync x = { .g = g, .client = -1 };
	int r = client_start(&x), i;

	item.bound = BOUND_NONE;
	item.unit = "ms: a client waits";
	wait = scores_add(b->scores, &item);
	item.unit = "ms";
	all = scores_add(b->scores, &item);
	for (i = 0; i < ROUNDS && r == 0; i++) {
		x.longest = x.all = 0;
		x.asked->longest = x.asked->answers = 0;
		r = resync_once(&x, false);
		if (r == 0)
			r = resync_once(&x, true);
		if (r == 0 && !x.asked->answers) {
			fprintf(stderr, "bench: resync: no client was answered\n");
			r = -EBADMSG;
		}
		if (r == 0) {
			sample_add(&call->sample, x.longest * 1e3, 0);
			sample_add(&wait->sample, x.asked->longest * 1e3, 0);
			sample_add(&all->sample, x.all * 1e3, 0);
		}
	}
	client_end(&x);
	return r;
}
