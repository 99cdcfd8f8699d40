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

/* At most one line about unknown or bad notifications in this time. */
#define TROUBLE_LOG_EVERY (10 * USEC_PER_SEC)

struct instances {
	struct instance_context context; /* shared by the work on all instances */
	struct instance_store store;
	struct fifo *fifo;
	int fd;			    /* socket of address events, on the loop; -1: not */
	struct instance_work *list; /* owned; one for each instance of the set */
	bool look;		    /* the addresses may have changed */
	struct status_notify received;
	usec_t bad_logged, unknown_logged;
};

/* ---- what the kernel says ------------------------------------------------------- */

static int instances_on_address(void *ud, const struct ifaddr *a, bool gone)
{
	struct instances *s = ud;

	if (!a->prefix.addr.family)
		return 0; /* of a device */
	if (instance_views_meant(s->context.env->settings, a))
		s->look = true;
	if (s->context.set.n)
		decoys_note(&s->context, a, gone);
	return 0;
}

static void instances_read_addresses(struct instances *s)
{
	struct kernel k = kernel_real_get(s->context.kernel);

	if (k.ops->addr_events(k.ctx, instances_on_address, s) < 0)
		s->look = true;
}

/* Also wakes the daemon when devices appear or vanish. */
static void instances_on_ready(void *ud, uint32_t events _unused_)
{
	struct instances *s = ud;
	size_t i;

	instances_read_addresses(s);
	for (i = 0; i < s->context.set.n; i++)
		s->look |= s->context.set.states[i].tries > 0;
}

/* Tell each instance which of its addresses are there now. */
static void instances_look(struct instances *s)
{
	struct kernel k = kernel_real_get(s->context.kernel);
	struct instance_set *set = &s->context.set;
	size_t i;

	if (!set->n || instance_set_look(set, &k, os_now()) < 0)
		return;
	s->look = false;
	for (i = 0; i < set->n; i++) {
		if (set->views[i].n_possible > s->list[i].n_possible)
			instance_hurry(&set->states[i]);
		s->list[i].n_possible = set->views[i].n_possible;
	}
}

static void watch_addresses(struct instances *s)
{
	struct kernel k = kernel_real_get(s->context.kernel);
	int fds[KERNEL_FDS] = { -1, -1, -1, -1 };

	if (s->fd >= 0)
		return;
	if (k.ops->addr_watch(k.ctx) == 0)
		kernel_real_fds(s->context.kernel, fds);
	if (fds[1] >= 0 &&
	    loop_add(s->context.loop, fds[1], EPOLLIN, true, instances_on_ready, s) == 0)
		s->fd = fds[1];
	else
		log_line(LOG_WARNING, "msg=\"addresses that come and go are not noticed\"");
}

/* ---- what keepalived says --------------------------------------------------------- */

static void trouble(struct instances *s, usec_t *logged, const char *reason, const char *instance)
{
	usec_t now = os_now();

	if (*logged && now - *logged < TROUBLE_LOG_EVERY)
		return;
	*logged = now;
	log_line(LOG_WARNING,
		 "msg=\"a message of keepalived is ignored\" reason=%s instance=%s bad=%llu "
		 "unknown=%llu",
		 reason, instance, (unsigned long long)s->received.bad,
		 (unsigned long long)s->received.unknown);
}

static bool leaves(enum instance_state state)
{
	switch (state) {
	case INSTANCE_BACKUP:
	case INSTANCE_FAULT:
	case INSTANCE_STOP:
	case INSTANCE_DELETED:
		return true;
	case INSTANCE_UNKNOWN:
	case INSTANCE_MASTER:
		break;
	}
	return false;
}

/* An instance that is not MASTER has no claim to its addresses, whoever deletes them: keepalived
 * itself may have done so a moment before it said anything. Nothing of them lingers. */
static void instances_give_up(struct instances *s, size_t at)
{
	const struct instance_settings *i = &s->context.env->settings->instances[at];
	size_t a;

	if (i->conntrackd) /* what is translated to them does, until the other node has them */
		return;
	for (a = 0; a < i->n_addresses && leaves(s->context.set.states[at].state); a++)
		moves_give_up(s->context.moves, &i->addresses[a].vip.prefix.addr);
}

static void receive_event(struct instances *s, const struct instance_event *event, bool acted)
{
	struct instance_set *set = &s->context.set;
	bool known;
	size_t i;

	instances_read_addresses(s);
	if (s->look)
		instances_look(s);
	for (i = 0; i < set->n && acted; i++)
		if (instance_set_meant(set, i, event))
			instance_unsettle(&set->states[i]);
	known = instance_set_receive(set, event, os_now());
	for (i = 0; i < set->n; i++)
		if (instance_set_meant(set, i, event))
			instances_give_up(s, i);
	if (event->group && !known) /* its instances are named in events of their own */
		s->received.groups++;
	if (event->group || known)
		return;
	s->received.unknown++;
	trouble(s, &s->unknown_logged, "there is no section [instance ...] for it", event->name);
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
	trouble(s, &s->bad_logged, why->text, "");
}

static void on_lost_lines(void *ud)
{
	struct instances *s = ud;
	size_t i;

	s->received.overruns++;
	for (i = 0; i < s->context.set.n; i++)
		instance_fifo_lost(&s->context.set.states[i]);
	log_line(LOG_WARNING, "msg=\"the FIFO was nearly full: lines may have been lost\"");
}

void instances_receive(struct instances *s, const struct instance_event *event, bool acted)
{
	struct instance_event e = *event;
	usec_t now = os_now();

	fifo_drain(s->fifo); /* its lines are older, and more reliable */
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
	trouble(s, &s->bad_logged, why, "");
}

/* ---- configuration ------------------------------------------------------------------ */

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
		/* the new configuration may have more addresses */
		if (state->state == INSTANCE_MASTER)
			instance_unsettle(state);
	}
}

static void drop_list(struct instances *s)
{
	size_t i;

	for (i = 0; i < s->context.set.n; i++)
		instance_work_end(&s->context, &s->list[i]);
	free(s->list);
	s->list = NULL;
	instance_set_done(&s->context.set);
}

static void log_warning(void *ud _unused_, const char *line)
{
	log_line(LOG_WARNING, "msg=%s", line);
}

void instances_apply(struct instances *s)
{
	const struct settings *settings = s->context.env->settings;
	struct instance_work *list = calloc(settings->n_instances + 1, sizeof(*list));
	struct instance_set set;
	size_t i;

	if (instance_set_init(&set, settings) < 0 || !list) {
		log_line(LOG_ERR, "msg=\"out of memory for the instances\"");
		instance_set_done(&set);
	}
	for (i = 0; i < set.n; i++) {
		instance_work_begin(&s->context, &list[i], i);
		take_over(&list[i], &set.states[i], s->list, s->context.set.states,
			  s->context.set.n);
	}
	drop_list(s);
	s->list = list;
	s->context.set = set;
	instance_settings_warn(settings, log_warning, NULL);
	decoys_begin(&s->context);
	if (set.n)
		watch_addresses(s);
	instance_store_load(&s->store, &s->context);
	s->context.set.dirty = set.n > 0;
	instances_look(s);
	fifo_set(s->fifo, set.n ? settings->fifo : NULL, settings->fifo_user);
}

/* ---- rounds --------------------------------------------------------------------------- */

/* When to look again after STEPS_MAX steps, or after the kernel gave no
 * answer. */
#define LOOK_AGAIN (50 * USEC_PER_MSEC)

/* Steps per tick: a move may make another one due. */
#define STEPS_MAX 4

usec_t instances_tick(struct instances *s)
{
	usec_t next = USEC_NEVER;
	unsigned step;
	size_t i;

	s->look |= instance_store_merge(&s->store, &s->context);
	if (s->context.set.n && decoys_are_doubted(&s->context, os_now())) {
		instances_read_addresses(s);
		fifo_drain(s->fifo); /* it may hold a MASTER event */
		s->look = true;
	}
	for (step = 0; step < STEPS_MAX; step++) {
		bool moved = false;

		if (s->look)
			instances_look(s);
		/* store a state before acting on it */
		s->look |= instance_store_write(&s->store, &s->context);
		for (i = 0; i < s->context.set.n; i++)
			moved |= instance_work_step(&s->context, &s->list[i]);
		if (!moved)
			break;
		s->look = true;
	}
	for (i = 0; i < s->context.set.n; i++) {
		next = MIN(next, s->list[i].when);
		next = usec_earlier(next, decoy_step(&s->context, &s->list[i], os_now()));
	}
	s->look |= instance_store_write(&s->store, &s->context);
	if (s->context.set.dirty && s->store.again)
		next = usec_earlier(next, s->store.next);
	return s->look ? MIN(next, os_now() + LOOK_AGAIN) : next;
}

void instances_release(struct instances *s)
{
	usec_t deadline = os_now() + s->context.env->settings->timeout;
	size_t i;

	instances_look(s);
	for (i = 0; i < s->context.set.n; i++)
		instance_work_release(&s->context, &s->list[i], deadline);
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
	s->store.next = 0; /* last chance: ignore the retry interval */
	(void)instance_store_write(&s->store, &s->context);
	drop_list(s);
	if (s->fd >= 0)
		loop_remove(s->context.loop, s->fd, s);
	kernel_real_free(s->context.kernel);
	free(s);
	return NULL;
}

const struct instance *const *instances_states(const struct instances *s)
{
	return (const struct instance *const *)&s->context.set.states;
}

struct status_instance *instances_status(const struct instances *s, size_t *ret_n)
{
	struct status_instance *list = calloc(s->context.set.n + 1, sizeof(*list));
	size_t i;

	for (i = 0; i < s->context.set.n && list; i++)
		instance_work_status(&s->context, &s->list[i], &list[i]);
	*ret_n = list ? s->context.set.n : 0;
	return list;
}

struct status_notify instances_notify_status(const struct instances *s)
{
	struct status_notify n = s->received;
	const char *problem = fifo_problem(s->fifo);

	n.is_used = s->context.set.n > 0;
	n.fifo_problem = problem ? problem : "";
	n.store_problem = s->store.problem;
	return n;
}
