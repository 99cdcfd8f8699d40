/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/arrive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/flow.h"
#include "base/shape.h"
#include "move/stage.h"

#define CHUNK 128

/* A listing that was cut short is repeated this often. */
#define LIST_TRIES 3

/* Whether the kernel itself answers for the address, whatever the server listens on: with a reset
 * what it does not know, and with a handshake what begins. Both are translated back. Without the
 * entry the reset would not come where a firewall drops what is in the middle of a connection
 * and new, or invalid; and a connection would be lost whose address is only here for a moment. */
static bool is_stream(uint8_t l4proto)
{
	return l4proto == IPPROTO_TCP || l4proto == IPPROTO_SCTP || l4proto == IPPROTO_DCCP;
}

/* What is translated is translated for its source's packets on their way in, too
 * (nf_nat_inet_fn() at LOCAL_IN). A connection that began after the address came has no source
 * translation, unless a rule makes one for what is delivered here: a socket shows that.
 * Whatever packets pass through the node's own hooks has DST_NAT_DONE: NAT looks at PREROUTING or
 * OUTPUT first. Others that use the table, like Open vSwitch, set up only the translation that
 * they want (ovs_ct_nat(), net/openvswitch/conntrack.c). */
enum arrival arrive_judge(const struct conn *c)
{
	if (conn_alteration(c) != ALTERATION_NONE)
		return ARRIVAL_ALTERED;
	if (c->status & CONN_DST_NAT)
		return ARRIVAL_SERVICE;
	if (!(c->status & CONN_SRC_NAT))
		return ARRIVAL_PLAIN;
	if (!(c->status & CONN_DST_NAT_DONE))
		return ARRIVAL_FOREIGN;
	return is_stream(c->key.l4proto) ? ARRIVAL_STREAM : ARRIVAL_LED_AWAY;
}

void arrivals_done(struct arrivals *a)
{
	free(a->items);
	*a = (struct arrivals){ 0 };
}

int arrive_take(void *ud, const struct conn_record *record)
{
	struct arrivals *a = ud;
	enum arrival what = arrive_judge(record->conn);
	struct arrival_item *item;

	if (record->conn->status & CONN_DYING)
		return 0;
	if (what != ARRIVAL_LED_AWAY) {
		a->others[what]++;
		return 0;
	}
	item = array_append(&a->items, &a->n, sizeof(*item));
	if (!item)
		return -ENOMEM;
	item->conn = *record->conn;
	return 0;
}

/* By what a socket of this node would have: protocol, own and other end. */
static int compare_ends(const struct arrival_item *x, const struct arrival_item *y)
{
	if (x->conn.key.l4proto != y->conn.key.l4proto)
		return x->conn.key.l4proto < y->conn.key.l4proto ? -1 : 1;
	if (x->conn.key.family != y->conn.key.family)
		return x->conn.key.family < y->conn.key.family ? -1 : 1;
	return memcmp(&x->conn.reply, &y->conn.reply, sizeof(x->conn.reply));
}

static int compare_items(const void *x, const void *y)
{
	const struct arrival_item *a = x, *b = y;
	int r = compare_ends(a, b);

	return r ? r : memcmp(&a->conn.key, &b->conn.key, sizeof(a->conn.key));
}

/* A listing may show an entry twice. */
static void arrive_sort(struct arrivals *a)
{
	size_t i, n = 0;

	if (a->n)
		qsort(a->items, a->n, sizeof(*a->items), compare_items);
	for (i = 0; i < a->n; i++) {
		if (n && conn_key_equal(&a->items[n - 1].conn.key, &a->items[i].conn.key))
			n--; /* the later one is the newer one, if they differ */
		a->items[n++] = a->items[i];
	}
	a->n = n;
}

/* The first item that is not before the ends of PROBE. */
static size_t arrive_find(const struct arrivals *a, const struct arrival_item *probe)
{
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_ends(&a->items[mid], probe) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int arrive_on_socket(void *ud, const struct flow *listed)
{
	struct arrivals *a = ud;
	struct arrival_item probe;
	struct flow f = *listed;
	size_t i;

	flow_normalise(&f);
	memset(&probe, 0, sizeof(probe));
	probe.conn.key.family = f.family;
	probe.conn.key.l4proto = f.l4proto;
	memcpy(probe.conn.reply.src, f.client, sizeof(f.client));
	memcpy(probe.conn.reply.dst, f.dest, sizeof(f.dest));
	probe.conn.reply.sport = htons(f.cport);
	probe.conn.reply.dport = htons(f.dport);
	for (i = arrive_find(a, &probe); i < a->n && !compare_ends(&a->items[i], &probe); i++)
		a->items[i].what = ARRIVAL_ANSWERED;
	return 0;
}

int arrive_find_sockets(const struct kernel *k, struct arrivals *a)
{
	arrive_sort(a);
	return k->ops->sock_list(k->ctx, SOCK_PEERS, arrive_on_socket, a);
}

/* A server that has a socket for each client, bound to the address, has its answers translated
 * back. That is rare: where the sockets cannot be listed nothing is spared. */
void arrive_look_up(const struct kernel *k, struct arrivals *a)
{
	bool any = false;
	size_t i;

	for (i = 0; i < a->n && !any; i++)
		any = a->items[i].conn.key.l4proto == IPPROTO_UDP;
	if (any)
		(void)arrive_find_sockets(k, a);
	else
		arrive_sort(a);
}

/* OPS delete ITEMS. */
static int remove_some(const struct kernel *k, struct arrival_item *const *items, size_t n,
		       struct ct_op *ops)
{
	int r = n ? k->ops->ct_batch(k->ctx, ops, n) : 0;
	size_t i;

	if (r == -ENOBUFS) /* answers were lost: the second time -ENOENT says the same */
		r = k->ops->ct_batch(k->ctx, ops, n);
	if (r < 0 && r != -ENOBUFS)
		return r;
	for (i = 0; i < n; i++) {
		items[i]->removed = !ops[i].result || ops[i].result == -ENOENT;
		if (!items[i]->removed)
			items[i]->what = ARRIVAL_REFUSED;
	}
	return 0;
}

int arrive_remove(const struct kernel *k, struct arrivals *a)
{
	struct arrival_item *chunk[CHUNK];
	struct ct_op ops[CHUNK];
	size_t i, n = 0;
	int r = 0;

	for (i = 0; i < a->n && r == 0; i++) {
		if (a->items[i].what != ARRIVAL_LED_AWAY)
			continue;
		ops[n] = (struct ct_op){ .verb = CT_DELETE, .conn = &a->items[i].conn };
		chunk[n++] = &a->items[i];
		if (n == CHUNK) {
			r = remove_some(k, chunk, n, ops);
			n = 0;
		}
	}
	return r < 0 ? r : remove_some(k, chunk, n, ops);
}

void arrive_count(const struct arrivals *a, bool planned, struct arrival_counts *ret)
{
	size_t i;

	for (i = 0; i < ARRIVAL_COUNT; i++) {
		ret->found += a->others[i];
		ret->left += a->others[i];
		ret->reasons[i] += a->others[i];
	}
	for (i = 0; i < a->n; i++) {
		const struct arrival_item *item = &a->items[i];
		bool removed = planned ? item->what == ARRIVAL_LED_AWAY : item->removed;

		ret->found++;
		ret->removed += removed;
		ret->left += !removed;
		if (!removed)
			ret->reasons[item->what]++;
	}
}

/* ---- the stage ---- */

/* Whether the node has A by another holder than the target V: then packets to it were delivered
 * here already. */
static bool was_here(const struct run *run, size_t v)
{
	const struct ifaddr *target = &run->targets[v];
	size_t i;

	for (i = 0; i < run->before.n; i++) {
		const struct ifaddr *a = &run->before.items[i];

		if (addr_equal(&a->prefix.addr, &run->req->vips[v].prefix.addr) &&
		    !(a->ifindex == run->link.ifindex && prefix_equal(&a->prefix, &target->prefix)))
			return true;
	}
	return false;
}

int arrive_addresses(const struct run *run, struct addrset *ret)
{
	size_t v;
	int r = 0;

	for (v = 0; v < run->req->n_vips && r == 0; v++) {
		enum vip_outcome o = run->report->outcomes[v];

		if (o == VIP_FAILED || (o == VIP_ALREADY && !run->recovering) ||
		    (o == VIP_UNTOUCHED && !run->req->plan) || was_here(run, v))
			continue;
		r = addrset_add(ret, &run->req->vips[v].prefix.addr);
	}
	return r;
}

struct arriving {
	const struct run *run;
	struct arrivals *arrivals;
};

/* The address is there; what is found after the deadline is left alone. */
static int arrive_on_listed(void *ud, const struct conn_record *record)
{
	const struct arriving *l = ud;

	return run_now(l->run) >= l->run->deadline ? -ETIME : arrive_take(l->arrivals, record);
}

static int list_arrivals(const struct run *run, const struct addrset *to, struct arrivals *a)
{
	struct arriving l = { .run = run, .arrivals = a };
	int tries, r = -EINTR;

	for (tries = 0; tries < LIST_TRIES && r == -EINTR; tries++) {
		memset(a->others, 0, sizeof(a->others));
		r = run->source.ops->arriving(run, to, arrive_on_listed, &l);
	}
	return r;
}

static void arrive_warn(struct run *run, int error)
{
	if (error == -EPROTONOSUPPORT) /* nothing is tracked */
		return;
	report_warn(run->report, "arrivals-left", "",
		    "entries to the added addresses that lead elsewhere could not be %s (%s): "
		    "clients of a UDP service here may get no answer until they end",
		    run->req->plan ? "looked for" : "removed",
		    error == -ETIME ? "the deadline has passed" : strerror(-error));
}

/* Listed after the change: what began before it and what the change was too late for are there
 * together, and what has begun since tells itself apart (arrive_judge()). */
void arrive_clear(struct run *run)
{
	usec_t began = run_now(run);
	struct addrset to = { .n = 0 };
	struct arrivals a = { .n = 0 };
	int r, listed = 0;
	size_t i;

	/* The guard looks later (guard_note_added()): clients wait for the next address of the
	 * instance, and the table is as large as that of the node that had it. */
	if (run->req->replicated && run->source.goes_on)
		return;
	r = arrive_addresses(run, &to);
	if (r == 0 && to.n)
		listed = list_arrivals(run, &to, &a);
	arrive_look_up(&run->env->kernel, &a);
	if (r == 0 && !run->req->plan)
		r = arrive_remove(&run->env->kernel, &a);
	for (i = 0; i < a.n; i++)
		if (a.items[i].removed)
			run->source.ops->forget(run, &a.items[i].conn);
	arrive_count(&a, run->req->plan, &run->report->arrivals);
	if (r < 0 || listed < 0)
		arrive_warn(run, r < 0 ? r : listed);
	run->report->timing.arrive = run_now(run) - began;
	arrivals_done(&a);
	addrset_done(&to);
}
