/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guarding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kernel/kernel_real.h"
#include "scene.h"

/* The whole table has to be pinned first, however long that takes: this long without a pin is too
 * long. */
#define STALLED (60 * USEC_PER_SEC)

static usec_t now(const struct guarding *g)
{
	return g->env.kernel.ops->now(g->env.kernel.ctx);
}

usec_t guarding_rest(struct guarding *g)
{
	usec_t next;

	do
		next = guard_tick(g->guard);
	while (next <= now(g));
	return next;
}

void guarding_listen(struct guarding *g)
{
	struct pollfd p[KERNEL_FDS];
	int fds[KERNEL_FDS];
	size_t i;

	for (;;) {
		kernel_real_fds(g->real, fds);
		for (i = 0; i < KERNEL_FDS; i++)
			p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		if (poll(p, KERNEL_FDS, 0) <= 0)
			return;
		guard_ready(g->guard);
	}
}

static int settle(struct guarding *g)
{
	usec_t until = now(g) + STALLED;
	struct guard_status s;
	uint64_t was = 0;

	for (;;) {
		usec_t next = guarding_rest(g), t = now(g);

		guarding_listen(g);
		guard_get_status(g->guard, &s);
		if (s.state == GUARD_LIVE && s.pinned && !s.unpinned)
			return 0;
		until = s.pinned > was ? t + STALLED : until;
		was = s.pinned;
		if (t > until || s.state == GUARD_DEGRADED)
			break;
		if (next > t)
			usleep((useconds_t)MIN(next - t, 100 * USEC_PER_MSEC));
	}
	fprintf(stderr, "bench: the guard is %s, with %llu of %zu entries pinned: %s\n",
		guard_state_name(s.state), (unsigned long long)s.pinned, g->bench->entries,
		s.reason);
	return -EBADMSG;
}

/* So long the rules may take. */
#define HELD_WITHIN (10 * USEC_PER_SEC)

/* As shipped, with a hold. Not before all is pinned: nobody sends here, and it would make most of
 * the time pass in pauses, the more the busier the machine is. */
static void hold(struct guarding *g, const struct device_settings *d)
{
	usec_t until = now(g) + HELD_WITHIN;
	struct guard_status s;

	g->bench->settings.hold = HOLD_AUTO;
	guard_set(g->guard, d, true);
	do {
		(void)guarding_rest(g);
		guard_get_status(g->guard, &s);
		usleep(1000);
	} while (s.hold == HOLD_OFF && now(g) < until);
	if (s.hold == HOLD_OFF)
		fprintf(stderr, "bench: the guard has no hold: %s\n", s.reason);
}

static int make_run_dir(struct guarding *g)
{
	snprintf(g->run_dir, sizeof(g->run_dir), SCENE_RUN "/guard-XXXXXX");
	if (mkdtemp(g->run_dir))
		return 0;
	g->run_dir[0] = '\0';
	return -errno;
}

static void remove_run_dir(struct guarding *g)
{
	DIR *d = g->run_dir[0] ? opendir(g->run_dir) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d)))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	if (g->run_dir[0])
		(void)rmdir(g->run_dir);
}

/* ---- somebody else -------------------------------------------------------------- */

struct wish {
	bool births;
	size_t n;
};

static void __attribute__((noreturn)) others(const struct bench *b, int fd)
{
	struct wish w;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, &w, sizeof(w)) == (ssize_t)sizeof(w)) {
		int r = (w.births ? scene_births : scene_deaths)(b->entries - w.n, b->entries);

		if (write(fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
			break;
	}
	_exit(0);
}

/* Before the guard has anything, and once: a process that forks is interrupted at each page that it
 * writes to for the first time after that. The daemon forks nothing from event to event. */
static int others_start(struct guarding *g)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	g->pid = fork();
	if (g->pid == 0) {
		close(fds[0]);
		others(g->bench, fds[1]);
	}
	close(fds[1]);
	g->others = fds[0];
	return g->pid < 0 ? -errno : 0;
}

static void others_end(struct guarding *g)
{
	if (g->others >= 0)
		close(g->others);
	if (g->pid > 0)
		(void)waitpid(g->pid, NULL, 0);
}

int guarding_others(const struct guarding *g, bool births, size_t n)
{
	const struct wish w = { .births = births, .n = n };
	int r;

	if (write(g->others, &w, sizeof(w)) != (ssize_t)sizeof(w) ||
	    read(g->others, &r, sizeof(r)) != (ssize_t)sizeof(r))
		return -EIO;
	return r;
}

/* ---- life ------------------------------------------------------------------------ */

int guarding_begin(struct guarding *g, struct bench *b)
{
	struct device_settings d = { .name = SCENE_DEVICE,
				     .pin = PIN_CONTINUOUS,
				     .linger = 600 * USEC_PER_SEC };
	int r;

	memset(g, 0, sizeof(*g));
	g->bench = b;
	g->others = -1;
	r = others_start(g);
	if (r == 0)
		r = make_run_dir(g);
	if (r == 0)
		r = kernel_real_new(&g->real);
	if (r < 0)
		return r;
	snprintf(b->settings.run_dir, sizeof(b->settings.run_dir), "%s", g->run_dir);
	b->settings.pin_max_fill = 100;
	b->settings.hold = HOLD_OFF;
	g->env = b->env;
	g->env.kernel = kernel_real_get(g->real);
	r = guard_new(&g->env, &d, &g->guard);
	if (r == 0)
		r = ends_new(g->run_dir, "bench", b->env.seed, 65536, now(g), &g->ends);
	if (r == 0)
		guard_remember(g->guard, g->ends);
	if (r == 0)
		r = settle(g);
	if (r == 0)
		hold(g, &d);
	return r;
}

void guarding_end(struct guarding *g)
{
	guard_free(g->guard);
	ends_free(g->ends);
	kernel_real_free(g->real);
	others_end(g);
	remove_run_dir(g);
}
