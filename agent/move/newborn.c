/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections that were born or changed since the snapshot was taken. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

/* Entries fetched per batch. */
#define CHUNK 128

/* Batches of events read at a time. */
#define BATCHES_MAX 64

/* Keep entries[] as long as the set. New ones start as THERE. */
static int entries_grow(struct run *run)
{
	size_t had = run->cap_entries;
	int r = array_reserve(&run->entries, &run->cap_entries, connset_count(run->set),
			      sizeof(*run->entries));

	if (r == 0)
		memset(run->entries + had, 0, (run->cap_entries - had) * sizeof(*run->entries));
	return r;
}

/* An event that tells of a mark, say, leaves the state and the window scales
 * out: what is known is better then (ctnetlink_conntrack_event()). */
static bool newborn_is_poorer(const struct conn *now, const struct conn *known)
{
	return now->tcp_state == CONN_TCP_NONE && known->tcp_state != CONN_TCP_NONE;
}

int run_put(struct run *run, const struct conn_record *record)
{
	int64_t i = connset_find(run->set, &record->conn->key);
	struct conn_record aged = *record;
	struct conn conn = *record->conn;
	uint64_t elapsed = (run_now(run) - run->snapshot_at) / USEC_PER_SEC;
	bool is_new = i < 0;
	int r;

	/* What we have created is as we made it; only its traffic changes it. */
	if (!is_new && (run->entries[i].state != ENTRY_THERE || run->entries[i].pinned))
		return 0;
	if (!is_new && newborn_is_poorer(&conn, connset_get(run->set, (size_t)i)))
		return 0;
	/* timeouts in the set count from the snapshot */
	conn.timeout = (uint32_t)MIN(conn.timeout + elapsed, (uint64_t)UINT32_MAX);
	aged.conn = &conn;
	r = connset_put(run->set, &aged);
	if (r == 0)
		r = entries_grow(run);
	if (r < 0)
		return r;
	i = connset_find(run->set, &conn.key);
	run->entries[i].skip = (uint8_t)run_select(run, connset_get(run->set, (size_t)i));
	run->newborn += is_new;
	return 0;
}

static int newborn_put(void *ud, const struct conn_record *record)
{
	return run_put(ud, record);
}

struct keys {
	struct conn_key *items; /* owned */
	size_t n;
};

static int newborn_collect(void *ud, const struct conn_record *record)
{
	struct keys *k = ud;
	struct conn_key *one = array_append(&k->items, &k->n, sizeof(*one));

	if (!one)
		return -ENOMEM;
	*one = record->conn->key;
	return 0;
}

/* Events leave parts of an entry out, so each is fetched whole. */
static int move_newborn_fetch(struct run *run, const struct conn_key *keys, size_t n)
{
	const struct kernel *k = &run->env->kernel;
	struct conn probe[CHUNK];
	struct ct_op ops[CHUNK];
	size_t i;

	memset(probe, 0, n * sizeof(probe[0]));
	for (i = 0; i < n; i++) {
		probe[i].key = keys[i];
		ops[i] = (struct ct_op){
			.verb = CT_GET, .conn = &probe[i], .sink = newborn_put, .ud = run
		};
	}
	return k->ops->ct_batch(k->ctx, ops, n);
}

int newborn_refresh(struct run *run, size_t from)
{
	size_t n = connset_count(run->set), m = 0;
	struct conn_key keys[CHUNK];
	int r = 0;

	for (; from < n && r == 0; from++) {
		keys[m++] = connset_get(run->set, from)->key;
		if (m < CHUNK && from < n - 1)
			continue;
		r = move_newborn_fetch(run, keys, m);
		r = r == -ENOBUFS ? 0 : r;
		m = 0;
	}
	return r;
}

/* What is known to be pinned needs no second look. */
static int put_unpinned(void *ud, const struct conn_record *record)
{
	struct run *run = ud;

	return run->source.ops->is_pinned(run, record->conn) ? 0 : run_put(run, record);
}

static int relist(struct run *run)
{
	const struct kernel *k = &run->env->kernel;

	return k->ops->ct_dump(k->ctx, run->family, put_unpinned, run);
}

/* All events there are. They come in batches: a kernel that produces them faster
 * than they are read shall not keep us. */
static int read_events(struct run *run, conn_sink sink, void *ud)
{
	int i, r = -EAGAIN;

	for (i = 0; i < BATCHES_MAX && r == -EAGAIN; i++)
		r = run->source.ops->events(run, sink, ud);
	return r == -EAGAIN ? 0 : r;
}

int newborn_fetch(struct run *run)
{
	struct keys keys = { 0 };
	size_t at;
	int r;

	if (!run->watching)
		return 0;
	r = read_events(run, newborn_collect, &keys);
	if (r == -ENOBUFS) { /* some were lost: look at everything */
		run->overrun = true;
		r = 0;
	}
	for (at = 0; at < keys.n && r == 0; at += CHUNK)
		r = move_newborn_fetch(run, keys.items + at, MIN(keys.n - at, (size_t)CHUNK));
	free(keys.items);
	return r == -ENOBUFS ? 0 : r;
}

int newborn_list(struct run *run)
{
	int r;

	if (run->watching && !run->overrun)
		return newborn_fetch(run);
	run->overrun = false;
	r = relist(run);
	return r == -EINTR ? 0 : r;
}

/* With the tuples of an entry we know, but another one: what traffic has put in
 * its place after the flush. The repair judges it, by the one we know. */
static int put_after(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	int64_t i = connset_find(run->set, &record->conn->key);

	if (i >= 0 && connset_get(run->set, (size_t)i)->id != record->conn->id)
		return 0;
	return run_put(run, record);
}

/* After the move the kernel may have flushed what an event tells of, so there
 * is nothing to fetch; the event itself then is the best knowledge there is. */
int newborn_note(struct run *run)
{
	int r = run->watching ? read_events(run, put_after, run) : 0;

	return r == -ENOBUFS ? 0 : r;
}
