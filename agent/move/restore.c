/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Create again what a flush took, and settle who is right when something else
 * stands in its place. One bad entry never stops the rest. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "move/worth.h"
#include "move/collide.h"
#include "move/repair.h"
#include "move/stage.h"

/* A child waits this many rounds for its master. */
#define MASTER_ROUNDS 4

/* ELAPSED: run_elapsed() */
static struct ct_op op_create(const struct run *run, uint32_t i, uint32_t elapsed, bool orphan)
{
	const struct conn *c = connset_get(run->set, i);
	size_t len;
	struct ct_op op = {
		.verb = CT_CREATE,
		.conn = c,
		.orphan = orphan,
		/* 0 would create an entry that is gone at once */
		.timeout = c->timeout > elapsed ? c->timeout - elapsed : 1,
	};

	op.payload = connset_payload(run->set, i, &len);
	op.payload_len = (uint16_t)len;
	return op;
}

struct ct_op restore_op(const struct run *run, uint32_t i, uint32_t elapsed)
{
	return op_create(run, i, elapsed, false);
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
	uint32_t elapsed = run_elapsed(ch->run);
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		ch->ops[2 * i] = (struct ct_op){ .verb = CT_DELETE, .conn = &ch->doomed[i] };
		ch->ops[2 * i + 1] = op_create(ch->run, idx[i], elapsed, false);
	}
	r = n ? chunk_send(ch->run, ch->ops, 2 * n) : 0;
	for (i = 0; r == 0 && i < n; i++)
		/* if something was faster again, the next listing finds it */
		if (create_take(ch->run, idx[i], &ch->ops[2 * i + 1]))
			ch->run->entries[idx[i]].state = ENTRY_MISSING;
	return r;
}

/* NOW stands in the place of entry I. */
static enum conflict restore_judge(const struct run *run, uint32_t i, const struct conn *now)
{
	const struct conn *old = connset_get(run->set, i);
	struct addr as = tuple_dst(&old->reply, old->key.family);
	const struct addrset *lingers = run->source.lingers;

	return repair_judge(old, now, lingers && addrset_has(lingers, &as));
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
		switch (restore_judge(run, idx[i], &ch->found[i])) {
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
	uint32_t blocked[CHUNK_MAX], elapsed = run_elapsed(ch->run);
	size_t i, m = 0, left = 0;
	int r;

	for (i = 0; i < *n; i++)
		ch->ops[i] = op_create(ch->run, idx[i], elapsed, orphan);
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

	if (run->map)
		collide_restrain(run);
	r = chunk_each(run, ENTRY_MISSING, create_chunk);
	if (r == 0)
		r = chunk_each(run, ENTRY_CONFLICT, resolve);
	if (r < 0)
		report_warn(run->report, "restore-failed", "", "restoring broke off: %s",
			    strerror(-r));
}

/* Read back what was created, and delete what is not as asked for. */

/* The kernel has made NOW of entry I: others of its shape are not pinned. */
static void take_mismatch(struct run *run, uint32_t i, const struct conn *now)
{
	const struct conn *asked = connset_get(run->set, i);
	char was[CONN_TEXT_MAX], is[CONN_TEXT_MAX];
	uint32_t shape = conn_shape(asked);

	run->entries[i].state = ENTRY_LOST;
	run->report->entries.mismatch++;
	/* Of a proven shape the kernel makes no other mapping: traffic has, after
	 * somebody had taken ours away. */
	if (shapes_get(run->shapes, shape) == SHAPE_REFUSED ||
	    (shapes_get(run->shapes, shape) == SHAPE_PROVEN &&
	     !tuple_equal(&asked->reply, &now->reply)))
		return;
	shapes_set(run->shapes, shape, SHAPE_REFUSED);
	report_warn(run->report, "mismatch", "",
		    "this kernel made something else of %.100s, which is lost (%.100s, status %x "
		    "for %x): connections of its kind are not pinned",
		    conn_format(asked, was), conn_format(now, is), now->status, asked->status);
}

static void restore_take_match(struct run *run, uint32_t i, const struct conn *now)
{
	const struct conn *asked = connset_get(run->set, i);
	uint32_t shape = conn_shape(asked);

	run->entries[i].state = ENTRY_RESTORED;
	run->entries[i].bare = asked->has_helper && !now->has_helper;
	if (shapes_get(run->shapes, shape) == SHAPE_UNTRIED)
		shapes_set(run->shapes, shape, SHAPE_PROVEN);
	connset_set_id(run->set, i, now->id);
}

static int read_back_chunk(struct chunk *ch, const uint32_t *idx, size_t n)
{
	struct run *run = ch->run;
	uint32_t wrong[CHUNK_MAX];
	size_t i, m = 0;
	int r;

	for (i = 0; i < n; i++)
		ch->ops[i] = (struct ct_op){ .verb = CT_GET,
					     .conn = connset_get(run->set, idx[i]),
					     .found = &ch->found[i] };
	r = chunk_send(run, ch->ops, n);
	for (i = 0; r == 0 && i < n; i++) {
		struct entry *e = &run->entries[idx[i]];

		if (ch->ops[i].result == -ENOENT ||
		    (ch->ops[i].result == 0 &&
		     !conn_key_equal(&ch->ops[i].conn->key, &ch->found[i].key)))
			e->state = ENTRY_MISSING;
		else if (ch->ops[i].result < 0)
			continue;
		else if (repair_matches(ch->ops[i].conn, &ch->found[i]))
			restore_take_match(run, idx[i], &ch->found[i]);
		else
			wrong[m++] = (uint32_t)i;
	}
	/* A wrong entry may send packets out untranslated: delete it. */
	for (i = 0; r == 0 && i < m; i++) {
		struct ct_op op = { .verb = CT_DELETE, .conn = &ch->found[wrong[i]] };

		take_mismatch(run, idx[wrong[i]], &ch->found[wrong[i]]);
		r = chunk_send(run, &op, 1);
	}
	return r;
}

int restore_read_back_one(struct run *run, uint32_t i)
{
	_cleanup_free_ struct chunk *ch = malloc(sizeof(*ch));

	if (!ch)
		return -ENOMEM;
	ch->run = run;
	return read_back_chunk(ch, &i, 1);
}

void restore_read_back(struct run *run)
{
	int r = chunk_each(run, ENTRY_CREATED, read_back_chunk);

	if (r < 0)
		report_warn(run->report, "restore-unread", "",
			    "restored connections could not be read back: %s", strerror(-r));
}

/* Find out what this kernel creates from a request, on an entry between addresses for
 * documentation (RFC 5737, RFC 3849) that is deleted at once. */

#define TRIAL_SECONDS 5

/* 192.0.2.N and 2001:db8::N */
static void trial_set_address(uint8_t family, uint8_t bytes[16], uint8_t n)
{
	static const uint8_t test4[] = { 192, 0, 2 }, test6[] = { 0x20, 0x01, 0x0d, 0xb8 };

	memset(bytes, 0, 16);
	if (family == AF_INET) {
		memcpy(bytes, test4, sizeof(test4));
		bytes[3] = n;
	} else {
		memcpy(bytes, test6, sizeof(test6));
		bytes[15] = n;
	}
}

/* Like C, but from 192.0.2.1 to .2. If C translates the destination it is .3 in the reply
 * tuple; if it translates the source, that is .4. Ports stay. */
static struct conn trial_of(const struct conn *c)
{
	const struct tuple plain = tuple_invert(&c->key.orig, c->key.l4proto);
	struct tuple orig = c->key.orig;
	struct conn trial = *c;

	trial_set_address(c->key.family, orig.src, 1);
	trial_set_address(c->key.family, orig.dst, 2);
	trial_set_address(c->key.family, trial.reply.src,
			  memcmp(c->reply.src, plain.src, 16) ? 3 : 2);
	trial_set_address(c->key.family, trial.reply.dst,
			  memcmp(c->reply.dst, plain.dst, 16) ? 4 : 1);
	trial.key = conn_key_make(c->key.family, c->key.l4proto, &orig, c->key.zone,
				  (enum conn_zone_dir)c->key.zone_dir);
	trial.has_master = false;
	trial.id = 0;
	return trial;
}

int trial_create(const struct kernel *k, const struct conn *c, const void *payload, size_t len,
		 struct conn *ret_asked, struct conn *ret_found)
{
	struct conn trial = trial_of(c);
	struct ct_op ops[] = {
		{ .verb = CT_CREATE, .conn = &trial, .orphan = true, .timeout = TRIAL_SECONDS },
		{ .verb = CT_GET, .conn = &trial, .found = ret_found },
		{ .verb = CT_DELETE, .conn = &trial },
	};
	int r;

	ops[0].payload = payload;
	ops[0].payload_len = (uint16_t)len;
	r = k->ops->ct_batch(k->ctx, ops, ARRAY_SIZE(ops));
	if (r == 0)
		r = ops[0].result < 0 ? ops[0].result : ops[1].result;
	*ret_asked = trial;
	return r;
}
