/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Remove the rules of killed runs: those of devices without a run and without a guard. */
#include "move/recover.h"

#include <errno.h>

#include "base/rundir.h"
#include "move/marks.h"
#include "move/stage.h"

/* A daemon that starts waits for it. */
#define CLEAN_TIMEOUT USEC_PER_SEC

struct holder {
	const struct run_env *env;
	int ifindex;
	bool busy;
};

/* Whether a guard of DEVICE runs: it keeps its file of marks locked. */
static bool recover_is_guarded(const struct run_env *env, int run_dir, const char *device)
{
	struct marks m = { .fd = -1 };
	int r = marks_open(run_dir, device, env->boot_id, &m);

	if (r == 0)
		marks_close(&m);
	return r == -EBUSY;
}

/* NAME is the lock of the device in question, and somebody has it, or its guard the device. */
static int look_for_holder(void *ud, int run_dir, const char *name)
{
	struct holder *h = ud;
	const struct kernel *k = &h->env->kernel;
	const char *device = lock_device(name);
	_cleanup_close_ int lock = -1;
	struct link link;

	if (!device)
		device = marks_device(name);
	if (device && k->ops->link_get(k->ctx, device, &link) == 0 && link.ifindex == h->ifindex &&
	    (recover_is_guarded(h->env, run_dir, device) ||
	     lock_take(run_dir, device, k, 0, &lock) == -ETIMEDOUT))
		h->busy = true;
	return 0;
}

static bool is_of_another(void *ud, int ifindex)
{
	const struct run *run = ud;

	return ifindex != run->link.ifindex;
}

void recover_hold(struct run *run)
{
	const struct rule_cleaning c = { .busy = is_of_another, .ud = run, .holds_only = true };
	const struct kernel *k = &run->env->kernel;

	if (!recover_is_guarded(run->env, run->run_dir, run->link.name))
		(void)k->ops->hold_clean(k->ctx, &c, run_now(run) + CLEAN_TIMEOUT);
}

struct recovery_rules {
	const struct run_env *env;
	const struct recovery_sink *sink;
};

static bool is_busy(void *ud, int ifindex)
{
	const struct recovery_rules *l = ud;
	struct holder h = { .env = l->env, .ifindex = ifindex };

	return rundir_each(l->env->settings->run_dir, look_for_holder, &h) < 0 || h.busy;
}

static void recover_tell_rule(void *ud, const char *rule)
{
	const struct recovery_rules *l = ud;

	if (l->sink->rule)
		l->sink->rule(l->sink->ud, rule);
}

void recover_rules(const struct run_env *env, const struct recovery_sink *sink)
{
	struct recovery_rules l = { .env = env, .sink = sink };
	const struct rule_cleaning c = { .busy = is_busy, .removed = recover_tell_rule, .ud = &l };
	const struct kernel *k = &env->kernel;

	(void)k->ops->hold_clean(k->ctx, &c, k->ops->now(k->ctx) + CLEAN_TIMEOUT);
}
