/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Something already sits where an entry is to be put back (docs/kernel.md 7). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/scene.h"

#define FLOWS 20

/* One of the flows meets a conflict of KIND; the others are to be restored. */
static struct conn meet(struct scene *s, enum fake_conflict kind)
{
	struct conn c = scene_tcp(7);

	scene_populate(s, FLOWS);
	fake_plan_conflict(s->fake, &c.key, kind);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	return c;
}

/* The client was quicker and was given the same port: nothing to do. */
static void identical_conflict_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct conn c = meet(s, CONFLICT_IDENTICAL);

	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	assert_false(fake_entry_find(s->fake, &c.key)->created);
	assert_int_equal(s->fake->removed, 0);
}

/* The client was quicker and was given another port: the far end would reset. */
static void conflict_with_another_port_is_replaced(void **state)
{
	struct scene *s = *state;
	struct conn c = meet(s, CONFLICT_OTHER_PORT);

	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	assert_true(fake_entry_find(s->fake, &c.key)->created);
	assert_int_equal(s->fake->removed, 1);
	scene_check_restored(s);
}

/* The server's packet was taken for local delivery: its entry has our reply
 * tuple as its original. */
static void bogus_local_delivery_is_replaced(void **state)
{
	struct scene *s = *state;
	struct conn c = meet(s, CONFLICT_LOCAL);
	struct conn_key bogus = conn_key_make(AF_INET, IPPROTO_TCP, &c.reply, 0, CONN_ZONE_BOTH);

	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	assert_null(fake_entry_find(s->fake, &bogus));
	assert_true(fake_entry_find(s->fake, &c.key)->created);
	assert_int_equal(s->fake->removed, 1);
}

/* Somebody else owns the port now: his flow stays, ours is lost and named. */
static void another_client_keeps_the_port(void **state)
{
	struct scene *s = *state;
	struct conn c = meet(s, CONFLICT_OTHER_CLIENT), other = c;
	char text[CONN_TEXT_MAX];

	other.key.orig.src[3] ^= 0x80;
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.result, RESULT_PARTIAL);
	assert_int_equal(s->report.entries.lost, 1);
	assert_int_equal(scene_broken(s, false), 1);
	assert_false(scene_works(s, &c));
	assert_true(scene_works(s, &other));
	assert_int_equal(s->fake->removed, 0);
	assert_string_equal(s->report.lost[0], conn_format(&c, text));
}

/* The old connection is over for its client: what it began since is not ours
 * to break, and nothing was lost. */
static void new_connection_of_the_client_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct conn c = meet(s, CONFLICT_NEW_FLOW);
	const struct fake_entry *e = fake_entry_find(s->fake, &c.key);

	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.superseded, 1);
	assert_int_equal(e->conn.tcp_state, CONN_TCP_SYN_RECV);
	assert_false(e->created);
	assert_int_equal(s->fake->removed, 0);
	assert_int_equal(scene_broken(s, false), 1);
}

/* All at once, UDP and ICMP among them, and the flush late. */
static void mixed_conflicts(void **state)
{
	struct scene *s = *state;
	const enum fake_conflict kinds[] = { CONFLICT_OTHER_PORT, CONFLICT_LOCAL,
					     CONFLICT_IDENTICAL };

	s->fake->flush_after = 20 * USEC_PER_MSEC;
	s->fake->probe4 = KERNEL_UNKNOWN; /* it flushes late: do not rely on it */
	scene_populate(s, FLOWS);
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn u = scene_flow(IPPROTO_UDP, "10.1.3.3", (uint16_t)(5000 + i), SERVER4,
					   53, HOST4, (uint16_t)(6000 + i));
		struct conn p = scene_flow(IPPROTO_ICMP, "10.1.3.4", (uint16_t)(500 + i), SERVER4,
					   0, HOST4, (uint16_t)(900 + i));
		struct conn t = scene_tcp(i);

		scene_add(s, &u);
		scene_add(s, &p);
		fake_plan_conflict(s->fake, &u.key, kinds[i % 3]);
		fake_plan_conflict(s->fake, &t.key, kinds[(i + 1) % 3]);
		/* an echo reply makes no entry: no local conflict */
		fake_plan_conflict(s->fake, &p.key,
				   i % 2 ? CONFLICT_OTHER_PORT : CONFLICT_IDENTICAL);
	}
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	fake_advance(s->fake, USEC_PER_SEC);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

/* A flow born after the snapshot that wants nothing of ours stays as it is. */
static void newborn(struct scene *s, const char *stage)
{
	struct conn c = scene_tcp(900);

	(void)stage;
	if (s->fake->addr_del.calls == 1 && !fake_entry_find(s->fake, &c.key))
		scene_add(s, &c);
}

static void newborn_flow_is_not_touched(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(900);

	scene_populate(s, FLOWS);
	scene_remember(s);
	s->on_stage = newborn;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_works(s, &c));
	assert_false(fake_entry_find(s->fake, &c.key)->created);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->fake->removed, 0);
}

/* The conflict came up after the verification had listed its place, and the answer
 * to the create got lost (ENOBUFS): what is found when looking is not what we
 * made, and is judged as it would have been with the answer. */
static struct conn meet_unheard(struct scene *s, enum fake_conflict kind)
{
	struct conn c = scene_tcp(FLOWS - 2); /* in the second half of the batch */

	scene_populate(s, FLOWS);
	s->fake->unanswered_batch = 1;
	s->fake->hide_dump = 2;
	s->fake->hide_nth = 1;
	fake_plan_conflict(s->fake, &c.key, kind);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	return c;
}

static void unheard_wrong_conflicts_are_replaced(void **state)
{
	static const enum fake_conflict kinds[] = { CONFLICT_OTHER_PORT, CONFLICT_LOCAL };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct scene *s;

		if (i) {
			scene_teardown(state);
			scene_setup(state);
		}
		s = *state;
		meet_unheard(s, kinds[i]);
		scene_expect(s, EXIT_DONE, true);
		assert_int_equal(scene_broken(s, false), 0);
		assert_int_equal(s->report.entries.mismatch, 0);
	}
}

/* A flow of the node itself that the masquerade left as it was: what its peer's
 * packet made has the same tuples the other way round. */
static void local_flow_turned_round(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_TCP, HOST4, 30000, SERVER4, 443, HOST4, 30000);

	for (unsigned unheard = 0; unheard < 2; unheard++) {
		if (unheard) {
			scene_teardown(state);
			scene_setup(state);
		}
		s = *state;
		scene_populate(s, FLOWS);
		scene_add(s, &c);
		fake_plan_conflict(s->fake, &c.key, CONFLICT_LOCAL);
		s->fake->unanswered_batch = unheard;
		scene_remember(s);
		scene_move(s, OP_DEL, VIP4 "/32", NULL);
		scene_expect(s, EXIT_DONE, true);
		assert_int_equal(s->report.entries.mismatch, 0);
		assert_int_equal(scene_broken(s, false), 0);
	}
}

static void unheard_new_connection_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct conn c = meet_unheard(s, CONFLICT_NEW_FLOW);

	assert_non_null(fake_entry_find(s->fake, &c.key));
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.entries.superseded, 1);
	assert_int_equal(s->fake->removed, 0);
}

/* Deleting the wrong conflict fails: the flow is lost, nothing else is. */
static void conflict_that_cannot_be_deleted(void **state)
{
	struct scene *s = *state;

	s->fake->remove.fault = (struct fake_fault){ .nth = 1, .times = 100, .error = -EBUSY };
	meet(s, CONFLICT_OTHER_PORT);
	scene_expect(s, EXIT_PARTIAL, true);
	assert_int_equal(s->report.entries.lost, 1);
	assert_int_equal(scene_broken(s, false), 1);
}

/* The master meets a conflict and comes back later than the rest: its child waits
 * for it, as an orphan no helper would look after it. */
static void child_of_a_replaced_master_keeps_it(void **state)
{
	struct scene *s = *state;
	struct conn master = scene_tcp(500), child = scene_tcp(400);
	const struct fake_entry *e;

	child.status |= CONN_EXPECTED;
	scene_add(s, &master);
	assert_non_null(fake_entry_add(s->fake, &child, &master.key, s->dev, 400));
	fake_plan_conflict(s->fake, &master.key, CONFLICT_LOCAL);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	e = fake_entry_find(s->fake, &child.key);
	assert_true(e->conn.has_master && conn_key_equal(&e->master, &master.key));
}

/* Its master is gone for good and a conflict sits in its place, both at once. */
static void orphan_meets_a_conflict(void **state)
{
	struct scene *s = *state;
	struct conn master = scene_tcp(500), child = scene_tcp(400);

	master.tcp_state = CONN_TCP_CLOSE;
	child.status |= CONN_EXPECTED;
	scene_add(s, &master);
	assert_non_null(fake_entry_add(s->fake, &child, &master.key, s->dev, 400));
	fake_plan_conflict(s->fake, &child.key, CONFLICT_LOCAL);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_true(scene_works(s, &child));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(identical_conflict_is_left_alone),
		CASE(conflict_with_another_port_is_replaced),
		CASE(bogus_local_delivery_is_replaced),
		CASE(another_client_keeps_the_port),
		CASE(new_connection_of_the_client_is_left_alone),
		CASE(mixed_conflicts),
		CASE(newborn_flow_is_not_touched),
		CASE(unheard_wrong_conflicts_are_replaced),
		CASE(local_flow_turned_round),
		CASE(unheard_new_connection_is_left_alone),
		CASE(conflict_that_cannot_be_deleted),
		CASE(child_of_a_replaced_master_keeps_it),
		CASE(orphan_meets_a_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
