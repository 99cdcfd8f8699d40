/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/remember.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "move/journal.h"
#include "base/rundir.h"
#include "move/marks.h"
#include "move/stage.h"

#define PREFIX "created-"
#define CHUNK 128

static const char *file_name(const char *device, char buf[JOURNAL_NAME_MAX])
{
	snprintf(buf, JOURNAL_NAME_MAX, PREFIX "%s", device);
	return buf;
}

static const char *file_device(const char *name)
{
	bool ours = !strncmp(name, PREFIX, strlen(PREFIX)) && !strchr(name, '~');

	return ours ? name + strlen(PREFIX) : NULL;
}

static int add_key(struct connset *set, const struct conn *c)
{
	struct conn bare = *c;
	struct conn_record record = { .conn = &bare };
	int r;

	bare.has_master = false;
	r = connset_add(set, &record);
	return r == -EEXIST ? 0 : r;
}

/* Whether C, remembered from an earlier run, may still be in the table: it was
 * in this run's snapshot, or this run has not looked at its family. */
static bool may_live(const struct run *run, const struct conn *c)
{
	return (run->family != AF_UNSPEC && run->family != c->key.family) ||
	       connset_find(run->set, &c->key) >= 0;
}

static int add_earlier(const struct run *run, const char *name, struct connset *set)
{
	struct journal j = { .set = NULL };
	int r = journal_read(run->run_dir, name, run->env->boot_id, run->env->seed, &j);
	size_t i;

	if (r < 0)
		return r == -ENOMEM ? r : 0; /* of another boot, or none */
	for (i = 0; i < connset_count(j.set) && r == 0; i++)
		if (may_live(run, connset_get(j.set, i)))
			r = add_key(set, connset_get(j.set, i));
	journal_done(&j);
	return r;
}

/* Whether we have created entry I. Of a killed run that is not known: every candidate
 * counts. */
static bool is_created(const struct run *run, size_t i)
{
	const struct entry *e = &run->entries[i];

	return e->skip == SKIP_NONE &&
	       (e->state == ENTRY_CREATED || e->state == ENTRY_RESTORED || run->recovering);
}

static bool keep_all(const void *ud _unused_, size_t i _unused_)
{
	return true;
}

static bool keep_created(const void *ud, size_t i)
{
	return is_created(ud, i);
}

static bool has_created(const struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++)
		if (is_created(run, i))
			return true;
	return false;
}

/* Write SET, which has those of earlier runs, and what this run has created. */
static int remember_write(struct run *run, const char *name, struct connset *set)
{
	size_t i;
	int r = 0;

	if (!connset_count(set)) /* the usual case */
		return journal_write_bare(run->run_dir, name, run->env->boot_id, run->req,
					  run->snapshot_at, run->set, keep_created, run);
	for (i = 0; i < connset_count(run->set) && r == 0; i++)
		if (is_created(run, i))
			r = add_key(set, connset_get(run->set, i));
	return r < 0 ? r
		     : journal_write_bare(run->run_dir, name, run->env->boot_id, run->req,
					  run->snapshot_at, set, keep_all, NULL);
}

static int remember(struct run *run, const char *name)
{
	struct connset *set = connset_new(run->env->seed, 0);
	int r = set ? add_earlier(run, name, set) : -ENOMEM;

	if (r == 0 && (connset_count(set) || has_created(run)))
		r = remember_write(run, name, set);
	else if (r == 0)
		(void)unlinkat(run->run_dir, name, 0);
	connset_free(set);
	return r;
}

void remember_pinned(struct run *run)
{
	char name[JOURNAL_NAME_MAX];
	int r;

	if (run->report->changed && run->req->vip_flows == VIP_FLOWS_KEEP && !run->req->replicated)
		gone_keep(run->env, run->run_dir, run->link.name, run->req);
	if (!run->set || run->report->strategy == STRATEGY_NONE)
		return;
	r = remember(run, file_name(run->link.name, name));
	if (r < 0)
		report_warn(run->report, "not-remembered", "",
			    "what was re-created could not be noted in %s (%s): those entries will "
			    "outlive their address",
			    run->env->settings->run_dir, strerror(-r));
}

/* Delete those of OLD[0..N) that are still there as we made them. */
static int purge_chunk(const struct kernel *k, struct conn *old, size_t n, uint64_t *removed)
{
	struct conn found[CHUNK];
	struct ct_op ops[CHUNK];
	size_t i, m = 0;
	int r;

	for (i = 0; i < n; i++)
		ops[i] = (struct ct_op){ .verb = CT_GET, .conn = &old[i], .found = &found[i] };
	r = n ? k->ops->ct_batch(k->ctx, ops, n) : 0;
	for (i = 0; r == 0 && i < n; i++)
		if (ops[i].result == 0 && conn_key_equal(&old[i].key, &found[i].key) &&
		    tuple_equal(&old[i].reply, &found[i].reply))
			found[m++] = found[i];
	for (i = 0; i < m; i++)
		ops[i] = (struct ct_op){ .verb = CT_DELETE, .conn = &found[i] };
	if (r == 0 && m)
		r = k->ops->ct_batch(k->ctx, ops, m);
	for (i = 0; r == 0 && i < m; i++)
		*removed += ops[i].result == 0;
	return r;
}

struct stale {
	const struct connset *set;
	const struct addrset *local;
	struct addrset lingers; /* their time is not over */
};

static bool remember_is_stale(const struct stale *s, size_t i)
{
	const struct conn *c = connset_get(s->set, i);
	struct addr as = tuple_dst(&c->reply, c->key.family);

	return !addrset_has(s->local, &as) && !addrset_has(&s->lingers, &as);
}

static bool keep_fresh(const void *ud, size_t i)
{
	return !remember_is_stale(ud, i);
}

static int purge_set(const struct kernel *k, const struct stale *s, uint64_t *removed)
{
	size_t i, n = connset_count(s->set), m = 0;
	struct conn chunk[CHUNK];
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		if (remember_is_stale(s, i))
			chunk[m++] = *connset_get(s->set, i);
		if (m == CHUNK) {
			r = purge_chunk(k, chunk, m, removed);
			m = 0;
		}
	}
	return r == 0 ? purge_chunk(k, chunk, m, removed) : r;
}

int remember_read(const struct run_env *env, int run_dir, const char *device, struct connset **ret)
{
	struct journal j = { .set = NULL };
	char name[JOURNAL_NAME_MAX];
	int r = journal_read(run_dir, file_name(device, name), env->boot_id, env->seed, &j);

	if (r == 0)
		*ret = TAKE_PTR(j.set);
	journal_done(&j);
	return r;
}

struct purge {
	const struct run_env *env;
	struct addrset local;
	struct purged purged;
};

static int purge_device(struct purge *p, int run_dir, const char *device)
{
	const struct run_env *env = p->env;
	_cleanup_close_ int lock = -1;
	struct journal j = { .set = NULL };
	struct stale s = { .local = &p->local };
	char name[JOURNAL_NAME_MAX];
	int r;

	if (gone_is_down(env, device))
		return 0;
	r = lock_take(run_dir, device, &env->kernel, 0, &lock);
	if (r < 0)
		return r == -ETIMEDOUT ? 0 : r;
	r = journal_read(run_dir, file_name(device, name), env->boot_id, env->seed, &j);
	if (r < 0) {
		if (r == -EBADMSG)
			(void)unlinkat(run_dir, name, 0); /* of another boot: nothing lives on */
		return 0;
	}
	s.set = j.set;
	r = gone_lingering(env, run_dir, device, &p->local, &s.lingers);
	if (r == 0)
		r = purge_set(&env->kernel, &s, &p->purged.removed);
	if (r == 0)
		r = journal_write(run_dir, name, env->boot_id, &j.request, j.snapshot_at, j.set,
				  keep_fresh, &s);
	addrset_done(&s.lingers);
	journal_done(&j);
	return r;
}

static int purge_file(void *ud, int run_dir, const char *name)
{
	const char *created = file_device(name), *guarded = marks_device(name);
	struct purge *p = ud;

	if (guarded)
		return gone_purge(p->env, run_dir, guarded, &p->local, &p->purged);
	return created ? purge_device(p, run_dir, created) : 0;
}

int remember_purge(const struct run_env *env, struct purged *ret)
{
	struct purge p = { .env = env };
	int r = gone_read_local(&env->kernel, &p.local);

	if (r == 0)
		r = rundir_each(env->settings->run_dir, purge_file, &p);
	addrset_done(&p.local);
	*ret = p.purged;
	return r;
}
