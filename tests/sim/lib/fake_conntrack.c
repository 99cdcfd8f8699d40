/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fake kernel answers about its conntrack table: dumps, batches. */
#include "fake_kernel.h"

#include "base/shape.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void tell_lies(const struct fake *f, struct conn *c)
{
	if (f->lie_about && conn_key_equal(f->lie_about, &c->key))
		c->status &= ~f->lie;
}

int fake_list_entry(struct fake *f, const struct fake_entry *entry, conn_sink sink, void *ud)
{
	struct fake_event e = { .entry = *entry, .made = f->tells_made && entry->created };

	return fake_list_event(f, &e, sink, ud);
}

int fake_list_event(struct fake *f, const struct fake_event *event, conn_sink sink, void *ud)
{
	/* Copies: the sink must not keep pointers, ASan sees it if it does. */
	struct fake_entry *e = malloc(sizeof(*e));
	struct conn_record rec;
	uint8_t *payload;
	int r;

	*e = event->entry;
	tell_lies(f, &e->conn);
	payload = malloc(e->payload_len);
	memcpy(payload, e->payload, e->payload_len);
	e->conn.timeout =
		e->expires < f->clock ? 0 : (uint32_t)((e->expires - f->clock) / USEC_PER_SEC);
	if (event->gone && !f->full_deaths) { /* docs/kernel.md 6 */
		e->conn.timeout = 0;
		e->conn.tcp_state = CONN_TCP_NONE;
	}
	rec = (struct conn_record){ .conn = &e->conn,
				    .master = e->conn.has_master ? &e->master : NULL,
				    .payload = payload,
				    .payload_len = e->payload_len,
				    .born = event->born,
				    .gone = event->gone,
				    .by = event->by,
				    .made = event->made };
	r = sink(ud, &rec);
	free(payload);
	free(e);
	return r < 0 ? r : 0;
}

int fake_ct_dump(void *ctx, uint8_t family, conn_sink sink, void *ud)
{
	struct fake *f = ctx;
	size_t stop, seen = 0;
	int r = fake_enter(f, &f->dump);
	bool torn = f->dumps_torn > 0 && f->dump.calls >= f->torn_from;

	if (f->no_conntrack)
		return -EPROTONOSUPPORT;
	if (r < 0)
		return r;
	f->dumps_torn -= torn;
	stop = torn ? f->n_entries / 2 : f->n_entries;
	for (size_t pass = 0; r == 0 && pass < (f->dump_doubles ? 2 : 1); pass++)
		for (size_t i = 0; r == 0 && i < MIN(stop, f->n_entries); i++) {
			if (!pass)
				fake_advance(f, f->entry_cost);
			if (i >= f->n_entries /* expired meanwhile */ ||
			    (family && f->entries[i].conn.key.family != family))
				continue;
			seen++;
			if ((pass && seen % 3) ||
			    (f->dump.calls == f->hide_dump && seen % f->hide_nth == 0))
				continue;
			r = fake_list_entry(f, &f->entries[i], sink, ud);
		}
	return r == 0 && torn ? -EINTR : r;
}

struct fake_listing_to {
	const struct addrset *to;
	conn_sink sink;
	void *ud;
};

static int list_to(void *ud, const struct conn_record *record)
{
	const struct fake_listing_to *l = ud;
	struct addr dst = tuple_dst(&record->conn->key.orig, record->conn->key.family);

	return addrset_has(l->to, &dst) ? l->sink(l->ud, record) : 0;
}

int fake_ct_dump_to(void *ctx, const struct addrset *to, bool cheaply, conn_sink sink, void *ud)
{
	struct fake_listing_to l = { .to = to, .sink = sink, .ud = ud };
	struct fake *f = ctx;
	int r;

	if (f->no_filter)
		return cheaply ? -EOPNOTSUPP : fake_ct_dump(ctx, AF_UNSPEC, list_to, &l);
	r = fake_enter(f, &f->dump_to);
	if (f->no_conntrack)
		return -EPROTONOSUPPORT;
	for (size_t i = 0; r == 0 && i < f->n_entries; i++)
		r = fake_list_entry(f, &f->entries[i], list_to, &l);
	return r;
}

/* What ctnetlink and the NAT core make of the status of a created entry: they
 * are given a reply tuple, and announce what is left to be translated. */
static uint32_t created_status(const struct conn *c, bool with_master)
{
	struct tuple plain = shape_reply(c);
	uint32_t s = CONN_CONFIRMED | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE;
	bool icmp = l4proto_is_icmp(c->key.l4proto);

	s |= c->status &
	     (CONN_SEEN_REPLY | CONN_ASSURED | CONN_FIXED_TIMEOUT | CONN_SEQ_ADJUST | CONN_HELPER);
	/* A query id stands where source ports do, in both directions: it
	 * belongs to whoever asks. */
	if (memcmp(plain.dst, c->reply.dst, 16) ||
	    (icmp ? plain.icmp.id != c->reply.icmp.id : plain.dport != c->reply.dport))
		s |= CONN_SRC_NAT;
	if (memcmp(plain.src, c->reply.src, 16) || (!icmp && plain.sport != c->reply.sport))
		s |= CONN_DST_NAT;
	if (with_master)
		s |= CONN_EXPECTED;
	return s;
}

/* Answered by another server than was asked, and nothing says so. */
static bool is_altered(const struct conn *c)
{
	struct tuple plain = tuple_invert(&c->key.orig, c->key.l4proto);

	return memcmp(plain.src, c->reply.src, 16) && !(c->status & CONN_DST_NAT);
}

static void mangle_as(struct fake_entry *e, enum fake_mangle how)
{
	switch (how) {
	case MANGLE_NONE:
		return;
	case MANGLE_SERVER:
		if (!is_altered(&e->conn))
			return;
		e->conn.status |= CONN_DST_NAT;
		break;
	case MANGLE_LOCAL:
		if (e->conn.status & CONN_SRC_NAT)
			return;
		*fake_translated(&e->conn) ^= htons(0x2000);
		e->conn.status |= CONN_SRC_NAT;
		break;
	case MANGLE_PORT:
		*fake_translated(&e->conn) ^= htons(0x2000);
		break;
	case MANGLE_UNTRANSLATED:
		e->conn.status &= ~(uint32_t)CONN_SRC_NAT;
		break;
	}
	e->translates = false;
}

static void mangle(struct fake *f, struct fake_entry *e)
{
	unsigned n = f->create.calls;

	mangle_as(e, f->mangle_all);
	if (f->mangle_at && n >= f->mangle_at && n - f->mangle_at < MAX(f->mangle_times, 1u))
		mangle_as(e, f->mangle);
}

/* find_appropriate_src() walks what is translated of the same socket. */
static void walk_chain(struct fake *f, const struct conn *c)
{
	usec_t met = 0;

	for (size_t i = 0; i < f->n_entries && f->chain_cost; i++) {
		const struct conn_key *k = &f->entries[i].conn.key;

		met += k->l4proto == c->key.l4proto && k->orig.sport == c->key.orig.sport &&
		       !memcmp(k->orig.src, c->key.orig.src, sizeof(k->orig.src));
	}
	fake_advance(f, met * f->chain_cost);
}

static int create_entry(struct fake *f, const struct ct_op *op)
{
	const struct conn *c = op->conn;
	struct conn_key master;
	bool whole = fake_payload_read(op->payload, op->payload_len, c, &master);
	bool with_master = whole && master.family && !op->orphan;
	struct fake_entry *e;

	if (f->refuse_at && f->create.calls == f->refuse_at)
		f->refused_key = c->key;
	if (conn_key_equal(&c->key, &f->refused_key))
		return f->refuse_error;
	if (f->n_entries >= f->ct_max)
		return -ENOMEM;
	if (with_master && !fake_entry_find(f, &master))
		return -ENOENT;
	walk_chain(f, c);
	e = fake_entry_add(f, c, with_master ? &master : NULL, 0, op->timeout);
	if (!e)
		return -EEXIST;
	e->created = true;
	/* only TCP is ever held back */
	f->unheld_creates += c->key.l4proto == IPPROTO_TCP && !fake_is_held(f);
	e->translates = whole;
	e->conn.status = created_status(c, with_master);
	e->conn.has_helper = c->has_helper && !f->forgets_helpers;
	mangle(f, e);
	f->created++;
	return 0;
}

static int delete_entry(struct fake *f, const struct conn *c)
{
	struct fake_entry *e;
	size_t len = addr_size(c->key.family);
	static const uint8_t none[16];

	/* Without a tuple the kernel takes it for "all of them". */
	assert(len && (memcmp(c->key.orig.src, none, len) || memcmp(c->key.orig.dst, none, len)));
	e = fake_entry_lookup(f, &c->key.orig, &c->key);
	if (!e || (c->id && e->conn.id != c->id))
		return -ENOENT;
	if (f->busy_nth && (size_t)(e - f->entries) % f->busy_nth == 0)
		return -EBUSY;
	fake_entry_remove_at(f, (size_t)(e - f->entries));
	f->removed++;
	return 0;
}

static int get_entry(struct fake *f, const struct ct_op *op)
{
	struct fake_entry *e = fake_entry_lookup(f, &op->conn->key.orig, &op->conn->key);

	if (!e)
		return -ENOENT;
	if (op->found) {
		*op->found = e->conn;
		tell_lies(f, op->found);
		op->found->timeout = (uint32_t)((e->expires - f->clock) / USEC_PER_SEC);
	}
	return op->sink ? fake_list_entry(f, e, op->sink, op->ud) : 0;
}

static int do_op(struct fake *f, struct ct_op *op)
{
	int r;

	if (f->meddle && f->meddle(f->meddle_ud, op))
		return op->result;
	switch (op->verb) {
	case CT_CREATE:
		f->writes++;
		f->ct_writes++;
		r = fake_enter(f, &f->create);
		return r < 0 ? r : create_entry(f, op);
	case CT_DELETE:
		f->writes++;
		f->ct_writes++;
		r = fake_enter(f, &f->remove);
		return r < 0 ? r : delete_entry(f, op->conn);
	case CT_GET:
		r = fake_enter(f, &f->get);
		return r < 0 ? r : get_entry(f, op);
	}
	return -EINVAL;
}

int fake_ct_batch(void *ctx, struct ct_op *ops, size_t n)
{
	struct fake *f = ctx;
	int r = fake_enter(f, &f->batch);
	bool deaf = f->unanswered_batch > 0;

	if (f->no_conntrack)
		return -EPROTONOSUPPORT;
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct conn *found = ops[i].found;
		bool silent = deaf && i >= n / 2;

		if (silent)
			ops[i].found = NULL;
		r = do_op(f, &ops[i]);
		ops[i].found = found;
		ops[i].result = silent ? -EINPROGRESS : r;
	}
	f->unanswered_batch -= deaf;
	return deaf ? -ENOBUFS : 0;
}

const char *fake_ct_line(void *ctx _unused_, const struct conn_record *record,
			 char buf[CONN_LINE_MAX])
{
	return conn_format(record->conn, buf);
}

bool fake_ct_mark(void *ctx _unused_, const struct conn_record *record _unused_,
		  uint32_t *ret _unused_)
{
	return false;
}

int fake_ct_usage(void *ctx, uint32_t *ret_count, uint32_t *ret_max)
{
	struct fake *f = ctx;

	if (f->no_conntrack)
		return -EPROTONOSUPPORT;
	*ret_count = (uint32_t)f->n_entries;
	*ret_max = f->max_is_untold ? 0 : f->ct_max;
	return 0;
}
