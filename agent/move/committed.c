/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What another program (conntrackd) has written to the kernel for addresses that come: connections
 * of the node that had them. An entry that was created with its translated reply tuple is listed
 * as it should be, and its packets leave untranslated (docs/kernel.md 4). So some are read back
 * before the addresses are there, and no packet has come. One that lacks nothing but the
 * translation of its source, which its reply tuple tells, is created anew. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/shape.h"
#include "move/repair.h"
#include "move/stage.h"

/* So many sound ones are enough; and so much of the table is looked at for them. If one is not
 * sound, all of it is. */
#define SAMPLE 128
#define LOOKED 1024

#define CHUNK 64

struct committed {
	struct run *run;
	struct addrset to;    /* the addresses; owned */
	struct connset *bare; /* as they should be; owned */
	uint64_t altered;     /* otherwise: what they should be is not known */
	uint64_t looked;
};

/* Whether C is translated to an address and does not say so. *RET: as it should be. */
static bool is_bare(const struct conn *c, struct conn *ret)
{
	if (c->status & (CONN_SRC_NAT | CONN_DST_NAT) || conn_alteration(c) != ALTERATION_OTHER)
		return false;
	*ret = *c;
	ret->status |= CONN_SRC_NAT | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE;
	return conn_alteration(ret) == ALTERATION_NONE;
}

static int committed_on_listed(void *ud, const struct conn_record *record)
{
	struct committed *l = ud;
	struct report *report = l->run->report;
	const struct conn *c = record->conn;
	struct addr as = tuple_dst(&c->reply, c->key.family);
	struct conn sound;
	struct conn_record wanted = *record;
	int r;

	if (run_now(l->run) >= l->run->deadline)
		return -ETIME;
	if (!connset_count(l->bare) && (report->committed.read >= SAMPLE || ++l->looked > LOOKED))
		return -ECANCELED;
	if (c->status & CONN_DYING || !addrset_has(&l->to, &as))
		return 0;
	report->committed.read++;
	if (!is_bare(c, &sound)) {
		l->altered += conn_alteration(c) == ALTERATION_OTHER;
		return 0;
	}
	wanted.conn = &sound;
	r = connset_add(l->bare, &wanted);
	return r == -EEXIST ? 0 : r;
}

/* Its packets leave untranslated, or it is not there any more. */
static void committed_add_lost(struct committed *l, size_t i)
{
	const struct kernel *k = &l->run->env->kernel;
	struct conn_record record = { .conn = connset_get(l->bare, i) };
	char line[CONN_LINE_MAX];

	l->run->report->committed.lost++;
	record.payload = connset_payload(l->bare, i, &record.payload_len);
	report_add_lost(l->run->report, k->ops->ct_line(k->ctx, &record, line));
}

/* Create those from AT to AT + N anew, and read them back. */
static int mend_chunk(struct committed *l, size_t at, size_t n)
{
	const struct kernel *k = &l->run->env->kernel;
	struct ct_op ops[2 * CHUNK] = { { .conn = NULL } };
	struct conn found[CHUNK];
	size_t i, len;
	int r;

	for (i = 0; i < n; i++) {
		const struct conn *c = connset_get(l->bare, at + i);

		ops[2 * i] = (struct ct_op){ .verb = CT_DELETE, .conn = c };
		ops[2 * i + 1] =
			(struct ct_op){ .verb = CT_CREATE, .conn = c, .timeout = c->timeout };
		ops[2 * i + 1].payload = connset_payload(l->bare, at + i, &len);
		ops[2 * i + 1].payload_len = (uint16_t)len;
	}
	r = k->ops->ct_batch(k->ctx, ops, 2 * n);
	for (i = 0; i < n && (r == 0 || r == -ENOBUFS); i++)
		ops[i] = (struct ct_op){ .verb = CT_GET,
					 .conn = connset_get(l->bare, at + i),
					 .found = &found[i] };
	if (r == 0 || r == -ENOBUFS)
		r = k->ops->ct_batch(k->ctx, ops, n);
	for (i = 0; i < n; i++) {
		const struct conn *c = connset_get(l->bare, at + i);

		if (r == 0 && ops[i].result == 0 && repair_matches(c, &found[i]))
			l->run->report->committed.mended++;
		else
			committed_add_lost(l, at + i);
	}
	return r;
}

static int mend(struct committed *l)
{
	size_t at, n = connset_count(l->bare), m;
	int r = 0;

	l->run->report->committed.bare = n;
	for (at = 0; at < n && r == 0; at += m) {
		m = MIN(n - at, (size_t)CHUNK);
		r = run_now(l->run) >= l->run->deadline ? -ETIME : mend_chunk(l, at, m);
	}
	for (; at < n; at++)
		committed_add_lost(l, at);
	return r;
}

/* As after a flush: what came without its translation was lost, and is restored or not. */
static void committed_count(const struct committed *l)
{
	struct report *report = l->run->report;

	report->entries.snapshot += report->committed.bare + l->altered;
	report->entries.skipped += l->altered;
	report->entries.reasons[SKIP_ALTERED] += l->altered;
	report->entries.candidates += report->committed.bare;
	report->entries.flushed += report->committed.bare;
	report->entries.restored += report->committed.mended;
	report->entries.lost += report->committed.lost;
}

/* Those that come. Packets may have used what is translated to one that is here already: that is
 * left alone. */
static int committed_addresses(const struct run *run, struct addrset *ret)
{
	size_t v;
	int r = 0;

	for (v = 0; v < run->req->n_vips && r == 0; v++)
		if (run->report->outcomes[v] != VIP_ALREADY)
			r = addrset_add(ret, &run->req->vips[v].prefix.addr);
	return r;
}

void committed_mend(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	struct committed l = { .run = run, .bare = connset_new(run->env->seed, 0) };
	struct report *report = run->report;
	int r = l.bare ? committed_addresses(run, &l.to) : -ENOMEM;

	if (r == 0)
		r = k->ops->ct_dump(k->ctx, AF_UNSPEC, committed_on_listed, &l);
	if (r == 0 || r == -ECANCELED || r == -EINTR)
		r = mend(&l);
	committed_count(&l);
	if (run->req->uncommitted)
		report_warn(report, "committed-late", "",
			    "conntrackd has not committed, or not in time: connections of the "
			    "other node that are not here yet may be reset");
	if (report->committed.bare)
		report_warn(report, "committed-bare", "",
			    "%llu connections were committed without their translation: %llu are "
			    "created anew with it, %llu are lost",
			    (unsigned long long)report->committed.bare,
			    (unsigned long long)report->committed.mended,
			    (unsigned long long)report->committed.lost);
	if (r < 0 && r != -EPROTONOSUPPORT)
		report_warn(report, "committed-unread", "",
			    "whether what was committed is translated is not known: %s",
			    r == -ETIME ? "the deadline has passed" : strerror(-r));
	connset_free(l.bare);
	addrset_done(&l.to);
}
