/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was written to the kernel for addresses that come: it is read back, and gets the translation
 * that it lacks; and clients of connections that ended elsewhere are told. */
#include "lib/arriving.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define COMMITTED 150

/* A client's connection that another node had translated to NEW4. */
static struct conn committed(uint16_t n)
{
	char src[32];

	snprintf(src, sizeof(src), "10.1.%u.%u", 20 + n / 200, 1 + n % 200);
	return scene_flow(IPPROTO_TCP, src, 40000, SERVER4, 8899, NEW4, (uint16_t)(20000 + n));
}

/* As a program creates it that gives the reply tuple and no translation (docs/kernel.md 4). */
static void put_bare(struct scene *s, uint16_t n)
{
	struct conn c = committed(n);
	struct fake_entry *e;

	c.status &= ~(uint32_t)(CONN_SRC_NAT | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE);
	e = scene_add(s, &c);
	e->masq = 0;
	e->translates = false;
}

static void put_sound(struct scene *s, uint16_t n)
{
	struct conn c = committed(n);

	scene_add(s, &c)->masq = 0;
}

static size_t works(const struct scene *s, uint16_t from, uint16_t to)
{
	size_t n = 0;

	for (uint16_t i = from; i < to; i++) {
		struct conn c = committed(i);

		n += scene_works(s, &c);
	}
	return n;
}

static void arrive(struct scene *s)
{
	s->req.replicated = true;
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
}

static void what_lacks_its_translation_gets_it(void **state)
{
	struct scene *s = *state;

	scene_populate(s, 40);
	for (uint16_t i = 0; i < COMMITTED; i++)
		i % 3 ? put_sound(s, i) : put_bare(s, i);
	assert_int_equal(works(s, 0, COMMITTED), COMMITTED - COMMITTED / 3);
	scene_remember(s);
	arrive(s);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(works(s, 0, COMMITTED), COMMITTED);
	assert_int_equal(s->report.committed.read, COMMITTED);
	assert_int_equal(s->report.committed.bare, COMMITTED / 3);
	assert_int_equal(s->report.committed.mended, COMMITTED / 3);
	assert_int_equal(s->report.entries.restored, COMMITTED / 3);
	assert_true(scene_warned(s, "committed-bare"));
}

/* Without "replicated" nobody has written anything for them. */
static void nobody_elses_entries_are_looked_at(void **state)
{
	struct scene *s = *state;

	for (uint16_t i = 0; i < COMMITTED; i++)
		put_bare(s, i);
	scene_remember(s);
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.committed.read, 0);
	assert_int_equal(works(s, 0, COMMITTED), 0);
}

/* A sample is enough where all are sound. */
static void sound_ones_are_left_alone(void **state)
{
	struct scene *s = *state;

	for (uint16_t i = 0; i < 4 * COMMITTED; i++)
		put_sound(s, i);
	scene_remember(s);
	arrive(s);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(works(s, 0, 4 * COMMITTED), 4 * COMMITTED);
	assert_in_range(s->report.committed.read, 1, COMMITTED);
	assert_int_equal(s->report.entries.snapshot, 0);
	assert_int_equal(s->fake->batch.calls, 0);
}

/* Packets may have used what is translated to an address that was here before. */
static void of_an_address_that_is_here_nothing_is_touched(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, NEW4 "/32", NULL);
	for (uint16_t i = 0; i < COMMITTED; i++)
		put_bare(s, i);
	scene_remember(s);
	s->req.replicated = true;
	scene_move(s, OP_ADD, NEW4 "/32", NEW6 "/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.committed.read, 0);
	assert_int_equal(works(s, 0, COMMITTED), 0);
	for (size_t i = 0; i < s->n_before; i++)
		assert_int_equal(fake_entry_find(s->fake, &s->before[i].conn.key)->conn.id,
				 s->before[i].conn.id);
}

/* Translated in more than one way, or by somebody else: what it should be is not known. */
static void what_cannot_be_proved_is_skipped(void **state)
{
	struct scene *s = *state;
	struct conn c = committed(0);

	put_bare(s, 1);
	c.status &= ~(uint32_t)(CONN_SRC_NAT | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE);
	c.reply.src[3] ^= 1;
	scene_add(s, &c)->masq = 0;
	scene_remember(s);
	arrive(s);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.committed.bare, 1);
	assert_int_equal(s->report.entries.reasons[SKIP_ALTERED], 1);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->conn.status, c.status);
	assert_int_equal(works(s, 1, 2), 1);
}

/* What is lost is counted as lost, and makes the result one. */
static void what_is_not_created_is_lost(void **state)
{
	struct scene *s = *state;

	for (uint16_t i = 0; i < COMMITTED; i++)
		put_bare(s, i);
	scene_remember(s);
	s->fake->batch.fault = (struct fake_fault){ 3, 1, -EIO };
	arrive(s);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.result, RESULT_PARTIAL);
	assert_int_equal(s->report.committed.bare, COMMITTED);
	assert_int_equal(s->report.committed.mended, works(s, 0, COMMITTED));
	assert_int_equal(s->report.entries.lost, COMMITTED - s->report.committed.mended);
	assert_in_range(s->report.committed.mended, 1, COMMITTED - 1);
	assert_true(scene_warned(s, "committed-unread"));
}

/* ---- clients of connections that ended elsewhere --------------------------------------- */

/* A client's connection to NEW4 itself. */
static struct conn visitor(uint16_t n)
{
	char src[32];

	snprintf(src, sizeof(src), "10.9.%u.%u", n / 200, 1 + n % 200);
	return scene_flow(IPPROTO_TCP, src, (uint16_t)(30000 + n), NEW4, 80, src,
			  (uint16_t)(30000 + n));
}

static void put_visitors(struct scene *s, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct conn c = visitor(i);

		c.status &= ~(uint32_t)CONN_SRC_NAT;
		scene_add(s, &c)->masq = 0;
	}
}

static bool is_open(const struct scene *s, uint16_t n)
{
	struct conn c = visitor(n);

	return fake_entry_find(s->fake, &c.key)->conn.tcp_state == CONN_TCP_ESTABLISHED;
}

static size_t are_open(const struct scene *s, uint16_t n)
{
	size_t open = 0;

	for (uint16_t i = 0; i < n; i++)
		open += is_open(s, i);
	return open;
}

static void come_and_reset(struct scene *s)
{
	s->req.vip_flows = VIP_FLOWS_RESET;
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
}

static void clients_are_told(void **state)
{
	struct scene *s = *state;

	arriving_populate(s, 20, KINDS);
	put_visitors(s, 500);
	s->fake->tickles_lost = 3; /* of one, half of the segments get lost */
	come_and_reset(s);
	assert_int_equal(are_open(s, 500), 0);
	assert_int_equal(s->report.vip_flows.tickled, 500);
	assert_int_equal(s->report.vip_flows.reset, 500);
	assert_true(s->report.timing.total < 200 * USEC_PER_MSEC);
}

static void only_who_asks_for_it(void **state)
{
	struct scene *s = *state;

	put_visitors(s, 10);
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->tickles, 0);
	assert_int_equal(are_open(s, 10), 10);
}

/* One has a socket here. */
static void who_lives_is_not_asked(void **state)
{
	struct scene *s = *state;
	struct conn mine = visitor(3);
	struct flow f = { .family = mine.key.family,
			  .l4proto = IPPROTO_TCP,
			  .origin = FLOW_SOCKET,
			  .cport = ntohs(mine.reply.sport),
			  .dport = ntohs(mine.reply.dport) };

	memcpy(f.client, mine.reply.src, 16);
	memcpy(f.dest, mine.reply.dst, 16);
	s->fake->sockets = &f;
	s->fake->n_sockets = 1;
	put_visitors(s, 10);
	come_and_reset(s);
	assert_true(is_open(s, 3));
	assert_int_equal(are_open(s, 10), 1);
	assert_int_equal(s->report.vip_flows.tickled, 9);
}

/* What a director has is at a real server, and so may be what a mark leads to. */
static void what_a_director_has_is_not_asked(void **state)
{
	struct scene *s = *state;
	struct ipvs_service service = { .port = 80, .proto = IPPROTO_TCP };
	struct ipvs_dest dest = { .weight = 1 };

	assert_int_equal(addr_parse(NEW4, &service.addr), 0);
	s->fake->is_director = true;
	s->fake->services = &service;
	s->fake->dests = &dest;
	s->fake->n_services = 1;
	put_visitors(s, 10);
	come_and_reset(s);
	assert_int_equal(s->fake->tickles, 0);
	assert_int_equal(are_open(s, 10), 10);
}

static void sockets_have_to_be_known(void **state)
{
	struct scene *s = *state;

	put_visitors(s, 10);
	s->fake->sock_list_error = -EPERM;
	come_and_reset(s);
	assert_int_equal(s->fake->tickles, 0);
	assert_true(scene_warned(s, "clients-not-reset"));
}

/* Whoever is gone for good does not answer: it ends all the same. */
static void it_ends(void **state)
{
	struct scene *s = *state;

	put_visitors(s, 200);
	s->fake->tickles_lost = 1000;
	come_and_reset(s);
	assert_int_equal(s->report.vip_flows.tickled, 200);
	assert_int_equal(s->report.vip_flows.reset, 200 - are_open(s, 200));
	assert_true(are_open(s, 200) > 0);
	assert_true(s->report.timing.total < 200 * USEC_PER_MSEC);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_lacks_its_translation_gets_it),
		CASE(nobody_elses_entries_are_looked_at),
		CASE(sound_ones_are_left_alone),
		CASE(of_an_address_that_is_here_nothing_is_touched),
		CASE(what_cannot_be_proved_is_skipped),
		CASE(what_is_not_created_is_lost),
		CASE(clients_are_told),
		CASE(only_who_asks_for_it),
		CASE(who_lives_is_not_asked),
		CASE(what_a_director_has_is_not_asked),
		CASE(sockets_have_to_be_known),
		CASE(it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
