/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections have crossed, as the clocks of their sockets show it: scenes of sockets that
 * send, receive and are acknowledged at times of their own, and a clock that runs only when the
 * search waits. */
#include "lib/lvs_scene.h"

#include "base/kernel.h"
#include "lvs/evidence.h"

#define MS USEC_PER_MSEC
#define START (100 * USEC_PER_SEC)

/* All in milliseconds before the search begins (negative: after it). EVERY: repeated so. */
struct actor {
	const char *local, *peer;
	enum flow_state state;
	int opened;	  /* when it is there for the first time; 0: long ago */
	int sent, every;  /* it sends data, which is answered with data after RTT unless it hangs */
	unsigned delayed; /* … or acknowledged after so many, without data */
	int received;	  /* data of the peer's own accord */
	int acked;	  /* an acknowledgement for nothing that it sent */
	int keepalive;	  /* … repeated so, since it asks for it */
	bool probes;	  /* it asks for it whether the peer takes data again */
	bool hangs;  /* nothing it sends is answered: it is sent again after 200, 400, 800 ms */
	int gets_of; /* actor whose retransmissions are answered to this one, 1 and on; 0: none */
};

#define ACTORS_MAX 3

struct world {
	const struct actor *actors;
	size_t n;
	usec_t now;
	unsigned looks;
};

/* The last retransmission at or before NOW, how many there were, and when the next is due. */
static usec_t last_retransmission(const struct actor *a, usec_t now, unsigned *ret_n,
				  usec_t *ret_next)
{
	usec_t rto = a->state == FLOW_OPENING ? 1000 * MS : 200 * MS;
	usec_t at = START - (usec_t)(a->sent * (int64_t)MS);

	*ret_n = 0;
	while (at + rto <= now) {
		at += rto;
		rto *= 2;
		++*ret_n;
	}
	*ret_next = at + rto;
	return at;
}

static usec_t latest(usec_t now, int before, int every)
{
	usec_t at = START - (usec_t)(before * (int64_t)MS);

	if (!before || at > now)
		return 0;
	while (every && at + (usec_t)every * MS <= now)
		at += (usec_t)every * MS;
	return at;
}

static uint32_t age(usec_t now, usec_t at)
{
	return (uint32_t)((now - at) / MS);
}

static struct flow_times times_of(const struct world *w, const struct actor *a)
{
	usec_t opened = a->opened ? START - (usec_t)(a->opened * (int64_t)MS) : USEC_PER_SEC;
	usec_t sent = MAX(opened, latest(w->now, a->sent, a->every)), acked = opened;
	usec_t received = MAX(opened, latest(w->now, a->received, 0)), next = 0, theirs;
	struct flow_times t = { .next = UINT32_MAX };
	unsigned n = 0;

	if (a->hangs) {
		sent = last_retransmission(a, w->now, &n, &next);
		t.retransmits = (uint8_t)n;
		t.next = (uint32_t)((next - w->now) / MS);
	} else if (a->sent && sent + a->delayed * MS <= w->now) {
		acked = MAX(acked, sent + a->delayed * MS);
		if (!a->delayed)
			received = MAX(received, sent);
	}
	acked = MAX(acked, latest(w->now, a->acked, a->keepalive));
	if (a->keepalive && a->gets_of)
		t.keepalive = (uint32_t)((START + 10 * USEC_PER_SEC - w->now) / MS);
	else if (a->keepalive)
		t.keepalive = (uint32_t)((acked + (usec_t)a->keepalive * MS - w->now) / MS);
	t.window_probes = a->probes;
	if (a->gets_of) {
		theirs = last_retransmission(&w->actors[a->gets_of - 1], w->now, &n, &next);
		acked = n ? MAX(acked, theirs) : acked;
	}
	t.sent = age(w->now, sent);
	t.acked = age(w->now, acked);
	t.received = age(w->now, received);
	return t;
}

static int world_list(void *ctx, enum sock_extent extent, flow_sink sink, void *ud)
{
	struct world *w = ctx;
	size_t i;
	int r = 0;

	w->looks += extent == SOCK_TIMES;
	for (i = 0; i < w->n && r >= 0; i++) {
		const struct actor *a = &w->actors[i];
		struct flow_times times;
		struct flow f = flow_of(IPPROTO_TCP, a->local, a->peer, a->state);

		if (a->state == FLOW_LISTENING && !(extent & SOCK_LISTENERS))
			continue;
		if (extent & SOCK_TIMES && a->state != FLOW_LISTENING)
			times = times_of(w, a), times.cookie = 7000 + i, f.times = &times;
		r = sink(ud, &f);
	}
	return r;
}

static usec_t world_now(void *ctx)
{
	struct world *w = ctx;

	return w->now;
}

static void world_sleep(void *ctx, usec_t duration)
{
	struct world *w = ctx;

	w->now += duration;
}

static const struct kernel_ops ops = {
	.sock_list = world_list,
	.now = world_now,
	.sleep = world_sleep,
};

#define OPEN FLOW_ESTABLISHED
#define NONE 0

/* The source document's pair, in both orders, and what looks like it. */
static const struct scene {
	const char *what;
	struct actor actors[ACTORS_MAX];
	size_t n;
	int hung, other; /* actors, 1 and on; NONE */
} scenes[] = {
	{ "direct hangs beside an idle one through the service",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { C, VIP, OPEN, .opened = 9000, .gets_of = 1 } },
	  2,
	  1,
	  2 },
	{ "direct in SYN_SENT",
	  { { C, RS, FLOW_OPENING, .sent = 4000, .hangs = true }, { C, VIP, OPEN, .gets_of = 1 } },
	  2,
	  1,
	  2 },
	{ "hangs for a moment only: it is waited for",
	  { { C, RS, OPEN, .sent = 100, .hangs = true }, { C, VIP, OPEN, .gets_of = 1 } },
	  2,
	  1,
	  2 },
	{ "the one through the service is busy: seen between two exchanges",
	  { { C, RS, OPEN, .sent = 100, .hangs = true },
	    { C, VIP, OPEN, .sent = 5170, .every = 300, .gets_of = 1 } },
	  2,
	  1,
	  2 },
	{ "it has sent before, and nothing since",
	  { { C, RS, OPEN, .sent = 6000, .hangs = true },
	    { C, VIP, OPEN, .sent = 5000, .gets_of = 1 } },
	  2,
	  1,
	  2 },
	{ "the server has pushed data since",
	  { { C, RS, OPEN, .sent = 5000, .hangs = true },
	    { C, VIP, OPEN, .received = 90, .gets_of = 1 } },
	  2,
	  1,
	  2 },
	{ "that one has keepalives, but was not due to send one",
	  { { C, RS, OPEN, .sent = 1570, .hangs = true },
	    { C, VIP, OPEN, .keepalive = 15000, .gets_of = 1 } },
	  2,
	  1,
	  2 },
	{ "IPv6",
	  { { "[fd00::1]:61902", "[fd00::5]:80", OPEN, .sent = 1500, .hangs = true },
	    { "[fd00::1]:61902", "[fd00::9]:80", OPEN, .gets_of = 1 } },
	  2,
	  1,
	  2 },
	{ "a third one shares the port",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { C, VIP2, OPEN, .sent = 900 },
	    { C, VIP, OPEN, .gets_of = 1 } },
	  3,
	  1,
	  3 },
	{ "a director's own: the one through the service hangs",
	  { { C, VIP, FLOW_OPENING, .sent = 4000, .hangs = true }, { C, RS, OPEN, .gets_of = 1 } },
	  2,
	  1,
	  2 },

	{ "before it breaks", { { C, RS, OPEN }, { C, VIP, OPEN, .opened = 900 } }, 2, NONE, NONE },
	{ "a server that is gone, beside an active one",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { C, VIP, OPEN, .sent = 9000, .every = 100 } },
	  2,
	  NONE,
	  NONE },
	{ "beside one with delayed acknowledgements",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { C, VIP, OPEN, .sent = 9000, .every = 1000, .delayed = 40 } },
	  2,
	  NONE,
	  NONE },
	{ "beside an idle one",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true }, { C, VIP, OPEN, .sent = 9000 } },
	  2,
	  NONE,
	  NONE },
	{ "a service whose servers are all gone",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { C, VIP, OPEN, .sent = 1500, .hangs = true } },
	  2,
	  NONE,
	  NONE },
	{ "both open to a server that is gone",
	  { { C, RS, FLOW_OPENING, .sent = 4000, .hangs = true },
	    { C, VIP, FLOW_OPENING, .sent = 4000, .hangs = true } },
	  2,
	  NONE,
	  NONE },
	{ "an acknowledgement at another time",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true }, { C, VIP, OPEN, .acked = 50 } },
	  2,
	  NONE,
	  NONE },
	{ "beside one whose keepalives are answered just then",
	  { { C, RS, OPEN, .sent = 1600, .hangs = true },
	    { C, VIP, OPEN, .acked = 3600, .keepalive = 1000 } },
	  2,
	  NONE,
	  NONE },
	{ "a SYN, beside one whose keepalives are answered just then each time",
	  { { C, RS, FLOW_OPENING, .sent = 4000, .hangs = true },
	    { C, VIP, OPEN, .acked = 30995, .keepalive = 1000 } },
	  2,
	  NONE,
	  NONE },
	{ "beside one whose peer is asked whether it takes data again",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { C, VIP, OPEN, .probes = true, .gets_of = 1 } },
	  2,
	  NONE,
	  NONE },
	{ "another local port",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { "192.168.11.7:61904", VIP, OPEN, .gets_of = 1 } },
	  2,
	  NONE,
	  NONE },
	{ "another local address",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { "192.168.11.8:61902", VIP, OPEN, .gets_of = 1 } },
	  2,
	  NONE,
	  NONE },
	{ "clients of a server, one of which is gone",
	  { { "0.0.0.0:61902", "0.0.0.0:0", FLOW_LISTENING },
	    { C, "10.0.0.1:1000", OPEN, .sent = 1500, .hangs = true },
	    { C, "10.0.0.2:1000", OPEN, .gets_of = 2 } },
	  3,
	  NONE,
	  NONE },
	{ "the other one is in TIME_WAIT",
	  { { C, RS, OPEN, .sent = 1500, .hangs = true },
	    { C, VIP, FLOW_TIME_WAIT, .gets_of = 1 } },
	  2,
	  NONE,
	  NONE },
};

static struct kernel world_of(struct world *w, const struct scene *s)
{
	*w = (struct world){ .actors = s->actors, .n = s->n, .now = START };
	return (struct kernel){ &ops, w };
}

static bool is_actor(const struct flow *f, const struct actor *a)
{
	struct flow own = flow_of(IPPROTO_TCP, a->local, a->peer, a->state);

	return f->dport == own.dport && !memcmp(f->dest, own.dest, sizeof(own.dest));
}

static int keep_crossing(void *ud, const struct lvs_crossing *c)
{
	struct lvs_crossing *ret = ud;

	assert_int_equal(ret->hung.dport, 0); /* one only */
	*ret = *c;
	return 0;
}

static void sees_what_has_crossed(void **state _unused_)
{
	unsigned false_alarms = 0, misses = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scenes); i++) {
		_cleanup_(lvs_evidence_freep) struct lvs_evidence *e = lvs_evidence_new();
		const struct scene *s = &scenes[i];
		struct lvs_crossing c = { .hung = { .dport = 0 } };
		struct flow other, asked;
		struct world w;
		struct kernel k = world_of(&w, s);

		assert_int_equal(lvs_evidence_search(e, &k, LVS_EVIDENCE_TIME, false), 0);
		assert_int_equal(lvs_evidence_each(e, keep_crossing, &c), 0);
		assert_true(w.now - START <= LVS_EVIDENCE_TIME && w.looks <= 24);
		if (s->hung && !is_actor(&c.hung, &s->actors[s->hung - 1])) {
			print_message("missed: %s\n", s->what);
			misses++;
			continue;
		}
		if (!s->hung && c.hung.dport) {
			print_message("false alarm: %s\n", s->what);
			false_alarms++;
		}
		if (!s->hung)
			continue;
		assert_true(is_actor(&c.other, &s->actors[s->other - 1]));
		/* one tuple alone */
		k = world_of(&w, s);
		asked = flow_of(IPPROTO_TCP, s->actors[s->hung - 1].local,
				s->actors[s->hung - 1].peer, s->actors[s->hung - 1].state);
		assert_int_equal(lvs_evidence_ask(&k, &asked, LVS_EVIDENCE_TIME, &other), 1);
		assert_true(is_actor(&other, &s->actors[s->other - 1]));
		asked.dport++;
		assert_int_equal(lvs_evidence_ask(&k, &asked, 0, &other), 0);
	}
	print_message("%zu scenes: %u false alarms, %u misses\n", i, false_alarms, misses);
	assert_int_equal(false_alarms + misses, 0);
}

static struct collision pair_of(const char *direct, const char *via)
{
	return (struct collision){
		.class = COLLIDE_A,
		.certainty = COLLIDE_CERTAIN,
		.effect = COLLIDE_DIRECT_RESET,
		.share = 1,
		.direct = flow_of(IPPROTO_TCP, C, direct, OPEN),
		.via = flow_of(IPPROTO_TCP, C, via, OPEN),
		.service = 1,
		.other_service = LVS_NONE,
	};
}

/* A session that has received something since the other was opened is healthy, and stays so. */
static void clears_what_is_healthy(void **state _unused_)
{
	static const struct {
		struct actor direct, via;
		bool cleared;
	} rows[] = {
		{ { C, RS, OPEN, .received = 300 }, { C, VIP, OPEN, .opened = 900 }, true },
		{ { C, RS, OPEN, .sent = 9000, .every = 100 },
		  { C, VIP, OPEN, .opened = 5000, .sent = 4000, .every = 100 },
		  true },
		{ { C, RS, OPEN, .received = 900 }, { C, VIP, OPEN, .opened = 300 }, false },
		{ { C, RS, OPEN }, { C, VIP, OPEN, .opened = 300 }, false },
		{ { C, RS, OPEN, .received = 300 }, { C, VIP, FLOW_OPENING, .sent = 900 }, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(lvs_evidence_freep) struct lvs_evidence *e = lvs_evidence_new();
		struct scene s = { .actors = { rows[i].direct, rows[i].via }, .n = 2 };
		struct collision c = pair_of(RS, VIP);
		struct world w;
		struct kernel k = world_of(&w, &s);

		c.via.state = rows[i].via.state;
		assert_int_equal(lvs_evidence_search(e, &k, LVS_EVIDENCE_TIME, true), 0);
		if (!lvs_verdict(&c, e) != rows[i].cleared)
			fail_msg("row %zu", i);
		assert_int_equal(c.certainty, COLLIDE_CERTAIN);
		if (!rows[i].cleared)
			continue;
		/* for good: an hour later the one through the service is busy, it is not */
		s.actors[0].every = 0, s.actors[0].received = -1000;
		s.actors[1].sent = 5000, s.actors[1].every = 100;
		w.now += 3600 * USEC_PER_SEC;
		assert_int_equal(lvs_evidence_search(e, &k, 0, false), 0);
		assert_false(lvs_verdict(&c, e));
	}
}

/* Its sockets alone do not tell when the one through the service was opened: the daemon knows. */
static void clears_by_when_it_was_opened(void **state _unused_)
{
	_cleanup_(lvs_evidence_freep) struct lvs_evidence *e = lvs_evidence_new();
	struct scene s = { .actors = { { C, RS, OPEN, .received = 5000 },
				       { C, VIP, OPEN, .opened = 9000, .sent = 100 } },
			   .n = 2 };
	struct collision c = pair_of(RS, VIP);
	struct world w;
	struct kernel k = world_of(&w, &s);

	assert_int_equal(lvs_evidence_search(e, &k, 0, false), 0);
	assert_true(lvs_verdict(&c, e));
	c.via.since = START - 9 * USEC_PER_SEC;
	assert_false(lvs_verdict(&c, e));
	c.via.since = START - 5 * USEC_PER_SEC; /* or a second later */
	assert_true(lvs_verdict(&c, e));
}

static void makes_it_manifest(void **state _unused_)
{
	_cleanup_(lvs_evidence_freep) struct lvs_evidence *e = lvs_evidence_new();
	struct collision c = pair_of(RS, VIP), deaf, both;
	struct world w;
	struct kernel k = world_of(&w, &scenes[0]);

	assert_int_equal(lvs_evidence_search(e, &k, LVS_EVIDENCE_TIME, true), 0);
	c.certainty = COLLIDE_POSSIBLE, c.share = 0.25;
	assert_true(lvs_verdict(&c, e));
	assert_int_equal(c.certainty, COLLIDE_MANIFEST);
	assert_int_equal(c.effect, COLLIDE_DIRECT_RESET);
	/* of which the one called direct is not the one that hangs */
	deaf = pair_of(VIP, RS);
	assert_true(lvs_verdict(&deaf, e));
	assert_int_equal(deaf.effect, COLLIDE_VIA_DEAF);
	both = pair_of(VIP, RS);
	both.class = COLLIDE_A2;
	both.other_service = 2;
	assert_true(lvs_verdict(&both, e));
	assert_int_equal(both.direct.dport, 3269);
	assert_int_equal(both.service, 2);
	assert_int_equal(both.other_service, 1);
}

static void counts_shared_ports(void **state _unused_)
{
	_cleanup_(lvs_evidence_freep) struct lvs_evidence *e = lvs_evidence_new();
	static const struct actor actors[] = {
		{ C, RS, OPEN },
		{ C, VIP, OPEN },
		{ "192.168.11.7:61904", VIP, OPEN },
		{ "192.168.11.7:61904", RS, OPEN },
		{ "192.168.11.7:61904", VIP2, OPEN },
		{ "192.168.11.7:61906", RS, OPEN },
		{ "192.168.11.7:61908", RS, FLOW_TIME_WAIT },
		{ "192.168.11.7:61908", VIP, OPEN },
	};
	struct world w = { .actors = actors, .n = ARRAY_SIZE(actors), .now = START };
	struct kernel k = { &ops, &w };
	struct lvs_shared shared[2];
	size_t n;

	assert_int_equal(lvs_evidence_search(e, &k, 0, false), 0);
	assert_int_equal(lvs_shared_count(e, shared, ARRAY_SIZE(shared), &n), 2);
	assert_int_equal(n, 2);
	assert_int_equal(shared[0].ports, 2);
	assert_int_equal(shared[0].a_port, 3269);
	assert_int_equal(shared[0].b_port, 3306);
	assert_int_equal(shared[1].ports, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_what_has_crossed),
		cmocka_unit_test(clears_what_is_healthy),
		cmocka_unit_test(clears_by_when_it_was_opened),
		cmocka_unit_test(makes_it_manifest),
		cmocka_unit_test(counts_shared_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
