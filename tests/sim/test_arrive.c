/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries to an address that comes: what leads elsewhere is removed, and nothing else is. */
#include "lib/arriving.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static void what_leads_elsewhere_goes(void **state)
{
	struct scene *s = *state;

	arriving_populate(s, 300, KINDS);
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(arriving_left(s, 300), 0);
	arriving_expect_others(s, KINDS, s->n_before - 300);
	arriving_expect_counts(s, 300, KINDS);
	for (int k = 0; k < KINDS; k++)
		assert_int_equal(s->report.arrivals.reasons[arriving_kinds[k]],
				 arriving_kinds[k] == ARRIVAL_STREAM ? 3 : 1);
	assert_int_equal(s->fake->dump.calls, s->fake->no_filter);
}

static void an_old_kernel_lists_everything(void **state)
{
	struct scene *s = *state;

	s->fake->no_filter = true;
	s->fake->dump_doubles = true;
	arriving_populate(s, 40, KINDS);
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(arriving_left(s, 40), 0);
	arriving_expect_others(s, KINDS, s->n_before - 40);
	assert_int_equal(s->report.arrivals.removed, 40);
}

static void both_families(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_UDP, "fd00:1::9", 5000, NEW6, 53, HOST6, 30000);

	arriving_put(s, c);
	arriving_put(s, arriving_led_away(0));
	scene_move(s, OP_ADD, NEW4 "/32", NEW6 "/128", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_false(arriving_is_there(s, &c));
	assert_int_equal(arriving_left(s, 1), 0);
	arriving_expect_counts(s, 2, 0);
}

/* The same tuple in two zones, of which one is Open vSwitch's. */
static void a_zone_is_part_of_the_key(void **state)
{
	struct scene *s = *state;
	struct conn ours = arriving_led_away(0), theirs = arriving_led_away(0);

	ours.key.zone = 1;
	theirs.key.zone = 2;
	theirs.status &= ~(uint32_t)CONN_DST_NAT_DONE;
	arriving_put(s, ours);
	arriving_put(s, theirs);
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	assert_false(arriving_is_there(s, &ours));
	assert_true(arriving_is_there(s, &theirs));
	arriving_expect_counts(s, 1, 1);
}

static struct flow socket_of(const struct conn *c)
{
	struct flow f = { .family = c->key.family,
			  .l4proto = c->key.l4proto,
			  .origin = FLOW_SOCKET,
			  .cport = ntohs(c->reply.sport),
			  .dport = ntohs(c->reply.dport) };

	memcpy(f.client, c->reply.src, 16);
	memcpy(f.dest, c->reply.dst, 16);
	return f;
}

/* A server's socket of one client, from before the address went and came back. */
static void what_a_socket_has_stays(void **state)
{
	struct scene *s = *state;
	struct conn udp = arriving_led_away(0);
	struct flow socket = socket_of(&udp);

	s->fake->sockets = &socket;
	s->fake->n_sockets = 1;
	arriving_put(s, udp);
	arriving_put(s, arriving_led_away(1));
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(arriving_is_there(s, &udp));
	assert_int_equal(arriving_left(s, 2), 1);
	arriving_expect_counts(s, 1, 1);
	assert_int_equal(s->report.arrivals.reasons[ARRIVAL_ANSWERED], 1);
}

/* A socket that takes both families shows IPv4 as IPv6. */
static void a_mapped_socket_is_known(void **state)
{
	struct scene *s = *state;
	struct conn udp = arriving_led_away(0);
	struct flow f = socket_of(&udp);

	f.family = AF_INET6;
	memset(f.client, 0, 16), memset(f.dest, 0, 16);
	memset(f.client + 10, 0xff, 2), memset(f.dest + 10, 0xff, 2);
	memcpy(f.client + 12, udp.reply.src, 4), memcpy(f.dest + 12, udp.reply.dst, 4);
	s->fake->sockets = &f;
	s->fake->n_sockets = 1;
	arriving_put(s, udp);
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	assert_true(arriving_is_there(s, &udp));
}

static void without_sockets_nothing_is_spared(void **state)
{
	struct scene *s = *state;

	s->fake->sock_list_error = -EOPNOTSUPP;
	arriving_put(s, arriving_led_away(0));
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	assert_int_equal(arriving_left(s, 1), 0);
	assert_int_equal(s->report.n_warnings, 0);
}

/* Another device has had the address all along: nothing led elsewhere. */
static void an_address_that_was_here_is_none(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->pods, NEW4 "/32", NULL);
	arriving_put(s, arriving_led_away(0));
	scene_move(s, OP_ADD, NEW4 "/24", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(arriving_left(s, 1), 1);
	arriving_expect_counts(s, 0, 0);
}

static void one_that_is_there_already_is_none(void **state)
{
	struct scene *s = *state;

	fake_addr(s->fake, s->dev, NEW4 "/32", NULL);
	arriving_put(s, arriving_led_away(0));
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	assert_int_equal(arriving_left(s, 1), 1);
}

static void a_refused_address_is_none(void **state)
{
	struct scene *s = *state;

	s->fake->addr_add.fault = (struct fake_fault){ 1, 1, -EPERM };
	arriving_put(s, arriving_led_away(0));
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	assert_false(s->report.changed);
	assert_int_equal(arriving_left(s, 1), 1);
}

static void a_dry_run_counts(void **state)
{
	struct scene *s = *state;
	unsigned writes = s->fake->writes;

	arriving_populate(s, 20, KINDS);
	s->req.plan = true;
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	assert_int_equal(s->fake->writes, writes);
	assert_int_equal(s->fake->n_entries, s->n_before);
	arriving_expect_counts(s, 20, KINDS);
}

/* The address has priority: a table that cannot be read does not keep it away. */
static void a_failing_listing_is_told(void **state)
{
	static const int errors[] = { -EPERM, -ENOMEM, -EINTR, -ENOBUFS };
	struct scene *s = *state;

	arriving_put(s, arriving_led_away(0));
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		s->fake->dump_to = (struct fake_call){ .fault = { 1, 9, errors[i] } };
		s->fake->dump = s->fake->dump_to;
		scene_move(s, OP_ADD, NEW4 "/32", NULL);
		scene_expect(s, EXIT_DONE, true);
		assert_true(scene_warned(s, "arrivals-left"));
		assert_true(fake_has_addr(s->fake, s->dev, NEW4 "/32"));
		assert_int_equal(fake_addr_del(s->fake, s->dev, NEW4 "/32"), 0);
	}
}

static void a_torn_listing_is_repeated(void **state)
{
	struct scene *s = *state;

	arriving_populate(s, 20, KINDS);
	s->fake->dump_to.fault = (struct fake_fault){ 1, 1, -EINTR };
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	arriving_expect_counts(s, 20, KINDS);
	assert_int_equal(s->report.n_warnings, 0);
}

static void without_conntrack_there_is_nothing(void **state)
{
	struct scene *s = *state;

	s->fake->no_conntrack = true;
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.n_warnings, 0);
}

static void answers_that_are_lost(void **state)
{
	struct scene *s = *state;

	arriving_populate(s, 20, KINDS);
	s->fake->unanswered_batch = 1;
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	assert_int_equal(arriving_left(s, 20), 0);
	arriving_expect_counts(s, 20, KINDS);
}

static void what_is_offloaded_is_counted(void **state)
{
	struct scene *s = *state;

	arriving_populate(s, 20, KINDS);
	s->fake->busy_nth = 1;
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(arriving_left(s, 20), 20);
	arriving_expect_counts(s, 0, 20 + KINDS);
	assert_int_equal(s->report.arrivals.reasons[ARRIVAL_REFUSED], 20);
}

/* Between the change and the listing the pod sends: old, whenever it is met. */
static void one_that_was_born_meanwhile(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "move"))
		arriving_put(s, arriving_led_away(7));
}

static void what_began_too_late_goes_too(void **state)
{
	struct scene *s = *state;

	s->on_stage = one_that_was_born_meanwhile;
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	assert_int_equal(arriving_left(s, 8), 0);
	arriving_expect_counts(s, 1, 0);
}

static unsigned recovered;

static void on_recovered(void *ud, const struct report *r)
{
	(void)ud;
	recovered += r->arrivals.removed > 0;
}

/* At whatever stage the run is killed, recovery ends with the address here and
 * nothing that leads elsewhere. */
static void a_killed_run_is_finished(void **state)
{
	struct scene *s = *state;
	int at, stages;

	arriving_populate(s, 10, KINDS);
	scene_move(s, OP_ADD, NEW4 "/32", NULL);
	stages = s->n_stages;
	for (at = 0; at < stages; at++) {
		(void)fake_addr_del(s->fake, s->dev, NEW4 "/32");
		for (uint16_t i = 0; i < 10; i++) {
			struct conn c = arriving_led_away(i);

			if (!arriving_is_there(s, &c))
				arriving_put(s, c);
		}
		s->kill_at = at;
		scene_run(s);
		s->kill_at = -1;
		run_recover(&s->env, on_recovered, NULL);
		if (fake_has_addr(s->fake, s->dev, NEW4 "/32"))
			assert_int_equal(arriving_left(s, 10), 0);
		assert_int_equal(scene_leftovers(s, NULL), 0);
	}
	assert_true(recovered > 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_leads_elsewhere_goes),
		CASE(an_old_kernel_lists_everything),
		CASE(both_families),
		CASE(a_zone_is_part_of_the_key),
		CASE(what_a_socket_has_stays),
		CASE(a_mapped_socket_is_known),
		CASE(without_sockets_nothing_is_spared),
		CASE(an_address_that_was_here_is_none),
		CASE(one_that_is_there_already_is_none),
		CASE(a_refused_address_is_none),
		CASE(a_dry_run_counts),
		CASE(a_failing_listing_is_told),
		CASE(a_torn_listing_is_repeated),
		CASE(without_conntrack_there_is_nothing),
		CASE(answers_that_are_lost),
		CASE(what_is_offloaded_is_counted),
		CASE(what_began_too_late_goes_too),
		CASE(a_killed_run_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
