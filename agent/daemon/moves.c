/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/moves.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "front/oplog.h"
#include "steps/again.h"
#include "steps/lock.h"
#include "steps/rundir.h"

/* How often a lock that somebody else holds is looked at. */
#define LOCK_LOOK (10 * USEC_PER_MSEC)

#define AGAIN_MAX 64 /* second bursts outstanding; more are left out */

struct waiting {
	struct client *client;
	struct wire_request request;
	usec_t until;
	char device[LINK_NAME_MAX]; /* the real name, as the lock has it */
};

struct again {
	struct report report;
	usec_t when;
	unsigned rounds; /* still to come */
};

struct moves {
	const struct run_env *env;
	const struct watches *watches;
	struct tell *tell;
	struct waiting *waiting[CONTROL_CLIENTS_MAX]; /* owned, oldest first */
	size_t n_waiting;
	struct again *again[AGAIN_MAX]; /* owned */
	size_t n_again;
	uint64_t count;
};

int moves_new(const struct run_env *env, const struct watches *watches, struct tell *tell,
	      struct moves **ret)
{
	struct moves *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->env = env;
	m->watches = watches;
	m->tell = tell;
	*ret = m;
	return 0;
}

struct moves *moves_free(struct moves *m)
{
	if (!m)
		return NULL;
	while (m->n_waiting)
		free(m->waiting[--m->n_waiting]);
	while (m->n_again)
		free(m->again[--m->n_again]);
	free(m);
	return NULL;
}

static void plan_again(struct moves *m, const struct report *report)
{
	const struct announce_settings *s = &m->env->settings->announce;
	struct again *a;

	if (!again_wanted(s, report) || m->n_again == AGAIN_MAX)
		return;
	a = malloc(sizeof(*a));
	if (!a)
		return;
	a->report = *report;
	a->when = loop_now() + s->again_after;
	a->rounds = s->again;
	m->again[m->n_again++] = a;
}

static void run(struct moves *m, struct client *c, const struct wire_request *r, usec_t until,
		int ifindex)
{
	_cleanup_free_ struct report *report = calloc(1, sizeof(*report));
	struct kernel_real *beside = NULL;
	struct run_env env = *m->env;
	struct request request = r->move;
	usec_t now = loop_now();

	env.guard = watches_guard(m->watches, ifindex, &request, &env.kernel);
	if (!env.guard)
		beside = watches_kernel(m->watches, ifindex);
	if (beside)
		env.kernel = kernel_real_get(beside);
	env.seed += ++m->count; /* each run has its own name */
	request.deadline = now < until ? until - now : 1;
	if (report) {
		run_move(&env, &request, report);
		tell_report(m->tell, report);
		plan_again(m, report);
	}
	kernel_real_free(beside);
	control_answer(c, report ? wire_answer_report(report, r->text) : NULL);
}

/* Whether nobody else has the lock of DEVICE at this moment. What else may be
 * wrong with it the run itself tells. */
static bool is_free(const struct moves *m, const char *device)
{
	_cleanup_close_ int dir = rundir_open(m->env->settings->run_dir);
	_cleanup_close_ int lock = -1;

	return dir < 0 || lock_take(dir, device, &m->env->kernel, 0, &lock) != -ETIMEDOUT;
}

static bool is_awaited(const struct moves *m, const char *device)
{
	size_t i;

	for (i = 0; i < m->n_waiting; i++)
		if (!strcmp(m->waiting[i]->device, device))
			return true;
	return false;
}

static void refuse(struct client *c, enum wire_refusal why, const char *text)
{
	control_answer(c, wire_answer_refusal(why, text));
}

static bool waits_for_dad(const struct request *r)
{
	size_t i;

	for (i = 0; i < r->n_vips; i++)
		if (r->vips[i].dad)
			return true;
	return false;
}

static void wait_turn(struct moves *m, struct client *c, const struct wire_request *r, usec_t until,
		      const struct link *link)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w || m->n_waiting == ARRAY_SIZE(m->waiting)) {
		free(w);
		refuse(c, WIRE_INTERNAL, "no room to wait");
		return;
	}
	w->client = c;
	w->request = *r;
	w->until = until;
	memcpy(w->device, link->name, sizeof(w->device));
	m->waiting[m->n_waiting++] = w;
}

void moves_ask(struct moves *m, struct client *c, const struct wire_request *r)
{
	const struct kernel *k = &m->env->kernel;
	usec_t budget = r->move.deadline ? r->move.deadline : m->env->settings->deadline;
	usec_t until = loop_now() + budget;
	struct link link = { 0 };

	if (waits_for_dad(&r->move)) {
		refuse(c, WIRE_BAD_REQUEST, "duplicate address detection is not waited for here");
		return;
	}
	/* Without the device the run says so itself. */
	if (!r->move.plan && k->ops->link_get(k->ctx, r->move.device, &link) == 0 &&
	    (is_awaited(m, link.name) || !is_free(m, link.name)))
		wait_turn(m, c, r, until, &link);
	else
		run(m, c, r, until, link.ifindex);
}

static void remove_at(struct moves *m, size_t i)
{
	free(m->waiting[i]);
	m->n_waiting--;
	memmove(&m->waiting[i], &m->waiting[i + 1], (m->n_waiting - i) * sizeof(m->waiting[0]));
}

void moves_forget(struct moves *m, const struct client *c)
{
	size_t i;

	for (i = 0; i < m->n_waiting; i++) {
		if (m->waiting[i]->client == c) {
			remove_at(m, i);
			return;
		}
	}
}

/* Whether an older one waits for the same device. */
static bool is_behind(const struct moves *m, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (!strcmp(m->waiting[j]->device, m->waiting[i]->device))
			return true;
	return false;
}

/* At its deadline a run is begun all the same: it finds out that the lock is
 * taken, and says so in its own words. */
static void run_waiting(struct moves *m)
{
	const struct kernel *k = &m->env->kernel;
	size_t i = 0;

	while (i < m->n_waiting) {
		struct waiting *w = m->waiting[i];
		struct link link = { 0 };

		if (loop_now() < w->until && (is_behind(m, i) || !is_free(m, w->device))) {
			i++;
			continue;
		}
		m->waiting[i] = NULL;
		remove_at(m, i);
		if (k->ops->link_get(k->ctx, w->device, &link) < 0)
			link.ifindex = 0;
		run(m, w->client, &w->request, w->until, link.ifindex);
		free(w);
	}
}

static usec_t announce(struct moves *m)
{
	const struct announce_settings *s = &m->env->settings->announce;
	usec_t next = USEC_NEVER, now = loop_now();
	size_t i = 0;

	while (i < m->n_again) {
		struct again *a = m->again[i];

		while (now >= a->when && a->rounds) {
			again_round(&m->env->kernel, &a->report);
			a->rounds--;
			a->when = now + s->interval;
			if (s->interval)
				break;
		}
		if (!a->rounds) {
			free(a);
			m->again[i] = m->again[--m->n_again];
			continue;
		}
		next = MIN(next, a->when);
		i++;
	}
	return next;
}

usec_t moves_tick(struct moves *m)
{
	usec_t next;

	run_waiting(m);
	next = announce(m);
	return m->n_waiting ? MIN(next, loop_now() + LOCK_LOOK) : next;
}

uint64_t moves_count(const struct moves *m)
{
	return m->count;
}
