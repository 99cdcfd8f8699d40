/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "steps/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/addrset.h"
#include "core/keyset.h"
#include "core/young.h"
#include "steps/guard_work.h"

/* Pins are collected for about so long and then made under one hold. */
#define PIN_EVERY USEC_PER_SEC

/* More than these wait a moment, so that events are read in between. */
#define PINS_MAX 8192
#define PINS_PAUSE (50 * USEC_PER_MSEC)

/* An absent device, or a table that could not be read, is tried again. */
#define RETRY_EVERY USEC_PER_SEC

/* An address that is gone is looked at again before its entries go: within the
 * tenth of a second that is promised, after whoever replaces it. */
#define LOSS_SETTLE (20 * USEC_PER_MSEC)

/* Somebody who flushes the device this often in this time is not to be fought. */
#define REPAIRS_MAX 10
#define REPAIRS_WINDOW (60 * USEC_PER_SEC)

#define LOST_MAX 64

struct guard {
	struct run_env env;
	struct device_settings device;
	struct guard_scope scope;
	struct guard_status status;
	struct addrset own, local; /* addresses of the device, and of the node */
	struct keyset *pinned;
	struct young young;
	usec_t next; /* pin, retry or read again */
	struct {
		struct addr addr;
		usec_t due;
	} lost[LOST_MAX]; /* addresses that may be gone for good */
	size_t n_lost;
	bool readdress;	     /* own and local are out of date */
	bool foreign_delete; /* seen, to be repaired */
	usec_t repairs_since, quarantine_until;
	unsigned repairs_recent;
};

static usec_t now(const struct guard *g)
{
	return g->env.kernel.ops->now(g->env.kernel.ctx);
}

const char *guard_state_name(enum guard_state s)
{
	switch (s) {
	case GUARD_ABSENT:
		return "absent";
	case GUARD_SYNCING:
		return "syncing";
	case GUARD_LIVE:
		return "live";
	case GUARD_STALE:
		return "stale";
	case GUARD_DEGRADED:
		return "degraded";
	}
	return "?";
}

/* Whether C is masqueraded on the guarded device, as far as can be told. */
static bool is_meant(const struct guard *g, const struct conn *c)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);

	return c->status & CONN_SRC_NAT_DONE && addrset_has(g->own.n ? &g->own : &g->local, &as);
}

static int local_add(void *ud, const struct ifaddr *a)
{
	struct guard *g = ud;
	int r = addrset_add(&g->local, &a->prefix.addr);

	return r == 0 && a->ifindex == g->scope.link.ifindex ? addrset_add(&g->own, &a->prefix.addr)
							     : r;
}

/* On failure what was known stays. */
static int read_addresses(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	struct addrset own = g->own, local = g->local;
	int r;

	g->own = g->local = (struct addrset){ 0 };
	r = k->ops->addr_list(k->ctx, local_add, g);
	if (r < 0) {
		struct addrset half_own = g->own, half_local = g->local;

		g->own = own;
		g->local = local;
		own = half_own;
		local = half_local;
	}
	addrset_done(&own);
	addrset_done(&local);
	return r;
}

static void degrade(struct guard *g, int error, const char *what)
{
	g->status.state = GUARD_DEGRADED;
	snprintf(g->status.reason, sizeof(g->status.reason), "%s: %s", what, strerror(-error));
	g->next = now(g) + RETRY_EVERY;
}

/* An entry is born or has changed, or it was listed. */
static int entry_seen(struct guard *g, const struct conn_record *record)
{
	const struct conn *c = record->conn;

	if (!is_meant(g, c) || keyset_has(g->pinned, &c->key, c->id))
		return 0;
	keyset_remove(g->pinned, &c->key); /* another one with its tuples */
	return young_put(&g->young, record, now(g));
}

static int on_listed(void *ud, const struct conn_record *record)
{
	return entry_seen(ud, record);
}

/* Events lost, or none read yet: the table itself is the truth. What is pinned
 * is known by its id, so only what is not is taken up. */
static void relist(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	int r;

	g->status.state = GUARD_SYNCING;
	g->status.relists++;
	young_done(&g->young);
	r = young_init(&g->young, g->env.seed);
	if (r == 0)
		r = read_addresses(g);
	if (r == 0)
		r = k->ops->ct_dump(k->ctx, AF_UNSPEC, on_listed, g);
	if (r == -EINTR) { /* cut short: what is missing comes the next time */
		g->status.state = GUARD_STALE;
		g->next = now(g) + RETRY_EVERY;
	} else if (r < 0) {
		degrade(g, r, "the conntrack table cannot be read");
	} else {
		g->status.state = GUARD_LIVE;
		g->next = now(g);
	}
}

static int on_event(void *ud, const struct conn_record *record)
{
	struct guard *g = ud;

	if (!record->gone)
		return entry_seen(g, record);
	/* of the one that we have put in its place, or of that one itself */
	if (keyset_has(g->pinned, &record->conn->key, record->conn->id))
		keyset_remove(g->pinned, &record->conn->key);
	/* The kernel itself took it just after an address went: that is the
	 * flush, and what it took is what has to come back. Whoever deleted it
	 * on purpose is not to be fought. */
	if (!g->foreign_delete || record->by)
		young_kill(&g->young, &record->conn->key);
	return 0;
}

static void note_loss(struct guard *g, const struct addr *a)
{
	size_t i;

	for (i = 0; i < g->n_lost; i++)
		if (addr_equal(&g->lost[i].addr, a))
			return;
	if (g->n_lost == LOST_MAX)
		return; /* recover --stale is there for what is beyond counting */
	g->lost[g->n_lost].addr = *a;
	g->lost[g->n_lost++].due = now(g) + LOSS_SETTLE;
}

static int on_address(void *ud, const struct ifaddr *a, bool gone)
{
	struct guard *g = ud;

	g->readdress = true;
	if (gone)
		note_loss(g, &a->prefix.addr);
	if (gone && a->ifindex == g->scope.link.ifindex)
		g->foreign_delete = true;
	return 0;
}

static bool may_repair(struct guard *g)
{
	usec_t t = now(g);

	if (t < g->quarantine_until)
		return false;
	if (t - g->repairs_since > REPAIRS_WINDOW) {
		g->repairs_since = t;
		g->repairs_recent = 0;
	}
	if (g->repairs_recent < REPAIRS_MAX)
		return true;
	g->quarantine_until = t + REPAIRS_WINDOW;
	return false;
}

/* Put back: out of the flush's reach from now on. */
static int on_restored(void *ud, const struct conn *c, bool ours)
{
	struct guard *g = ud;

	if (!ours)
		return 0;
	young_kill(&g->young, &c->key);
	return keyset_put(g->pinned, &c->key, c->id);
}

static void repair(struct guard *g)
{
	struct report report;
	int r;

	g->foreign_delete = false;
	g->status.quarantined = !may_repair(g);
	if (g->status.quarantined || g->status.state != GUARD_LIVE || !young_count(&g->young))
		return;
	r = guard_repair(&g->scope, young_copy(&g->young), on_restored, g, &report);
	if (r < 0) {
		degrade(g, r, "repairing");
		return;
	}
	if (!report.entries.flushed)
		return;
	g->repairs_recent++;
	g->status.repairs++;
	g->status.restored += report.entries.restored;
	g->status.lost += report.entries.lost;
}

static int on_pinned(void *ud, const struct conn *c, bool ours)
{
	struct guard *g = ud;

	g->status.pins += ours;
	g->status.pin_failures += !ours;
	if (ours)
		young_kill(&g->young, &c->key);
	return ours ? keyset_put(g->pinned, &c->key, c->id) : 0;
}

/* Established, and so worth the moment: TCP once the peer takes part for sure,
 * others when they have lasted. */
static bool is_due(const struct guard *g, size_t i, usec_t t)
{
	const struct conn *c = connset_get(g->young.set, i);

	if (g->young.dead[i])
		return false;
	if (c->key.l4proto == IPPROTO_TCP)
		return c->status & CONN_ASSURED && c->tcp_state != CONN_TCP_TIME_WAIT &&
		       c->tcp_state != CONN_TCP_CLOSE;
	return t - g->young.since[i] >= g->device.pin_after;
}

/* A run beside us, or recover, may have taken the rules of the device away. */
static void check_hold(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;

	if (g->scope.holding && k->ops->hold_arm(k->ctx, USEC_PER_MSEC) == 0)
		return;
	g->scope.holding = k->ops->hold_open(k->ctx, g->env.settings->hold, &g->scope.link,
					     &g->status.hold, g->status.reason) == 0;
	if (!g->scope.holding)
		g->status.hold = HOLD_OFF;
}

static int pin_due(struct guard *g)
{
	size_t i, n = connset_count(g->young.set), m = 0;
	_cleanup_free_ struct conn_key *keys = malloc(PINS_MAX * sizeof(*keys));
	usec_t t = now(g);
	int r = keys ? 0 : -ENOMEM;

	for (i = 0; i < n && m < PINS_MAX && r == 0; i++)
		if (is_due(g, i, t))
			keys[m++] = connset_get(g->young.set, i)->key;
	if (m == PINS_MAX)
		g->next = t + PINS_PAUSE;
	if (r == 0 && m)
		check_hold(g);
	if (r == 0 && m)
		r = guard_pin(&g->scope, keys, m, t + g->env.settings->pin_deadline, on_pinned, g);
	return r == 0 ? young_compact(&g->young) : r;
}

/* Our own deletes come back as no event. */
static int on_dropped(void *ud, const struct conn *c, bool ours _unused_)
{
	struct guard *g = ud;

	g->status.removed++;
	keyset_remove(g->pinned, &c->key);
	young_kill(&g->young, &c->key);
	return 0;
}

static void settle_losses(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	usec_t t = now(g);
	struct link link;
	size_t i, left = 0;
	bool down;

	if (!g->n_lost || read_addresses(g) < 0)
		return;
	/* A link that is down takes its IPv6 addresses away until it is back. */
	down = k->ops->link_get(k->ctx, g->device.name, &link) == 0 && !link.up;
	for (i = 0; i < g->n_lost; i++) {
		if (addrset_has(&g->local, &g->lost[i].addr))
			continue;
		if (t < g->lost[i].due || down) {
			g->lost[left++] = g->lost[i];
			continue;
		}
		if (guard_drop(&g->scope, &g->lost[i].addr, on_dropped, g) < 0)
			g->lost[left++] = g->lost[i]; /* tried again */
	}
	g->n_lost = left;
}

/* The device is there: open what the guard lives on, and read the table. */
static void arrive(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	int r = k->ops->link_get(k->ctx, g->device.name, &g->scope.link);

	g->next = now(g) + RETRY_EVERY;
	if (r < 0) {
		g->status.state = GUARD_ABSENT;
		return;
	}
	r = k->ops->addr_watch(k->ctx);
	if (r == 0)
		r = k->ops->ct_watch(k->ctx, AF_UNSPEC, true);
	if (r == 0)
		r = read_addresses(g);
	if (r < 0) {
		degrade(g, r, "watching");
		return;
	}
	check_hold(g);
	relist(g);
}

int guard_new(const struct run_env *env, const struct device_settings *d, struct guard **ret)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->env = *env;
	g->device = *d;
	g->scope.env = &g->env;
	g->status = (struct guard_status){ .mode = d->pin, .hold = HOLD_OFF };
	snprintf(g->status.device, sizeof(g->status.device), "%s", d->name);
	g->pinned = keyset_new(env->seed);
	if (!g->pinned || young_init(&g->young, env->seed) < 0) {
		guard_free(g);
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

struct guard *guard_free(struct guard *g)
{
	if (!g)
		return NULL;
	if (g->scope.holding)
		g->env.kernel.ops->hold_close(g->env.kernel.ctx);
	young_done(&g->young);
	keyset_free(g->pinned);
	addrset_done(&g->own);
	addrset_done(&g->local);
	free(g);
	return NULL;
}

void guard_ready(struct guard *g)
{
	const struct kernel *k = &g->env.kernel;
	bool unread = false;
	int r, a;

	if (g->status.state != GUARD_LIVE && g->status.state != GUARD_STALE)
		return;
	/* Addresses first: their deletion is told before the flush it causes,
	 * and says how to take the deaths that follow. */
	a = k->ops->addr_events(k->ctx, on_address, g);
	/* Whose entries are meant is told by the addresses, new ones too. If they
	 * cannot be read now, what events tell of is read again later. */
	if (g->readdress || a < 0)
		unread = read_addresses(g) < 0;
	g->readdress = false;
	r = k->ops->ct_events(k->ctx, on_event, g);
	if (g->foreign_delete)
		repair(g);
	if (r == -ENOBUFS || a == -ENOBUFS || unread) {
		g->status.overruns++;
		g->status.state = GUARD_STALE;
		g->next = now(g);
	} else if (r < 0) {
		degrade(g, r, "conntrack events");
	}
}

usec_t guard_tick(struct guard *g)
{
	usec_t t = now(g), at;
	int r = 0;

	settle_losses(g);
	if (t >= g->next) {
		g->next = t + PIN_EVERY;
		switch (g->status.state) {
		case GUARD_ABSENT:
		case GUARD_DEGRADED:
			arrive(g);
			break;
		case GUARD_STALE:
		case GUARD_SYNCING:
			relist(g);
			break;
		case GUARD_LIVE:
			if (g->device.pin == PIN_CONTINUOUS)
				r = pin_due(g);
			else
				r = young_compact(&g->young);
			break;
		}
	}
	if (r < 0)
		degrade(g, r, "pinning");
	at = g->next;
	if (g->n_lost)
		at = MIN(at, t + LOSS_SETTLE);
	return at;
}

void guard_get_status(const struct guard *g, struct guard_status *ret)
{
	*ret = g->status;
	ret->pinned = keyset_count(g->pinned);
	ret->young = young_count(&g->young);
}
