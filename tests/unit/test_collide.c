/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections a real server takes for one, by how they are forwarded and
 * from where they are seen; what is done with those to be restored. */
#include "lib/lvs_scene.h"

#include "../lib/random.h"
#include "lvs/collide.h"

static const struct collide_node client_node,
	plain_director = { .director = true },
	tracking_director = { .director = true, .tracks = true };

/* ---- docs/lvs.md 3 ---- */

/* Seen from the client: a direct connection and one through the service, or
 * (condition 3) one through each of two. */
static void on_the_client(struct collide *c, int condition)
{
	if (condition == 3)
		put_conn(c, plain_conn(C, VIP2, CONN_TCP_ESTABLISHED));
	else
		put_conn(c, plain_conn(C, condition == 4 ? RS_OTHER : RS, CONN_TCP_ESTABLISHED));
	put_conn(c, plain_conn(C, VIP, CONN_TCP_ESTABLISHED));
}

/* On a director that does not tell conntrack of what it forwards. */
static void on_the_director(struct collide *c, int condition)
{
	if (condition == 3)
		put(c, row_of(C, VIP2, RS));
	else
		put_conn(c, plain_conn(C, condition == 4 ? RS_OTHER : RS, CONN_TCP_ESTABLISHED));
	put(c, row_of(C, VIP, RS));
}

/* On one that does: conntrack gives whoever comes second another port. */
static void on_the_tracking(struct collide *c, int condition)
{
	const char *other = condition == 3 ? VIP2 : condition == 4 ? RS_OTHER : RS;
	const char *rs = condition == 4 ? RS_OTHER : RS;

	put_conn(c, conn_of(IPPROTO_TCP, C, VIP, RS, C, CONN_TCP_ESTABLISHED));
	put_conn(c, conn_of(IPPROTO_TCP, C, other, rs, condition == 4 ? C : "192.168.11.7:26320",
			    CONN_TCP_ESTABLISHED));
	put(c, row_of(C, VIP, RS));
	if (condition == 3)
		put(c, row_of(C, VIP2, RS));
}

/* And that masquerades what it forwards. */
static void on_the_masquerading(struct collide *c, int condition)
{
	const char *other = condition == 3 ? VIP2 : condition == 4 ? RS_OTHER : RS;
	const char *rs = condition == 4 ? RS_OTHER : RS;

	put_conn(c, conn_of(IPPROTO_TCP, C, VIP, RS, "10.112.61.1:61902", CONN_TCP_ESTABLISHED));
	put_conn(c, conn_of(IPPROTO_TCP, C, other, rs, condition == 3 ? "10.112.61.1:40001" : C,
			    CONN_TCP_ESTABLISHED));
	put(c, row_of(C, VIP, RS));
	if (condition == 3)
		put(c, row_of(C, VIP2, RS));
}

/* Its own sockets: what answers them is theirs before IPVS is asked. */
static void on_its_own_sockets(struct collide *c, int condition)
{
	if (condition == 3)
		put(c, row_of(C, VIP2, RS));
	else
		put(c, flow_of(IPPROTO_TCP, C, condition == 4 ? RS_OTHER : RS, FLOW_ESTABLISHED));
	put(c, row_of(C, VIP, RS));
}

/* Its own direct ones beside masqueraded clients: conntrack moves the port. */
static void on_own_beside_clients(struct collide *c, int condition)
{
	put_conn(c, plain_conn("10.112.61.1:61945", condition == 4 ? RS_OTHER : RS,
			       CONN_TCP_ESTABLISHED));
	put_conn(c, conn_of(IPPROTO_TCP, C, VIP, RS, "10.112.61.1:42543", CONN_TCP_ESTABLISHED));
	put(c, row_of(C, VIP, RS));
}

/* A node that balances by netfilter alone: the second gets another port. */
static void on_kube_proxy(struct collide *c, int condition)
{
	put_conn(c, conn_of(IPPROTO_TCP, C, VIP, RS, C, CONN_TCP_ESTABLISHED));
	put_conn(c, conn_of(IPPROTO_TCP, C, condition == 3 ? VIP2 : RS, RS, "192.168.11.7:28181",
			    CONN_TCP_ESTABLISHED));
}

enum expected { NO, A, A2, C_ONLY };

static enum expected expected_of(const struct found *f)
{
	if (!f->n)
		return NO;
	assert_int_equal(f->n, 1);
	switch (f->last.class) {
	case COLLIDE_A:
		return A;
	case COLLIDE_A2:
		return A2;
	case COLLIDE_C:
		return C_ONLY;
	}
	fail();
	return NO;
}

static const struct {
	const char *what;
	enum lvs_method method;
	enum lvs_toa toa;
	const struct collide_node *node;
	void (*scene)(struct collide *c, int condition);
	enum expected by_condition[5]; /* 1: not across the director, 2: across it,
					* 3: two services, 4: another port */
} truth[] = {
	{ "nat, client", LVS_NAT, 0, &client_node, on_the_client, { 0, A, A, A2, NO } },
	{ "nat, director", LVS_NAT, 0, &plain_director, on_the_director, { 0, A, A, A2, NO } },
	{ "nat, tracking",
	  LVS_NAT,
	  0,
	  &tracking_director,
	  on_the_tracking,
	  { 0, C_ONLY, C_ONLY, C_ONLY, NO } },
	{ "nat, masquerading",
	  LVS_NAT,
	  0,
	  &tracking_director,
	  on_the_masquerading,
	  { 0, C_ONLY, C_ONLY, C_ONLY, NO } },
	{ "nat, own sockets",
	  LVS_NAT,
	  0,
	  &plain_director,
	  on_its_own_sockets,
	  { 0, A, A, A2, NO } },
	{ "nat, own beside clients",
	  LVS_NAT,
	  0,
	  &tracking_director,
	  on_own_beside_clients,
	  { 0, NO, NO, NO, NO } },
	{ "netfilter", LVS_NAT, 0, &client_node, on_kube_proxy, { 0, NO, NO, NO, NO } },
	{ "dr", LVS_DR, 0, &client_node, on_the_client, { 0, NO, NO, NO, NO } },
	{ "dr, director", LVS_DR, 0, &plain_director, on_the_director, { 0, NO, NO, NO, NO } },
	{ "tun", LVS_TUN, 0, &client_node, on_the_client, { 0, NO, NO, NO, NO } },
	{ "tun, director", LVS_TUN, 0, &plain_director, on_the_director, { 0, NO, NO, NO, NO } },
	{ "fullnat",
	  LVS_FULLNAT,
	  LVS_TOA_NONE,
	  &client_node,
	  on_the_client,
	  { 0, NO, NO, NO, NO } },
	{ "fullnat, socket",
	  LVS_FULLNAT,
	  LVS_TOA_SOCKET,
	  &client_node,
	  on_the_client,
	  { 0, NO, NO, NO, NO } },
	{ "fullnat, packet",
	  LVS_FULLNAT,
	  LVS_TOA_PACKET,
	  &client_node,
	  on_the_client,
	  { 0, A, A, A2, NO } },
	{ "fullnat, unknown",
	  LVS_FULLNAT,
	  LVS_TOA_UNSET,
	  &client_node,
	  on_the_client,
	  { 0, A, A, A2, NO } },
	{ "local", LVS_LOCAL, 0, &client_node, on_the_client, { 0, NO, NO, NO, NO } },
};

static void follows_the_truth_table(void **state _unused_)
{
	size_t i;
	int condition;

	for (i = 0; i < ARRAY_SIZE(truth); i++) {
		for (condition = 1; condition <= 4; condition++) {
			_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
			_cleanup_(collide_freep) struct collide *c = NULL;
			enum expected seen;
			struct found f;

			add_real(m, add_service(m, VIP, truth[i].method, truth[i].toa), RS,
				 truth[i].method, 1);
			add_real(m, add_service(m, VIP2, truth[i].method, truth[i].toa), RS,
				 truth[i].method, 1);
			assert_int_equal(lvs_map_finish(m), 0);
			c = collide_new(m, *truth[i].node, 7);
			truth[i].scene(c, condition);
			f = find_all(c);
			seen = expected_of(&f);
			if (seen != truth[i].by_condition[condition])
				fail_msg("%s, condition %d: %d", truth[i].what, condition, seen);
			if (seen != NO)
				assert_int_equal(f.last.toa_unknown,
						 truth[i].method == LVS_FULLNAT &&
							 truth[i].toa == LVS_TOA_UNSET);
		}
	}
}

/* A service that hides nothing from the server, or of which it sees the VIP, is what it is, though
 * a NAT service of all ports of that VIP, or of another, has the same server. */
static void is_taken_by_its_own_service(void **state _unused_)
{
	static const char *const vips[] = { "10.141.16.0:0", "10.141.16.9:0" };
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(vips); i++) {
		_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
		_cleanup_(collide_freep) struct collide *c = NULL;

		add_real(m, add_service(m, VIP, LVS_DR, 0), RS, LVS_DR, 1);
		add_real(m, add_service(m, vips[i / 2], LVS_NAT, 0), RS, LVS_NAT, 1);
		assert_int_equal(lvs_map_finish(m), 0);
		c = collide_new(m, i % 2 ? plain_director : client_node, 7);
		(i % 2 ? on_the_director : on_the_client)(c, 1);
		assert_int_equal(find_all(c).n, 0);
	}
}

/* ---- what becomes of the two, docs/lvs.md 4 ---- */

static void tells_what_becomes_of_them(void **state _unused_)
{
	static const struct {
		enum flow_state direct, via;
		int n;
		enum collide_certainty certainty;
		enum collide_effect effect;
	} rows[] = {
		{ FLOW_ESTABLISHED, FLOW_ESTABLISHED, 1, COLLIDE_CERTAIN, COLLIDE_DIRECT_RESET },
		{ FLOW_ESTABLISHED, FLOW_OPENING, 1, COLLIDE_CERTAIN, COLLIDE_DIRECT_SOON },
		{ FLOW_OPENING, FLOW_ESTABLISHED, 1, COLLIDE_CERTAIN, COLLIDE_STALLS },
		{ FLOW_OPENING, FLOW_TIME_WAIT, 1, COLLIDE_CERTAIN, COLLIDE_STALLS },
		{ FLOW_OPENING, FLOW_OPENING, 1, COLLIDE_CERTAIN, COLLIDE_NOTHING_YET },
		/* it may have been opened since */
		{ FLOW_ESTABLISHED, FLOW_TIME_WAIT, 1, COLLIDE_POSSIBLE, COLLIDE_NOTHING_YET },
		{ FLOW_CLOSING, FLOW_TIME_WAIT, 0, 0, 0 },
		{ FLOW_CLOSING, FLOW_ESTABLISHED, 1, COLLIDE_CERTAIN, COLLIDE_NOTHING_YET },
		/* the RS has forgotten it, or takes the SYN for a new one */
		{ FLOW_TIME_WAIT, FLOW_ESTABLISHED, 0, 0, 0 },
		{ FLOW_CLOSED, FLOW_OPENING, 0, 0, 0 },
	};
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, i + 1);
		struct found f;

		put(c, flow_of(IPPROTO_TCP, C, RS, rows[i].direct));
		put(c, flow_of(IPPROTO_TCP, C, VIP, rows[i].via));
		f = find_all(c);
		assert_int_equal(f.n, rows[i].n);
		if (!f.n)
			continue;
		assert_int_equal(f.last.certainty, rows[i].certainty);
		assert_int_equal(f.last.effect, rows[i].effect);
		assert_true(f.last.share == 1);
		assert_int_equal(f.last.direct.dport, 3269);
		assert_int_equal(f.last.via.dport, 3306);
		assert_int_equal(f.last.direct.cport, 61902);
		assert_int_equal(f.last.service, 0);
		assert_int_equal(f.last.other_service, LVS_NONE);
	}
}

/* A server that is down makes many sockets retransmit: that is no evidence of a crossing. */
static void retransmissions_are_no_evidence(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	_cleanup_(collide_freep) struct collide *c = NULL;
	uint32_t s = add_service(m, VIP, LVS_NAT, LVS_TOA_UNSET);
	struct flow f = flow_of(IPPROTO_TCP, C, RS, FLOW_ESTABLISHED);
	struct found found;

	add_real(m, s, RS, LVS_NAT, 1);
	add_real(m, s, "10.112.61.164:3269", LVS_NAT, 3);
	assert_int_equal(lvs_map_finish(m), 0);
	c = collide_new(m, client_node, 1);
	f.backoff = 7;
	put(c, f);
	put(c, flow_of(IPPROTO_TCP, C, VIP, FLOW_ESTABLISHED));
	found = find_all(c);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.last.certainty, COLLIDE_POSSIBLE);
	assert_true(found.last.share == 0.25);
	assert_int_equal(collide_count(c), 2);
}

/* ---- docs/lvs.md 6 ---- */

static void follows_the_restore_rule(void **state _unused_)
{
	static const struct {
		const char *entry, *newcomer;
		enum conn_tcp_state state;
		int weight; /* of a second RS */
		bool saved;
		enum on_certain on_certain;
		enum collide_verdict verdict;
	} rows[] = {
		{ RS, VIP, CONN_TCP_ESTABLISHED, 0, false, ON_CERTAIN_SKIP, COLLIDE_SKIP },
		{ RS, VIP, CONN_TCP_FIN_WAIT, 0, false, ON_CERTAIN_SKIP, COLLIDE_SKIP },
		{ RS, VIP, CONN_TCP_ESTABLISHED, 0, false, ON_CERTAIN_RESTORE, COLLIDE_RESTORE },
		{ RS, VIP, CONN_TCP_SYN_SENT, 0, false, ON_CERTAIN_SKIP, COLLIDE_RESTORE },
		{ RS, VIP, CONN_TCP_TIME_WAIT, 0, false, ON_CERTAIN_SKIP, COLLIDE_RESTORE },
		{ VIP, RS, CONN_TCP_SYN_SENT, 0, false, ON_CERTAIN_SKIP, COLLIDE_RESTORE },
		{ VIP, RS, CONN_TCP_ESTABLISHED, 0, false, ON_CERTAIN_SKIP, COLLIDE_RESTORE },
		{ RS, VIP, CONN_TCP_ESTABLISHED, 0, true, ON_CERTAIN_SKIP, COLLIDE_RESTORE },
		{ RS, VIP, CONN_TCP_ESTABLISHED, 1, false, ON_CERTAIN_SKIP, COLLIDE_RESTORE },
		/* through two services the newer kills the older just so */
		{ VIP2, VIP, CONN_TCP_ESTABLISHED, 0, false, ON_CERTAIN_SKIP, COLLIDE_SKIP },
		{ VIP2, VIP, CONN_TCP_SYN_SENT, 0, false, ON_CERTAIN_SKIP, COLLIDE_RESTORE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
		_cleanup_(collide_freep) struct collide *c = NULL;
		uint32_t s = add_service(m, VIP, LVS_FULLNAT, LVS_TOA_PACKET);
		struct conn entry =
			conn_of(IPPROTO_TCP, "10.232.1.9:33862", rows[i].entry, rows[i].entry,
				"192.168.11.7:31445", CONN_TCP_ESTABLISHED);
		struct conn newcomer =
			conn_of(IPPROTO_TCP, "10.232.1.4:40000", rows[i].newcomer, rows[i].newcomer,
				"192.168.11.7:31445", rows[i].state);
		struct found f = { .n = 0 };
		bool is_via;

		add_real(m, s, RS, LVS_FULLNAT, 1);
		if (rows[i].weight)
			add_real(m, s, "10.112.61.164:3269", LVS_FULLNAT, (uint32_t)rows[i].weight);
		s = add_service(m, VIP2, LVS_FULLNAT, LVS_TOA_PACKET);
		add_real(m, s, RS, LVS_FULLNAT, 1);
		assert_int_equal(lvs_map_finish(m), 0);
		c = collide_new(m, client_node, i + 1);
		assert_int_equal(collide_add_conn(c, &newcomer,
						  rows[i].saved ? FLOW_SAVED : FLOW_CONNTRACK, 0),
				 0);
		assert_int_equal(collide_probe_conn(c, &entry, false, on_collision, &f), 0);
		assert_int_equal(f.n, 1);
		is_via = f.last.class == COLLIDE_A && f.last.via.dport == 3306 &&
			 !strcmp(rows[i].entry, VIP);
		if (collide_rule(&f.last, is_via, rows[i].on_certain) != rows[i].verdict)
			fail_msg("row %zu", i);
	}
}

static void restores_where_only_we_mix_up(void **state _unused_)
{
	struct collision c = {
		.class = COLLIDE_C,
		.certainty = COLLIDE_CERTAIN,
		.via = { .state = FLOW_ESTABLISHED },
	};

	assert_int_equal(collide_rule(&c, false, ON_CERTAIN_SKIP), COLLIDE_RESTORE);
	c.class = COLLIDE_A;
	assert_int_equal(collide_rule(&c, false, ON_CERTAIN_SKIP), COLLIDE_SKIP);
	c.toa_unknown = true;
	assert_int_equal(collide_rule(&c, false, ON_CERTAIN_SKIP), COLLIDE_RESTORE);
}

/* ---- the table ---- */

#define CLIENT_PORTS 12
#define FLOWS_MAX (3 * CLIENT_PORTS)

/* The pairs among so many connections, each two of them in a table of their own. */
static int pairs_by_two(const struct lvs_map *m, const struct conn *conns, const bool *there)
{
	struct found f = { .n = 0 };
	uint64_t unseen;
	size_t i, k;

	for (i = 0; i < FLOWS_MAX; i++) {
		for (k = 0; k < i; k++) {
			_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 1);

			if (!there[i] || !there[k])
				continue;
			put_conn(c, conns[i]);
			put_conn(c, conns[k]);
			assert_int_equal(collide_each(c, on_collision, &f, &unseen), 0);
		}
	}
	return f.n;
}

/* However they came, and whatever has ended meanwhile. */
static void finds_every_pair(void **state _unused_)
{
	static const char *const dests[] = { RS, VIP, "8.8.8.8:53" };
	struct rnd r = rnd_begin("finds_every_pair");
	int round, step, some = 0;

	for (round = 0; round < 40; round++) {
		_cleanup_(lvs_map_freep) struct lvs_map *m =
			map_of(VIP, LVS_FULLNAT, LVS_TOA_PACKET, RS);
		_cleanup_(collide_freep) struct collide *c =
			collide_new(m, client_node, rnd(&r, 1000));
		struct conn conns[FLOWS_MAX];
		bool there[FLOWS_MAX] = { false };
		struct found f = { .n = 0 };
		uint64_t unseen;
		size_t i;

		for (i = 0; i < FLOWS_MAX; i++) {
			char client[32];

			snprintf(client, sizeof(client), "10.232.1.9:%zu", 40000 + i / 3);
			conns[i] = plain_conn(client, dests[i % 3], CONN_TCP_ESTABLISHED);
		}
		for (step = 0; step < 60; step++) {
			i = rnd(&r, FLOWS_MAX);
			if (there[i])
				collide_end_conn(c, &conns[i], true, 0, 0);
			else
				put_conn(c, conns[i]);
			there[i] = !there[i];
		}
		assert_int_equal(collide_each(c, on_collision, &f, &unseen), 0);
		assert_int_equal(f.n, pairs_by_two(m, conns, there));
		some += f.n > 0;
	}
	assert_true(some > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_truth_table),
		cmocka_unit_test(is_taken_by_its_own_service),
		cmocka_unit_test(tells_what_becomes_of_them),
		cmocka_unit_test(retransmissions_are_no_evidence),
		cmocka_unit_test(follows_the_restore_rule),
		cmocka_unit_test(restores_where_only_we_mix_up),
		cmocka_unit_test(finds_every_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
