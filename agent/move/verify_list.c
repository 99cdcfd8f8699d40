/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look which entries of the snapshot are there. */
#include "move/stage.h"

#include <errno.h>

#include "move/collide.h"
#include "base/shape.h"
#include "move/dump.h"
#include "move/repair.h"

#define CHUNK 128

/* So many are asked for by key however small the table is: a dump of an empty one takes as long,
 * since the kernel walks all of its hash. */
#define ASK_ALWAYS 1024

/* Of what we have made so many are looked at. */
#define SAMPLE_MAX 1024

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

/* What is asked for by key, and not found by a dump. */
struct asking {
	struct run *run;
	size_t stride; /* every so manieth trusted entry is asked for; 0: trust none */
	size_t trusted;
};

/* Whether the flush does not see entry I, and it is as we asked for it: its shape is proven, the
 * kernel has acknowledged the create, and nothing has been born in its place since. */
static bool is_trusted(const struct run *run, size_t i)
{
	const struct entry *e = &run->entries[i];
	const struct conn *c = connset_get(run->set, i);

	return e->skip == SKIP_NONE && e->made && !c->has_helper &&
	       (e->state == ENTRY_CREATED || e->state == ENTRY_RESTORED) &&
	       shapes_get(run->shapes, conn_shape(c)) == SHAPE_PROVEN;
}

/* Whether to ask for entry I: what the report tells of or a flush can take, and a sample of the
 * trusted ones. The others count as read back. */
static bool is_asked(struct asking *a, size_t i)
{
	struct entry *e = &a->run->entries[i];

	if (e->skip != SKIP_NONE)
		return entry_is_spared(e) || (e->skip == SKIP_OF_VIP && a->stride);
	if (!a->stride || !is_trusted(a->run, i) || a->trusted++ % a->stride == 0)
		return true;
	e->state = ENTRY_RESTORED;
	e->seen = true;
	return false;
}

static int list_by_key(struct run *run, size_t stride)
{
	const struct kernel *k = &run->env->kernel;
	size_t i, m = 0, n = connset_count(run->set);
	struct asking a = { .run = run, .stride = stride };
	struct ct_op ops[CHUNK];
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		if (is_asked(&a, i))
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

/* The step in which a sample of the trusted entries is asked for. 0: a dump is the better answer,
 * since most entries are not trusted, or not all is known that happened since the last one. */
static size_t sample_stride(const struct run *run)
{
	size_t i, n = connset_count(run->set), trusted = 0, others = 0;

	if (!run->watching || run->overrun || run->torn || run->source.goes_on)
		return 0;
	for (i = 0; i < n; i++) {
		const struct entry *e = &run->entries[i];
		bool is = is_trusted(run, i);

		trusted += is;
		others += !is &&
			  (e->skip == SKIP_NONE || e->skip == SKIP_OF_VIP || entry_is_spared(e));
	}
	if (others > ASK_ALWAYS && others > n / 2)
		return 0;
	return trusted / SAMPLE_MAX + 1;
}

/* Whether all of the sample was there, and as it was. */
static bool is_sample_whole(const struct run *run)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++) {
		const struct entry *e = &run->entries[i];

		if (e->skip == SKIP_NONE && e->made && e->state != ENTRY_LOST &&
		    (!e->seen || e->state != ENTRY_RESTORED))
			return false;
	}
	return true;
}

/* Before a listing; DOUBTED: nothing is trusted any more. */
static void list_begin(struct run *run, bool doubted)
{
	size_t i, n = connset_count(run->set);

	for (i = 0; i < n; i++) {
		struct entry *e = &run->entries[i];

		e->seen = false;
		if (doubted && e->made && e->state == ENTRY_RESTORED)
			e->state = ENTRY_CREATED;
	}
}

int verify_list(struct run *run)
{
	size_t stride = sample_stride(run);
	int r = 0;

	list_begin(run, false);
	if (run->source.by_key || stride)
		r = list_by_key(run, stride);
	if (stride && (r < 0 || !is_sample_whole(run))) {
		list_begin(run, true);
		stride = 0;
	}
	/* A dump that was cut short is repeated without clearing SEEN: an entry seen once
	 * is there. One that is still not seen counts as missing, and creating it fails
	 * harmlessly if it is there. */
	if (!stride && !run->source.by_key)
		r = dump_table(run, mark_seen, run);
	if (r < 0 && r != -EINTR)
		return r;
	mark_missing(run);
	return 0;
}
