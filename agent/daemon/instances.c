/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/instances.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/fifo.h"
#include "daemon/instance_decoy.h"
#include "daemon/instance_work.h"
#include "daemon/log.h"
#include "kernel/kernel_real.h"
#include "keepalived/instance_file.h"

/* Lines about words that nobody understands, at most. */
#define TROUBLE_LOG_EVERY (10 * USEC_PER_SEC)

/* How long whoever writes the file without a daemon is waited for: he holds
 * the lock for a moment only. */
#define FILE_PATIENCE (100 * USEC_PER_MSEC)

struct instances {
	struct instance_context context; /* what the work on each has in common */
	struct fifo *fifo;
	int fd; /* address events, on the loop; -1: not */
	struct instance_work *list;
	size_t n;
	bool loaded;			/* what the last daemon left has been read */
	struct instance_file_seen seen; /* the file, as we have written or read it */
	bool look;			/* the addresses may have changed */
	usec_t store_next, store_again; /* while the states cannot be kept; 0: they are */
	char store_problem[128];
	struct status_notify received;
	usec_t bad_told, unknown_told;
};

/* A full file system may have room soon. */
#define STORE_AGAIN (100 * USEC_PER_MSEC)
#define STORE_AGAIN_MAX (2 * USEC_PER_SEC)

/* ---- what the kernel says ------------------------------------------------------- */

static int instances_on_address(void *ud, const struct ifaddr *a, bool gone)
{
	struct instances *s = ud;

	if (instance_views_meant(s->context.env->settings, a))
		s->look = true;
	if (s->n)
		decoys_note(&s->context, a, gone);
	return 0;
}

static void instances_read_addresses(struct instances *s)
{
	struct kernel k = kernel_real_get(s->context.kernel);

	if (k.ops->addr_events(k.ctx, instances_on_address, s) < 0)
		s->look = true;
}

/* Devices that come and go wake us up as well. */
static void instances_on_ready(void *ud, uint32_t events _unused_)
{
	struct instances *s = ud;
	size_t i;

	instances_read_addresses(s);
	for (i = 0; i < s->n; i++)
		s->look |= s->context.states[i].tries > 0;
}

/* Tell each instance what is there of it now. */
static void instances_look(struct instances *s)
{
	struct kernel k = kernel_real_get(s->context.kernel);
	const struct settings *settings = s->context.env->settings;
	usec_t now = os_now();
	size_t i;

	if (!s->n || instance_views_look(&k, settings, s->context.views) < 0)
		return;
	s->look = false;
	for (i = 0; i < s->n; i++) {
		struct instance *one = &s->context.states[i];
		enum instance_state before = one->state;

		if (s->context.views[i].n_possible > s->list[i].n_possible)
			instance_hurry(one);
		s->list[i].n_possible = s->context.views[i].n_possible;
		if (!settings->instances[i].has_decoy)
			continue;
		instance_see_decoy(one, s->context.views[i].decoy_there, now);
		s->context.dirty |= one->state != before;
	}
}

static void watch_addresses(struct instances *s)
{
	struct kernel k = kernel_real_get(s->context.kernel);
	int fds[2] = { -1, -1 };

	if (s->fd >= 0)
		return;
	if (k.ops->addr_watch(k.ctx) == 0)
		kernel_real_fds(s->context.kernel, fds);
	if (fds[1] >= 0 &&
	    loop_add(s->context.loop, fds[1], EPOLLIN, true, instances_on_ready, s) == 0)
		s->fd = fds[1];
	else
		log_line(LOG_WARNING, "addresses that come and go are not noticed");
}

/* ---- what keepalived says --------------------------------------------------------- */

static void trouble(struct instances *s, usec_t *told, const char *what, const char *text)
{
	usec_t now = os_now();

	if (*told && now - *told < TROUBLE_LOG_EVERY)
		return;
	*told = now;
	log_line(LOG_WARNING, "notify: %s%s (%llu bad, %llu unknown so far)", what, text,
		 (unsigned long long)s->received.bad, (unsigned long long)s->received.unknown);
}

static void receive_event(struct instances *s, const struct instance_event *event, bool acted)
{
	const struct settings *settings = s->context.env->settings;
	usec_t now = os_now();
	enum instance_state doubted;
	bool known = false;
	size_t i;

	instances_read_addresses(s);
	if (s->look)
		instances_look(s);
	for (i = 0; i < s->n; i++) {
		struct instance *one = &s->context.states[i];

		if (!instance_settings_meant(&settings->instances[i], event))
			continue;
		known = true;
		if (acted)
			instance_unsettle(one);
		doubted = one->doubt.said;
		s->context.dirty |= instance_receive(one, event, now) == EFFECT_CHANGE;
		s->context.dirty |= one->doubt.said != doubted;
	}
	if (event->group && !known) /* its instances are told of one by one */
		s->received.groups++;
	if (event->group || known)
		return;
	s->received.unknown++;
	trouble(s, &s->unknown_told, "no section [instance ...] for ", event->name);
}

static void instances_on_line(void *ud, const struct instance_event *event)
{
	struct instances *s = ud;

	s->received.lines++;
	receive_event(s, event, false);
}

static void on_bad_line(void *ud, const struct request_error *why)
{
	struct instances *s = ud;

	s->received.lines++;
	s->received.bad++;
	trouble(s, &s->bad_told, "", why->text);
}

static void on_lost_lines(void *ud)
{
	struct instances *s = ud;
	size_t i;

	s->received.overruns++;
	for (i = 0; i < s->n; i++)
		instance_fifo_lost(&s->context.states[i]);
	log_line(LOG_WARNING, "the FIFO was nearly full: lines may have been lost");
}

void instances_receive(struct instances *s, const struct instance_event *event, bool acted)
{
	struct instance_event e = *event;
	usec_t now = os_now();

	fifo_drain(s->fifo); /* it is older, and knows better */
	s->received.hooks++;
	if (!e.stamp || e.stamp > now)
		e.stamp = now;
	e.source = SOURCE_HOOK;
	receive_event(s, &e, acted);
}

void instances_reject(struct instances *s, const char *why)
{
	s->received.hooks++;
	s->received.bad++;
	trouble(s, &s->bad_told, "", why);
}

/* ---- configuration ------------------------------------------------------------------ */

/* The states are not on disk, and it is tried again. */
static void store_failed(struct instances *s, int error, bool stale)
{
	char text[sizeof(s->store_problem)];
	usec_t now = os_now();

	s->store_again = s->store_again ? MIN(2 * s->store_again, STORE_AGAIN_MAX) : STORE_AGAIN;
	s->store_next = now + s->store_again;
	snprintf(text, sizeof(text), "%s%s", strerror(-error),
		 stale ? "; what is in the file is out of date" : "");
	if (!strcmp(text, s->store_problem))
		return;
	memcpy(s->store_problem, text, sizeof(text));
	log_line(LOG_WARNING, "%s: the instances' states cannot be kept: %s",
		 s->context.env->settings->run_dir, text);
}

/* Hooks that got no answer, since we stood still, have acted themselves and written down
 * what they were told: that is not to be undone by what we knew before. */
static void instances_merge(struct instances *s)
{
	const struct settings *settings = s->context.env->settings;
	_cleanup_free_ struct instance *list = NULL;
	size_t i;

	if (!s->loaded || !s->n || !instance_file_is_other(settings, &s->seen))
		return;
	list = calloc(s->n, sizeof(*list));
	if (!list || instance_file_load(settings, s->context.env->boot_id, os_now(), list) < 0)
		return;
	for (i = 0; i < s->n; i++) {
		struct instance *one = &s->context.states[i];

		if (!instance_take_newer(one, &list[i]))
			continue;
		s->look = s->context.dirty = true;
		log_line(LOG_NOTICE, "%s: %s (%s), as was said to another process", s->list[i].name,
			 instance_state_name(one->state), instance_source_name(one->source));
	}
}

/* Keep what has changed, or what could not be kept before. */
static void instances_store(struct instances *s)
{
	const struct settings *settings = s->context.env->settings;
	_cleanup_close_ int lock = -1;
	bool stale;
	int r;

	if (!s->context.dirty || !s->loaded)
		return;
	(void)instance_file_lock(settings->run_dir, INSTANCE_LOCK_FILE, &s->context.env->kernel,
				 os_now() + FILE_PATIENCE, &lock);
	instances_merge(s);
	r = instance_file_store(settings, s->context.env->boot_id, s->context.states, &stale);
	(void)instance_file_is_other(settings, &s->seen);
	s->context.dirty = r < 0;
	if (r < 0) {
		store_failed(s, r, stale);
		return;
	}
	if (s->store_again)
		log_line(LOG_NOTICE, "%s: the instances' states are kept again", settings->run_dir);
	s->store_again = s->store_next = 0;
	s->store_problem[0] = '\0';
}

/* Whoever was started before us has left what he knew. */
static void instances_load(struct instances *s)
{
	const struct settings *settings = s->context.env->settings;
	int r;

	r = instance_file_load(settings, s->context.env->boot_id, os_now(), s->context.states);
	if (r < 0 && r != -ENOENT)
		log_line(LOG_NOTICE,
			 "%s: what was known of the instances is of another boot, or unreadable",
			 settings->run_dir);
	(void)instance_file_is_other(settings, &s->seen);
	s->loaded = true;
}

static bool instances_same_decoy(const struct instance_work *a, const struct instance_work *b)
{
	return a->has_decoy && b->has_decoy &&
	       prefix_equal(&a->decoy.vip.prefix, &b->decoy.vip.prefix) &&
	       !strcmp(a->decoy.device, b->decoy.device);
}

static void take_over(struct instance_work *to, struct instance *state, struct instance_work *from,
		      const struct instance *old, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(from[i].name, to->name))
			continue;
		*state = old[i];
		if (!instances_same_decoy(to, &from[i]))
			instance_forget_decoy(state);
		/* there may be more addresses now */
		if (state->state == INSTANCE_MASTER)
			instance_unsettle(state);
	}
}

static void drop_list(struct instances *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		instance_work_end(&s->context, &s->list[i]);
	free(s->list);
	free(s->context.states);
	instance_views_free(s->context.views, s->n);
	s->list = NULL;
	s->context.states = NULL;
	s->context.views = NULL;
	s->n = 0;
}

static void log_warning(void *ud _unused_, const char *line)
{
	log_line(LOG_WARNING, "%s", line);
}

void instances_apply(struct instances *s)
{
	const struct settings *settings = s->context.env->settings;
	size_t n = settings->n_instances, i;
	struct instance_work *list = calloc(n + 1, sizeof(*list));
	struct instance *states = calloc(n + 1, sizeof(*states));
	struct instance_view *views = instance_views_new(settings);

	if (!list || !states || !views) {
		log_line(LOG_ERR, "out of memory for the instances");
		free(list);
		free(states);
		instance_views_free(views, n);
		list = NULL;
		states = NULL;
		views = NULL;
		n = 0;
	}
	for (i = 0; i < n; i++) {
		instance_work_begin(&s->context, &list[i], i);
		take_over(&list[i], &states[i], s->list, s->context.states, s->n);
	}
	drop_list(s);
	s->list = list;
	s->context.states = states;
	s->context.views = views;
	s->n = n;
	instance_settings_warn(settings, log_warning, NULL);
	decoys_begin(&s->context);
	if (n)
		watch_addresses(s);
	if (!s->loaded && n)
		instances_load(s);
	s->context.dirty = n > 0;
	instances_look(s);
	fifo_set(s->fifo, n ? settings->fifo : NULL, settings->fifo_user);
}

/* ---- rounds --------------------------------------------------------------------------- */

/* After what keeps moving has had its turns, or the kernel would not tell. */
#define LOOK_AGAIN (50 * USEC_PER_MSEC)

/* Times that one tick may find that a move has made another one due. */
#define STEPS_MAX 4

/* One failure a tick is enough. */
static void store_in_time(struct instances *s)
{
	if (os_now() >= s->store_next)
		instances_store(s);
}

usec_t instances_tick(struct instances *s)
{
	usec_t next = fifo_tick(s->fifo);
	unsigned step;
	size_t i;

	instances_merge(s);
	if (s->n && decoys_are_doubted(&s->context, os_now())) {
		instances_read_addresses(s);
		fifo_drain(s->fifo); /* it may say MASTER */
		s->look = true;
	}
	for (step = 0; step < STEPS_MAX; step++) {
		bool moved = false;

		if (s->look)
			instances_look(s);
		store_in_time(s); /* before anything is begun that it is about */
		for (i = 0; i < s->n; i++)
			moved |= instance_work_step(&s->context, &s->list[i]);
		if (!moved)
			break;
		s->look = true;
	}
	for (i = 0; i < s->n; i++) {
		next = MIN(next, s->list[i].when);
		next = usec_earlier(next, decoy_step(&s->context, &s->list[i], os_now()));
	}
	store_in_time(s);
	if (s->context.dirty && s->store_again)
		next = usec_earlier(next, s->store_next);
	return s->look ? MIN(next, os_now() + LOOK_AGAIN) : next;
}

void instances_release(struct instances *s)
{
	usec_t until = os_now() + s->context.env->settings->deadline;
	size_t i;

	instances_look(s);
	for (i = 0; i < s->n; i++)
		instance_work_release(&s->context, &s->list[i], until);
}

/* ---- life ------------------------------------------------------------------------------- */

int instances_new(struct loop *l, const struct run_env *env, struct moves *moves,
		  struct instances **ret)
{
	struct instances *s = calloc(1, sizeof(*s));
	struct fifo_handler handler = { .lost = on_lost_lines, .ud = s };
	int r;

	if (!s)
		return -ENOMEM;
	s->context = (struct instance_context){ .loop = l, .env = env, .moves = moves };
	s->fd = -1;
	handler.sink = (struct instance_lines_sink){ instances_on_line, on_bad_line, s };
	r = kernel_real_new(&s->context.kernel);
	if (r == 0)
		r = fifo_new(l, &handler, &s->fifo);
	if (r < 0) {
		instances_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct instances *instances_free(struct instances *s)
{
	if (!s)
		return NULL;
	fifo_free(s->fifo);
	if (s->context.states)
		instances_store(s);
	drop_list(s);
	if (s->fd >= 0)
		loop_remove(s->context.loop, s->fd, s);
	kernel_real_free(s->context.kernel);
	free(s);
	return NULL;
}

const struct instance *const *instances_states(const struct instances *s)
{
	return (const struct instance *const *)&s->context.states;
}

struct status_instance *instances_status(const struct instances *s, size_t *ret_n)
{
	struct status_instance *list = calloc(s->n + 1, sizeof(*list));
	size_t i;

	for (i = 0; i < s->n && list; i++)
		instance_work_status(&s->context, &s->list[i], &list[i]);
	*ret_n = list ? s->n : 0;
	return list;
}

struct status_notify instances_notify_status(const struct instances *s)
{
	struct status_notify n = s->received;
	const char *problem = fifo_problem(s->fifo);

	n.is_used = s->n > 0;
	n.fifo_problem = problem ? problem : "";
	n.store_problem = s->store_problem;
	return n;
}
