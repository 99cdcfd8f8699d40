/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives a guard, on a disk that becomes full: what was noted before stays. And what is read
 * of it beside a guard. */
#include "lib/disk.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "move/marks.h"

#define MANY 100

static int teardown(void **state)
{
	static const char *const names[] = { "pins-eth0", "addresses-eth0", "away-eth0", "target" };

	return disk_teardown(state, names, ARRAY_SIZE(names));
}

static const uint64_t marks[MANY] = { 3, 5, 8, 13, 21 };

/* A guard that has noted three. */
static struct marks guarding(const struct dir *d)
{
	struct marks m = { .fd = -1 };

	assert_int_equal(marks_create(d->fd, "eth0", BOOT, 77, &m), 0);
	assert_int_equal(marks_add(&m, marks, 3), 0);
	assert_int_equal(marks_publish(d->fd, "eth0"), 0);
	return m;
}

/* How many of the first five are in the file; or why it cannot be read. */
static int look_for(const struct dir *d, const char *boot)
{
	struct marks m = { .fd = 0 };
	struct markset set = { 0 };
	int r = marks_look(d->fd, "eth0", boot, &m, &set);

	if (r < 0)
		return r;
	assert_int_equal(m.fd, -1);
	assert_true(m.salt == 77);
	for (size_t i = r = 0; i < 5; i++)
		r += markset_has(&set, marks[i]);
	markset_done(&set);
	return r;
}

/* ---- pins -------------------------------------------------------------------------------- */

static void a_file_that_cannot_begin(void **state)
{
	struct marks m = { .fd = -1 };
	struct dir *d = *state;

	for (rlim_t size = 0; size < 50; size += 10) {
		disk_room(size);
		assert_int_equal(marks_create(d->fd, "eth0", BOOT, 77, &m), -EFBIG);
		assert_int_equal(m.fd, -1);
		assert_int_equal(disk_size(d, "pins-eth0~"), -1);
	}
	disk_room(RLIM_INFINITY);
	assert_int_equal(marks_publish(d->fd, "eth0"), -ENOENT);
}

/* All of them or none. */
static void no_room_for_more(void **state)
{
	struct dir *d = *state;
	struct marks m = guarding(d);
	off_t size = disk_size(d, "pins-eth0");

	for (off_t room = size; room < size + MANY * 8; room += 13) {
		disk_room((rlim_t)room);
		assert_int_equal(marks_add(&m, marks, MANY), room == size ? -EFBIG : -ENOSPC);
		assert_int_equal(m.n, 3);
		assert_int_equal(disk_size(d, "pins-eth0"), size);
	}
	disk_room(RLIM_INFINITY);
	assert_int_equal(look_for(d, BOOT), 3);
	assert_int_equal(marks_add(&m, marks, MANY), 0);
	assert_int_equal(look_for(d, BOOT), 5);
	marks_close(&m);
}

/* It runs, and writes: nothing is locked, and half a mark is none. */
static void a_look_beside_a_guard(void **state)
{
	struct marks m, other = { .fd = -1 };
	struct dir *d = *state;

	assert_int_equal(look_for(d, BOOT), -ENOENT);
	m = guarding(d);
	assert_int_equal(look_for(d, BOOT), 3);
	assert_int_equal(pwrite(m.fd, "half", 4, disk_size(d, "pins-eth0")), 4);
	assert_int_equal(look_for(d, BOOT), 3);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &other), -EBUSY);
	marks_close(&m);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &other), 0);
	assert_int_equal(look_for(d, BOOT), 3);
	marks_close(&other);
	assert_int_equal(look_for(d, OTHER_BOOT), -EBADMSG);
}

static void what_is_not_looked_at(void **state)
{
	struct dir *d = *state;
	struct marks m = guarding(d);

	assert_int_equal(fchmodat(d->fd, "pins-eth0", 0602, 0), 0);
	assert_int_equal(look_for(d, BOOT), -EPERM);
	assert_int_equal(fchmodat(d->fd, "pins-eth0", 0600, 0), 0);
	assert_int_equal(linkat(d->fd, "pins-eth0", d->fd, "target", 0), 0);
	assert_int_equal(look_for(d, BOOT), -EPERM);
	assert_true(!marks_is_there(&m));
	assert_int_equal(unlinkat(d->fd, "pins-eth0", 0), 0);
	assert_int_equal(symlinkat("target", d->fd, "pins-eth0"), 0);
	assert_int_equal(look_for(d, BOOT), -ELOOP);
	assert_int_equal(unlinkat(d->fd, "pins-eth0", 0), 0);
	assert_int_equal(renameat(d->fd, "target", d->fd, "pins-eth0"), 0);
	assert_int_equal(look_for(d, BOOT), 3);
	assert_int_equal(ftruncate(m.fd, 20), 0);
	assert_int_equal(look_for(d, BOOT), -EBADMSG);
	marks_close(&m);
}

/* ---- addresses ---------------------------------------------------------------------------- */

static struct addr address(uint8_t i)
{
	return (struct addr){ .family = AF_INET, .bytes = { 192, 0, 2, i } };
}

static int write_addresses(const struct dir *d, uint8_t n)
{
	struct addrset set = { .n = 0 };
	int r;

	for (uint8_t i = 0; i < n; i++) {
		struct addr a = address(i);

		assert_int_equal(addrset_add(&set, &a), 0);
	}
	r = marks_write_addresses(d->fd, "eth0", BOOT, &set);
	addrset_done(&set);
	return r;
}

static int write_away(const struct dir *d, uint8_t n)
{
	struct marks_away list[MANY];

	for (uint8_t i = 0; i < n; i++)
		list[i] = (struct marks_away){ .addr = address(i), .since = 1000U + i };
	return marks_write_away(d->fd, "eth0", BOOT, list, n);
}

/* The addresses that are known, and those that are away. */
static void expect(const struct dir *d, size_t n)
{
	struct addrset set = { .n = 0 };
	struct marks_away *away = NULL;
	size_t n_away = 0;

	assert_int_equal(marks_read_addresses(d->fd, "eth0", BOOT, &set), 0);
	assert_int_equal(set.n, n);
	addrset_done(&set);
	assert_int_equal(marks_read_away(d->fd, "eth0", BOOT, &away, &n_away), 0);
	assert_int_equal(n_away, n);
	assert_true(away[n - 1].since == 1000U + n - 1);
	free(away);
}

static void lists_on_a_full_disk(void **state)
{
	struct dir *d = *state;

	assert_int_equal(write_addresses(d, 2), 0);
	assert_int_equal(write_away(d, 2), 0);
	for (rlim_t size = 0; size < (rlim_t)MANY * 17; size += 111) {
		disk_room(size);
		assert_int_equal(write_addresses(d, MANY), -EFBIG);
		assert_int_equal(write_away(d, MANY), -EFBIG);
		expect(d, 2);
	}
	disk_room(RLIM_INFINITY);
	assert_int_equal(write_addresses(d, MANY), 0);
	assert_int_equal(write_away(d, MANY), 0);
	expect(d, MANY);
	/* none: there is no file, and it is no error that there was none */
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(write_addresses(d, 0), 0);
		assert_int_equal(write_away(d, 0), 0);
		assert_int_equal(disk_size(d, "addresses-eth0"), -1);
		assert_int_equal(disk_size(d, "away-eth0"), -1);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, disk_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_file_that_cannot_begin), CASE(no_room_for_more),
		CASE(a_look_beside_a_guard),	CASE(what_is_not_looked_at),
		CASE(lists_on_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
