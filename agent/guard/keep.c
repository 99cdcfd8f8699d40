/* SPDX-License-Identifier: GPL-2.0-or-later */
/* If an address is lost while no guard runs, what is pinned to it would live for ever. So
 * the guard keeps on disk the addresses that it has pinned to, and a mark of each entry
 * (marks.h). The next guard removes what the marks prove to be ours, and nothing else. */
#include "guard/parts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rundir.h"
#include "move/remember.h"

/* Marks written in one step, and surplus marks at which the file is made anew. */
#define CHUNK 4096
#define SLACK 8192

/* After a failure to write. */
#define RETRY_EVERY (10 * USEC_PER_SEC)

static void guard_keep_fail(struct guard *g, int error)
{
	guard_note_unsaved(g, error);
	g->keep.retry = guard_now(g) + RETRY_EVERY;
}

static bool is_off(const struct guard *g)
{
	return !g->keep.loaded || guard_now(g) < g->keep.retry;
}

/* ---- addresses ---- */

/* Whether something stays pinned, on purpose, to an address that the file still names: the next
 * guard would remove it. */
static bool some_stay(const struct guard *g)
{
	const struct addrset *went = &g->keep.went;
	size_t i;

	for (i = 0; i < went->n; i++)
		if (pinned_set_count_as(g->pinned, &went->addrs[i]))
			return true;
	return false;
}

static void write_addresses(struct guard *g)
{
	struct guard_keep *k = &g->keep;
	_cleanup_close_ int dir = -1;
	int r;

	if ((!k->set_changed && !k->went.n) || is_off(g))
		return;
	dir = rundir_open(g->env.settings->run_dir);
	r = dir < 0 ? dir : marks_write_addresses(dir, g->link.name, g->env.boot_id, &k->set);
	k->set_changed = r < 0;
	if (r < 0)
		guard_keep_fail(g, r);
	else
		addrset_done(&k->went);
}

void guard_keep_addresses(struct guard *g)
{
	struct guard_keep *k = &g->keep;
	bool seen;
	size_t i, n = k->set.n;

	if (!k->loaded)
		return;
	seen = guard_away_had_beyond(g);
	for (i = 0; i < k->set.n; i++)
		if (!addrset_has(&g->local, &k->set.addrs[i]))
			g->status.gone += guard_away_begin(g, &k->set.addrs[i], false) && !seen;
	for (i = 0; i < g->own.n; i++)
		(void)addrset_add(&k->set, &g->own.addrs[i]); /* else: a loss that is seen later */
	k->set_changed = k->set_changed || k->set.n != n;
}

int guard_see_addresses(struct guard *g)
{
	int r = guard_read_addresses(g);

	if (r == 0) {
		guard_away_meet_back(g);
		guard_keep_addresses(g);
	}
	return r;
}

void guard_keep_no_more(struct guard *g, const struct addr *a)
{
	if (!addrset_has(&g->keep.set, a))
		return;
	addrset_remove(&g->keep.set, a);
	if (addrset_add(&g->keep.went, a) < 0)
		g->keep.set_changed = true;
}

/* ---- what guards before us have left ---- */

static void load_marks(struct guard *g, int dir)
{
	struct guard_keep *k = &g->keep;
	int r = marks_open(dir, g->link.name, g->env.boot_id, &k->file);

	k->loaded = r != -EBUSY; /* somebody else has it and does the same work */
	k->retry = k->loaded ? 0 : guard_now(g) + RETRY_EVERY;
	if (r < 0)
		k->file.salt = g->env.seed;
	if (r == 0 && marks_read(&k->file, &k->left) < 0)
		marks_close(&k->file);
	k->stale = k->left.n || pinned_set_count(g->pinned);
}

void guard_keep_load(struct guard *g)
{
	struct guard_keep *k = &g->keep;
	_cleanup_close_ int dir = -1;
	struct addrset set = { 0 };
	size_t i;

	if (k->loaded)
		return;
	k->counting = true;
	dir = rundir_open(g->env.settings->run_dir);
	if (dir < 0) {
		k->loaded = true;
		k->file.salt = g->env.seed;
		guard_keep_fail(g, dir);
		return;
	}
	load_marks(g, dir);
	if (k->loaded)
		guard_away_load(g, dir);
	if (k->loaded && !k->made)
		(void)remember_read(&g->env, dir, g->link.name, &k->made);
	if (k->loaded && marks_read_addresses(dir, g->link.name, g->env.boot_id, &set) == 0)
		for (i = 0; i < set.n; i++)
			(void)addrset_add(&k->set, &set.addrs[i]);
	addrset_done(&set);
}

static uint64_t mark_of(const struct guard *g, const struct conn *c)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);

	return marks_of(&g->keep.file, &c->key, c->id, &as);
}

static bool was_left(const struct guard *g, const struct conn *c)
{
	return g->keep.left.n && c->id && markset_has(&g->keep.left, mark_of(g, c));
}

/* Whether it was put back, without a mark, for a guard that was killed (recover.c). */
static bool was_made(const struct guard *g, const struct conn *c)
{
	const struct connset *made = g->keep.made;
	int64_t i = made ? connset_find(made, &c->key) : -1;

	return i >= 0 && tuple_equal(&connset_get(made, (size_t)i)->reply, &c->reply);
}

static int take_left(struct guard *g, const struct conn *c, const struct addr *as)
{
	int r = pinned_set_put(g->pinned, &c->key, c->id, as);

	if (r == 0 && markset_has(&g->keep.left, marks_committed(mark_of(g, c))))
		pinned_set_set_committed(g->pinned, &c->key);
	return r;
}

static int take_made(struct guard *g, const struct conn *c, const struct addr *as)
{
	guard_keep_pin(g, &c->key, c->id, as);
	return pinned_set_put(g->pinned, &c->key, c->id, as);
}

int guard_keep_meet_again(struct guard *g, const struct conn_record *record, bool *ret_taken)
{
	const struct conn *c = record->conn;
	struct addr as = tuple_dst(&c->reply, c->key.family);

	*ret_taken = record->made && !guard_observes(g) && was_left(g, c) &&
		     conn_alteration(c) == ALTERATION_NONE;
	if (!*ret_taken)
		return 0;
	unpinned_remove(g->unpinned, &c->key); /* an event may have told of it before */
	return take_left(g, c, &as);
}

int guard_keep_meet(struct guard *g, const struct conn *c)
{
	struct guard_keep *k = &g->keep;
	struct addr as;

	if (k->set.n <= g->own.n) /* it includes them, so there are no others */
		return 0;
	as = tuple_dst(&c->reply, c->key.family);
	if (!addrset_has(&k->set, &as) || pinned_set_see(g->pinned, &c->key, c->id))
		return 0;
	if (was_left(g, c))
		return take_left(g, c, &as);
	if (was_made(g, c))
		return take_made(g, c, &as);
	if (k->counting && c->status & CONN_SRC_NAT && !addrset_has(&g->local, &as))
		g->status.unproven++;
	return 0;
}

/* ---- marks ---- */

static void keep_note(struct guard *g, uint64_t mark)
{
	struct guard_keep *k = &g->keep;

	if (k->n_pending == ARRAY_SIZE(k->pending))
		guard_keep_write(g);
	k->pending[k->n_pending++] = mark;
}

void guard_keep_committed(struct guard *g, const struct conn *c)
{
	if (c->id)
		keep_note(g, marks_committed(mark_of(g, c)));
}

void guard_keep_pin(struct guard *g, const struct conn_key *key, uint32_t id, const struct addr *as)
{
	if (id) /* without one it cannot be told from another */
		keep_note(g, marks_of(&g->keep.file, key, id, as));
}

static void give_up_next(struct guard *g)
{
	struct guard_keep *k = &g->keep;

	marks_close(&k->next);
	free(k->still);
	k->still = NULL;
}

/* Marks that cannot be written now will be in the next file, which is made anew. */
static void write_marks(struct guard *g)
{
	struct guard_keep *k = &g->keep;
	int r = 0;

	if (k->n_pending && is_off(g)) {
		k->n_pending = 0;
		k->stale = true;
	}
	if (k->n_pending && k->file.fd >= 0)
		r = marks_add(&k->file, k->pending, k->n_pending);
	if (r == 0 && k->n_pending && k->next.fd >= 0)
		r = marks_add(&k->next, k->pending, k->n_pending);
	k->n_pending = 0;
	if (r < 0) {
		give_up_next(g);
		k->stale = true;
		guard_keep_fail(g, r);
	}
}

void guard_keep_write(struct guard *g)
{
	write_marks(g);
	write_addresses(g);
}

void guard_keep_write_first(struct guard *g)
{
	write_marks(g);
	if (g->keep.set_changed || some_stay(g))
		write_addresses(g);
}

static bool guard_keep_is_wanted(const struct guard *g)
{
	const struct guard_keep *k = &g->keep;

	if (k->file.fd < 0)
		return pinned_set_count(g->pinned) > 0;
	return k->stale || k->file.n > 3 * pinned_set_count(g->pinned) + k->left.n + SLACK;
}

static int guard_keep_begin(struct guard *g, int dir)
{
	struct guard_keep *k = &g->keep;
	int r;

	k->still = calloc(k->left.n_slots + 1, sizeof(*k->still));
	r = k->still ? marks_create(dir, g->link.name, g->env.boot_id, k->file.salt, &k->next)
		     : -ENOMEM;
	k->at_pinned = pinned_set_count(g->pinned);
	k->at_unpinned = k->left.n ? unpinned_count(g->unpinned) : 0;
	return r;
}

/* The next marks. An entry may come twice if others are removed meanwhile. */
static size_t guard_keep_collect(struct guard *g, uint64_t *at)
{
	struct guard_keep *k = &g->keep;
	size_t n = 0, looked = 0;

	k->at_pinned = MIN(k->at_pinned, pinned_set_count(g->pinned));
	k->at_unpinned = MIN(k->at_unpinned, unpinned_count(g->unpinned));
	while (k->at_pinned && n < CHUNK - 1) {
		struct pinned_set_item item = pinned_set_at(g->pinned, --k->at_pinned);

		if (item.id)
			at[n++] = marks_of(&k->file, &item.key, item.id, &item.as);
		if (item.id && item.committed) {
			at[n] = marks_committed(at[n - 1]);
			n++;
		}
	}
	while (!k->at_pinned && k->at_unpinned && n < CHUNK && looked++ < CHUNK) {
		const struct conn c = unpinned_at(g->unpinned, --k->at_unpinned);
		uint64_t mark = mark_of(g, &c);
		int64_t i = markset_find(&k->left, mark);

		if (i < 0)
			continue;
		k->still[i] = 1;
		at[n++] = mark;
	}
	return n;
}

/* The new file is complete: put it in the place of the old one. */
static int guard_keep_finish(struct guard *g, int dir)
{
	struct guard_keep *k = &g->keep;
	int r = marks_publish(dir, g->link.name);

	if (r < 0)
		return r;
	marks_close(&k->file);
	k->file = k->next;
	k->next.fd = -1;
	markset_keep(&k->left, k->still);
	free(k->still);
	k->still = NULL;
	k->stale = false;
	return 0;
}

static int guard_keep_replace(struct guard *g, int dir)
{
	struct guard_keep *k = &g->keep;
	uint64_t at[CHUNK];
	size_t n;
	int r;

	if (dir < 0)
		return dir;
	if (k->next.fd < 0)
		return guard_keep_begin(g, dir);
	n = guard_keep_collect(g, at);
	r = n ? marks_add(&k->next, at, n) : 0;
	return r < 0 || k->at_pinned || k->at_unpinned ? r : guard_keep_finish(g, dir);
}

bool guard_keep_step(struct guard *g)
{
	struct guard_keep *k = &g->keep;
	_cleanup_close_ int dir = -1;
	int r;

	if (is_off(g) || (k->next.fd < 0 && !guard_keep_is_wanted(g)))
		return false;
	guard_keep_write(g);
	if (is_off(g))
		return false;
	dir = rundir_open(g->env.settings->run_dir);
	r = guard_keep_replace(g, dir);
	if (r == 0)
		return true;
	if (dir >= 0)
		marks_abandon(dir, g->link.name);
	give_up_next(g);
	guard_keep_fail(g, r);
	return false;
}

/* Try again to load what guards before us have left, which somebody else had locked. */
static void guard_keep_try_again(struct guard *g)
{
	_cleanup_close_ int dir = rundir_open(g->env.settings->run_dir);
	struct marks m = { .fd = -1 };
	int r = dir < 0 ? dir : marks_open(dir, g->link.name, g->env.boot_id, &m);

	marks_close(&m);
	if (r == -EBUSY)
		g->keep.retry = guard_now(g) + RETRY_EVERY;
	else
		g->relisted = 0; /* read the table again, which loads it */
}

void guard_keep_look(struct guard *g)
{
	struct guard_keep *k = &g->keep;

	if (!k->loaded && guard_now(g) >= k->retry)
		guard_keep_try_again(g);
	if (k->file.fd < 0 || marks_is_there(&k->file))
		return;
	marks_close(&k->file); /* somebody has removed it */
	k->set_changed = true;
}

void guard_keep_end(struct guard *g)
{
	struct guard_keep *k = &g->keep;
	_cleanup_close_ int dir = -1;

	guard_keep_write(g);
	dir = k->next.fd < 0 ? -1 : rundir_open(g->env.settings->run_dir);
	if (dir >= 0)
		marks_abandon(dir, g->link.name);
	give_up_next(g);
	marks_close(&k->file);
	markset_done(&k->left);
	addrset_done(&k->set);
	addrset_done(&k->went);
	k->made = connset_free(k->made);
}
