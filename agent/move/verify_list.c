/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look which entries of the snapshot are there. */
#include "move/stage.h"

#include <errno.h>

#include "move/collide.h"
#include "move/dump.h"
#include "move/repair.h"

#define CHUNK 128

/* The hold is kept up every so many listed entries, some milliseconds. */
#define KEEP_HOLD_EVERY 4096

static int mark_seen(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	int64_t i = connset_find(run->set, &record->conn->key);
	const struct conn *old;
	struct entry *e;

	/* the listing of a large table may take longer than the hold lasts */
	if (++run->listed % KEEP_HOLD_EVERY == 0)
		run_keep_hold(run);
	if (run->flows)
		collide_see(run, i, record->conn);
	if (i < 0)
		return 0;
	e = &run->entries[i];
	old = connset_get(run->set, (size_t)i);
	if (e->seen || (entry_is_spared(e) && !tuple_equal(&old->reply, &record->conn->reply)))
		return 0;
	e->seen = true;
	if (e->skip != SKIP_NONE)
		return 0;
	switch ((enum entry_state)e->state) {
	case ENTRY_THERE:
	case ENTRY_MISSING:
	case ENTRY_CONFLICT:
		if (!tuple_equal(&old->reply, &record->conn->reply))
			e->state = ENTRY_CONFLICT;
		else if (e->state != ENTRY_THERE)
			/* its own traffic has brought back the same mapping, or
			 * we have and the answer was lost: then it is read back */
			e->state =
				repair_matches(old, record->conn) ? ENTRY_RESTORED : ENTRY_CREATED;
		break;
	case ENTRY_CREATED:
		if (repair_matches(old, record->conn))
			e->state = ENTRY_RESTORED;
		break;
	case ENTRY_RESTORED:
	case ENTRY_SUPERSEDED:
	case ENTRY_LOST:
		break;
	}
	if (e->state == ENTRY_RESTORED)
		connset_set_id(run->set, (size_t)i, record->conn->id);
	e->bare = e->state == ENTRY_RESTORED && old->has_helper && !record->conn->has_helper;
	return 0;
}

/* What is not in the listing is missing, even if we had created it: a late flush may have
 * taken the old entry, which we had found in its place. */
static void mark_missing(struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++) {
		struct entry *e = &run->entries[i];

		if (e->seen || e->skip != SKIP_NONE)
			continue;
		switch ((enum entry_state)e->state) {
		case ENTRY_THERE:
		case ENTRY_CONFLICT:
		case ENTRY_CREATED:
		case ENTRY_RESTORED:
			e->state = ENTRY_MISSING;
			e->pinned = e->made = false;
			break;
		case ENTRY_MISSING:
		case ENTRY_SUPERSEDED:
		case ENTRY_LOST:
			break;
		}
	}
}

/* Ask for each candidate alone. */
static int list_by_key(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	size_t i, m = 0, n = connset_count(run->set);
	struct ct_op ops[CHUNK];
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		if (run->entries[i].skip == SKIP_NONE || entry_is_spared(&run->entries[i]))
			ops[m++] = (struct ct_op){ .verb = CT_GET,
						   .conn = connset_get(run->set, i),
						   .sink = mark_seen,
						   .ud = run };
		if (m < CHUNK && (i < n - 1 || !m))
			continue;
		r = k->ops->ct_batch(k->ctx, ops, m);
		r = r == -ENOBUFS ? 0 : r;
		m = 0;
	}
	return r;
}

int verify_list(struct run *run)
{
	size_t i, n = connset_count(run->set);
	int r;

	/* A listing that was cut short is repeated without clearing SEEN: an entry seen
	 * once is there. One that is still not seen counts as missing, and creating it
	 * fails harmlessly if it is there. */
	for (i = 0; i < n; i++)
		run->entries[i].seen = false;
	r = run->source.by_key ? list_by_key(run) : dump_table(run, mark_seen, run);
	if (r < 0 && r != -EINTR)
		return r;
	mark_missing(run);
	return 0;
}
