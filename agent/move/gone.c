/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/gone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/rundir.h"
#include "move/marks.h"

#define CHUNK 128

struct work {
	const struct run_env *env;
	struct addrset set, gone; /* of the device; and those of them that are not local */
	struct marks marks;
	struct markset proof;
	struct conn *found; /* owned: of each the key and the id */
	size_t n;
	uint64_t unproven;
};

static void gone_work_done(struct work *w)
{
	addrset_done(&w->set);
	addrset_done(&w->gone);
	marks_close(&w->marks);
	markset_done(&w->proof);
	free(w->found);
}

bool gone_is_down(const struct run_env *env, const char *device)
{
	const struct kernel *k = &env->kernel;
	struct link link;

	return k->ops->link_get(k->ctx, device, &link) == 0 && !link.up;
}

/* How long the connections of an address that DEVICE has lost stay. */
static usec_t linger_of(const struct run_env *env, const char *device)
{
	const struct settings *s = env->settings;
	size_t i;

	for (i = 0; i < s->n_devices; i++)
		if (!strcmp(s->devices[i].name, device) && s->devices[i].pin != PIN_OFF)
			return s->devices[i].linger;
	return 0;
}

static int find_gone(struct work *w, int run_dir, const char *device, const struct addrset *local)
{
	int r = marks_read_addresses(run_dir, device, w->env->boot_id, &w->set);
	size_t i;

	for (i = 0; i < w->set.n && r == 0; i++)
		if (!addrset_has(local, &w->set.addrs[i]))
			r = addrset_add(&w->gone, &w->set.addrs[i]);
	return r;
}

static int gone_take(struct work *w, const struct conn *c)
{
	struct conn *one = array_append(&w->found, &w->n, sizeof(*one));

	if (!one)
		return -ENOMEM;
	one->key = c->key;
	one->id = c->id;
	return 0;
}

static int gone_on_listed(void *ud, const struct conn_record *record)
{
	const struct conn *c = record->conn;
	struct addr as = tuple_dst(&c->reply, c->key.family);
	struct work *w = ud;

	if (!(c->status & CONN_SRC_NAT_DONE) || !addrset_has(&w->gone, &as))
		return 0;
	if (c->id && markset_has(&w->proof, marks_of(&w->marks, &c->key, c->id, &as)))
		return gone_take(w, c);
	w->unproven += c->status & CONN_SRC_NAT ? 1 : 0;
	return 0;
}

static int gone_drop(const struct work *w, uint64_t *removed)
{
	const struct kernel *k = &w->env->kernel;
	struct ct_op ops[CHUNK];
	size_t at, i, m;
	int r = 0;

	for (at = 0; at < w->n && r == 0; at += m) {
		m = MIN(w->n - at, (size_t)CHUNK);
		for (i = 0; i < m; i++)
			ops[i] = (struct ct_op){ .verb = CT_DELETE, .conn = &w->found[at + i] };
		r = k->ops->ct_batch(k->ctx, ops, m);
		for (i = 0; i < m && r == 0; i++)
			*removed += ops[i].result == 0;
	}
	return r;
}

/* Those addresses have been dealt with. */
static int gone_forget(struct work *w, int run_dir, const char *device)
{
	size_t i;

	for (i = 0; i < w->gone.n; i++)
		addrset_remove(&w->set, &w->gone.addrs[i]);
	return marks_write_addresses(run_dir, device, w->env->boot_id, &w->set);
}

static int move_gone_purge(struct work *w, int run_dir, const char *device, struct purged *add)
{
	const struct kernel *k = &w->env->kernel;
	int r = marks_open(run_dir, device, w->env->boot_id, &w->marks);

	if (r == -EBUSY)
		return 0;
	if (r == 0)
		r = marks_read(&w->marks, &w->proof);
	if (r == -ENOMEM)
		return r;
	/* entries without proof are only counted */
	r = k->ops->ct_dump(k->ctx, AF_UNSPEC, gone_on_listed, w);
	if (r == 0)
		r = gone_drop(w, &add->removed);
	if (r < 0)
		return r;
	add->unproven += w->unproven;
	return gone_forget(w, run_dir, device);
}

/* Leave those of the gone addresses alone that linger. */
static void spare_lingering(struct work *w, int run_dir, const char *device)
{
	const struct kernel *k = &w->env->kernel;
	_cleanup_free_ struct marks_away *known = NULL;
	usec_t linger = linger_of(w->env, device), now = k->ops->now(k->ctx);
	size_t i, n = 0;

	(void)marks_read_away(run_dir, device, w->env->boot_id, &known, &n);
	for (i = 0; i < n; i++)
		if (now < known[i].since + linger)
			addrset_remove(&w->gone, &known[i].addr);
}

int gone_lingering(const struct run_env *env, int run_dir, const char *device,
		   const struct addrset *local, struct addrset *ret)
{
	struct work w = { .env = env, .marks = { .fd = -1 } };
	usec_t linger = linger_of(env, device);
	_cleanup_free_ struct marks_away *known = NULL;
	const struct kernel *k = &env->kernel;
	size_t i, n = 0;
	int r = 0;

	if (!linger || find_gone(&w, run_dir, device, local) < 0) {
		gone_work_done(&w);
		return 0;
	}
	(void)marks_read_away(run_dir, device, env->boot_id, &known, &n);
	for (i = 0; i < n; i++)
		if (k->ops->now(k->ctx) >= known[i].since + linger)
			addrset_remove(&w.gone, &known[i].addr);
	for (i = 0; i < w.gone.n && r == 0; i++)
		r = addrset_add(ret, &w.gone.addrs[i]);
	gone_work_done(&w);
	return r;
}

int gone_purge(const struct run_env *env, int run_dir, const char *device,
	       const struct addrset *local, struct purged *add)
{
	struct work w = { .env = env, .marks = { .fd = -1 } };
	_cleanup_close_ int lock = -1;
	int r;

	if (!gone_is_down(env, device) && find_gone(&w, run_dir, device, local) == 0)
		spare_lingering(&w, run_dir, device);
	if (!w.gone.n) {
		gone_work_done(&w);
		return 0;
	}
	r = lock_take(run_dir, device, &env->kernel, 0, &lock);
	if (r == 0)
		r = move_gone_purge(&w, run_dir, device, add);
	gone_work_done(&w);
	return r == -ETIMEDOUT ? 0 : r;
}

void gone_keep(const struct run_env *env, int run_dir, const char *device,
	       const struct request *req)
{
	struct addrset set = { 0 };
	size_t v;

	if (marks_read_addresses(run_dir, device, env->boot_id, &set) < 0)
		return;
	for (v = 0; v < req->n_vips; v++)
		addrset_remove(&set, &req->vips[v].prefix.addr);
	(void)marks_write_addresses(run_dir, device, env->boot_id, &set);
	addrset_done(&set);
}

struct look {
	const struct run_env *env;
	struct addrset local, *ret;
};

static int gone_add_local(void *ud, const struct ifaddr *a)
{
	if (a->flags & IFADDR_DADFAILED) /* another host has it */
		return 0;
	return addrset_add(ud, &a->prefix.addr);
}

int gone_read_local(const struct kernel *k, struct addrset *ret)
{
	return k->ops->addr_list(k->ctx, gone_add_local, ret);
}

static int gone_look_at(void *ud, int run_dir, const char *name)
{
	const char *device = marks_device(name);
	struct look *l = ud;
	struct work w = { .env = l->env, .marks = { .fd = -1 } };
	size_t i;
	int r = 0;

	if (!device || gone_is_down(l->env, device) ||
	    marks_open(run_dir, device, l->env->boot_id, &w.marks) < 0)
		return 0;
	if (find_gone(&w, run_dir, device, &l->local) == 0)
		for (i = 0; i < w.gone.n && r == 0; i++)
			r = addrset_add(l->ret, &w.gone.addrs[i]);
	gone_work_done(&w);
	return r;
}

int gone_list(const struct run_env *env, struct addrset *ret)
{
	struct look l = { .env = env, .ret = ret };
	int r = gone_read_local(&env->kernel, &l.local);

	if (r == 0)
		r = rundir_each(env->settings->run_dir, gone_look_at, &l);
	addrset_done(&l.local);
	return r;
}
