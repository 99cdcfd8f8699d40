/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/guards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/guards_part.h"
#include "daemon/log.h"
#include "daemon/service.h"

#define SUMMARY_MAX 512
/* Descriptors a guard has open at most, counted. */
#define GUARD_DESCRIPTORS 11

/* Descriptors kept for clients and moves. */
#define DESCRIPTORS_KEPT 192

static void guards_on_ready(void *ud, uint32_t events);

/* Whether a guard in state S reads its sockets. If it does not, they must not
 * wake the loop. */
static bool guards_reads(enum guard_state s)
{
	switch (s) {
	case GUARD_SYNCING:
	case GUARD_LIVE:
	case GUARD_STALE:
		return true;
	case GUARD_ABSENT:
	case GUARD_DEGRADED:
		return false;
	}
	return false;
}

static void poll_anew(struct device_guard *x, const struct guard_status *s)
{
	int fds[KERNEL_FDS] = { -1, -1, -1, -1 };
	size_t i;

	if (guards_reads(s->state))
		kernel_real_fds(x->kernel, fds);
	for (i = 0; i < KERNEL_FDS; i++) {
		if (x->fds[i] >= 0 && x->fds[i] != fds[i])
			loop_remove(x->all->loop, x->fds[i], x);
	}
	for (i = 0; i < KERNEL_FDS; i++) {
		x->fds[i] = fds[i];
		if (fds[i] >= 0 &&
		    loop_add(x->all->loop, fds[i], EPOLLIN, true, guards_on_ready, x) < 0)
			x->fds[i] = -1; /* then each tick reads the socket */
	}
}

static void notify_service(const struct guards *w)
{
	char text[SUMMARY_MAX];

	service_status(w->service, guards_summary(w, text, sizeof(text)));
}

static void tick(struct device_guard *x)
{
	struct guard_status s;

	x->next = guard_tick(x->guard);
	guard_get_status(x->guard, &s);
	poll_anew(x, &s);
	if (guard_news_changes(&x->news, x->guard, x->all->publisher, &s))
		notify_service(x->all);
}

static void guards_on_ready(void *ud, uint32_t events _unused_)
{
	struct device_guard *x = ud;

	guard_ready(x->guard);
	tick(x); /* what has become due by reading */
}

static struct device_guard *watch_free(struct device_guard *x)
{
	size_t i;

	if (!x)
		return NULL;
	if (x->guard)
		guard_news_end(&x->news, x->guard, x->all->publisher, x->settings.name);
	for (i = 0; i < KERNEL_FDS; i++)
		loop_remove(x->all->loop, x->fds[i], x);
	guard_free(x->guard);
	kernel_real_free(x->kernel);
	free(x);
	return NULL;
}

static int watch_new(struct guards *w, const struct device_settings *d, struct device_guard **ret)
{
	struct device_guard *x = calloc(1, sizeof(*x));
	struct run_env env = *w->env;
	size_t i;
	int r;

	if (!x)
		return -ENOMEM;
	x->all = w;
	x->settings = *d;
	for (i = 0; i < KERNEL_FDS; i++)
		x->fds[i] = -1;
	guard_news_init(&x->news);
	r = kernel_real_new(&x->kernel);
	if (r == 0) {
		env.kernel = kernel_real_get(x->kernel);
		r = guard_new(&env, &x->settings, &x->guard);
	}
	if (r == 0)
		guard_remember(x->guard, w->ends);
	if (r < 0) {
		watch_free(x);
		return r;
	}
	*ret = x;
	return 0;
}

/* Take the guard out of the list that has the device and the settings of D. */
static struct device_guard *take_same(struct guards *w, const struct device_settings *d,
				      bool rehold)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct device_guard *x = w->list[i];

		if (strcmp(x->settings.name, d->name) != 0 ||
		    (x->settings.pin == PIN_OFF) != (d->pin == PIN_OFF))
			continue;
		w->list[i] = w->list[--w->n];
		x->settings = *d;
		x->leave_at = 0;
		guard_set(x->guard, d, rehold);
		guard_remember(x->guard, w->ends);
		return x;
	}
	return NULL;
}

/* How many guards there can be with enough descriptors left for the rest. */
static size_t guards_max(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return l.rlim_cur <= DESCRIPTORS_KEPT
		       ? 0
		       : (size_t)(l.rlim_cur - DESCRIPTORS_KEPT) / GUARD_DESCRIPTORS;
}

/* Guards still in the old list are no longer wanted: move them to LIST, where
 * they end once their work is done. Returns their number. */
static size_t retire(struct guards *w, struct device_guard **list)
{
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		struct device_guard *x = w->list[i];

		guard_ready(x->guard);
		x->settings.linger = 0; /* nobody will be there when the time is up */
		guard_set(x->guard, &x->settings, false);
		guard_remember(x->guard, NULL); /* there may be another of this device */
		if (!x->leave_at)
			x->leave_at = os_now() + GUARDS_FINISH_MAX;
		if (guard_is_idle(x->guard))
			watch_free(x);
		else
			list[n++] = x;
	}
	free(w->list);
	w->list = NULL;
	w->n = 0;
	return n;
}

void guards_apply(struct guards *w, bool rehold)
{
	const struct settings *s = w->env->settings;
	struct device_guard **list = calloc(s->n_devices + w->n + 1, sizeof(*list));
	struct device_guard **same = calloc(s->n_devices + 1, sizeof(*same));
	size_t i, n = 0, max = guards_max();

	if (!list || !same) {
		free(list);
		free(same);
		log_line(LOG_ERR, "msg=\"out of memory for the guards\"");
		return;
	}
	for (i = 0; i < s->n_devices; i++)
		same[i] = take_same(w, &s->devices[i], rehold);
	n = retire(w, list);
	for (i = 0; i < s->n_devices; i++) {
		struct device_guard *x = same[i];
		int r = 0;

		if (!x)
			r = n < max ? watch_new(w, &s->devices[i], &x) : -EMFILE;
		if (r < 0)
			log_line(LOG_ERR, "msg=\"cannot be guarded\" dev=%s error=%s",
				 s->devices[i].name, guards_why_left_out(r));
		if (r < 0)
			w->why_left_out = r;
		if (x && r == 0)
			list[n++] = x;
	}
	free(same);
	w->list = list;
	w->n = n;
	for (i = 0; i < n; i++)
		tick(list[i]);
	notify_service(w);
}

bool guards_finish(struct guards *w)
{
	bool idle = true;
	size_t i;

	for (i = 0; i < w->n; i++) {
		guard_ready(w->list[i]->guard);
		w->list[i]->next = 0;
		idle = idle && guard_is_idle(w->list[i]->guard);
	}
	return idle;
}

bool guards_are_idle(const struct guards *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!guard_is_idle(w->list[i]->guard))
			return false;
	return true;
}

void guards_done(struct guards *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		watch_free(w->list[i]);
	free(w->list);
	w->list = NULL;
	w->n = 0;
}

/* Whether X, which is to end, has finished its work or run out of time. */
static bool has_left(const struct device_guard *x, usec_t now)
{
	return x->leave_at && (now >= x->leave_at || guard_is_idle(x->guard));
}

usec_t guards_tick(struct guards *w)
{
	usec_t next = USEC_NEVER, now = os_now();
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		struct device_guard *x = w->list[i];

		if (now >= x->next)
			tick(x);
		if (has_left(x, now)) {
			watch_free(x);
			continue;
		}
		next = MIN(next, x->next);
		w->list[n++] = x;
	}
	w->n = n;
	return next;
}

static struct device_guard *guards_find(const struct guards *w, int ifindex)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (ifindex && guard_ifindex(w->list[i]->guard) == ifindex)
			return w->list[i];
	return NULL;
}

struct source guards_source(const struct guards *w, int ifindex, const struct request *req,
			    struct kernel *ret_kernel)
{
	struct device_guard *x = guards_find(w, ifindex);

	if (!x || !guard_serves(x->guard, req))
		return (struct source){ .ops = NULL };
	x->next = 0; /* begin at once with what the run leaves to the guard */
	*ret_kernel = kernel_real_get(x->kernel);
	return guard_source(x->guard);
}

struct kernel_real *guards_kernel(const struct guards *w, int ifindex)
{
	struct device_guard *x = guards_find(w, ifindex);
	struct kernel_real *ret;

	return x && kernel_real_beside(x->kernel, &ret) == 0 ? ret : NULL;
}

void guards_await(const struct guards *w, const char *device, const struct addr *a)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!a || !strcmp(w->list[i]->settings.name, device))
			guard_await(w->list[i]->guard, a);
}

void guards_give_up(const struct guards *w, const struct addr *a, bool keep)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		guard_give_up(w->list[i]->guard, a, keep);
		w->list[i]->next = 0;
	}
}

static bool is_of_device(const struct device_guard *x, const char *device)
{
	return !*device || !strcmp(x->settings.name, device);
}

bool guards_protect(const struct guards *w, const char *device)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (is_of_device(w->list[i], device))
			return true;
	return false;
}

enum protection guards_protection(const struct guards *w, const char *device, const struct conn *c,
				  const char **ret_device)
{
	enum protection p = PROTECTION_NONE;
	size_t i;

	for (i = 0; i < w->n && p == PROTECTION_NONE; i++) {
		if (!is_of_device(w->list[i], device))
			continue;
		p = guard_protection(w->list[i]->guard, c);
		*ret_device = w->list[i]->settings.name;
	}
	return p;
}
