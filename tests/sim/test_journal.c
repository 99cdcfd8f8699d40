/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that let somebody else finish a killed run: written whole or not at all, and nothing
 * is read from a file that is another's, torn, or not in force. */
#include "lib/disk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "move/journal.h"

#define N 40
#define PAYLOAD 100

static int teardown(void **state)
{
	static const char *const names[] = { "move-eth0", "slot-eth0", "repair-eth0", "link" };

	return disk_teardown(state, names, ARRAY_SIZE(names));
}

static struct conn flow(uint16_t port, uint16_t as)
{
	const uint8_t src[4] = { 10, 0, 0, 1 }, dst[4] = { 10, 0, 0, 2 };
	struct conn c;

	memset(&c, 0, sizeof(c));
	c.key.family = AF_INET;
	c.key.l4proto = IPPROTO_TCP;
	memcpy(c.key.orig.src, src, sizeof(src));
	memcpy(c.key.orig.dst, dst, sizeof(dst));
	c.key.orig.sport = htons(port);
	c.key.orig.dport = htons(80);
	c.reply = tuple_invert(&c.key.orig, c.key.l4proto);
	c.reply.dport = htons(as);
	return c;
}

static const uint8_t payload[PAYLOAD];

static struct conn_record record_of(const struct conn *c)
{
	return (struct conn_record){ .conn = c, .payload = payload, .payload_len = PAYLOAD };
}

static struct request a_delete(void)
{
	struct request q;

	request_init(&q, OP_DEL);
	strcpy(q.device, "eth0");
	q.n_vips = 1;
	assert_int_equal(prefix_parse("192.0.2.10/32", PREFIX_LEN_REQUIRED, &q.vips[0].prefix), 0);
	return q;
}

static bool keep(const void *ud, size_t i)
{
	return i < *(const size_t *)ud;
}

/* Write the first N of so many flows. */
static int write_some(const struct dir *d, size_t n)
{
	struct request q = a_delete();
	struct connset *set = connset_new(1, 0);
	int r;

	for (uint16_t i = 0; i < N; i++) {
		struct conn c = flow((uint16_t)(1000 + i), i);
		struct conn_record record = record_of(&c);

		assert_int_equal(connset_add(set, &record), 0);
	}
	r = journal_write(d->fd, "move-eth0", BOOT, &q, 7, set, keep, &n);
	connset_free(set);
	return r;
}

/* How many entries there are; or why the file cannot be read. */
static int count(const struct dir *d, const char *name)
{
	struct journal j = { .set = NULL };
	int r = journal_read(d->fd, name, BOOT, 1, &j);

	if (r == 0)
		r = (int)connset_count(j.set);
	journal_done(&j);
	return r;
}

/* ---- a snapshot ---------------------------------------------------------------------- */

/* What was there before is there still, and nobody is told that it was the disk that failed. */
static void a_full_disk_leaves_what_was_there(void **state)
{
	struct dir *d = *state;
	off_t whole;

	assert_int_equal(write_some(d, N), 0);
	whole = disk_size(d, "move-eth0");
	assert_int_equal(write_some(d, 3), 0);
	for (off_t size = 0; size < whole; size += 97) {
		disk_room((rlim_t)size);
		assert_int_equal(write_some(d, N), -EFBIG);
		assert_int_equal(disk_size(d, "move-eth0~"), -1);
		assert_int_equal(count(d, "move-eth0"), 3);
	}
	disk_room((rlim_t)whole);
	assert_int_equal(write_some(d, N), 0);
	assert_int_equal(count(d, "move-eth0"), N);
	disk_room(RLIM_INFINITY);
}

static void a_torn_file_is_not_read(void **state)
{
	struct dir *d = *state;
	struct journal j;
	off_t whole;
	int fd;

	assert_int_equal(write_some(d, 4), 0);
	whole = disk_size(d, "move-eth0");
	assert_int_equal(journal_read(d->fd, "move-eth0", OTHER_BOOT, 1, &j), -EBADMSG);
	fd = openat(d->fd, "move-eth0", O_WRONLY);
	for (off_t size = whole - 1; size > 0; size -= 31) {
		assert_int_equal(ftruncate(fd, size), 0);
		assert_int_equal(count(d, "move-eth0"), -EBADMSG);
	}
	close(fd);
}

/* Somebody else could have written it, or it is no file at all. */
static void a_file_of_others_is_not_read(void **state)
{
	struct dir *d = *state;
	struct journal j;

	assert_int_equal(write_some(d, 1), 0);
	assert_int_equal(fchmodat(d->fd, "move-eth0", 0620, 0), 0);
	assert_int_equal(count(d, "move-eth0"), -EPERM);
	assert_int_equal(fchmodat(d->fd, "move-eth0", 0602, 0), 0);
	assert_int_equal(count(d, "move-eth0"), -EPERM);
	assert_int_equal(fchmodat(d->fd, "move-eth0", 0600, 0), 0);
	assert_int_equal(symlinkat("move-eth0", d->fd, "link"), 0);
	assert_int_equal(count(d, "link"), -ELOOP);
	assert_int_equal(journal_mark_moved(d->fd, "link"), -ELOOP);
	assert_int_equal(journal_mark_moved(d->fd, "none"), -ENOENT);
	assert_int_equal(journal_mark_moved(d->fd, "move-eth0"), 0);
	assert_int_equal(journal_read(d->fd, "move-eth0", BOOT, 1, &j), 0);
	assert_true(j.moved);
	journal_done(&j);
	assert_int_equal(unlinkat(d->fd, "link", 0), 0);
	assert_int_equal(mkfifoat(d->fd, "link", 0600), 0);
	assert_int_equal(count(d, "link"), -EPERM);
	assert_int_equal(count(d, "."), -EPERM);
}

/* ---- a slot ---------------------------------------------------------------------------- */

/* Opened anew where it was removed; never one that others can write, or have a name for. */
static void a_slot_is_nobody_elses(void **state)
{
	struct dir *d = *state;
	int fd = -1, first;

	assert_int_equal(journal_slot_open(d->fd, "eth0", &fd), 0);
	first = fd;
	assert_int_equal(journal_slot_open(d->fd, "eth0", &fd), 0);
	assert_int_equal(fd, first);
	assert_int_equal(unlinkat(d->fd, "slot-eth0", 0), 0);
	assert_int_equal(journal_slot_open(d->fd, "eth0", &fd), 0);
	assert_int_equal(disk_size(d, "slot-eth0"), 0);
	assert_int_equal(linkat(d->fd, "slot-eth0", d->fd, "link", 0), 0);
	assert_int_equal(journal_slot_open(d->fd, "eth0", &fd), -EPERM);
	assert_int_equal(fd, -1);
	assert_int_equal(unlinkat(d->fd, "link", 0), 0);
	assert_int_equal(fchmodat(d->fd, "slot-eth0", 0666, 0), 0);
	assert_int_equal(journal_slot_open(d->fd, "eth0", &fd), -EPERM);
	assert_int_equal(unlinkat(d->fd, "slot-eth0", 0), 0);
	assert_int_equal(symlinkat("move-eth0", d->fd, "slot-eth0"), 0);
	assert_int_equal(journal_slot_open(d->fd, "eth0", &fd), -ELOOP);
}

/* ---- a delete that is under way ---------------------------------------------------------- */

static bool finds(const struct dir *d, const char *address, usec_t since)
{
	struct request told;
	struct prefix p;

	assert_int_equal(prefix_parse(address, PREFIX_LEN_REQUIRED, &p), 0);
	return journal_finds_delete(d->fd, "eth0", BOOT, &p, since, &told);
}

static void a_delete_is_found_while_it_lasts(void **state)
{
	struct dir *d = *state;

	assert_false(finds(d, "192.0.2.10/32", 0));
	assert_int_equal(write_some(d, 1), 0);
	assert_true(finds(d, "192.0.2.10/32", 7));
	assert_false(finds(d, "192.0.2.10/32", 8)); /* it was earlier */
	assert_false(finds(d, "192.0.2.11/32", 7));
	assert_int_equal(fchmodat(d->fd, "move-eth0", 0666, 0), 0);
	assert_false(finds(d, "192.0.2.10/32", 7));
}

/* ---- a repair ------------------------------------------------------------------------------ */

static int repair_begin(const struct dir *d)
{
	struct request q = a_delete();

	q.n_vips = 0;
	return journal_repair_begin(d->fd, "eth0", BOOT, &q, 7);
}

static int repair_add(int fd, uint16_t from, uint16_t to, uint16_t as, uint64_t *n)
{
	struct conn_record records[N];
	struct conn conns[N];

	for (uint16_t i = from; i < to; i++) {
		conns[i - from] = flow(i, as);
		records[i - from] = record_of(&conns[i - from]);
	}
	return journal_grow(fd, records, (size_t)(to - from), n);
}

/* What was saved before can be read whenever the disk becomes full. */
static void a_repair_on_a_full_disk(void **state)
{
	struct dir *d = *state;
	uint64_t n = 0;
	off_t some;
	int fd;

	disk_room(10);
	assert_int_equal(repair_begin(d), -EFBIG);
	assert_int_equal(disk_size(d, "repair-eth0"), -1);
	disk_room(0);
	assert_int_equal(repair_begin(d), -EFBIG);
	assert_int_equal(disk_size(d, "repair-eth0"), -1);
	disk_room(RLIM_INFINITY);
	fd = repair_begin(d);
	assert_true(fd >= 0);
	assert_true(journal_repair_is_alive(d->fd, "repair-eth0"));
	assert_int_equal(repair_add(fd, 0, 3, 1, &n), 0);
	some = disk_size(d, "repair-eth0");
	for (off_t size = some; size < 2 * some; size += 97) {
		disk_room((rlim_t)size);
		assert_int_equal(repair_add(fd, 3, 3 + N, 1, &n), -EFBIG);
		assert_int_equal(n, 3);
		assert_int_equal(disk_size(d, "repair-eth0"), some);
		assert_int_equal(count(d, "repair-eth0"), 3);
	}
	disk_room(RLIM_INFINITY);
	assert_int_equal(repair_add(fd, 3, 3 + N, 1, &n), 0);
	assert_int_equal(count(d, "repair-eth0"), 3 + N);
	close(fd);
	assert_false(journal_repair_is_alive(d->fd, "repair-eth0"));
	assert_false(journal_repair_is_alive(d->fd, "none"));
}

/* A flow was flushed, came up again, and was flushed again: whoever finishes the repair puts
 * back the later entry, and all others. */
static void a_flow_that_was_flushed_twice(void **state)
{
	struct dir *d = *state;
	struct conn c = flow(1, 0);
	struct journal j;
	uint64_t n = 0;
	int fd = repair_begin(d);

	assert_int_equal(repair_add(fd, 0, 3, 1000, &n), 0);
	assert_int_equal(repair_add(fd, 1, 2, 2000, &n), 0);
	close(fd);
	assert_int_equal(journal_read(d->fd, "repair-eth0", BOOT, 1, &j), 0);
	assert_int_equal(connset_count(j.set), 3);
	assert_int_equal(
		ntohs(connset_get(j.set, (size_t)connset_find(j.set, &c.key))->reply.dport), 2000);
	journal_done(&j);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, disk_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_full_disk_leaves_what_was_there), CASE(a_torn_file_is_not_read),
		CASE(a_file_of_others_is_not_read),	 CASE(a_slot_is_nobody_elses),
		CASE(a_delete_is_found_while_it_lasts),	 CASE(a_repair_on_a_full_disk),
		CASE(a_flow_that_was_flushed_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
