/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/moves.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/log.h"
#include "show/oplog.h"
#include "move/announce.h"
#include "base/rundir.h"

/* How often to check a lock that another process holds. */
#define LOCK_LOOK (10 * USEC_PER_MSEC)

/* How often to check whether the rules for resets have been removed. */
#define CLEAN_LOOK (20 * USEC_PER_MSEC)

#define AGAIN_MAX 64 /* further bursts outstanding at most; more are not sent */

struct waiting {
	struct client *client; /* NULL: job is used */
	enum wire_text text;
	struct moves_job job;
	struct request request;
	usec_t deadline;
	char device[LINK_NAME_MAX]; /* the device's real name, as the lock uses it */
};

struct again {
	struct report report;
	usec_t when, interval;
	unsigned rounds;     /* left in this burst */
	unsigned next_burst; /* rounds of the one after it */
	usec_t next_when;
};

struct moves {
	const struct run_env *env;
	const struct guards *guards;
	struct publisher *publisher;
	struct waiting *waiting[2 * CONTROL_CLIENTS_MAX]; /* owned, oldest first */
	size_t n_waiting;
	struct again *again[AGAIN_MAX]; /* owned */
	size_t n_again;
	usec_t clean_at; /* when to remove the rules of resets; 0: there are none */
	bool cleaning;
	uint64_t count;
};

int moves_new(const struct run_env *env, const struct guards *guards, struct publisher *publisher,
	      struct moves **ret)
{
	struct moves *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->env = env;
	m->guards = guards;
	m->publisher = publisher;
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

/* Schedule the announcements of S that remain after a run that has done FIRST
 * rounds. */
static void plan_again(struct moves *m, const struct report *report,
		       const struct announce_settings *s, unsigned first)
{
	struct announce_settings rest = { .again = s->count - first + s->again };
	usec_t now = os_now();
	struct again *a;

	if (report->op != OP_ADD || !again_wanted(&rest, report) || m->n_again == AGAIN_MAX)
		return;
	a = malloc(sizeof(*a));
	if (!a)
		return;
	a->report = *report;
	a->when = now + s->interval;
	a->interval = s->interval;
	a->rounds = s->count - first;
	a->next_burst = s->again;
	a->next_when = now + s->again_after;
	m->again[m->n_again++] = a;
}

static void deliver(const struct waiting *w, const struct report *report)
{
	if (!w->client)
		w->job.done(w->job.ud, report);
	else
		control_answer(w->client, report ? wire_answer_report(report, w->text) : NULL);
}

void moves_await(const struct moves *m, const char *device, const struct addr *a)
{
	guards_await(m->guards, device, a);
}

void moves_give_up(const struct moves *m, const struct addr *a)
{
	guards_give_up(m->guards, a, false);
}

/* What a run of REQ has deleted, or has found deleted, was given up on purpose. */
static void moves_given_up(const struct moves *m, const struct request *req, const struct report *r)
{
	bool keep = req->vip_flows == VIP_FLOWS_KEEP;
	size_t v;

	if (req->replicated) /* what is translated to it lingers */
		return;
	for (v = 0; v < req->n_vips && req->op == OP_DEL && !req->plan; v++)
		if (r->outcomes[v] == VIP_CHANGED || r->outcomes[v] == VIP_ALREADY)
			guards_give_up(m->guards, &req->vips[v].prefix.addr, keep);
}

static void moves_run(struct moves *m, const struct waiting *w, int ifindex)
{
	_cleanup_free_ struct report *report = calloc(1, sizeof(*report));
	struct kernel_real *beside = NULL;
	struct announce_settings announce = m->env->settings->announce;
	struct settings settings =
		*m->env->settings; /* shallow copy: the original owns the content */
	struct run_env env = *m->env;
	struct request request = w->request;

	env.source = guards_source(m->guards, ifindex, &request, &env.kernel);
	if (!env.source.ops)
		beside = guards_kernel(m->guards, ifindex);
	if (beside)
		env.kernel = kernel_real_get(beside);
	if (!w->client)
		announce = *w->job.announce;
	settings.announce = announce;
	if (announce.interval) /* the later rounds are sent by announce() */
		settings.announce.count = MIN(announce.count, 1U);
	env.settings = &settings;
	env.seed += ++m->count; /* so that no two runs share a name */
	request.deadline = w->deadline;
	if (report) {
		run_move(&env, &request, report);
		moves_given_up(m, &request, report);
		publish_report(m->publisher, report);
		plan_again(m, report, &announce, settings.announce.count);
		if (report->has_resets)
			m->clean_at = os_now() + RESET_CLEAN_AFTER;
	}
	kernel_real_free(beside);
	deliver(w, report);
}

/* Whether no other process holds the lock of DEVICE now. Other problems of the
 * lock are left to the run to report. */
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

static bool waits_for_dad(const struct request *r)
{
	size_t i;

	for (i = 0; i < r->n_vips; i++)
		if (r->vips[i].dad)
			return true;
	return false;
}

static void wait_turn(struct moves *m, const struct waiting *w)
{
	struct waiting *copy = malloc(sizeof(*copy));

	if (!copy || m->n_waiting == ARRAY_SIZE(m->waiting)) {
		free(copy);
		if (w->client)
			control_refuse(w->client, WIRE_INTERNAL, "no room to wait");
		else
			w->job.done(w->job.ud, NULL);
		return;
	}
	*copy = *w;
	m->waiting[m->n_waiting++] = copy;
}

static void daemon_moves_ask(struct moves *m, struct waiting *w)
{
	const struct kernel *k = &m->env->kernel;
	const struct request *r = &w->request;
	struct link link = { 0 };

	w->deadline = os_now() + (r->timeout ? r->timeout : m->env->settings->timeout);
	if (r->move_by)
		w->request.move_at = os_now() + r->move_by;
	if (r->deadline) /* the time for its transport counts */
		w->deadline = MIN(w->deadline, r->deadline);
	/* If the device is missing, the run reports it. */
	if (!r->plan && k->ops->link_get(k->ctx, r->device, &link) == 0 &&
	    (is_awaited(m, link.name) || !is_free(m, link.name))) {
		memcpy(w->device, link.name, sizeof(w->device));
		wait_turn(m, w);
	} else {
		moves_run(m, w, link.ifindex);
	}
}

void moves_ask(struct moves *m, struct client *c, const struct wire_request *r)
{
	struct waiting w = { .client = c, .text = r->text, .request = r->move };

	if (waits_for_dad(&r->move))
		control_refuse(c, WIRE_BAD_REQUEST,
			       "duplicate address detection is not waited for here");
	else
		daemon_moves_ask(m, &w);
}

void moves_submit(struct moves *m, const struct request *request, const struct moves_job *job)
{
	struct waiting w = { .job = *job, .request = *request };

	identity_asker(getpid(), geteuid(), &w.request.by);

	daemon_moves_ask(m, &w);
}

static void moves_remove_at(struct moves *m, size_t i)
{
	free(m->waiting[i]);
	m->n_waiting--;
	memmove(&m->waiting[i], &m->waiting[i + 1], (m->n_waiting - i) * sizeof(m->waiting[0]));
}

void moves_withdraw(struct moves *m, const void *ud)
{
	size_t i = m->n_waiting;

	while (i--)
		if (!m->waiting[i]->client && m->waiting[i]->job.ud == ud)
			moves_remove_at(m, i);
}

void moves_forget(struct moves *m, const struct client *c)
{
	size_t i;

	for (i = 0; i < m->n_waiting; i++) {
		if (m->waiting[i]->client == c) {
			moves_remove_at(m, i);
			return;
		}
	}
}

/* Whether an older request waits for the same device. */
static bool moves_is_behind(const struct moves *m, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (!strcmp(m->waiting[j]->device, m->waiting[i]->device))
			return true;
	return false;
}

/* At its deadline a run is begun even if the lock is taken: the run reports
 * that itself. */
static void run_waiting(struct moves *m)
{
	const struct kernel *k = &m->env->kernel;
	size_t i = 0;

	while (i < m->n_waiting) {
		struct waiting *w = m->waiting[i];
		struct link link = { 0 };

		if (os_now() < w->deadline && (moves_is_behind(m, i) || !is_free(m, w->device))) {
			i++;
			continue;
		}
		m->waiting[i] = NULL;
		moves_remove_at(m, i);
		if (w->client && !control_is_awaited(w->client)) {
			free(w); /* the loop will call moves_forget() for it */
			continue;
		}
		if (k->ops->link_get(k->ctx, w->device, &link) < 0)
			link.ifindex = 0;
		moves_run(m, w, link.ifindex);
		free(w);
	}
}

/* Returns whether more announcements are to come. */
static bool announce_one(struct moves *m, struct again *a, usec_t now)
{
	while (now >= a->when) {
		if (!a->rounds && a->next_burst) {
			a->rounds = a->next_burst;
			a->next_burst = 0;
			a->when = a->next_when;
			continue;
		}
		if (!a->rounds)
			return false;
		again_round(&m->env->kernel, &a->report);
		a->rounds--;
		/* count the time that the round took, too */
		a->when = os_now() + a->interval;
		if (a->interval && a->rounds)
			break;
	}
	return true;
}

static usec_t announce(struct moves *m)
{
	usec_t next = USEC_NEVER, now = os_now();
	size_t i = 0;

	while (i < m->n_again) {
		struct again *a = m->again[i];

		if (!announce_one(m, a, now)) {
			free(a);
			m->again[i] = m->again[--m->n_again];
			continue;
		}
		next = MIN(next, a->when);
		i++;
	}
	return next;
}

/* Remove expired rules of resets, in a child process. Those that stay are tried
 * once more by the next move, recover or start. */
static usec_t clean_resets(struct moves *m)
{
	const struct kernel *k = &m->env->kernel;
	usec_t now = os_now();
	int r;

	if (m->cleaning) {
		r = k->ops->reset_clean_end(k->ctx);
		m->cleaning = r == -EAGAIN;
		if (r < 0 && r != -EAGAIN)
			log_line(LOG_WARNING,
				 "msg=\"rules of a reset could not be removed\" error=%s",
				 strerror(-r));
	}
	if (m->clean_at && now >= m->clean_at && !m->cleaning) {
		m->cleaning = k->ops->reset_clean_begin(k->ctx, RESET_CLEAN_TIMEOUT) == 0;
		m->clean_at = 0;
	}
	return m->cleaning ? now + CLEAN_LOOK : m->clean_at ? m->clean_at : USEC_NEVER;
}

usec_t moves_tick(struct moves *m)
{
	usec_t next;

	run_waiting(m);
	next = announce(m);
	next = usec_earlier(next, clean_resets(m));
	return m->n_waiting ? MIN(next, os_now() + LOCK_LOOK) : next;
}

struct publisher *moves_publish(const struct moves *m)
{
	return m->publisher;
}

uint64_t moves_count(const struct moves *m)
{
	return m->count;
}
