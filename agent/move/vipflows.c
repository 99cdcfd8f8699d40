/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows of the leaving addresses themselves. KEEP makes them candidates
 * like any other (run_sort_addresses()); else they are removed (vipflows.c), or reset and
 * removed (vipflows.c). */
#include <errno.h>
#include <string.h>

#include "move/stage.h"

/* Whether entry I is translated to a leaving address: what a fixed kernel removes with it,
 * and what we must when it was created by us, since then the kernel does not. What somebody
 * else made so is left to him. */
static bool vipflows_is_behind(const struct run *run, size_t i)
{
	const struct conn *c = connset_get(run->set, i);
	struct addr as = tuple_dst(&c->reply, c->key.family);

	return run->entries[i].skip == SKIP_OF_VIP && c->status & CONN_SRC_NAT_DONE &&
	       conn_alteration(c) != ALTERATION_OTHER && addrset_has(&run->leaving, &as);
}

static int put_behind(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	struct addr as = tuple_dst(&record->conn->reply, record->conn->key.family);

	return record->conn->status & CONN_SRC_NAT_DONE && addrset_has(&run->leaving, &as)
		       ? snapshot_put(run, record)
		       : 0;
}

int vipflows_find(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	int r = run->leaving.n ? k->ops->ct_dump(k->ctx, run->family, put_behind, run) : 0;

	return r == -EINTR ? 0 : r;
}

/* Delete the flows of the leaving addresses, with those that were born until the addresses
 * went. */

#define CHUNK 128

static int drop_chunk(const struct run *run, const size_t *idx, size_t n)
{
	const struct kernel *k = &run->env->kernel;
	struct ct_op ops[CHUNK];
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		ops[i] = (struct ct_op){ .verb = CT_DELETE, .conn = connset_get(run->set, idx[i]) };
	r = n ? k->ops->ct_batch(k->ctx, ops, n) : 0;
	r = r == -ENOBUFS ? 0 : r;
	for (i = 0; i < n && r == 0; i++)
		run->entries[idx[i]].dropped = !ops[i].result || ops[i].result == -ENOENT;
	return r;
}

void vipflows_drop(struct run *run)
{
	size_t idx[CHUNK], i, m = 0;
	int r = 0, noted;

	if (run->req->vip_flows == VIP_FLOWS_KEEP || !run->set)
		return;
	noted = snapshot_note(run); /* on failure those that are known are deleted */
	for (i = 0; i < connset_count(run->set) && r == 0; i++) {
		if (vipflows_is_behind(run, i))
			idx[m++] = i;
		if (m == CHUNK) {
			r = drop_chunk(run, idx, m);
			m = 0;
		}
	}
	if (r == 0)
		r = drop_chunk(run, idx, m);
	r = r < 0 ? r : noted;
	if (r < 0)
		report_warn(run->report, "vip-flows-left", "",
			    "connections of the leaving addresses could not be removed: %s",
			    strerror(-r));
}

/* Reset the flows of the leaving addresses (--vip-flows reset). */

static void close_sockets(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	char text[PREFIX_TEXT_MAX];
	uint64_t closed;
	size_t i;
	int r;

	for (i = 0; i < run->leaving.n; i++) {
		r = k->ops->sock_destroy(k->ctx, &run->leaving.addrs[i], &closed);
		if (r < 0)
			report_warn(run->report, "sockets-not-reset", "",
				    "local connections of %s could not be reset: %s",
				    addr_format(&run->leaving.addrs[i], text), strerror(-r));
	}
}

static void reset_forwarded(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	_cleanup_free_ const struct conn **flows = NULL;
	char reason[REPORT_TEXT_MAX] = "";
	size_t i, n = connset_count(run->set), m = 0;
	int r;

	flows = malloc(MAX(n, (size_t)1) * sizeof(*flows));
	for (i = 0; flows && i < n; i++)
		if (vipflows_is_behind(run, i))
			flows[m++] = connset_get(run->set, i);
	if (flows && !m)
		return;
	r = flows ? k->ops->reset_flows(k->ctx, run->req->hold, &run->link, flows, m, RESET_FOR,
					run_now(run) + hold_budget(run_now(run), run->deadline),
					reason)
		  : -ENOMEM;
	run->report->has_resets = r == 0;
	if (r < 0)
		report_warn(run->report, "flows-not-reset", "",
			    "clients of the leaving addresses are not reset: %s",
			    reason[0] ? reason : strerror(-r));
}

/* While the addresses are still there: the resets have to leave from them. */
void vipflows_reset(struct run *run)
{
	close_sockets(run);
	if (run->set)
		reset_forwarded(run);
}
