/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guard keeps on disk for whoever comes after it: whose it is, when it is
 * there, and how large it gets. */
#include "lib/going.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "move/remember.h"

/* Of another boot, or where somebody else could have written. */
static void files_of_others_are_not_believed(void **state)
{
	struct scene *s = *state;
	struct purged purged;
	char path[128];

	going_begin(s);
	going_lose(s);
	s->env.boot_id = "another-boot";
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
	assert_int_equal(going_count(s, OTHER4), FLOWS);
	scene_teardown(state);

	assert_int_equal(scene_setup(state), 0);
	s = *state;
	going_begin(s);
	going_lose(s);
	going_path(s, "pins", path);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, 0);
	assert_int_equal(purged.unproven, FLOWS);
}

/* What a guard has pinned and a listing tells to be made, no later guard pins once more. */
static void what_is_pinned_is_not_pinned_again(void **state)
{
	struct scene *s = *state;
	unsigned writes;
	struct guard *g;

	going_begin(s);
	s->fake->tells_made = true;
	writes = s->fake->ct_writes;
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pins, 0);
	assert_int_equal(guarding_status(g).pinned, 2 * FLOWS);
	assert_int_equal(s->fake->ct_writes, writes);
	guard_free(g);

	/* deleted, and brought up again by its own traffic in the same place, with the same id */
	s->fake->entries[0].created = false;
	s->fake->entries[0].masq = s->dev;
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pins, 1);
	assert_int_equal(guarding_status(g).pinned, 2 * FLOWS);
	assert_int_equal(s->fake->entries[0].masq, 0);
	guard_free(g);

	/* made by somebody else: ours is another one */
	s->fake->entries[1].conn.id++;
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pins, 1);
	guard_free(g);

	s->fake->tells_made = false;
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pins, 2 * FLOWS);
	guard_free(g);
}

/* What was pinned a moment before the kill is known, too. */
static void each_pin_is_on_disk_at_once(void **state)
{
	struct scene *s = *state;
	char path[128], copy[136];
	struct purged purged;
	struct guard *g;
	uint16_t i;

	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	going_flow(s, 0, OTHER4);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	for (i = 1; i < FLOWS; i++)
		going_flow(s, i, OTHER4);
	for (i = 0; i < s->fake->n_entries; i++)
		fake_tell(s->fake, &s->fake->entries[i]);
	while (guarding_status(g).pinned < FLOWS) {
		guard_ready(g);
		(void)guard_tick(g);
		fake_advance(s->fake, USEC_PER_MSEC);
	}
	/* as SIGKILL does: the guard does not come to write anything more */
	going_path(s, "pins", path);
	snprintf(copy, sizeof(copy), "%s.kept", path);
	assert_int_equal(rename(path, copy), 0);
	guard_free(g);
	(void)rename(copy, path);
	s->fake->flush4 = FLUSH_ADDRESS;
	going_lose(s);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, FLOWS);
}

/* The file does not grow for ever with what has ended. */
static void the_file_is_made_anew(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	struct stat st;
	char path[128];
	unsigned round;

	going_path(s, "pins", path);
	g = guarding_new(s, PIN_CONTINUOUS);
	for (round = 0; round < 14; round++) {
		uint16_t i;

		for (i = 0; i < 1000; i++) {
			char pod[32];
			struct conn c;

			snprintf(pod, sizeof(pod), "10.1.%u.%u", 1 + i / 200, 1 + i % 200);
			c = scene_flow(IPPROTO_TCP, pod, 4000, SERVER4, 80, HOST4,
				       (uint16_t)(20000 + i));
			fake_tell(s->fake, scene_add(s, &c));
		}
		while (guarding_status(g).pinned < 1000)
			guarding_spin(s, g, 100 * USEC_PER_MSEC);
		while (s->fake->n_entries)
			(void)fake_delete_by(s->fake, &s->fake->entries[0].conn.key, 77);
		while (guarding_status(g).pinned)
			guarding_spin(s, g, 100 * USEC_PER_MSEC);
	}
	assert_true(guarding_status(g).pins >= 13000);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 13000 * 8);
	guard_free(g);
}

static void a_removed_directory_is_filled_again(void **state)
{
	struct scene *s = *state;
	char path[128];
	struct guard *g;

	going_begin(s);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	going_path(s, "pins", path);
	assert_int_equal(unlink(path), 0);
	going_path(s, "addresses", path);
	assert_int_equal(unlink(path), 0);
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	guard_free(g);
	going_lose(s);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).removed, FLOWS);
	guard_free(g);
}

/* Whoever has the file just now, recover --stale say, keeps nobody waiting; what was
 * pinned meanwhile is on disk in the end, and what was left is known. */
static void somebody_else_has_it(void **state)
{
	struct scene *s = *state;
	struct purged purged;
	struct guard *g;
	char path[128];
	int fd;

	going_begin(s);
	going_path(s, "pins", path);
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 15 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 2 * FLOWS);
	assert_int_equal(guarding_status(g).relists, 1);
	close(fd);
	guarding_spin(s, g, 15 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).relists, 2);
	guard_free(g);
	going_lose(s);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, FLOWS);
}

/* It is told of, and tried again. */
static void where_nothing_can_be_written(void **state)
{
	struct scene *s = *state;
	char run_dir[sizeof(s->settings.run_dir)];
	struct purged purged;
	struct guard *g;
	uint16_t i;

	memcpy(run_dir, s->settings.run_dir, sizeof(run_dir));
	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "/proc/nowhere");
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	for (i = 0; i < FLOWS; i++)
		going_flow(s, i, OTHER4);
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 25 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, FLOWS);
	assert_true(guarding_status(g).unsaved >= 2 && guarding_status(g).unsaved <= 5);
	memcpy(s->settings.run_dir, run_dir, sizeof(run_dir));
	guarding_spin(s, g, 12 * USEC_PER_SEC);
	guard_free(g);
	s->fake->flush4 = FLUSH_ADDRESS;
	going_lose(s);
	assert_int_equal(remember_purge(&s->env, &purged), 0);
	assert_int_equal(purged.removed, FLOWS);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(files_of_others_are_not_believed),	   CASE(what_is_pinned_is_not_pinned_again),
		CASE(each_pin_is_on_disk_at_once),	   CASE(the_file_is_made_anew),
		CASE(a_removed_directory_is_filled_again), CASE(somebody_else_has_it),
		CASE(where_nothing_can_be_written),
	};

	return cmocka_run_group_tests_name("guard_keep", tests, NULL, NULL);
}
