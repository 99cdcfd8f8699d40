/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard that loses events, held against the kernel's own table:
 *   shadow DEV RCVBUF SEED
 * says "live", then reads events from a buffer of RCVBUF bytes, and only now and
 * then. To each line it answers how far what the guard knows is from a fresh
 * listing, and how soon, once no more is lost, it is no more:
 *   before missing=N extra=N after missing=N extra=N known=N ms=N overruns=N relists=N
 * Entries are compared by key and id. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/connset.h"
#include "show/settings_text.h"
#include "kernel/kernel_real.h"
#include "guard/guard.h"

/* For what comes while nothing is to be lost. */
#define PLENTY (4 << 20)

#define PATIENCE (2 * USEC_PER_SEC)
#define LOOK_EVERY (20 * USEC_PER_MSEC)
#define LOOKS (PATIENCE / LOOK_EVERY) /* a slow machine has longer */
#define BLIND_MAX_MS 60
#define READ_MAX_MS 15

struct world {
	struct settings settings;
	struct kernel_real *watched, *judge;
	struct kernel kernel; /* the judge's */
	struct guard *guard;
	struct link link;
	struct addrset own;
	int rcvbuf;
	uint64_t random;
};

static usec_t now(const struct world *w)
{
	return w->kernel.ops->now(w->kernel.ctx);
}

static unsigned rnd(struct world *w, unsigned below)
{
	w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(w->random >> 33) % below;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "shadow: %s: %s\n", what, strerror(-error));
	return 1;
}

static void set_buffer(struct world *w, int bytes)
{
	int fds[KERNEL_FDS];

	kernel_real_fds(w->watched, fds);
	if (fds[0] >= 0 &&
	    setsockopt(fds[0], SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 &&
	    setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0)
		perror("SO_RCVBUF");
}

/* The daemon's loop for so long; it ends early when stdin can be read. */
static bool spin(struct world *w, usec_t duration)
{
	usec_t until = now(w) + duration, next;
	int fds[KERNEL_FDS];

	while (now(w) < until) {
		struct pollfd p[1 + KERNEL_FDS] = { { .fd = STDIN_FILENO, .events = POLLIN } };
		size_t i;
		int ms;

		next = guard_tick(w->guard); /* MIN() would call it twice */
		next = MIN(next, until);
		kernel_real_fds(w->watched, fds);
		for (i = 0; i < KERNEL_FDS; i++)
			p[1 + i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		ms = next > now(w) ? (int)((next - now(w) + 999) / 1000) : 0;
		if (poll(p, 1 + KERNEL_FDS, ms) < 0 && errno != EINTR)
			return true;
		for (i = 1; i <= KERNEL_FDS && !p[i].revents; i++)
			;
		if (i <= KERNEL_FDS)
			guard_ready(w->guard);
		if (p[0].revents)
			return true;
	}
	return false;
}

static int own_add(void *ud, const struct ifaddr *a)
{
	struct world *w = ud;

	return a->ifindex == w->link.ifindex ? addrset_add(&w->own, &a->prefix.addr) : 0;
}

/* Masqueraded on the device, as ctnetlink can tell. */
static int take_listed(void *ud, const struct conn_record *record)
{
	struct world *w = ((void **)ud)[0];
	struct connset *set = ((void **)ud)[1];
	struct addr as = tuple_dst(&record->conn->reply, record->conn->key.family);
	struct conn_record bare = { .conn = record->conn };
	int r;

	if (!(record->conn->status & CONN_SRC_NAT_DONE) || !addrset_has(&w->own, &as))
		return 0;
	r = connset_add(set, &bare);
	return r == -EEXIST ? 0 : r;
}

struct difference {
	const struct connset *real;
	unsigned known, same, extra;
};

static int compare(void *ud, const struct conn_key *key, uint32_t id, bool pinned _unused_)
{
	struct difference *d = ud;
	int64_t i = connset_find(d->real, key);

	d->known++;
	if (i >= 0 && connset_get(d->real, (size_t)i)->id == id)
		d->same++;
	else
		d->extra++;
	return 0;
}

static int look(struct world *w, unsigned *ret_missing, struct difference *ret)
{
	struct connset *real = connset_new(w->random, 0);
	struct difference d = { .real = real };
	void *ud[2] = { w, real };
	int r = real ? w->kernel.ops->ct_dump(w->kernel.ctx, AF_UNSPEC, take_listed, ud) : -ENOMEM;

	if (r == 0)
		r = guard_each(w->guard, compare, &d);
	*ret_missing = real ? (unsigned)connset_count(real) - d.same : 0;
	*ret = d;
	connset_free(real);
	return r;
}

static int settle(struct world *w)
{
	struct difference before, after;
	unsigned missing_before, missing;
	struct guard_status s;
	usec_t began;
	unsigned looks = 0;
	int r = look(w, &missing_before, &before);

	began = now(w);
	do {
		spin(w, LOOK_EVERY);
		if (r == 0)
			r = look(w, &missing, &after);
	} while (r == 0 && (missing || after.extra) &&
		 (now(w) - began < PATIENCE || looks++ < LOOKS));
	if (r < 0)
		return fail("look", r);
	guard_get_status(w->guard, &s);
	printf("before missing=%u extra=%u after missing=%u extra=%u known=%u ms=%llu "
	       "overruns=%llu relists=%llu\n",
	       missing_before, before.extra, missing, after.extra, after.known,
	       (unsigned long long)((now(w) - began) / USEC_PER_MSEC),
	       (unsigned long long)s.overruns, (unsigned long long)s.relists);
	return 0;
}

static int obey(struct world *w)
{
	char line[64];

	for (;;) {
		struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
		/* blind for a while, and then a look that may be too short */
		int told = poll(&p, 1, (int)rnd(w, BLIND_MAX_MS));

		if (told > 0 || spin(w, rnd(w, READ_MAX_MS) * USEC_PER_MSEC)) {
			if (!fgets(line, sizeof(line), stdin))
				return 0;
			set_buffer(w, PLENTY);
			if (settle(w))
				return 1;
			set_buffer(w, w->rcvbuf);
		}
	}
}

static int start(struct world *w, const char *device)
{
	const struct device_settings d = { .pin = PIN_CONTINUOUS, .pin_after = USEC_PER_SEC / 2 };
	struct device_settings named = d;
	struct run_env env = { .settings = &w->settings, .seed = w->random, .boot_id = "test" };
	struct guard_status s;
	usec_t until;
	int r = kernel_real_new(&w->watched);

	if (r == 0)
		r = kernel_real_new(&w->judge);
	if (r < 0)
		return fail("sockets", r);
	w->kernel = kernel_real_get(w->judge);
	env.kernel = kernel_real_get(w->watched);
	snprintf(named.name, sizeof(named.name), "%s", device);
	r = w->kernel.ops->link_get(w->kernel.ctx, device, &w->link);
	if (r == 0)
		r = w->kernel.ops->addr_list(w->kernel.ctx, own_add, w);
	if (r == 0)
		r = guard_new(&env, &named, &w->guard);
	if (r < 0)
		return fail(device, r);
	until = now(w) + 10 * USEC_PER_SEC;
	do {
		(void)guard_tick(w->guard);
		guard_get_status(w->guard, &s);
	} while (s.state != GUARD_LIVE && now(w) < until);
	if (s.state != GUARD_LIVE)
		return fail(s.reason, -ETIMEDOUT);
	set_buffer(w, w->rcvbuf);
	puts("live");
	return 0;
}

int main(int argc, char **argv)
{
	struct world w = { .rcvbuf = 0 };
	int r;

	if (argc != 4) {
		fputs("shadow DEV RCVBUF SEED\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	w.rcvbuf = (int)strtol(argv[2], NULL, 10);
	w.random = strtoull(argv[3], NULL, 10) | 1;
	settings_init(&w.settings, sections_all);
	r = start(&w, argv[1]);
	if (r == 0)
		r = obey(&w);
	guard_free(w.guard);
	kernel_real_free(w.watched);
	kernel_real_free(w.judge);
	addrset_done(&w.own);
	settings_done(&w.settings);
	return r;
}
