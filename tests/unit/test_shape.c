/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries are what their status says, and how the others are told from
 * them: all combinations of what may differ and of what may be announced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "move/repair.h"
#include "move/run.h"
#include "base/shape.h"
#include "../lib/random.h"

#define DONE (CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE)

/* 10.1.0.5:1000 or [fd01::5]:1000 -> 10.96.0.1:80 or [fd96::1]:80; an ICMP
 * query with id 1000. Nothing is translated. */
static struct conn flow(uint8_t family, uint8_t proto)
{
	bool v4 = family == AF_INET;
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t));
	memset(&c, 0, sizeof(c));
	t.src[0] = v4 ? 10 : 0xfd, t.src[1] = 1, t.src[v4 ? 3 : 15] = 5;
	t.dst[0] = v4 ? 10 : 0xfd, t.dst[1] = 96, t.dst[v4 ? 3 : 15] = 1;
	if (l4proto_is_icmp(proto))
		t.icmp.id = htons(1000), t.icmp.type = v4 ? 8 : 128;
	else if (l4proto_has_ports(proto))
		t.sport = htons(1000), t.dport = htons(80);
	c.key = conn_key_make(family, proto, &t, 0, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, proto);
	c.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_ASSURED | DONE;
	return c;
}

struct protocol {
	uint8_t family, proto;
};

static const struct protocol all[] = {
	{ AF_INET, IPPROTO_TCP },     { AF_INET6, IPPROTO_TCP }, { AF_INET, IPPROTO_UDP },
	{ AF_INET6, IPPROTO_UDP },    { AF_INET, IPPROTO_SCTP }, { AF_INET6, IPPROTO_SCTP },
	{ AF_INET, IPPROTO_GRE },     { AF_INET, IPPROTO_DCCP }, { AF_INET, IPPROTO_ICMP },
	{ AF_INET6, IPPROTO_ICMPV6 }, { AF_INET, 50 },
};

static void set_src(struct conn *c, uint8_t last) /* who answers */
{
	c->reply.src[c->key.family == AF_INET ? 3 : 15] = last;
}

static void set_dst(struct conn *c, uint8_t last) /* whom they answer */
{
	c->reply.dst[c->key.family == AF_INET ? 3 : 15] = last;
}

/* What the NAT core makes of what shape_reply() and the asked addresses tell it:
 * nf_nat_setup_info(), first for the destination, then for the source. */
static uint32_t bits_as_created(const struct conn *c)
{
	struct tuple now = shape_reply(c), asked = now;
	bool icmp = l4proto_is_icmp(c->key.l4proto);
	uint32_t bits = DONE;

	memcpy(asked.src, c->reply.src, 16);
	if (icmp)
		asked.icmp.id = c->status & CONN_SRC_NAT ? now.icmp.id : c->reply.icmp.id;
	else
		asked.sport = c->reply.sport;
	if (!tuple_equal(&now, &asked))
		bits |= CONN_DST_NAT;
	now = asked;
	memcpy(asked.dst, c->reply.dst, 16);
	if (icmp)
		asked.icmp.id = c->reply.icmp.id;
	else
		asked.dport = c->reply.dport;
	if (!tuple_equal(&now, &asked))
		bits |= CONN_SRC_NAT;
	/* and the tuple is the one wanted */
	return tuple_equal(&asked, &c->reply) ? bits : 0;
}

/* It fits, and is created with the plain inverse, as it always was. */
static void expect_plain(const struct conn *c, const char *what)
{
	struct tuple plain = tuple_invert(&c->key.orig, c->key.l4proto), with = shape_reply(c);

	if (conn_alteration(c) != ALTERATION_NONE)
		fail_msg("%s, protocol %u: taken for altered", what, c->key.l4proto);
	assert_true(tuple_equal(&with, &plain));
	assert_int_equal(bits_as_created(c), c->status & (DONE | CONN_SRC_NAT | CONN_DST_NAT));
}

static void what_nat_makes_is_not_altered(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		bool ports = l4proto_has_ports(all[i].proto);
		bool icmp = l4proto_is_icmp(all[i].proto);
		struct conn c = flow(all[i].family, all[i].proto), d;

		expect_plain(&c, "null-bound");
		set_dst(&c, 32), c.status |= CONN_SRC_NAT;
		expect_plain(&c, "SNAT");
		d = c;
		if (icmp)
			d.reply.icmp.id = htons(4000);
		else if (ports)
			d.reply.dport = htons(4000);
		expect_plain(&d, "SNAT and another port");
		if (icmp || ports) {
			memcpy(d.reply.dst, c.key.orig.src, 16);
			expect_plain(&d, "the port alone");
		}
		set_src(&c, 28), c.status |= CONN_DST_NAT;
		expect_plain(&c, "SNAT and DNAT");
		if (ports) {
			c.reply.sport = htons(8899), c.reply.dport = htons(4000);
			expect_plain(&c, "all four, as FULLNAT has it");
		}
		c = flow(all[i].family, all[i].proto);
		set_src(&c, 28), c.status |= CONN_DST_NAT;
		expect_plain(&c, "DNAT");
		/* hairpin: to itself, by way of the node */
		memcpy(c.reply.src, c.key.orig.src, 16);
		set_dst(&c, 32), c.status |= CONN_SRC_NAT;
		expect_plain(&c, "hairpin");
		if (ports) {
			c = flow(all[i].family, all[i].proto);
			c.reply.sport = htons(8080), c.status |= CONN_DST_NAT;
			expect_plain(&c, "REDIRECT to another port");
		}
	}
}

/* An id that was taken is translated by the direction that met it first. */
static void an_id_goes_with_either_direction(void **state _unused_)
{
	struct conn c = flow(AF_INET, IPPROTO_ICMP);

	set_src(&c, 28), c.status |= CONN_DST_NAT;
	c.reply.icmp.id = htons(77);
	expect_plain(&c, "DNAT and another id");
	c.status &= ~(uint32_t)CONN_DST_NAT;
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	c = flow(AF_INET, IPPROTO_ICMP), c.reply.icmp.id = htons(77);
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	c = flow(AF_INET, IPPROTO_ICMP), c.reply.icmp.type = 14; /* of another query */
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	c.reply.icmp.type = 0, c.reply.icmp.code = 1;
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
}

/* Every way of differing with every pair of bits: what fits is what the bits
 * say, and whatever else passes can be asked for exactly. */
static void every_combination(void **state _unused_)
{
	unsigned fits = 0, server = 0, other = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (unsigned m = 0; m < 64; m++) {
			struct conn c = flow(all[i].family, all[i].proto);
			bool ports = l4proto_has_ports(all[i].proto);
			bool src = m & 1, dst = m & 2, sport = ports && m & 4,
			     dport = ports && m & 8;
			bool dnat = m & 16, snat = m & 32;
			bool as_said = (src || sport) == dnat && (dst || dport) == snat;
			enum alteration got;

			if (src)
				set_src(&c, 28);
			if (dst)
				set_dst(&c, 32);
			if (sport)
				c.reply.sport = htons(8899);
			if (dport)
				c.reply.dport = htons(4000);
			c.status |= (dnat ? CONN_DST_NAT : 0) | (snat ? CONN_SRC_NAT : 0);
			got = conn_alteration(&c);
			assert_true((got == ALTERATION_NONE) == as_said);
			if (got != ALTERATION_OTHER)
				assert_int_equal(bits_as_created(&c),
						 c.status & (DONE | CONN_SRC_NAT | CONN_DST_NAT));
			if (got == ALTERATION_SERVER)
				assert_true((src || sport) && !dnat && (dst || dport) == snat);
			fits += got == ALTERATION_NONE;
			server += got == ALTERATION_SERVER;
			other += got == ALTERATION_OTHER;
		}
	assert_true(fits > 100 && server > 50 && other > 200);
}

/* What IPVS makes: only the server differs, and nothing says so. */
static void ipvs_is_told_and_can_be_asked_for(void **state _unused_)
{
	for (size_t i = 0; i < 6; i++) {
		struct conn c = flow(all[i].family, all[i].proto);
		struct tuple with;

		set_src(&c, 28), c.reply.sport = htons(8899);
		assert_int_equal(conn_alteration(&c), ALTERATION_SERVER); /* no masquerading */
		with = shape_reply(&c);
		assert_true(tuple_equal(&with, &c.reply));
		set_dst(&c, 7), c.reply.dport = htons(59781), c.status |= CONN_SRC_NAT;
		assert_int_equal(conn_alteration(&c), ALTERATION_SERVER);
		with = shape_reply(&c);
		assert_memory_equal(with.src, c.reply.src, 16);
		assert_int_equal(with.sport, htons(8899));
		assert_memory_equal(with.dst, c.key.orig.src, 16);
		assert_int_equal(with.dport, htons(1000));
	}
}

static void what_cannot_be_asked_for(void **state _unused_)
{
	struct conn c = flow(AF_INET, IPPROTO_TCP);

	set_dst(&c, 100); /* a real server's own, seen as the VIP: IPVS the other way */
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	c.reply.src[3] = 28;
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	c = flow(AF_INET, IPPROTO_TCP), c.status |= CONN_SRC_NAT; /* and back again */
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	c = flow(AF_INET, IPPROTO_TCP), c.status |= CONN_DST_NAT;
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	/* announced, and not done */
	c = flow(AF_INET, IPPROTO_TCP), set_dst(&c, 32), c.status |= CONN_SRC_NAT;
	c.status &= ~(uint32_t)CONN_SRC_NAT_DONE;
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	c = flow(AF_INET, IPPROTO_TCP), set_src(&c, 28), c.status |= CONN_DST_NAT;
	c.status &= ~(uint32_t)CONN_DST_NAT_DONE;
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	/* nobody is known to balance these */
	c = flow(AF_INET, IPPROTO_GRE), set_src(&c, 28);
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
	c = flow(AF_INET, IPPROTO_ICMP), set_src(&c, 28);
	assert_int_equal(conn_alteration(&c), ALTERATION_OTHER);
}

static void zones_helpers_and_masters_change_nothing(void **state _unused_)
{
	struct conn c = flow(AF_INET, IPPROTO_TCP), z;

	set_dst(&c, 32), c.status |= CONN_SRC_NAT | CONN_HELPER | CONN_SEQ_ADJUST | CONN_EXPECTED;
	for (int dir = CONN_ZONE_BOTH; dir <= CONN_ZONE_REPLY; dir++) {
		z = c, z.key.zone = 5, z.key.zone_dir = (uint8_t)dir;
		z.has_helper = z.has_master = true;
		expect_plain(&z, "in a zone, with a helper, of a master");
		assert_int_not_equal(conn_shape(&z), conn_shape(&c));
	}
}

static void altered_ones_are_no_candidates(void **state _unused_)
{
	struct addrset leaving = { 0 }, local = { 0 };
	struct select_rules rules = { .leaving = &leaving, .local = &local };
	struct conn c = flow(AF_INET, IPPROTO_TCP);
	struct addr own;

	set_dst(&c, 7), c.status |= CONN_SRC_NAT, c.timeout = 100;
	own = tuple_dst(&c.reply, AF_INET);
	assert_int_equal(addrset_add(&local, &own), 0);
	assert_int_equal(select_entry(&c, &rules), SKIP_NONE);
	set_src(&c, 28), c.reply.sport = htons(8899);
	assert_int_equal(select_entry(&c, &rules), SKIP_NONE); /* by IPVS: known */
	c.status &= ~(uint32_t)CONN_SRC_NAT;
	assert_int_equal(select_entry(&c, &rules), SKIP_ALTERED);
	c.tcp_state = CONN_TCP_TIME_WAIT; /* there was another reason before */
	assert_int_equal(select_entry(&c, &rules), SKIP_CLOSING);
	addrset_done(&leaving), addrset_done(&local);
}

/* What traffic has put in the place of ours is deleted only if nobody else has
 * had a hand in it. */
static void altered_conflicts_are_left_alone(void **state _unused_)
{
	struct conn old = flow(AF_INET, IPPROTO_TCP), now;

	set_dst(&old, 7), old.reply.dport = htons(4000), old.status |= CONN_SRC_NAT;
	now = old, now.status &= ~(uint32_t)CONN_ASSURED, now.tcp_state = CONN_TCP_ESTABLISHED;
	now.reply.dport = htons(4001);
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_WRONG);
	set_src(&now, 28); /* IPVS sends it elsewhere now */
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_ALTERED);
	set_src(&old, 28); /* as it did before */
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_WRONG);
	set_src(&now, 29);
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_ALTERED);
	now = old, now.reply.dport = htons(4001), now.status &= ~(uint32_t)CONN_SRC_NAT;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_ALTERED);
	/* the server's packet, delivered here, and altered at once */
	now = old, now.key.orig = old.reply, now.reply = tuple_invert(&old.reply, IPPROTO_TCP);
	now.status &= ~(uint32_t)(CONN_SRC_NAT | CONN_DST_NAT);
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_BOGUS);
	now.reply.src[3] = 99;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_FOREIGN);
}

static void a_destination_done_with_is_no_mismatch(void **state _unused_)
{
	struct conn old = flow(AF_INET, IPPROTO_TCP), now;

	set_dst(&old, 7), old.status |= CONN_SRC_NAT;
	now = old;
	old.status &= ~(uint32_t)CONN_DST_NAT_DONE;
	assert_true(repair_matches(&old, &now));
	assert_false(repair_matches(&now, &old));
	now.status |= CONN_DST_NAT;
	assert_false(repair_matches(&old, &now));
	now = old, now.status &= ~(uint32_t)CONN_SRC_NAT_DONE;
	assert_false(repair_matches(&old, &now));
}

/* Random entries as the other tests make them are what their status says. */
static void random_entries_fit(void **state _unused_)
{
	struct rnd r = rnd_begin("random_entries_fit");
	unsigned n = 0;

	for (int i = 0; i < 20000; i++) {
		struct conn c = rnd_conn(&r);

		if (conn_alteration(&c) == ALTERATION_NONE)
			assert_int_equal(bits_as_created(&c),
					 c.status & (DONE | CONN_SRC_NAT | CONN_DST_NAT));
		n += conn_alteration(&c) == ALTERATION_NONE;
	}
	assert_int_equal(n, 20000);
}

static void shapes_are_told_apart_and_remembered(void **state _unused_)
{
	struct shapes s = { .n = 0 };
	struct conn a = flow(AF_INET, IPPROTO_TCP), b = a;

	b.key.orig.src[3] = 9, b.key.orig.sport = htons(1234);
	b.reply = tuple_invert(&b.key.orig, IPPROTO_TCP), b.tcp_state = 3, b.id = 5, b.timeout = 9;
	b.status &= ~(uint32_t)CONN_ASSURED;
	assert_int_equal(conn_shape(&a), conn_shape(&b));
	set_dst(&b, 77), b.status |= CONN_SRC_NAT;
	assert_int_not_equal(conn_shape(&a), conn_shape(&b));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct conn c = flow(all[i].family, all[i].proto);

		assert_true((conn_shape(&c) == conn_shape(&a)) == !i);
	}

	assert_int_equal(shapes_get(&s, 1), SHAPE_UNTRIED);
	shapes_set(&s, 1, SHAPE_PROVEN);
	shapes_set(&s, 1, SHAPE_REFUSED);
	assert_int_equal(s.n, 1);
	assert_int_equal(shapes_get(&s, 1), SHAPE_REFUSED);
	for (uint32_t i = 2; i <= SHAPES_MAX; i++)
		shapes_set(&s, i, SHAPE_PROVEN);
	assert_int_equal(shapes_get(&s, 1), SHAPE_REFUSED);
	shapes_set(&s, 1000, SHAPE_PROVEN); /* no room: the oldest goes */
	assert_int_equal(shapes_get(&s, 1), SHAPE_UNTRIED);
	assert_int_equal(shapes_get(&s, 1000), SHAPE_PROVEN);
	assert_int_equal(shapes_get(&s, 2), SHAPE_PROVEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nat_makes_is_not_altered),
		cmocka_unit_test(an_id_goes_with_either_direction),
		cmocka_unit_test(every_combination),
		cmocka_unit_test(ipvs_is_told_and_can_be_asked_for),
		cmocka_unit_test(what_cannot_be_asked_for),
		cmocka_unit_test(zones_helpers_and_masters_change_nothing),
		cmocka_unit_test(altered_ones_are_no_candidates),
		cmocka_unit_test(altered_conflicts_are_left_alone),
		cmocka_unit_test(a_destination_done_with_is_no_mismatch),
		cmocka_unit_test(random_entries_fit),
		cmocka_unit_test(shapes_are_told_apart_and_remembered),
	};

	return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
