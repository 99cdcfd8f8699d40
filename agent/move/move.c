/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address change itself. It has priority: no failure elsewhere keeps it from being
 * tried, and its own failure is in the report. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "move/journal.h"

/* Duplicate address detection takes one to two seconds (RFC 4862 5.4, with
 * the kernel's random delay). */
#define DAD_PATIENCE (4 * USEC_PER_SEC)
#define DAD_POLL (50 * USEC_PER_MSEC)

/* How often, and after what time, a change without a clear answer is tried again. */
#define CHANGE_TRIES 20
#define CHANGE_POLL (5 * USEC_PER_MSEC)

static int change_one(struct run *run, size_t v)
{
	const struct kernel *k = &run->env->kernel;

	switch (run->req->op) {
	case OP_ADD:
		return k->ops->addr_add(k->ctx, &run->targets[v]);
	case OP_DEL:
		return k->ops->addr_del(k->ctx, &run->targets[v]);
	}
	return -EINVAL;
}

/* Whether ERROR means that the address is already as asked for: somebody else was faster,
 * or the device went with its addresses. */
static bool is_goal(enum op op, int error)
{
	switch (op) {
	case OP_ADD:
		return error == -EEXIST;
	case OP_DEL:
		return error == -EADDRNOTAVAIL || error == -ENODEV;
	}
	return false;
}

/* Whether ERROR leaves open if the kernel has made the change. */
static bool is_undecided(int error)
{
	return error == -ENOBUFS || error == -ENOMEM || error == -ETIMEDOUT || error == -EINTR ||
	       error == -EAGAIN || error == -EBADMSG || error == -EMSGSIZE;
}

/* 0: the address is as asked for. -EINPROGRESS: it is not. Other errors: unknown. */
static int look_for(struct run *run, size_t v)
{
	struct addr_table now = { 0 };
	bool there;
	int r = addr_table_read(&run->env->kernel, &now);

	there = r == 0 && addr_table_find(&now, run->link.ifindex, &run->req->vips[v]);
	addr_table_done(&now);
	if (r < 0)
		return r;
	return there == (run->req->op == OP_ADD) ? 0 : -EINPROGRESS;
}

/* After an error that leaves it open, look whether the change was made, and try again. */
static int change_surely(struct run *run, size_t v)
{
	int r = change_one(run, v), tries = 1, seen;

	while (is_undecided(r)) {
		seen = look_for(run, v);
		if (seen == 0)
			return 0;
		if (tries++ == CHANGE_TRIES || run_is_overdue(run))
			return seen == -EINPROGRESS ? r : -EINPROGRESS;
		run_sleep(run, CHANGE_POLL);
		r = change_one(run, v);
		if (is_goal(run->req->op, r))
			return 0; /* the first try did it */
	}
	return r;
}

static bool is_about_attributes(int error)
{
	return error == -EINVAL || error == -ERANGE || error == -EOPNOTSUPP;
}

/* What the options of VIP may have to do with ERROR. */
static const char *move_why_refused(const struct vip *vip, int error)
{
	if (vip->metric && is_about_attributes(error))
		return " (kernels before 4.18 know no metric of an address)";
	if (vip->extra.autojoin && (is_about_attributes(error) || error == -EADDRNOTAVAIL))
		return " (kernels before 4.1 know no autojoin)";
	return "";
}

/* Report that address V was not changed. */
static void move_is_refused(struct run *run, size_t v, int error)
{
	struct report *report = run->report;
	char text[PREFIX_TEXT_MAX];

	prefix_format(&run->req->vips[v].prefix, text);
	if (error == -EINPROGRESS)
		report_fail(report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "%s on %s: the kernel does not answer: whether it has changed is not "
			    "known",
			    text, run->link.name);
	else if (report->changed)
		report_fail(report, RESULT_PARTIAL, EXIT_PARTIAL,
			    "%s on %s: %s; others were changed", text, run->link.name,
			    strerror(-error));
	else
		report_fail(report, RESULT_FAILED, run_refused_code(error),
			    "%s on %s: %s%s; nothing changed", text, run->link.name,
			    strerror(-error), move_why_refused(&run->req->vips[v], error));
}

/* Whether VIP has an option that not every kernel knows. */
static bool move_is_special(const struct vip *vip)
{
	return vip->metric || vip->extra.proto || vip->extra.autojoin;
}

/* Kernels pass over attributes and flags that they do not know. */
static void look_for_options(struct run *run)
{
	struct addr_table now = { 0 };
	char text[PREFIX_TEXT_MAX];
	size_t v;

	if (addr_table_read(&run->env->kernel, &now) < 0)
		return;
	for (v = 0; v < run->req->n_vips; v++) {
		const struct vip *vip = &run->req->vips[v];
		const struct ifaddr *a = addr_table_find(&now, run->link.ifindex, vip);

		if (!a || run->report->outcomes[v] != VIP_CHANGED)
			continue;
		prefix_format(&vip->prefix, text);
		if (vip->metric && !a->metric)
			report_warn(run->report, "metric-ignored", "",
				    "%s has no metric: kernels before 4.18 know none of an address",
				    text);
		if (vip->extra.proto && !a->proto)
			report_warn(run->report, "proto-ignored", "",
				    "%s has no proto: kernels before 5.18 know none of an address",
				    text);
		if (vip->extra.autojoin && !(a->flags & IFADDR_AUTOJOIN))
			report_warn(run->report, "autojoin-ignored", "",
				    "%s has joined no group: kernels before 4.1 know no autojoin",
				    text);
	}
	addr_table_done(&now);
}

static void change_all(struct run *run)
{
	struct report *report = run->report;
	int error = 0;
	size_t i, failed = 0;

	for (i = 0; i < run->req->n_vips; i++) {
		size_t v = run->order[i];
		int r;

		if (report->outcomes[v] == VIP_ALREADY)
			continue;
		if (!report->changed && run_is_overdue(run)) {
			run_refuse_overdue(run);
			return;
		}
		r = change_surely(run, v);
		if (r == 0) {
			report->outcomes[v] = VIP_CHANGED;
			report->changed = true;
		} else if (is_goal(run->req->op, r)) {
			report->outcomes[v] = VIP_ALREADY;
		} else {
			report->outcomes[v] = VIP_FAILED;
			/* it stays, and its flows with it */
			addrset_remove(&run->leaving, &run->targets[v].prefix.addr);
			failed = v;
			error = r;
		}
		if (r == -ENODEV)
			report_warn(report, "device-vanished", "", "%s vanished during the run",
				    run->link.name);
	}
	if (error)
		move_is_refused(run, failed, error);
}

/* Another node has the address, so it is to be deleted again. That flushes like any other
 * delete and so is a run of its own, after this one (pipeline.c). A run that recovers
 * deletes it at once. */
static void dad_failed(struct run *run, size_t v, const struct ifaddr *a)
{
	const struct kernel *k = &run->env->kernel;
	char text[PREFIX_TEXT_MAX];
	size_t i;

	if (run->recovering)
		(void)k->ops->addr_del(k->ctx, a);
	else
		run->refuted[v] = true;
	run->report->outcomes[v] = VIP_FAILED;
	run->report->changed = false;
	for (i = 0; i < run->req->n_vips; i++)
		run->report->changed |= run->report->outcomes[i] == VIP_CHANGED;
	report_fail(run->report, RESULT_REFUSED, EXIT_UNSAFE,
		    "%s: another node on the link of %s has it (duplicate address detection); "
		    "taken back",
		    prefix_format(&a->prefix, text), run->link.name);
}

/* Wait until no address of the request is tentative. */
static void wait_dad(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	usec_t deadline = MIN(run_now(run) + DAD_PATIENCE, run->deadline);
	bool pending = true;
	size_t v;

	while (pending && addr_table_read(k, &run->before) == 0) {
		pending = false;
		for (v = 0; v < run->req->n_vips; v++) {
			const struct ifaddr *a = addr_table_find(&run->before, run->link.ifindex,
								 &run->req->vips[v]);

			if (!run->req->vips[v].dad || !a || run->report->outcomes[v] != VIP_CHANGED)
				continue;
			if (a->flags & IFADDR_DADFAILED)
				dad_failed(run, v, a);
			else if (a->flags & IFADDR_TENTATIVE)
				pending = true;
		}
		if (!pending)
			return;
		if (run_now(run) >= deadline)
			break;
		run_sleep(run, DAD_POLL);
	}
	report_warn(run->report, "dad-pending", "",
		    "duplicate address detection has not ended yet");
}

/* Note on disk that the change was tried, so that nobody who finishes this run makes it
 * again: by then the address may have been set or deleted on purpose. */
static void mark_moved(struct run *run)
{
	char name[JOURNAL_NAME_MAX];

	if (run->slot >= 0)
		(void)journal_slot_mark_moved(run->slot);
	if (run->saved)
		(void)journal_mark_moved(run->run_dir, journal_name(run->link.name, name));
}

void move_addresses(struct run *run)
{
	usec_t began = run_now(run);
	bool dad = false, special = false;
	size_t v;

	if (run->off) {
		mark_moved(run);
		return;
	}
	if (run->source.ops->is_exposed(run))
		run_keep_hold(run);
	run->source.ops->begin_change(run);
	change_all(run);
	run->report->timing.until_moved = run_now(run) - run->started;
	run->source.ops->end_change(run);
	mark_moved(run);
	run->report->timing.move = run_now(run) - began;
	for (v = 0; v < run->req->n_vips && run->req->op == OP_ADD; v++) {
		dad = dad || run->req->vips[v].dad;
		special = special || move_is_special(&run->req->vips[v]);
	}
	if (special && run->report->changed)
		look_for_options(run);
	if (dad && run->report->changed)
		wait_dad(run);
}
