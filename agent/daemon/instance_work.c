/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/instance_work.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/os.h"
#include "daemon/log.h"

/* How often to check on a queued move. */
#define WAITING_LOOK (10 * USEC_PER_MSEC)

/* How long "conntrackd -c" is waited for in all. To end it sooner gains nothing: conntrackd goes
 * on, and meanwhile neither commits again nor forgets (docs/conntrackd.md 2). */
#define COMMIT_PATIENCE (60 * USEC_PER_SEC)

static const struct instance_settings *settings_of(const struct instance_context *s,
						   const struct instance_work *w)
{
	return &s->env->settings->instances[w->at];
}

static enum instance_action wants(const struct instance_context *s, const struct instance_work *w)
{
	return instance_set_wants(&s->set, w->at);
}

/* W commits for all instances: what conntrackd writes to the kernel is theirs. */
static void begin_commit(struct instance_context *s, const struct instance_work *w)
{
	const struct settings *all = s->env->settings;
	size_t i, a;

	s->committer = w;
	for (i = 0; i < all->n_instances; i++) {
		const struct instance_settings *one = &all->instances[i];

		for (a = 0; one->conntrackd && a < one->n_addresses; a++)
			moves_await(s->moves, one->addresses[a].device,
				    &one->addresses[a].vip.prefix.addr);
	}
}

static void end_commit(struct instance_context *s)
{
	s->committer = NULL;
	moves_await(s->moves, NULL, NULL);
}

void instance_work_begin(struct instance_context *s, struct instance_work *w, size_t at)
{
	*w = (struct instance_work){ .at = at, .phase = WORK_IDLE };
	memcpy(w->name, settings_of(s, w)->name, sizeof(w->name));
	w->has_decoy = settings_of(s, w)->has_decoy;
	w->decoy = settings_of(s, w)->decoy;
}

void instance_work_end(struct instance_context *s, struct instance_work *w)
{
	if (w->waiting)
		moves_withdraw(s->moves, w);
	w->waiting = false;
	w->child = child_free(w->child);
	w->phase = WORK_IDLE;
	if (s->committer == w)
		end_commit(s);
}

/* ---- programs -------------------------------------------------------------------- */

/* The words for conntrackd that are next in this phase; NULL: none are left. *RET_TIMEOUT: how long
 * that may take. */
static const char *const *program_words(const struct instance_context *s,
					const struct instance_work *w, usec_t *ret_timeout)
{
	*ret_timeout = w->program == INSTANCE_COMMIT ? COMMIT_PATIENCE
						     : s->env->settings->conntrackd_timeout;
	switch (w->phase) {
	case WORK_BEFORE:
		return settings_of(s, w)->commit_max && !w->tried
			       ? instance_conntrackd(INSTANCE_COMMIT)
			       : NULL;
	case WORK_AFTER:
		return instance_conntrackd(w->program);
	case WORK_IDLE:
	case WORK_MOVING:
		break;
	}
	return NULL;
}

static void work_enter(struct instance_work *w, enum work_phase phase)
{
	w->phase = phase;
}

/* What has failed before the addresses came is tried again after that. */
static void program_ended(struct instance_work *w, bool failed)
{
	if (w->program == INSTANCE_COMMIT) {
		w->commit = failed		      ? COMMIT_FAILED
			    : w->phase == WORK_BEFORE ? COMMIT_DONE
						      : COMMIT_LATE;
		w->commit_took = os_now() - w->commit_began;
		if (w->commit == COMMIT_LATE)
			log_line(LOG_NOTICE,
				 "msg=\"conntrackd has committed after its addresses came\" "
				 "instance=%s took_ms=%llu",
				 w->name, (unsigned long long)(w->commit_took / USEC_PER_MSEC));
	}
	w->tried = true;
	if (w->phase == WORK_AFTER || !failed)
		w->program = instance_conntrackd_next(w->program, failed);
}

static void on_program(void *ud, int r)
{
	struct instance_work *w = ud;

	w->child = child_free(w->child);
	if (r < 0)
		log_line(LOG_WARNING, "msg=%s instance=%s option=%s",
			 r == -ETIMEDOUT ? "conntrackd did not finish in time"
					 : "conntrackd failed",
			 w->name, w->option);
	program_ended(w, r < 0);
}

static void start_program(struct instance_context *s, struct instance_work *w,
			  const char *const *words, usec_t timeout)
{
	char *argv[] = { (char *)s->env->settings->conntrackd, (char *)words[0], (char *)words[1],
			 NULL };
	int r;

	w->option = words[0];
	w->commit_began = os_now();
	r = child_new(s->loop, argv, timeout, on_program, w, &w->child);
	if (r == 0)
		return;
	log_line(LOG_WARNING,
		 "msg=\"conntrackd cannot be run\" instance=%s program=%s option=%s error=%s",
		 w->name, argv[0], argv[1], strerror(-r));
	program_ended(w, true);
}

/* Run the programs of the phase, one after the other. Returns when to check on
 * the running one, or USEC_NEVER when all have ended. */
static usec_t run_programs(struct instance_context *s, struct instance_work *w)
{
	const char *const *words;
	usec_t when, timeout;

	for (;;) {
		if (w->child) {
			when = child_tick(w->child);
			if (w->child)
				return when;
			continue;
		}
		words = program_words(s, w, &timeout);
		if (!words || wants(s, w) != ACTION_ADD)
			return USEC_NEVER;
		start_program(s, w, words, timeout);
	}
}

/* Run the commit, which the addresses of W wait for until commit_max has passed. Returns as
 * run_programs(). */
static usec_t run_commit(struct instance_context *s, struct instance_work *w)
{
	const usec_t commit_max = settings_of(s, w)->commit_max;
	usec_t when = run_programs(s, w);

	if (!w->child)
		return when;
	if (os_now() < w->commit_began + commit_max)
		return MIN(when, w->commit_began + commit_max);
	w->commit = COMMIT_OVERDUE;
	log_line(LOG_WARNING,
		 "msg=\"conntrackd has not committed in time\" instance=%s waited_ms=%llu", w->name,
		 (unsigned long long)(commit_max / USEC_PER_MSEC));
	return USEC_NEVER;
}

/* Run the programs before a round. Only one instance does: what conntrackd commits is for all, and
 * to commit it once more would write over connections that live on already. Returns as
 * run_programs(). */
static usec_t run_programs_before(struct instance_context *s, struct instance_work *w)
{
	if (!s->committer)
		begin_commit(s, w);
	if (s->committer == w)
		return run_commit(s, w);
	w->commit = COMMIT_SHARED;
	return s->committer->phase == WORK_BEFORE && s->committer->child ? os_now() + WAITING_LOOK
									 : USEC_NEVER;
}

/* W is done with its programs: the next one to be MASTER commits anew. */
static void release_commit(struct instance_context *s, const struct instance_work *w)
{
	usec_t timeout;

	if (s->committer == w && w->phase != WORK_MOVING && !w->child &&
	    (!program_words(s, w, &timeout) || wants(s, w) != ACTION_ADD))
		end_commit(s);
}

/* ---- a round of moves ---------------------------------------------------------------- */

static void on_moved(void *ud, const struct report *r)
{
	struct instance_work *w = ud;

	w->waiting = false;
	if (r && r->changed && r->op == OP_ADD)
		w->added = true;
	if (!r)
		snprintf(w->error, sizeof(w->error), "there is no room for the move");
	else if (!report_is_placed(r))
		snprintf(w->error, sizeof(w->error), "%s",
			 *r->error ? r->error : result_name(r->result));
}

/* The round has ended: publish its outcome. */
static void publish_outcome(struct instance_context *s, struct instance_work *w)
{
	const struct instance_settings *settings = settings_of(s, w);
	struct instance *state = &s->set.states[w->at];
	const char *done =
		w->action == ACTION_ADD ? "its addresses are added" : "its addresses are deleted";
	bool failed = *w->error != '\0';

	if (failed && !instance_failed(state))
		return;
	if (failed)
		done = w->action == ACTION_ADD ? "its addresses could not be added"
					       : "its addresses could not be deleted";
	log_line(failed ? LOG_ERR : LOG_NOTICE, "msg=%s instance=%s state=%s source=%s error=%s",
		 done, w->name, instance_state_name(state->state),
		 instance_source_name(state->source), failed ? w->error : "");
	publish_guard(moves_publish(s->moves), EVENT_INSTANCE, failed, settings->device, 0, 0,
		      "%s is %s (%s): %s%s%s", w->name, instance_state_name(state->state),
		      instance_source_name(state->source), done, failed ? ": " : "", w->error);
}

/* Whether the addresses of W come although the commit for them has not ended, or has failed. */
static bool is_uncommitted(const struct instance_context *s, const struct instance_work *w)
{
	const struct instance_work *by = w->commit == COMMIT_SHARED ? s->committer : w;

	return w->action == ACTION_ADD && by &&
	       (by->commit == COMMIT_OVERDUE || by->commit == COMMIT_FAILED);
}

/* Move the next addresses. Returns whether there were any. */
static bool instance_work_move(struct instance_context *s, struct instance_work *w)
{
	const struct instance_settings *settings = settings_of(s, w);
	const struct moves_job job = { .done = on_moved, .ud = w, .announce = &settings->announce };
	struct request request;
	bool moved = false;

	while (!w->waiting && wants(s, w) == w->action &&
	       instance_set_request(&s->set, w->at, w->action, &request)) {
		w->waiting = true;
		request.uncommitted = is_uncommitted(s, w);
		moves_submit(s->moves, &request, &job);
		moved = !w->waiting;
	}
	if (w->waiting) {
		w->when = os_now() + WAITING_LOOK;
		return moved;
	}
	work_enter(w, w->added && settings->conntrackd && (!s->committer || s->committer == w)
			      ? WORK_AFTER
			      : WORK_IDLE);
	if (wants(s, w) == w->action)
		publish_outcome(s, w);
	return true;
}

static void instance_work_begin_round(struct instance_context *s, struct instance_work *w,
				      enum instance_action action, usec_t now)
{
	const struct instance_settings *settings = settings_of(s, w);

	instance_set_begin(&s->set, w->at, now);
	w->child = child_free(w->child);
	w->action = action;
	w->added = false;
	w->error[0] = '\0';
	w->program = INSTANCE_COMMIT;
	w->tried = false;
	w->commit = COMMIT_NONE;
	w->commit_took = 0;
	work_enter(w, action == ACTION_ADD && settings->conntrackd ? WORK_BEFORE : WORK_MOVING);
}

/* ---- announcements -------------------------------------------------------------------- */

static usec_t instance_work_refresh(struct instance_context *s, struct instance_work *w, usec_t now)
{
	const struct instance_settings *settings = settings_of(s, w);
	struct kernel k = kernel_real_get(s->kernel);
	unsigned n;

	if (!settings->refresh || wants(s, w) != ACTION_ADD || !s->set.states[w->at].settled) {
		w->refresh = 0;
		return USEC_NEVER;
	}
	if (w->refresh && now >= w->refresh) {
		for (n = 0; n < settings->refresh_count; n++)
			instance_view_announce(&k, &s->set.views[w->at], settings);
		w->refresh = 0;
	}
	if (!w->refresh)
		w->refresh = now + settings->refresh;
	return w->refresh;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static bool is_in_round(const struct instance_work *w)
{
	return w->phase == WORK_BEFORE || w->phase == WORK_MOVING;
}

bool instance_work_step(struct instance_context *s, struct instance_work *w)
{
	usec_t now = os_now(), programs_when;
	enum instance_action action;

	if (is_in_round(w) && wants(s, w) != w->action)
		instance_work_end(s, w); /* the action of this round is no longer wanted */
	programs_when = w->phase == WORK_BEFORE ? USEC_NEVER : run_programs(s, w);
	if (!is_in_round(w)) {
		action = instance_set_next(&s->set, w->at, now, &w->when);
		if (action != ACTION_NONE)
			instance_work_begin_round(s, w, action, now);
	}
	if (w->phase == WORK_BEFORE) {
		w->when = programs_when = run_programs_before(s, w);
		if (programs_when == USEC_NEVER)
			work_enter(w, WORK_MOVING);
	}
	if (w->phase == WORK_MOVING)
		return instance_work_move(s, w);
	release_commit(s, w);
	w->when = MIN(w->when, programs_when);
	w->when = usec_earlier(w->when, instance_work_refresh(s, w, now));
	return false;
}

void instance_work_release(struct instance_context *s, struct instance_work *w, usec_t deadline)
{
	const struct instance_settings *settings = settings_of(s, w);
	const struct moves_job job = { .done = on_moved, .ud = w, .announce = &settings->announce };
	const struct timespec look = { .tv_nsec = 5 * 1000 * 1000 };
	struct request request;

	instance_work_end(s, w);
	if (!instance_settings_policy(settings).is_ours)
		return;
	instance_view_begin(&s->set.views[w->at], settings);
	while (instance_set_request(&s->set, w->at, ACTION_DEL, &request)) {
		w->waiting = true;
		moves_submit(s->moves, &request, &job);
		while (w->waiting && os_now() < deadline) {
			nanosleep(&look, NULL);
			moves_tick(s->moves);
		}
	}
	instance_unsettle(&s->set.states[w->at]);
	s->set.dirty = true;
}

void instance_work_status(const struct instance_context *s, const struct instance_work *w,
			  struct status_instance *ret)
{
	status_instance_of(&s->set, w->at, os_now(), ret);
	ret->moving = is_in_round(w);
	ret->error = w->error;
	ret->commit = w->commit;
	ret->commit_took = w->commit_took;
}

/* How long to wait for a process that writes the file without a daemon: it
 * holds the lock for a moment only. */
#define FILE_PATIENCE (100 * USEC_PER_MSEC)

/* Retry intervals: a full file system may soon have room. */
#define STORE_AGAIN (100 * USEC_PER_MSEC)
#define STORE_AGAIN_MAX (2 * USEC_PER_SEC)

void instance_store_load(struct instance_store *t, struct instance_context *s)
{
	const struct settings *settings = s->env->settings;
	int r;

	if (t->loaded || !s->set.n)
		return;
	r = instance_file_load(settings, s->env->boot_id, os_now(), s->set.states);
	if (r < 0 && r != -ENOENT)
		log_line(LOG_NOTICE,
			 "msg=\"what was known of the instances is of another boot, or "
			 "unreadable\" run_dir=%s",
			 settings->run_dir);
	(void)instance_file_is_other(settings, &t->seen);
	t->loaded = true;
}

bool instance_store_merge(struct instance_store *t, struct instance_context *s)
{
	const struct settings *settings = s->env->settings;
	_cleanup_free_ struct instance *list = NULL;
	bool newer = false;
	size_t i;

	if (!t->loaded || !s->set.n || !instance_file_is_other(settings, &t->seen))
		return false;
	list = calloc(s->set.n, sizeof(*list));
	if (!list || instance_file_load(settings, s->env->boot_id, os_now(), list) < 0)
		return false;
	for (i = 0; i < s->set.n; i++) {
		struct instance *one = &s->set.states[i];

		if (!instance_take_newer(one, &list[i]))
			continue;
		newer = s->set.dirty = true;
		log_line(LOG_NOTICE,
			 "msg=\"a state that was said to another process\" instance=%s state=%s "
			 "source=%s",
			 settings->instances[i].name, instance_state_name(one->state),
			 instance_source_name(one->source));
	}
	return newer;
}

/* Storing failed: log it once and set the time of the next attempt. */
static void store_failed(struct instance_store *t, const struct instance_context *s, int error,
			 bool stale)
{
	char text[sizeof(t->problem)];

	t->again = t->again ? MIN(2 * t->again, STORE_AGAIN_MAX) : STORE_AGAIN;
	t->next = os_now() + t->again;
	snprintf(text, sizeof(text), "%s%s", strerror(-error),
		 stale ? "; what is in the file is out of date" : "");
	if (!strcmp(text, t->problem))
		return;
	memcpy(t->problem, text, sizeof(text));
	log_line(LOG_WARNING, "msg=\"the instances' states cannot be kept\" run_dir=%s error=%s",
		 s->env->settings->run_dir, text);
}

bool instance_store_write(struct instance_store *t, struct instance_context *s)
{
	const struct settings *settings = s->env->settings;
	_cleanup_close_ int lock = -1;
	bool newer, stale;
	int r;

	if (!s->set.dirty || !t->loaded || os_now() < t->next)
		return false;
	(void)instance_file_lock(settings->run_dir, INSTANCE_LOCK_FILE, &s->env->kernel,
				 os_now() + FILE_PATIENCE, &lock);
	newer = instance_store_merge(t, s);
	r = instance_file_store(settings, s->env->boot_id, s->set.states, &stale);
	(void)instance_file_is_other(settings, &t->seen);
	s->set.dirty = r < 0;
	if (r < 0) {
		store_failed(t, s, r, stale);
		return newer;
	}
	if (t->again)
		log_line(LOG_NOTICE, "msg=\"the instances' states are kept again\" run_dir=%s",
			 settings->run_dir);
	t->again = t->next = 0;
	t->problem[0] = '\0';
	return newer;
}
