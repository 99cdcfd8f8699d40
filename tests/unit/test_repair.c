/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries are chosen, who is a conflict of whom, in which order they return. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "move/repair.h"
#include "move/run.h"
#include "../lib/random.h"

static struct addr v4(uint8_t last)
{
	uint8_t b[4] = { 10, 0, 0, last };

	return addr_make(AF_INET, b);
}

/* client 10.0.0.1:1000 -> 10.0.0.16:80, seen as 10.0.0.32:2000 */
static struct conn tcp(void)
{
	struct tuple t = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 16 } };
	struct conn c;

	memset(&c, 0, sizeof(c));
	t.sport = htons(1000), t.dport = htons(80);
	c.key = conn_key_make(AF_INET, IPPROTO_TCP, &t, 0, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, IPPROTO_TCP);
	c.reply.dst[3] = 32;
	c.reply.dport = htons(2000);
	c.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_ASSURED | CONN_SRC_NAT |
		   CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE;
	c.timeout = 100;
	c.tcp_state = CONN_TCP_ESTABLISHED;
	return c;
}

static void selects_by_reason(void **state _unused_)
{
	struct addrset leaving = { 0 }, local = { 0 };
	struct select_rules rules = { .leaving = &leaving, .local = &local };
	struct addr vip = v4(100), own = v4(32);
	struct conn c = tcp();

	assert_int_equal(addrset_add(&leaving, &vip) + addrset_add(&local, &own), 0);
	assert_int_equal(select_entry(&c, &rules), SKIP_NONE);

	/* masqueraded to what it was: flushed too */
	c.status &= ~(uint32_t)CONN_SRC_NAT, c.key.orig.src[3] = 32;
	c.reply = tuple_invert(&c.key.orig, IPPROTO_TCP);
	assert_int_equal(select_entry(&c, &rules), SKIP_NONE);
	c.status &= ~(uint32_t)CONN_SRC_NAT_DONE;
	assert_int_equal(select_entry(&c, &rules), SKIP_NOT_NAT);

	c = tcp(), c.key.orig.src[3] = 100;
	assert_int_equal(select_entry(&c, &rules), SKIP_OF_VIP);
	c = tcp(), c.key.orig.dst[3] = 100;
	assert_int_equal(select_entry(&c, &rules), SKIP_OF_VIP);
	c = tcp(), c.reply.dst[3] = 100;
	assert_int_equal(select_entry(&c, &rules), SKIP_OF_VIP);
	c = tcp(), c.reply.dst[3] = 33;
	assert_int_equal(select_entry(&c, &rules), SKIP_NOT_LOCAL);

	c = tcp(), c.tcp_state = CONN_TCP_TIME_WAIT;
	assert_int_equal(select_entry(&c, &rules), SKIP_CLOSING);
	c.tcp_state = CONN_TCP_CLOSE;
	assert_int_equal(select_entry(&c, &rules), SKIP_CLOSING);
	c.tcp_state = CONN_TCP_FIN_WAIT;
	assert_int_equal(select_entry(&c, &rules), SKIP_NONE);

	c = tcp(), rules.elapsed = 99;
	assert_int_equal(select_entry(&c, &rules), SKIP_NONE);
	rules.elapsed = 100;
	assert_int_equal(select_entry(&c, &rules), SKIP_EXPIRED);
	c = tcp(), c.status |= CONN_DYING;
	assert_int_equal(select_entry(&c, &rules), SKIP_DYING);
	addrset_done(&leaving), addrset_done(&local);
}

/* Whatever the table: an entry in which a leaving address takes part is never
 * a candidate, and a candidate's translated source is always local. */
static void never_selects_the_vips_own(void **state _unused_)
{
	struct rnd r = rnd_begin("never_selects_the_vips_own");
	int i, chosen = 0;

	for (i = 0; i < 20000; i++) {
		struct addrset leaving = { 0 }, local = { 0 };
		struct select_rules rules = { .leaving = &leaving, .local = &local };
		struct conn c = rnd_conn(&r), other = rnd_conn(&r);
		struct addr src = tuple_src(&c.key.orig, c.key.family);
		struct addr dst = tuple_dst(&c.key.orig, c.key.family);
		struct addr as = tuple_dst(&c.reply, c.key.family);
		struct addr vip = rnd(&r, 2) ? tuple_dst(&other.reply, other.key.family)
					     : tuple_src(&other.key.orig, other.key.family);
		struct addr mine = tuple_dst(&other.reply, other.key.family);

		assert_int_equal(addrset_add(&leaving, &vip) + addrset_add(&local, &mine), 0);
		if (select_entry(&c, &rules) == SKIP_NONE) {
			chosen++;
			assert_false(addr_equal(&src, &vip) || addr_equal(&dst, &vip) ||
				     addr_equal(&as, &vip));
			assert_true(addr_equal(&as, &mine));
		}
		addrset_done(&leaving), addrset_done(&local);
	}
	assert_true(chosen > 100);
}

static void judges_conflicts(void **state _unused_)
{
	struct conn old = tcp(), now = old;

	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_SAME);

	/* picked up in mid-stream with another port; the server's RST at most */
	now.reply.dport = htons(3000), now.status &= ~(uint32_t)CONN_ASSURED;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_WRONG);
	now.tcp_state = CONN_TCP_CLOSE, now.status |= CONN_ASSURED;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_WRONG);
	now.tcp_state = CONN_TCP_SYN_SENT, now.status &= ~(uint32_t)CONN_ASSURED;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_SUPERSEDED);
	now.tcp_state = CONN_TCP_ESTABLISHED, now.status |= CONN_ASSURED;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_SUPERSEDED);

	/* datagrams are put back where they were, unless they live while they cannot there */
	old.key.l4proto = IPPROTO_UDP, old.tcp_state = CONN_TCP_NONE;
	now = old, now.reply.dst[3]++, now.status &= ~(uint32_t)CONN_ASSURED;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_WRONG);
	assert_int_equal(repair_judge(&old, &now, true), CONFLICT_SUPERSEDED);
	now.status &= ~(uint32_t)CONN_SEEN_REPLY;
	assert_int_equal(repair_judge(&old, &now, true), CONFLICT_WRONG);
	old = tcp();

	/* the server's packet, delivered to the node itself */
	now = old;
	now.key.orig = old.reply;
	now.reply = tuple_invert(&old.reply, IPPROTO_TCP);
	now.status &= ~(uint32_t)CONN_SRC_NAT;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_BOGUS);

	/* another client that was given our port */
	now = old;
	now.key.orig.src[3] = 2;
	assert_int_equal(repair_judge(&old, &now, false), CONFLICT_FOREIGN);
}

static void a_match_has_the_bits_too(void **state _unused_)
{
	struct conn old = tcp(), now = old;

	now.id = 77, now.timeout = 5, now.status &= ~(uint32_t)CONN_ASSURED;
	assert_true(repair_matches(&old, &now));
	now.status &= ~(uint32_t)CONN_SRC_NAT; /* lists the same, translates nothing */
	assert_false(repair_matches(&old, &now));
	now = old, now.reply.dport++;
	assert_false(repair_matches(&old, &now));
}

static void masters_come_first(void **state _unused_)
{
	struct rnd r = rnd_begin("masters_come_first");
	struct connset *s = connset_new(1, 0);
	struct conn chain[3] = { tcp(), tcp(), tcp() };
	uint32_t idx[60], place[60], i, n = 0;

	/* grandchild, child, master, and strangers between them */
	for (i = 0; i < 60; i++) {
		struct conn c = i < 3 ? chain[2 - i] : tcp();
		struct conn_record rec = { .conn = &c };
		struct conn_key master = tcp().key;

		c.key.orig.sport = htons((uint16_t)(i < 3 ? 2 - i : 100 + i));
		master.orig.sport = htons((uint16_t)(1 - i));
		c.has_master = i < 2;
		rec.master = c.has_master ? &master : NULL;
		assert_int_equal(connset_add(s, &rec), 0);
		idx[n++] = i;
	}
	for (i = 0; i < n; i++) { /* any order */
		uint32_t j = rnd(&r, n), t = idx[i];

		idx[i] = idx[j], idx[j] = t;
	}
	assert_int_equal(repair_order(s, idx, n), 0);
	memset(place, 0xff, sizeof(place));
	for (i = 0; i < n; i++)
		place[idx[i]] = i;
	for (i = 0; i < n; i++)
		assert_true(place[i] < n); /* still a permutation */
	assert_true(place[2] < place[1] && place[1] < place[0]);
	connset_free(s);
}

static void replies_are_found_in_their_zone(void **state _unused_)
{
	struct conn c = tcp();
	struct conn_key key;

	assert_true(repair_lookup_key(&c, 0, &key));
	assert_true(conn_key_equal(&key, &c.key));
	c.key.zone = 5, c.key.zone_dir = CONN_ZONE_BOTH;
	assert_true(repair_lookup_key(&c, 1, &key));
	assert_int_equal(key.zone, 5);
	assert_true(tuple_equal(&key.orig, &c.reply));
	assert_false(repair_lookup_key(&c, 2, &key));
	c.key.zone_dir = CONN_ZONE_ORIG; /* there may be one with and one without */
	assert_true(repair_lookup_key(&c, 1, &key));
	assert_int_equal(key.zone, 5);
	assert_true(repair_lookup_key(&c, 2, &key));
	assert_int_equal(key.zone, 0);
	assert_false(repair_lookup_key(&c, 3, &key));
}

static void inverting_twice_changes_nothing(void **state _unused_)
{
	struct rnd r = rnd_begin("inverting_twice_changes_nothing");
	int i;

	for (i = 0; i < 5000; i++) {
		struct conn c = rnd_conn(&r);
		struct tuple once = tuple_invert(&c.key.orig, c.key.l4proto);
		struct tuple twice = tuple_invert(&once, c.key.l4proto);

		assert_true(tuple_equal(&twice, &c.key.orig));
		assert_false(tuple_equal(&once, &c.key.orig));
	}
}

static void says_what_an_operator_can_read(void **state _unused_)
{
	char text[CONN_TEXT_MAX];
	struct conn c = tcp();

	assert_string_equal(conn_format(&c, text),
			    "tcp 10.0.0.1:1000 -> 10.0.0.16:80 as 10.0.0.32:2000");
	c.key.l4proto = IPPROTO_ICMP, c.key.orig.icmp.id = htons(7), c.key.zone = 3;
	assert_string_equal(conn_format(&c, text),
			    "icmp 10.0.0.1 -> 10.0.0.16 as 10.0.0.32 id 7 zone 3");
	c = tcp(), c.key.family = AF_INET6;
	assert_non_null(strstr(conn_format(&c, text), "]:1000 -> ["));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selects_by_reason),
		cmocka_unit_test(never_selects_the_vips_own),
		cmocka_unit_test(judges_conflicts),
		cmocka_unit_test(a_match_has_the_bits_too),
		cmocka_unit_test(masters_come_first),
		cmocka_unit_test(replies_are_found_in_their_zone),
		cmocka_unit_test(inverting_twice_changes_nothing),
		cmocka_unit_test(says_what_an_operator_can_read),
	};

	return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
