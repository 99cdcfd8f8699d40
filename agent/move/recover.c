/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finish what a killed run left: the journal says what it was asked for and
 * which entries it could have flushed. */
#include "move/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/os.h"
#include "base/rundir.h"
#include "move/gone.h"
#include "move/journal.h"
#include "move/journal_file.h"
#include "move/stage.h"

/* A run that was killed before it changed the address is finished for so long, or until
 * its own deadline: whoever asked for it may still be waiting for the outcome. Later the
 * address may be where it is on purpose, or another node may have it. */
#define LEFTOVER_FRESH (60 * USEC_PER_SEC)

/* Take the addresses as they are. */
static void move_recover_look(struct run *run)
{
	size_t v;

	if (addr_table_read(&run->env->kernel, &run->before) < 0)
		return;
	for (v = 0; v < run->req->n_vips; v++) {
		const struct prefix *p = &run->req->vips[v].prefix;
		bool there = addr_table_find(&run->before, run->link.ifindex, &run->req->vips[v]);

		run->targets[v] = (struct ifaddr){ .prefix = *p };
		if (there == (run->req->op == OP_ADD))
			run->report->outcomes[v] = VIP_ALREADY;
	}
}

/* Make the change that the killed run had not made. Connections born since are taken into
 * its snapshot first. */
static void change(struct run *run)
{
	check_change(run);
	if (run->done)
		return;
	if (run->req->op == OP_DEL) {
		hold_prepare(run);
		run->overrun = true; /* no events since: list again */
		if (snapshot_update(run) == 0)
			snapshot_classify(run);
		if (run_may_pin(run))
			pin_entries(run);
	}
	move_addresses(run);
	if (run->req->op == OP_DEL)
		vipflows_drop(run);
}

/* Delete the flows of the address, in case the killed run did not. Those that a guard has
 * pinned the kernel did not remove. */
static void drop_left(struct run *run)
{
	bool gone[VIPS_MAX];
	size_t v;

	for (v = 0; v < ARRAY_SIZE(gone); v++)
		gone[v] = true;
	if (run->req->op == OP_DEL && run->req->n_vips &&
	    run_sort_addresses(run, &run->before, gone) == 0 && vipflows_find(run) == 0)
		vipflows_drop(run);
}

/* Leave the address as it is: somebody may have decided about it since. */
static void move_recover_leave(struct run *run)
{
	char text[PREFIX_TEXT_MAX];
	size_t v;

	move_recover_look(run);
	if (run->moved)
		drop_left(run);
	for (v = 0; v < run->req->n_vips && !run->moved; v++)
		if (run->report->outcomes[v] == VIP_UNTOUCHED)
			report_fail(run->report, RESULT_REFUSED, EXIT_UNSAFE,
				    "a run that was killed long ago was to %s %s on %s: left as it "
				    "is, repeat the command if that is still wanted",
				    op_name(run->req->op),
				    prefix_format(&run->req->vips[v].prefix, text), run->link.name);
}

/* First the change, then the entries, whoever made or makes the change. */
static void move_recover_finish(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	bool fresh = run->started < run->snapshot_at + LEFTOVER_FRESH;

	probe_kernel(run);
	if (run->req->op == OP_DEL && run->report->strategy == STRATEGY_NONE)
		run->report->strategy = STRATEGY_RESTORE;
	if (k->ops->link_get(k->ctx, run->req->device, &run->link) < 0)
		report_warn(run->report, "device-vanished", "", "%s is not there any more",
			    run->req->device);
	else if (fresh && !run->given_up && !run->moved)
		change(run);
	else
		move_recover_leave(run);
	if (fresh && run->req->op == OP_ADD)
		announce_added(run);
	if (fresh && run->req->op == OP_ADD)
		arrive_clear(run);
	/* The file of a repair has more entries than were flushed: after some time those
	 * that are missing may just as well have ended. */
	if (!run->req->n_vips && !fresh) {
		report_warn(run->report, "repair-too-old", "",
			    "a repair that was killed long ago had up to %zu connections to put "
			    "back: they are not, since most of them have ended by now",
			    connset_count(run->set));
		run->report->result = RESULT_UNPROTECTED;
		return;
	}
	/* where the address stays, nothing was flushed: what is missing ended */
	if (run->req->op == OP_DEL && run->report->result != RESULT_REFUSED)
		verify_entries(run);
	hold_release(run);
	if (run->req->op == OP_DEL && run_remembers(run))
		remember_pinned(run);
	journal_forget(run);
}

/* What a guard was killed over may be translated to an address that lingers. */
static void find_lingering(struct run *run, struct addrset *ret)
{
	struct addrset local = { 0 };

	if (gone_read_local(&run->env->kernel, &local) == 0)
		(void)gone_lingering(run->env, run->run_dir, run->link.name, &local, ret);
	addrset_done(&local);
	run->source.lingers = ret;
}

/* Finish J, read from the file NAME, on DEVICE, whose lock the caller holds. */
static void recover_journal(const struct run_env *env, int run_dir, const char *device,
			    const char *name, struct journal *j, struct report *report)
{
	_cleanup_close_ int slot = -1;
	struct addrset lingers = { 0 };
	struct run run;
	usec_t deadline;

	deadline = j->request.deadline;
	j->request.deadline = 0; /* this is another run */
	run_begin(&run, env, &j->request, report);
	run.source = (struct source){ .ops = run.source.ops->recovering,
				      .ctx = run.source.ctx,
				      .selected = run.source.selected };
	run.given_up = deadline && run.started >= deadline;
	snprintf(run.link.name, sizeof(run.link.name), "%s", device);
	run.run_dir = dup(run_dir);
	run.recovering = run.run_dir >= 0;
	find_lingering(&run, &lingers);
	if (journal_slot_device(name))
		(void)journal_slot_open(run_dir, device, &slot);
	run.slot = slot;
	run.saved = run.recovering && slot < 0 && journal_device(name);
	report->recovered = true;
	run.set = TAKE_PTR(j->set);
	run.snapshot_at = j->snapshot_at;
	run.moved = j->moved;
	run_select_device(&run);
	if (snapshot_init_entries(&run) == 0 && run.recovering)
		move_recover_finish(&run);
	else
		report_fail(report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "out of memory; nothing changed");
	run_conclude(&run);
	run_end(&run);
	addrset_done(&lingers);
}

/* FAILED: whether it is still there. */
static void recover_tell_file(const struct recovery_sink *sink, const char *name, int failed,
			      bool set_aside)
{
	if (!failed && sink && sink->file)
		sink->file(sink->ud, name, set_aside);
}

/* Read the journal NAME. -ENOENT: there is nothing to finish. What cannot be read is moved
 * out of the way. */
static int recover_read(const struct run_env *env, int run_dir, const char *name,
			const struct recovery_sink *sink, struct journal *ret)
{
	int r;

	if (journal_repair_device(name) && journal_repair_is_alive(run_dir, name))
		return -ENOENT; /* its guard is running */
	r = journal_read(run_dir, name, env->boot_id, env->seed, ret);
	/* a slot that was cut was never in force */
	if (r == -EBADMSG && journal_slot_device(name)) {
		recover_tell_file(sink, name, unlinkat(run_dir, name, 0), false);
		return -ENOENT;
	}
	if (r == -EBADMSG || r == -EPERM)
		recover_tell_file(sink, name, journal_set_aside(run_dir, name), true);
	return r;
}

static int recover_device(const struct run_env *env, int run_dir, const char *device,
			  const char *name, const struct recovery_sink *sink, struct report *report)
{
	_cleanup_close_ int lock = -1;
	struct journal j = { .set = NULL };
	/* do not wait: whoever holds the lock does this itself */
	int r = lock_take(run_dir, device, &env->kernel, 0, &lock);

	if (r == 0)
		r = recover_read(env, run_dir, name, sink, &j);
	if (r < 0)
		return r;
	recover_journal(env, run_dir, device, name, &j, report);
	(void)unlinkat(run_dir, name, 0);
	journal_done(&j);
	return 0;
}

/* Remove a half-written file, which was never in force, unless whoever holds the lock is
 * still writing it. */
static void remove_half(const struct run_env *env, int run_dir, const char *name,
			const struct recovery_sink *sink)
{
	_cleanup_close_ int lock = -1;
	char device[JOURNAL_NAME_MAX];
	const char *dash = strchr(name, '-');

	if (!dash)
		return;
	snprintf(device, sizeof(device), "%s", dash + 1);
	device[strcspn(device, "~")] = '\0';
	if (lock_take(run_dir, device, &env->kernel, 0, &lock) == 0)
		recover_tell_file(sink, name, unlinkat(run_dir, name, 0), false);
}

struct recovery {
	const struct run_env *env;
	const struct recovery_sink *sink;
	int n;
	bool barred; /* what is there is not for this user */
};

static int recover_file(void *ud, int run_dir, const char *name)
{
	struct recovery *rec = ud;
	const char *device = journal_device(name);
	struct report report;
	int r;

	if (!device)
		device = journal_slot_device(name);
	if (!device)
		device = journal_repair_device(name);
	if (journal_is_half(name))
		remove_half(rec->env, run_dir, name, rec->sink);
	/* one that cannot be read, or whose run is alive, does not stop the rest */
	r = device ? recover_device(rec->env, run_dir, device, name, rec->sink, &report) : -ENOENT;
	if (r == 0) {
		rec->n++;
		rec->sink->run(rec->sink->ud, &report, name);
	}
	rec->barred = rec->barred || r == -EACCES;
	return 0;
}

int run_recover_telling(const struct run_env *env, const struct recovery_sink *sink)
{
	struct recovery rec = { .env = env, .sink = sink };
	int r;

	/* a run that is finished replaces those of its device: name them before */
	if (sink->rule)
		recover_rules(env, sink);
	r = rundir_each(env->settings->run_dir, recover_file, &rec);
	if (!sink->rule)
		recover_rules(env, sink);
	return r < 0 ? r : rec.barred ? -EACCES : rec.n;
}

struct recovery_report {
	void (*sink)(void *ud, const struct report *r);
	void *ud;
};

static void recover_tell_report(void *ud, const struct report *r, const char *file _unused_)
{
	const struct recovery_report *s = ud;

	s->sink(s->ud, r);
}

int run_recover(const struct run_env *env, void (*sink)(void *ud, const struct report *r), void *ud)
{
	struct recovery_report s = { .sink = sink, .ud = ud };
	const struct recovery_sink all = { .run = recover_tell_report, .ud = &s };

	return run_recover_telling(env, &all);
}

/* Finish what killed runs have left of the device, before anything else is done. */

/* Drop from J the addresses that REQ decides about anew. */
static void leave_to(struct request *j, const struct request *req)
{
	size_t i, v, n = 0;

	for (i = 0; i < j->n_vips; i++) {
		bool named = false;

		for (v = 0; v < req->n_vips && !named; v++)
			named = prefix_equal(&j->vips[i].prefix, &req->vips[v].prefix);
		if (!named)
			j->vips[n++] = j->vips[i];
	}
	j->n_vips = n;
}

static void finish_leftover(struct run *run, const char *name)
{
	struct journal j = { .set = NULL };
	struct report theirs;
	int r = recover_read(run->env, run->run_dir, name, NULL, &j);

	if (r == -ENOENT)
		return;
	if (r < 0) {
		report_warn(run->report, "leftover-unreadable", "",
			    "an earlier run on %s was killed and what it left cannot be read (%s)",
			    run->link.name, strerror(-r));
		return;
	}
	leave_to(&j.request, run->req);
	recover_journal(run->env, run->run_dir, run->link.name, name, &j, &theirs);
	(void)unlinkat(run->run_dir, name, 0);
	run->left = true;
	report_warn(
		run->report, "leftover-finished", "",
		"an earlier run on %s was killed: %llu of its connections were restored, %llu lost",
		run->link.name, (unsigned long long)theirs.entries.restored,
		(unsigned long long)theirs.entries.lost);
	if (theirs.error[0])
		report_warn(run->report, "leftover-left", "", "%s", theirs.error);
	journal_done(&j);
}

void recover_leftover(struct run *run)
{
	char name[JOURNAL_NAME_MAX];

	if (run->run_dir < 0)
		return;
	finish_leftover(run, journal_name(run->link.name, name));
	if (run->source.goes_on)
		return; /* slot and repair file are its own, and idle */
	finish_leftover(run, journal_slot_name(run->link.name, name));
	finish_leftover(run, journal_repair_name(run->link.name, name));
}
