/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who did what: asked at once, since the program may be gone a moment later. */
#include "guard/ending.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guard/parts.h"

/* A program that deletes again so soon has its port still. */
#define DELETER_MAX USEC_PER_SEC

/* How long an answer is good, and how often the kernel's lists are read. */
#define ASKED_MAX USEC_PER_SEC
#define ASKS_BURST 20
#define ASKS_EVERY (50 * USEC_PER_MSEC)

/* Whoever has not been found by then may be another program meanwhile. */
#define NAME_MAX_AGE (10 * USEC_PER_SEC)

static struct deed deed_make(const struct guard *g, enum deed_what what)
{
	struct deed d = { .at = MAX(guard_now(g), (usec_t)1), .what = (uint8_t)what };

	snprintf(d.device, sizeof(d.device), "%.15s", g->device.name);
	return d;
}

/* Who has PORT. Nothing waits for long: each question costs a tenth of a millisecond. */
static int owner_of(struct guard *g, enum port_kind kind, uint32_t port, bool search,
		    struct port_owner *ret)
{
	const struct kernel *k = &g->env.kernel;
	struct guard_ending *x = &g->ending;
	usec_t now = guard_now(g);
	struct guard_asked *a;
	size_t i;

	for (i = 0; i < GUARD_ASKED; i++) {
		a = &x->asked[i];
		if (a->port != port || a->kind != kind || now - a->at >= ASKED_MAX ||
		    (search && a->result == -EAGAIN))
			continue;
		*ret = a->owner;
		return a->result;
	}
	if (!ratelimit_take(&x->asks, now, ASKS_BURST, ASKS_EVERY))
		return -EAGAIN;
	a = &x->asked[x->next_asked++ % GUARD_ASKED];
	*a = (struct guard_asked){ .kind = kind, .port = port, .at = now };
	a->result = k->ops->port_owner(k->ctx, kind, port, search, &a->owner);
	*ret = a->owner;
	return a->result;
}

/* Say in D who has PORT. Asked at once: many a program ends with its deed. */
static void deed_ask(struct guard *g, enum port_kind kind, uint32_t port, bool search,
		     struct deed *d)
{
	struct port_owner owner;
	int r = port ? owner_of(g, kind, port, search, &owner) : -EAGAIN;

	d->port = port;
	d->by = r == -ESRCH ? BY_ENDED : BY_UNKNOWN;
	if (r < 0)
		return;
	d->pid = owner.pid;
	d->is_likely = !owner.is_sure;
	memcpy(d->comm, owner.comm, sizeof(d->comm));
	d->comm[sizeof(d->comm) - 1] = '\0';
	if (!strcmp(d->comm, "vipsafe") || !strcmp(d->comm, "vipsafed"))
		d->by = BY_US;
	else if (*d->comm)
		d->by = BY_PROGRAM;
	else
		d->by = BY_ENDED;
}

static void deed_is_ours(struct deed *d, const struct run *run)
{
	d->by = BY_US;
	if (run)
		snprintf(d->operation, sizeof(d->operation), "%.15s", run->report->id);
}

static uint16_t deed_keep(const struct guard *g, const struct deed *d)
{
	return g->ending.ends ? ends_deed(g->ending.ends, d) : 0;
}

/* The kernel may remove entries of the device because of D. */
static void expect_flush(struct guard *g, const struct deed *d)
{
	struct guard_ending *x = &g->ending;
	struct guard_flushing *f = x->flushing;
	size_t i;

	if (x->n_flushing < GUARD_FLUSHINGS)
		f = &x->flushing[x->n_flushing++];
	else
		for (i = 1; i < GUARD_FLUSHINGS; i++)
			if (x->flushing[i].deed.at < f->deed.at)
				f = &x->flushing[i];
	*f = (struct guard_flushing){ .deed = *d, .number = deed_keep(g, d) };
}

struct deed guard_end_meet_delete(struct guard *g, const struct ifaddr *a, bool ours)
{
	struct deed d = deed_make(g, DEED_ADDRESS);

	d.address = a->prefix;
	if (g->moving && ours)
		deed_is_ours(&d, g->moving);
	else
		deed_ask(g, PORT_ROUTE, a->by, false, &d); /* a repair may wait */
	if (ours)
		d.by = BY_US;
	expect_flush(g, &d);
	return d;
}

void guard_deeds_name(struct guard *g)
{
	struct guard_ending *x = &g->ending;
	size_t i;

	for (i = 0; i < x->n_flushing; i++) {
		struct deed *d = &x->flushing[i].deed;

		if (d->by != BY_UNKNOWN || !d->port || guard_now(g) - d->at > NAME_MAX_AGE)
			continue;
		deed_ask(g, PORT_ROUTE, d->port, true, d);
		if (d->by == BY_UNKNOWN)
			d->port = 0; /* not again */
		if (x->ends)
			ends_change_deed(x->ends, x->flushing[i].number, d);
		return; /* one at a time */
	}
}

void guard_end_meet_link(struct guard *g)
{
	struct deed d = deed_make(g, DEED_LINK);

	expect_flush(g, &d);
}

uint16_t guard_deed_of_deleter(struct guard *g, uint32_t by, bool *ret_ours)
{
	struct guard_ending *x = &g->ending;
	struct guard_deleter *d = x->deleters;
	struct deed deed;
	size_t i;

	for (i = 0; i < GUARD_DELETERS; i++) {
		if (x->deleters[i].port == by && g->batch_at - x->deleters[i].at < DELETER_MAX) {
			x->deleters[i].at = g->batch_at;
			*ret_ours = x->deleters[i].ours;
			return x->deleters[i].deed;
		}
		if (x->deleters[i].at < d->at)
			d = &x->deleters[i];
	}
	deed = deed_make(g, DEED_ENTRIES);
	deed.at = MIN(deed.at, g->batch_at); /* no later than what it explains */
	deed_ask(g, PORT_NETFILTER, by, ratelimit_take(&x->searches, g->batch_at, 1, USEC_PER_SEC),
		 &deed);
	*ret_ours = deed.by == BY_US;
	*d = (struct guard_deleter){
		.port = by, .at = g->batch_at, .deed = deed_keep(g, &deed), .ours = *ret_ours
	};
	return d->deed;
}

uint16_t guard_end_deed(const struct guard *g, enum deed_what what, const struct addr *a,
			const struct run *run)
{
	struct deed d = deed_make(g, what);
	size_t i;

	for (i = 0; i < g->ending.n_flushing; i++) {
		const struct deed *was = &g->ending.flushing[i].deed;

		if (!addr_equal(&was->address.addr, a))
			continue;
		d = *was; /* who has deleted it */
		d.at = MAX(guard_now(g), (usec_t)1);
		d.what = (uint8_t)what;
	}
	d.address.addr = *a;
	d.address.len = (uint8_t)(addr_size(a->family) * 8);
	if (run)
		deed_is_ours(&d, run);
	return deed_keep(g, &d);
}

uint16_t guard_deed_full(const struct guard *g, uint32_t count, uint32_t max)
{
	struct deed d = deed_make(g, DEED_FULL);

	d.at = MIN(d.at, g->batch_at); /* no later than what it explains */
	d.by = BY_KERNEL;
	d.count = count;
	d.max = max;
	return deed_keep(g, &d);
}
