/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending to the daemon, and to the log. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/logfmt.h"
#include "base/os.h"
#include "base/program.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/notify.h"
#include "cli/render.h"
#include "keepalived/instance_file.h"
#include "keepalived/instance_set.h"
#include "move/announce.h"
#include "move/probe.h"
#include "show/oplog.h"

void notify_complain(const struct notify *n, const char *fmt, ...)
{
	struct logger logger = { .fd = -1 };
	char text[1024], line[1100] = "";
	struct logfmt l = { .buf = line, .size = sizeof(line) };
	struct log_record m;
	va_list ap;

	va_start(ap, fmt);
	text_line_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(n->err, "vipsafe: notify: %s\n", text);
	logfmt_add(&l, "op=notify");
	logfmt_add_text(&l, "error", text);
	log_record_init(&m, "vipsafe", LOG_WARNING, line);
	(void)logger_send(&logger, &m, NULL);
	logger_done(&logger);
}

/* It is asked again later, and refuses again: once is enough. */
static void notify_refused(struct notify *n, const char *why)
{
	if (!n->refused)
		notify_complain(n, "%s", why);
	n->refused = true;
}

bool notify_daemon(struct notify *n, usec_t patience, int *ret_code)
{
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	bool taken = false;

	client_ask(n->cli->settings.socket, &n->request, patience, &a, &outcome);
	switch (outcome) {
	case CLIENT_ANSWERED:
		*ret_code = a.exit_code;
		taken = true;
		break;
	case CLIENT_REFUSED:
		notify_refused(n, a.error_text);
		break;
	case CLIENT_BARRED:
		notify_refused(n, client_failure_text(outcome, &a));
		*ret_code = EXIT_NOT_PERMITTED;
		taken = geteuid() != 0; /* root can do it without the daemon */
		break;
	case CLIENT_ABSENT:
	case CLIENT_BROKEN:
		break;
	}
	wire_answer_done(&a);
	return taken;
}

/* notify without a daemon. Each hook stores the state it was given; then the
 * hooks take turns, and the one whose turn it is moves the addresses to match
 * the newest states. */

#define FILE_PATIENCE (2 * USEC_PER_SEC)
#define TURN_PATIENCE (30 * USEC_PER_SEC)
#define WORK_MAX (60 * USEC_PER_SEC)
#define DAEMON_PATIENCE (1 * USEC_PER_SEC)

struct work {
	struct notify *n;
	const struct settings *settings;
	struct kernel kernel;
	struct instance_set set; /* owned; with the states of the file */
	struct instance *mine;	 /* owned; the part that is not in the file: see recall() */
	bool alone;		 /* the file cannot be written: only our own event is known */
	bool hopeless;		 /* not permitted: trying again is no use */
	int code; /* of the last round: EXIT_DONE unless an address is not as wanted */
};

static bool local_is_meant(const struct work *w, size_t i)
{
	return instance_set_meant(&w->set, i, &w->n->request.notify.event);
}

/* Times and counters of attempts are not in the file: keep this process's
 * own. */
static void recall(struct instance *to, const struct instance *mine)
{
	to->began = mine->began;
	to->streak = mine->streak;
	to->tries = mine->tries;
	to->fights = mine->fights;
	to->fought = mine->fought;
}

static int work_new(struct work *w, struct notify *n)
{
	const struct settings *s = &n->cli->settings;

	*w = (struct work){ .n = n, .settings = s };
	w->kernel = kernel_real_get(n->kernel);
	w->mine = calloc(s->n_instances + 1, sizeof(*w->mine));
	return w->mine ? instance_set_init(&w->set, s) : -ENOMEM;
}

static void local_work_done(struct work *w)
{
	instance_set_done(&w->set);
	free(w->mine);
}

/* ---- the file --------------------------------------------------------------------- */

/* Lock the file and read the states. local_store() unlocks it. */
static void local_load(struct work *w, int *ret_lock)
{
	usec_t now = os_now();
	size_t i;

	(void)instance_file_lock(w->settings->run_dir, INSTANCE_LOCK_FILE, &w->kernel,
				 now + FILE_PATIENCE, ret_lock);
	if (w->alone)
		return;
	(void)instance_file_load(w->settings, w->n->cli->boot_id, now, w->set.states);
	for (i = 0; i < w->settings->n_instances; i++)
		recall(&w->set.states[i], &w->mine[i]);
}

static int local_store(struct work *w, int *lock)
{
	bool stale;
	int r = instance_file_store(w->settings, w->n->cli->boot_id, w->set.states, &stale);

	closep(lock);
	*lock = -1;
	memcpy(w->mine, w->set.states, w->settings->n_instances * sizeof(*w->mine));
	return r;
}

static void local_look(struct work *w)
{
	(void)instance_set_look(&w->set, &w->kernel, os_now());
}

/* Store the event. Returns whether it was for any instance. */
static bool record(struct work *w)
{
	const struct instance_event *event = &w->n->request.notify.event;
	int lock = -1, r;
	bool meant;
	size_t i;

	local_load(w, &lock);
	local_look(w);
	/* nothing has watched the decoys since keepalived started this
	 * process */
	for (i = 0; i < w->set.n && os_now() - event->stamp > INSTANCE_HOOK_LATE; i++)
		if (local_is_meant(w, i))
			instance_decoy_moved(&w->set.states[i], false, os_now());
	meant = instance_set_receive(&w->set, event, os_now());
	r = local_store(w, &lock);
	w->alone = r < 0;
	if (r < 0)
		notify_complain(w->n, "%s: %s: what was told before is not known",
				w->settings->run_dir, strerror(-r));
	return meant;
}

/* ---- work --------------------------------------------------------------------------- */

/* Run I of conntrackd. Returns the next one. */
static size_t run_conntrackd(struct work *w, size_t i, usec_t timeout)
{
	const char *const *words = instance_conntrackd(i);
	char *argv[] = { (char *)w->settings->conntrackd, (char *)words[0], (char *)words[1],
			 NULL };
	const struct program p = { .argv = argv, .timeout = timeout };
	char error[PROGRAM_ERROR_MAX];
	int r = program_run(&p, error);

	if (r < 0)
		notify_complain(w->n, "conntrackd %s: %s", words[0], *error ? error : strerror(-r));
	return instance_conntrackd_next(i, r < 0);
}

static void run_request(struct work *w, const struct instance_settings *one,
			const struct request *request)
{
	struct settings settings = *w->settings; /* shallow copy: the original owns the content */
	struct run_env env = cli_move_env(w->n->cli, w->kernel);
	struct request own = *request;
	struct report *report = &w->n->report;

	settings.announce = one->announce;
	env.settings = &settings;
	env.seed += os_now(); /* so that no two runs share a name */
	identity_asker(getpid(), getuid(), &own.by);
	run_move(&env, &own, report);
	cli_publish(w->n->cli, report, w->n->err);
	w->n->announce = one->announce;
	w->hopeless = report->exit_code == EXIT_NOT_PERMITTED;
	if (!report_is_placed(report))
		w->code = report->exit_code;
	if (report->exit_code != EXIT_DONE)
		notify_complain(w->n, "%s: %s", one->name,
				*report->error ? report->error : result_name(report->result));
}

static void run_round(struct work *w, size_t i, enum instance_action action)
{
	const struct instance_settings *one = &w->settings->instances[i];
	bool conntrackd = one->conntrackd && action == ACTION_ADD;
	bool committed = !conntrackd || !one->commit_max;
	size_t next = INSTANCE_COMMIT;
	struct request request;

	w->code = EXIT_DONE;
	/* what has failed is tried again after the addresses came */
	if (conntrackd && one->commit_max &&
	    run_conntrackd(w, next, one->commit_max) == instance_conntrackd_next(next, false)) {
		next = instance_conntrackd_next(next, false);
		committed = true;
	}
	while (instance_set_request(&w->set, i, action, &request)) {
		request.uncommitted = !committed;
		run_request(w, one, &request);
	}
	while (conntrackd && instance_conntrackd(next))
		next = run_conntrackd(w, next, w->settings->conntrackd_timeout);
}

/* A killed keepalived left the decoy behind. */
static void remove_stale_decoy(struct work *w, size_t i)
{
	const struct instance_settings *one = &w->settings->instances[i];
	char text[PREFIX_TEXT_MAX];
	int r = instance_set_remove_decoy(&w->set, i, &w->kernel);

	notify_complain(w->n, "%s: the decoy %s was left behind by a keepalived that was killed%s",
			one->name, prefix_format(&one->decoy.vip.prefix, text),
			r == 0 ? ", and is removed" : "");
}

/* Do what is due now. Returns when the next thing is due, 0: at once. */
static usec_t work_once(struct work *w)
{
	enum instance_action action = ACTION_NONE;
	usec_t next = USEC_NEVER, when;
	bool stale;
	int lock = -1;
	size_t i;

	local_load(w, &lock);
	local_look(w);
	for (i = 0; i < w->set.n && action == ACTION_NONE; i++) {
		stale = w->set.states[i].decoy_stale;
		if (!local_is_meant(w, i))
			continue;
		action = instance_set_next(&w->set, i, os_now(), &when);
		next = MIN(next, when);
		if (!stale && w->set.states[i].decoy_stale)
			remove_stale_decoy(w, i);
		if (action != ACTION_NONE)
			instance_set_begin(&w->set, i, os_now());
	}
	(void)local_store(w, &lock);
	if (action == ACTION_NONE)
		return next;
	run_round(w, i - 1, action);
	return 0;
}

/* Whether the addresses differ from what the newest states ask for. */
static bool is_amiss(struct work *w)
{
	bool amiss = false;
	int lock = -1;
	usec_t when;
	size_t i;

	local_load(w, &lock);
	local_look(w);
	closep(&lock);
	for (i = 0; i < w->set.n; i++)
		amiss |= local_is_meant(w, i) &&
			 instance_set_next(&w->set, i, os_now(), &when) != ACTION_NONE;
	return amiss;
}

/* Do what is due now or later. FIRST: return when an address is not as
 * wanted, so that the caller can be told. The turn is given up while
 * waiting, so that other hooks can work on their instances. Returns whether
 * there is more to do. */
static bool take_turn(struct work *w, bool first)
{
	usec_t deadline = os_now() + WORK_MAX;

	for (;;) {
		_cleanup_close_ int turn = -1;
		usec_t next, now;

		if (instance_file_lock(w->settings->run_dir, INSTANCE_LOCK_WORK, &w->kernel,
				       os_now() + TURN_PATIENCE, &turn) == -ETIMEDOUT) {
			if (!is_amiss(w))
				return false;
			notify_complain(w->n, "other hooks have had the turn for too long");
			w->code = EXIT_DEADLINE;
			return first;
		}
		next = work_once(w);
		now = os_now();
		if (next > deadline || w->hopeless)
			return false;
		if (first && w->code != EXIT_DONE)
			return true;
		closep(&turn);
		turn = -1;
		if (next > now)
			w->kernel.ops->sleep(w->kernel.ctx, next - now);
	}
}

/* Tell a daemon that was started meanwhile what has been done. */
static void order_daemon(struct notify *n)
{
	int code;

	n->request.notify.acted = true;
	if (!n->cli->options.local)
		(void)notify_daemon(n, DAEMON_PATIENCE, &code);
}

int notify_local(struct notify *n)
{
	const struct instance_event *event = &n->request.notify.event;
	_cleanup_(local_work_done) struct work w = { .n = n, .settings = &n->cli->settings };
	int code = EXIT_DONE, r;

	r = kernel_real_new(&n->kernel);
	if (r == 0)
		r = work_new(&w, n);
	if (r < 0) {
		notify_complain(n, "cannot talk to the kernel: %s", strerror(-r));
		return r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_KERNEL_REFUSED;
	}
	if (!record(&w)) {
		if (!event->group)
			notify_complain(n, "no section [instance ...] for \"%s\"", event->name);
		return EXIT_DONE;
	}
	/* a daemon that was started meanwhile may not have read the file */
	if (!n->cli->options.local && notify_daemon(n, DAEMON_PATIENCE, &code))
		return code;
	n->unfinished = take_turn(&w, !w.alone);
	if (!n->unfinished)
		order_daemon(n);
	return w.code;
}

/* The caller knows of the failure; try again, as its cause may soon be gone. */
static void local_try_again(struct notify *n)
{
	_cleanup_(local_work_done) struct work w = { .n = n, .settings = &n->cli->settings };

	n->err = stderr; /* nobody reads the worker's output any more */
	if (work_new(&w, n) < 0)
		return;
	take_turn(&w, false);
	order_daemon(n);
}

void notify_after(struct notify *n)
{
	const struct settings *s = &n->cli->settings;
	struct probe_result v;
	struct kernel k;

	if (!n->kernel)
		return;
	if (n->unfinished)
		local_try_again(n);
	k = kernel_real_get(n->kernel);
	if (n->report.n_addresses)
		again_all(&k, &n->announce, &n->report);
	/* Store the probe result now, so that the next delete, which may be
	 * urgent, finds it. */
	if (probe_result_load(s->run_dir, n->cli->boot_id, &v) < 0)
		probe_result_get(&k, s->run_dir, n->cli->boot_id, s->timeout, &v);
	n->kernel = kernel_real_free(n->kernel);
}
