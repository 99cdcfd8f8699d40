/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Create again what a flush took, and settle who is right when something else
 * stands in its place. One bad entry never stops the rest. */
#include "move/chunk.h"

#include <errno.h>
#include <string.h>

#include "move/repair.h"
#include "move/collide.h"

/* A child waits this many rounds for its master. */
#define MASTER_ROUNDS 4

static uint32_t seconds_left(const struct run *run, const struct conn *c)
{
	uint32_t elapsed = (uint32_t)((run_now(run) - run->snapshot_at) / USEC_PER_SEC);

	/* 0 would create an entry that is gone at once */
	return c->timeout > elapsed ? c->timeout - elapsed : 1;
}

static struct ct_op op_create(const struct run *run, uint32_t i, bool orphan)
{
	const struct conn *c = connset_get(run->set, i);
	size_t len;
	struct ct_op op = {
		.verb = CT_CREATE,
		.conn = c,
		.orphan = orphan,
		.timeout = seconds_left(run, c),
	};

	op.payload = connset_payload(run->set, i, &len);
	op.payload_len = (uint16_t)len;
	return op;
}

struct ct_op restore_op(const struct run *run, uint32_t i)
{
	return op_create(run, i, false);
}

/* The kernel refused to create entry I. */
static void create_refused(struct run *run, uint32_t i, int error)
{
	run->entries[i].state = ENTRY_LOST;
	if (error == -ENOMEM || error == -ENOSPC)
		report_warn(
			run->report, "table-full", "sysctl net.netfilter.nf_conntrack_max",
			"the conntrack table has no room: some connections could not be restored");
	else
		report_warn(run->report, "create-refused", "",
			    "the kernel refused to restore some connections: %s", strerror(-error));
}

/* Take the result of a create. Returns true when something stands in its way
 * that has to be looked at. */
static bool create_take(struct run *run, uint32_t i, const struct ct_op *op)
{
	switch (op->result) {
	case 0:
		run->entries[i].state = ENTRY_CREATED;
		run->entries[i].made = true;
		return false;
	case -EINPROGRESS: /* the answer was lost: the next listing decides */
		run->entries[i].state = ENTRY_MISSING;
		return false;
	case -EEXIST:
		return true;
	case -ENOENT: /* no master; the next round does without */
		run->entries[i].state = ENTRY_MISSING;
		return false;
	}
	create_refused(run, i, op->result);
	return false;
}

/* Ask for what stands in the place of each of IDX that was not found by an
 * earlier attempt. Returns how many were asked for, or a negative errno. */
static int look_up_attempt(struct chunk *ch, const uint32_t *idx, size_t n, unsigned attempt)
{
	struct conn probe[CHUNK_MAX];
	struct ct_op ops[CHUNK_MAX];
	uint32_t who[CHUNK_MAX];
	size_t i, m = 0;
	int r;

	for (i = 0; i < n; i++) {
		memset(&probe[m], 0, sizeof(probe[m]));
		if (ch->ops[i].result != -ENOENT ||
		    !repair_lookup_key(connset_get(ch->run->set, idx[i]), attempt, &probe[m].key))
			continue;
		ops[m] =
			(struct ct_op){ .verb = CT_GET, .conn = &probe[m], .found = &ch->found[i] };
		who[m++] = (uint32_t)i;
	}
	r = m ? chunk_send(ch->run, ops, m) : 0;
	for (i = 0; r == 0 && i < m; i++)
		ch->ops[who[i]].result = ops[i].result;
	return r < 0 ? r : (int)m;
}

/* Find out what occupies either tuple of each of IDX. found[] is filled where
 * ops[].result is 0 afterwards. */
static int look_up(struct chunk *ch, const uint32_t *idx, size_t n)
{
	unsigned attempt = 0;
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		ch->ops[i].result = -ENOENT;
	do
		r = look_up_attempt(ch, idx, n, attempt++);
	while (r > 0);
	return r;
}

/* Delete what stands in the way and create ours, back to back. */
static int restore_replace(struct chunk *ch, const uint32_t *idx, size_t n)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		ch->ops[2 * i] = (struct ct_op){ .verb = CT_DELETE, .conn = &ch->doomed[i] };
		ch->ops[2 * i + 1] = op_create(ch->run, idx[i], false);
	}
	r = n ? chunk_send(ch->run, ch->ops, 2 * n) : 0;
	for (i = 0; r == 0 && i < n; i++)
		/* if something was faster again, the next listing finds it */
		if (create_take(ch->run, idx[i], &ch->ops[2 * i + 1]))
			ch->run->entries[idx[i]].state = ENTRY_MISSING;
	return r;
}

/* Each of IDX met something in its place. */
static int resolve(struct chunk *ch, const uint32_t *idx, size_t n)
{
	struct run *run = ch->run;
	uint32_t again[CHUNK_MAX];
	size_t i, m = 0;
	int r = n ? look_up(ch, idx, n) : 0;

	for (i = 0; r == 0 && i < n; i++) {
		struct entry *e = &run->entries[idx[i]];

		if (ch->ops[i].result < 0) { /* gone by now: the next listing decides */
			e->state = ENTRY_MISSING;
			continue;
		}
		switch (repair_judge(connset_get(run->set, idx[i]), &ch->found[i])) {
		case CONFLICT_SAME:
			/* never gone, or created by the kernel for its traffic */
			e->state = ENTRY_RESTORED;
			break;
		case CONFLICT_WRONG:
		case CONFLICT_BOGUS:
			ch->doomed[m] = ch->found[i];
			again[m++] = idx[i];
			break;
		case CONFLICT_SUPERSEDED:
			e->state = ENTRY_SUPERSEDED;
			break;
		case CONFLICT_ALTERED:
			e->state = ENTRY_LOST;
			report_warn(run->report, "altered-meanwhile", "",
				    "somebody else has altered what came in the place of some "
				    "connections: it is left alone");
			break;
		case CONFLICT_FOREIGN:
			e->state = ENTRY_LOST;
			report_warn(run->report, "port-taken", "",
				    "another connection has taken the translated port of some "
				    "connections meanwhile");
			break;
		}
	}
	return r == 0 ? restore_replace(ch, again, m) : r;
}

/* Create each of IDX and look at what stands in the way of some. Those whose
 * master was not there are left over: *N of them in IDX. */
static int create_some(struct chunk *ch, uint32_t *idx, size_t *n, bool orphan)
{
	uint32_t blocked[CHUNK_MAX];
	size_t i, m = 0, left = 0;
	int r;

	for (i = 0; i < *n; i++)
		ch->ops[i] = op_create(ch->run, idx[i], orphan);
	r = *n ? chunk_send(ch->run, ch->ops, *n) : 0;
	if (r < 0)
		return r;
	for (i = 0; i < *n; i++) {
		if (ch->ops[i].result == -ENOENT && !orphan)
			idx[left++] = idx[i];
		else if (create_take(ch->run, idx[i], &ch->ops[i]))
			blocked[m++] = idx[i];
	}
	*n = left;
	return resolve(ch, blocked, m);
}

/* The kernel does not find the master of I. Whether a later round may: it is
 * still to be restored, or was flushed only after it had been listed. */
static bool master_pending(const struct run *run, uint32_t i)
{
	int64_t m = connset_master(run->set, i);

	return m >= 0 && run->rounds < MASTER_ROUNDS && run->entries[m].skip == SKIP_NONE &&
	       run->entries[m].state != ENTRY_LOST && run->entries[m].state != ENTRY_SUPERSEDED;
}

static int create_chunk(struct chunk *ch, const uint32_t *all, size_t n)
{
	uint32_t idx[CHUNK_MAX];
	size_t i, left = 0;
	int r;

	memcpy(idx, all, n * sizeof(*idx));
	r = create_some(ch, idx, &n, false);
	/* A master that had to be replaced is there now; and a child whose
	 * master did not come back is better without than not at all. */
	if (r == 0)
		r = create_some(ch, idx, &n, false);
	for (i = 0; i < n; i++)
		if (!master_pending(ch->run, idx[i]))
			idx[left++] = idx[i];
	return r == 0 ? create_some(ch, idx, &left, true) : r;
}

void restore_missing(struct run *run)
{
	int r;

	collide_restrain(run);
	r = chunk_each(run, ENTRY_MISSING, create_chunk);
	if (r == 0)
		r = chunk_each(run, ENTRY_CONFLICT, resolve);
	if (r < 0)
		report_warn(run->report, "restore-failed", "", "restoring broke off: %s",
			    strerror(-r));
}
