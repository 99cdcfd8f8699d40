/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of flows: its edge cases (docs/lvs.md 8), and its insides against a list. */
#include "lib/lvs_scene.h"

#include "../lib/random.h"

static const struct collide_node client_node,
	plain_director = { .director = true },
	tracking_director = { .director = true, .tracks = true };

static void compares_ipv6_and_mapped(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m =
		map_of("[fd00::1]:443", LVS_NAT, LVS_TOA_UNSET, "[fd00:2::2]:8443");
	_cleanup_(lvs_map_freep) struct lvs_map *m4 = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 1);
	_cleanup_(collide_freep) struct collide *c4 = collide_new(m4, client_node, 1);
	char text[64];
	int i;

	/* enough clients that their numbers are moved */
	for (i = 1; i <= 500; i++) {
		snprintf(text, sizeof(text), "[fd00:7::%x]:40000", i);
		put(c, flow_of(IPPROTO_TCP, text, "[fd00:2::2]:8443", FLOW_ESTABLISHED));
	}
	put(c, flow_of(IPPROTO_TCP, "[fd00:7::1f]:40000", "[fd00::1]:443", FLOW_OPENING));
	put(c, flow_of(IPPROTO_TCP, "[fd00:8::1]:40000", "[fd00::1]:443", FLOW_OPENING));
	assert_int_equal(find_all(c).n, 1);
	assert_int_equal(find_all(c).last.direct.client[15], 0x1f);
	assert_int_equal(find_all(c).last.direct.family, AF_INET6);

	/* an IPv6 socket with IPv4 inside meets an IPv4 entry */
	put(c4, flow_of(IPPROTO_TCP, "[::ffff:192.168.11.7]:61902", "[::ffff:10.112.61.163]:3269",
			FLOW_ESTABLISHED));
	put_conn(c4, plain_conn(C, VIP, CONN_TCP_ESTABLISHED));
	assert_int_equal(find_all(c4).n, 1);
	assert_int_equal(find_all(c4).last.direct.family, AF_INET);
}

static void takes_datagrams_for_certain(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	_cleanup_(collide_freep) struct collide *c = NULL;
	struct lvs_match match = match_of(IPPROTO_UDP, "10.9.9.1:53");
	struct lvs_service s = { .method = LVS_NAT };

	assert_int_equal(lvs_map_add_source(m, LVS_FROM_INI, "test", 0), 0);
	assert_int_equal(lvs_map_add_service(m, &s), 0);
	assert_true(lvs_map_add_match(m, 0, &match) >= 0);
	add_real(m, 0, "10.9.2.2:53", LVS_NAT, 1);
	assert_int_equal(lvs_map_finish(m), 0);
	c = collide_new(m, client_node, 1);
	/* TCP to the same addresses is none of its business */
	put_conn(c, plain_conn("10.9.1.2:5353", "10.9.2.2:53", CONN_TCP_ESTABLISHED));
	put_conn(c, conn_of(IPPROTO_UDP, "10.9.1.2:5353", "10.9.9.1:53", "10.9.9.1:53",
			    "10.9.1.2:5353", CONN_TCP_NONE));
	assert_int_equal(find_all(c).n, 0);
	put_conn(c, conn_of(IPPROTO_UDP, "10.9.1.2:5353", "10.9.2.2:53", "10.9.2.2:53",
			    "10.9.1.2:5353", CONN_TCP_NONE));
	assert_int_equal(find_all(c).n, 1);
	assert_int_equal(find_all(c).last.certainty, COLLIDE_CERTAIN);
	assert_int_equal(find_all(c).last.effect, COLLIDE_CROSSES);
}

static void keeps_the_port_of_port_0(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m =
		map_of("10.9.9.1:0", LVS_NAT, LVS_TOA_UNSET, "10.9.2.2:0");
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 1);

	put(c, flow_of(IPPROTO_TCP, "10.9.1.2:4000", "10.9.9.1:80", FLOW_ESTABLISHED));
	put(c, flow_of(IPPROTO_TCP, "10.9.1.2:4000", "10.9.2.2:81", FLOW_ESTABLISHED));
	assert_int_equal(find_all(c).n, 0);
	put(c, flow_of(IPPROTO_TCP, "10.9.1.2:4000", "10.9.2.2:80", FLOW_ESTABLISHED));
	assert_int_equal(find_all(c).n, 1);
	assert_int_equal(find_all(c).last.direct.dport, 80);
}

static void takes_a_template_for_no_connection(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, plain_director, 1);
	struct flow f = row_of("192.168.11.7:0", VIP, RS);

	f.pin = true;
	put(c, f);
	put_conn(c, plain_conn("192.168.11.7:0", RS, CONN_TCP_ESTABLISHED));
	assert_int_equal(find_all(c).n, 0);
}

static void ignores_zones(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 1);
	struct conn direct = plain_conn(C, RS, CONN_TCP_ESTABLISHED);

	direct.key.zone = 7;
	put_conn(c, direct);
	put_conn(c, plain_conn(C, VIP, CONN_TCP_ESTABLISHED));
	assert_int_equal(find_all(c).n, 1);
}

/* Two pods behind one address; the ports that count are those on the wire. */
static void sees_what_is_on_the_wire(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 1);

	put_conn(c, conn_of(IPPROTO_TCP, "10.8.1.2:61902", VIP, VIP, "192.168.11.7:61902",
			    CONN_TCP_ESTABLISHED));
	put_conn(c, conn_of(IPPROTO_TCP, "10.8.1.2:61902", RS, RS, "192.168.11.7:56753",
			    CONN_TCP_ESTABLISHED));
	assert_int_equal(find_all(c).n, 0);
	put_conn(c, conn_of(IPPROTO_TCP, "10.8.2.2:40000", RS, RS, "192.168.11.7:61902",
			    CONN_TCP_ESTABLISHED));
	assert_int_equal(find_all(c).n, 1);
	assert_memory_equal(find_all(c).last.via.client, ((uint8_t[]){ 192, 168, 11, 7 }), 4);
}

static void takes_an_entry_for_its_socket(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 1);
	struct flow socket = flow_of(IPPROTO_TCP, C, RS, FLOW_ESTABLISHED);

	socket.backoff = 3;
	put(c, socket);
	put(c, flow_of(IPPROTO_TCP, C, VIP, FLOW_ESTABLISHED));
	/* the direct one leaves with another port: no collision, and no second flow */
	put_conn(c, conn_of(IPPROTO_TCP, C, RS, RS, "192.168.11.7:28181", CONN_TCP_ESTABLISHED));
	put_conn(c, plain_conn(C, VIP, CONN_TCP_ESTABLISHED));
	assert_int_equal(find_all(c).n, 0);
	assert_int_equal(collide_count(c), 2);
	/* and takes its evidence along */
	put(c, flow_of(IPPROTO_TCP, "192.168.11.7:28181", VIP, FLOW_ESTABLISHED));
	assert_int_equal(find_all(c).last.direct.backoff, 3);
	assert_int_equal(find_all(c).last.direct.origin,
			 FLOW_SOCKET | FLOW_CONNTRACK | FLOW_TRANSLATED);
}

#define SECOND(n) ((n)*USEC_PER_SEC)

/* On a director: a socket of its own that talks to its own service. */
static void takes_a_row_for_its_socket(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, plain_director, 1);
	struct flow f = flow_of(IPPROTO_TCP, C, VIP, FLOW_OPENING);
	struct found found;

	f.backoff = 3;
	put(c, f);
	put(c, flow_of(IPPROTO_TCP, C, RS, FLOW_ESTABLISHED));
	put(c, row_of(C, VIP, RS));
	assert_int_equal(collide_count(c), 2);
	found = find_all(c);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.last.class, COLLIDE_A);
	/* the socket knows that nobody answers, the row where it was sent */
	assert_int_equal(found.last.via.state, FLOW_OPENING);
	assert_int_equal(found.last.via.backoff, 3);
	assert_int_equal(found.last.via.origin, FLOW_SOCKET | FLOW_IPVS);
	assert_true(found.last.via.has_rs);
	assert_int_equal(found.last.effect, COLLIDE_VIA_DEAF);
	assert_int_equal(found.last.certainty, COLLIDE_CERTAIN);

	/* the same with conntrack told: the server sees two ports, and the socket hears as much */
	collide_free(c);
	c = collide_new(m, tracking_director, 1);
	put(c, flow_of(IPPROTO_TCP, C, RS, FLOW_ESTABLISHED));
	put(c, f);
	put(c, row_of(C, VIP, RS));
	put_conn(c, conn_of(IPPROTO_TCP, C, RS, RS, C, CONN_TCP_ESTABLISHED));
	put_conn(c, conn_of(IPPROTO_TCP, C, VIP, RS, "192.168.11.7:26320", CONN_TCP_SYN_SENT));
	found = find_all(c);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.last.class, COLLIDE_C);
	assert_int_equal(found.last.effect, COLLIDE_VIA_DEAF);
	assert_int_equal(found.last.certainty, COLLIDE_CERTAIN);
}

static void holds_what_a_director_remembers(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 1);
	struct conn via = plain_conn(C, VIP, CONN_TCP_ESTABLISHED);
	struct conn direct = plain_conn(C, RS, CONN_TCP_SYN_SENT);
	struct found f = { .n = 0 };

	put_conn(c, via);
	collide_end_conn(c, &via, true, SECOND(1000), SECOND(120));
	collide_end_conn(c, &via, true, SECOND(1001), SECOND(120));
	collide_expire(c, SECOND(1119));
	assert_int_equal(collide_probe_conn(c, &direct, true, on_collision, &f), 0);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.last.effect, COLLIDE_STALLS);
	assert_int_equal(f.last.certainty, COLLIDE_CERTAIN);
	assert_true(f.last.via.origin & FLOW_HELD);
	collide_expire(c, SECOND(1120));
	assert_int_equal(collide_count(c), 0);
	assert_int_equal(collide_probe_conn(c, &direct, true, on_collision, &f), 0);
	assert_int_equal(f.n, 1);

	/* a port that is used again is held from its new end on */
	put_conn(c, via);
	collide_end_conn(c, &via, true, SECOND(2000), SECOND(120));
	put_conn(c, via);
	collide_expire(c, SECOND(2200));
	assert_int_equal(collide_count(c), 1);
	collide_end_conn(c, &via, true, SECOND(2300), SECOND(120));
	collide_expire(c, SECOND(2419));
	assert_int_equal(collide_count(c), 1);
	collide_expire(c, SECOND(2420));
	assert_int_equal(collide_count(c), 0);

	/* from when it was closed on, and no longer because its entry stays as long */
	put_conn(c, via);
	collide_end_conn(c, &via, false, SECOND(2500), SECOND(120));
	collide_end_conn(c, &via, true, SECOND(2619), SECOND(120));
	collide_expire(c, SECOND(2620));
	assert_int_equal(collide_count(c), 0);
	put_conn(c, plain_conn(C, VIP, CONN_TCP_TIME_WAIT)); /* its end was not heard of */
	collide_end_conn(c, &via, true, SECOND(2700), SECOND(120));
	assert_int_equal(collide_count(c), 0);

	/* one that was reset not as long, though another is held already */
	put_conn(c, via);
	collide_end_conn(c, &via, false, SECOND(2800), SECOND(120));
	put_conn(c, plain_conn("192.168.11.7:5", VIP, CONN_TCP_ESTABLISHED));
	via = plain_conn("192.168.11.7:5", VIP, CONN_TCP_CLOSE);
	collide_end_conn(c, &via, false, SECOND(2800), SECOND(10));
	collide_expire(c, SECOND(2810));
	assert_int_equal(collide_count(c), 1);
	collide_expire(c, SECOND(2920));
	assert_int_equal(collide_count(c), 0);

	/* a direct one is forgotten at once */
	put_conn(c, plain_conn(C, RS, CONN_TCP_ESTABLISHED));
	collide_end_conn(c, &direct, true, SECOND(3000), SECOND(120));
	assert_int_equal(collide_count(c), 0);
}

static void hands_on_what_is_held(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *old = collide_new(m, client_node, 1);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 2);
	struct conn ended = plain_conn(C, VIP, CONN_TCP_ESTABLISHED);
	struct conn again = plain_conn("192.168.11.7:5", VIP, CONN_TCP_ESTABLISHED);
	struct conn direct = plain_conn(C, RS, CONN_TCP_SYN_SENT);
	struct found f = { .n = 0 };

	put_conn(old, ended);
	put_conn(old, again);
	put_conn(old, plain_conn("192.168.11.7:6", VIP, CONN_TCP_ESTABLISHED));
	collide_end_conn(old, &ended, true, SECOND(1000), SECOND(120));
	collide_end_conn(old, &again, true, SECOND(1000), SECOND(120));
	put_conn(c, again);
	assert_int_equal(collide_keep_held(c, old), 0);
	assert_int_equal(collide_keep_held(c, NULL), 0);
	assert_int_equal(collide_count(c), 2);
	assert_int_equal(collide_probe_conn(c, &direct, true, on_collision, &f), 0);
	assert_int_equal(f.n, 1);
	assert_true(f.last.via.origin & FLOW_HELD);
	collide_expire(c, SECOND(1119));
	assert_int_equal(collide_count(c), 2);
	collide_expire(c, SECOND(1120));
	assert_int_equal(collide_count(c), 1);
}

static void drops_what_is_none_of_its_business(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, 1);
	struct conn icmp = plain_conn(C, RS, CONN_TCP_NONE);
	struct found f = { .n = 0 };

	icmp.key.l4proto = IPPROTO_ICMP;
	put_conn(c, icmp);
	put_conn(c, plain_conn(C, "10.0.0.1:80", CONN_TCP_ESTABLISHED));
	put(c, row_of(C, VIP, "10.0.0.1:80"));
	assert_int_equal(collide_count(c), 0);
	assert_int_equal(collide_probe_conn(c, &icmp, true, on_collision, &f), 0);
	assert_int_equal(f.n, 0);
}

/* ---- against a list that is searched from end to end ---- */

#define MODEL_MAX 4096

struct model {
	uint32_t client[MODEL_MAX];
	uint16_t port[MODEL_MAX];
	bool via[MODEL_MAX];
	size_t n;
};

static size_t model_find(const struct model *m, uint32_t client, uint16_t port, bool via)
{
	size_t i = 0;

	while (i < m->n && !(m->client[i] == client && m->port[i] == port && m->via[i] == via))
		i++;
	return i;
}

static int model_pairs(const struct model *m)
{
	size_t i;
	int n = 0;

	for (i = 0; i < m->n; i++)
		n += !m->via[i] && model_find(m, m->client[i], m->port[i], true) < m->n;
	return n;
}

static void agrees_with_a_list(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = map_of(VIP, LVS_NAT, LVS_TOA_UNSET, RS);
	struct rnd r = rnd_begin("agrees_with_a_list");
	_cleanup_(collide_freep) struct collide *c = collide_new(m, client_node, rnd(&r, 1 << 30));
	_cleanup_free_ struct model *model = calloc(1, sizeof(*model));
	int step;

	assert_non_null(model);
	for (step = 0; step < 20000; step++) {
		uint32_t client = rnd(&r, 8);
		uint16_t port = (uint16_t)(1024 + rnd(&r, step < 10000 ? 400 : 40));
		bool via = rnd(&r, 2), add = rnd(&r, 100) < 55;
		size_t at = model_find(model, client, port, via);
		struct conn conn;
		char text[32];

		snprintf(text, sizeof(text), "192.168.0.%u:%u", client, port);
		conn = plain_conn(text, via ? VIP : RS, CONN_TCP_ESTABLISHED);
		if (add && (at < model->n || model->n < MODEL_MAX)) {
			put_conn(c, conn);
			if (at == model->n) {
				model->client[at] = client;
				model->port[at] = port;
				model->via[at] = via;
				model->n++;
			}
		} else if (!add) {
			collide_end_conn(c, &conn, true, 0, 0);
			if (at < model->n) {
				model->n--;
				model->client[at] = model->client[model->n];
				model->port[at] = model->port[model->n];
				model->via[at] = model->via[model->n];
			}
		}
		if (step % 4000 == 1)
			assert_int_equal(collide_expect(c, rnd(&r, 20000)), 0);
		assert_int_equal(collide_count(c), model->n);
		if (step % 500 == 0)
			assert_int_equal(find_all(c).n, model_pairs(model));
	}
	assert_int_equal(find_all(c).n, model_pairs(model));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_ipv6_and_mapped),
		cmocka_unit_test(takes_datagrams_for_certain),
		cmocka_unit_test(keeps_the_port_of_port_0),
		cmocka_unit_test(takes_a_template_for_no_connection),
		cmocka_unit_test(ignores_zones),
		cmocka_unit_test(sees_what_is_on_the_wire),
		cmocka_unit_test(takes_an_entry_for_its_socket),
		cmocka_unit_test(takes_a_row_for_its_socket),
		cmocka_unit_test(holds_what_a_director_remembers),
		cmocka_unit_test(hands_on_what_is_held),
		cmocka_unit_test(drops_what_is_none_of_its_business),
		cmocka_unit_test(agrees_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
