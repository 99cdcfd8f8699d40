/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that vanish and come back: their connections stay meanwhile, and no longer than
 * that. */
#include "lib/lingering.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "move/journal.h"

static void bounce(struct scene *s, struct guard *g, usec_t absence)
{
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER6 "/64"), 0);
	lingering_wait(s, g, absence);
	if (absence >= 50 * USEC_PER_MSEC) {
		assert_int_equal(scene_broken(s, false), 0); /* as pinned ones stay, all do */
		assert_int_equal(lingering_entries(g), 3 * FLOWS);
	}
	fake_addr(s->fake, s->dev, OTHER4 "/32", ""); /* another length is no matter */
	fake_addr(s->fake, s->dev, OTHER6 "/64", NULL);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(lingering_entries(g), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/32"), 0);
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
}

static void bounces_keep_everything_in(void **state, enum pin_mode mode, usec_t flush_after)
{
	static const usec_t absences[] = { 0, 10 * USEC_PER_MSEC, 50 * USEC_PER_MSEC, USEC_PER_SEC,
					   4 * USEC_PER_SEC };
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, mode);

	s->fake->flush_after = flush_after;
	for (size_t i = 0; i < ARRAY_SIZE(absences); i++)
		bounce(s, g, absences[i]);
	/* those that were too young, or are never pinned ahead, were put back */
	assert_true(guarding_status(g).restored >= FLOWS);
	assert_int_equal(guarding_status(g).lost, 0);
	assert_int_equal(guarding_status(g).removed, 0);
	assert_true(guarding_status(g).linger_ends[LINGER_BACK] >= 4);
	guard_free(g);
}

static void bounces_keep_everything(void **state)
{
	bounces_keep_everything_in(state, PIN_CONTINUOUS, 0);
}

static void bounces_keep_everything_that_is_restored(void **state)
{
	bounces_keep_everything_in(state, PIN_ON_DEMAND, 0);
}

/* As from Linux 5.15 on. */
static void bounces_keep_everything_when_the_flush_is_late(void **state)
{
	bounces_keep_everything_in(state, PIN_CONTINUOUS, 30 * USEC_PER_MSEC);
}

/* An affected kernel takes the whole device with each address. */
static void bounces_keep_everything_on_affected_kernels(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_ON_DEMAND);

	s->fake->flush4 = s->fake->flush6 = FLUSH_DEVICE;
	bounce(s, g, USEC_PER_SEC);
	guard_free(g);
}

/* The guard finds both events at once, and the address away as before. */
static void what_was_back_for_a_moment_has_all_its_time(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, LINGER - USEC_PER_SEC);
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, LINGER - USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, USEC_PER_SEC + 100 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

static void after_its_time_everything_goes(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	usec_t went = s->fake->clock;

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER6 "/64"), 0);
	guarding_spin(s, g, LINGER - 20 * USEC_PER_MSEC);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, went + LINGER + 100 * USEC_PER_MSEC - s->fake->clock);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(s->fake->n_entries, 2 * FLOWS);
	assert_int_equal(guarding_status(g).pinned, 2 * FLOWS);
	assert_int_equal(guarding_status(g).removed, 3 * FLOWS);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_TIME], 2);
	assert_int_equal(lingering_entries(g), 0);
	assert_false(going_has_file(s, "away"));
	/* it comes back too late, and goes again: nothing is left to linger */
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_TIME], 2);
	guard_free(g);
}

/* Each family by itself, each address by itself. */
static void the_others_do_not_linger(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	struct guard_lingering list[GUARD_LINGERING_MAX];
	uint64_t entries;

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER6 "/64"), 0);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guard_lingering(g, list, &entries), 2);
	assert_int_equal(list[0].entries + list[1].entries, entries);
	assert_true(list[1].until > list[0].until + 2 * USEC_PER_SEC ||
		    list[0].until > list[1].until + 2 * USEC_PER_SEC);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(guard_lingering(g, list, &entries), 1);
	assert_int_equal(going_count(s, OTHER4), 2 * FLOWS);
	assert_int_equal(going_count(s, OTHER6), 0);
	guard_free(g);
}

static void without_linger_all_is_as_before(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_new(s, PIN_CONTINUOUS, 0);

	lingering_flows(s);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	lingering_young(s);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(guarding_status(g).restored, 0);
	guard_free(g);
}

/* On any device of the node. */
static void it_may_come_back_elsewhere(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	fake_addr(s->fake, s->pods, OTHER4 "/32", NULL);
	guarding_spin(s, g, 10 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_BACK], 1);
	/* and vanish from there: it lingers again, and goes */
	assert_int_equal(fake_addr_del(s->fake, s->pods, OTHER4 "/32"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, LINGER);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

static void what_is_given_up_goes_at_once(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	struct addr a;

	/* the kernel is faster */
	assert_int_equal(addr_parse(OTHER4, &a), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(going_count(s, OTHER4), 2 * FLOWS);
	guard_give_up(g, &a, false);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_GIVEN], 1);
	/* we are told before the kernel tells */
	assert_int_equal(addr_parse(OTHER6, &a), 0);
	guard_give_up(g, &a, false);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER6 "/64"), 0);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER6), 0);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_GIVEN], 2);
	guard_free(g);
}

static void what_another_host_has_goes_at_once(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	assert_false(fake_is_heard(s->fake, s->dev, OTHER4));
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER6 "/64"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(fake_is_heard(s->fake, s->dev, OTHER4));
	assert_true(fake_is_heard(s->fake, s->dev, OTHER6));
	assert_false(fake_is_heard(s->fake, s->dev, HOST4));
	fake_say(s->fake, s->dev, OTHER4);
	fake_say(s->fake, s->dev, OTHER4);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_HEARD], 1);
	assert_int_equal(lingering_entries(g), FLOWS);
	assert_false(fake_is_heard(s->fake, s->dev, OTHER4));
	assert_true(fake_is_heard(s->fake, s->dev, OTHER6));
	/* it is back when somebody says that it is his: nothing of it lingers any more */
	fake_addr(s->fake, s->dev, OTHER6 "/64", NULL);
	fake_say(s->fake, s->dev, OTHER6);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_HEARD], 1);
	assert_int_equal(guarding_status(g).linger_ends[LINGER_BACK], 1);
	assert_false(fake_is_heard(s->fake, s->dev, OTHER6));
	assert_int_equal(s->fake->n_entries, 3 * FLOWS);
	guard_free(g);
}

static void who_cannot_hear_goes_by_the_clock(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	s->fake->heard_error = -EPERM;
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).deaf, -EPERM);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, LINGER);
	assert_int_equal(going_count(s, OTHER4), 0);
	guard_free(g);
}

static void what_a_run_deletes_does_not_linger(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);

	s->env.source = guard_source(g);
	scene_move(s, OP_DEL, OTHER4 "/24", NULL);
	s->env.source = (struct source){ .ops = NULL };
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(lingering_entries(g), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(s->fake->n_entries, 3 * FLOWS);
	guard_free(g);
}

/* Somebody has set it again: then it is his, and nobody has given it up. */
static void what_was_given_up_may_come_back(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	struct addr a;

	assert_int_equal(addr_parse(OTHER4, &a), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guard_give_up(g, &a, false);
	guarding_spin(s, g, 50 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	lingering_young(s);
	guarding_spin(s, g, 50 * USEC_PER_MSEC);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(lingering_entries(g), FLOWS);
	guard_free(g);
}

/* The run of another process, which has not asked the daemon. */
static void what_another_run_deletes_does_not_linger(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	int dir = open(s->dir, O_RDONLY | O_DIRECTORY);
	char *words[] = { (char *)OTHER4 "/24", (char *)"dev", (char *)"br-mgmt" };
	struct guard_foreign_news news;
	struct request_error err = { "" };
	struct request req;
	char name[JOURNAL_NAME_MAX];

	request_init(&req, OP_DEL);
	assert_int_equal(request_parse(&req, 3, words, &err), 0);
	assert_int_equal(journal_write(dir, journal_name("br-mgmt", name), s->env.boot_id, &req,
				       s->fake->clock, NULL, NULL, NULL),
			 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER6 "/64"), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	assert_int_equal(going_count(s, OTHER4), 0);
	assert_int_equal(lingering_entries(g), FLOWS);
	guard_take_foreign(g, &news); /* the run tells of its own */
	assert_int_equal(news.n, 1);
	assert_int_equal(news.list[0].deed.address.len, 64);
	/* it was killed long ago */
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	lingering_young(s);
	guarding_spin(s, g, 61 * USEC_PER_SEC);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(lingering_entries(g), FLOWS);
	close(dir);
	guard_free(g);
}

/* vipsafe del of another address, while one lingers: that is not disturbed. */
static void a_run_leaves_what_lingers(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_ON_DEMAND);

	s->fake->flush4 = FLUSH_DEVICE;
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	s->env.source = guard_source(g);
	s->req.strategy = STRATEGY_AUTO;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	s->env.source = (struct source){ .ops = NULL };
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	guard_free(g);
}

static void what_is_to_stay_stays(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	struct addr a;

	assert_int_equal(addr_parse(OTHER4, &a), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	guard_give_up(g, &a, true);
	guarding_spin(s, g, 2 * LINGER);
	assert_int_equal(going_count(s, OTHER4), 2 * FLOWS);
	guard_free(g);
}

/* Several go in a row: the guard wakes up for the first, and reads that the next is gone before it
 * is told of it. Somebody guarded it all the same. */
static void losses_in_a_row_are_seen(void **state)
{
	struct scene *s = *state;
	struct guard *g = lingering_begin(s, PIN_CONTINUOUS);
	struct ifaddr later;

	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER6 "/64"), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	later = s->fake->addr_events[--s->fake->n_addr_events].addr;
	guarding_spin(s, g, 10 * USEC_PER_MSEC);
	fake_tell_addr(s->fake, &later, true);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).gone, 0);
	assert_int_equal(guarding_status(g).foreign_deletes, 2);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(lingering_entries(g), 3 * FLOWS);
	guarding_spin(s, g, LINGER);
	assert_int_equal(going_count(s, OTHER4) + going_count(s, OTHER6), 0);
	guard_free(g);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bounces_keep_everything),
		CASE(bounces_keep_everything_that_is_restored),
		CASE(bounces_keep_everything_when_the_flush_is_late),
		CASE(bounces_keep_everything_on_affected_kernels),
		CASE(what_was_back_for_a_moment_has_all_its_time),
		CASE(after_its_time_everything_goes),
		CASE(the_others_do_not_linger),
		CASE(without_linger_all_is_as_before),
		CASE(it_may_come_back_elsewhere),
		CASE(what_is_given_up_goes_at_once),
		CASE(what_another_host_has_goes_at_once),
		CASE(who_cannot_hear_goes_by_the_clock),
		CASE(what_a_run_deletes_does_not_linger),
		CASE(what_was_given_up_may_come_back),
		CASE(what_another_run_deletes_does_not_linger),
		CASE(a_run_leaves_what_lingers),
		CASE(what_is_to_stay_stays),
		CASE(losses_in_a_row_are_seen),
	};

	return cmocka_run_group_tests_name("guard_linger", tests, NULL, NULL);
}
