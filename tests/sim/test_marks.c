/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that outlive a guard: what comes back is what was written, and whatever
 * else is in them, nothing that was never pinned is taken for ours. */
#include "lib/scene.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "move/marks.h"
#include "../lib/random.h"

#define BOOT "0f6c1d5e-7a0b-4f0e-9a51-3c1f5b2f7d10"
#define N 500
#define ROUNDS 3000
#define SIZE 8192

/* Any bytes are as good as others. */
static struct conn any_conn(struct rnd *r)
{
	struct conn c;
	size_t i;

	memset(&c, 0, sizeof(c));
	c.key.family = rnd(r, 2) ? AF_INET : AF_INET6;
	for (i = 0; i < addr_size(c.key.family); i++) {
		c.key.orig.src[i] = (uint8_t)rnd(r, 256);
		c.reply.dst[i] = (uint8_t)rnd(r, 256);
	}
	c.key.l4proto = (uint8_t)rnd(r, 256);
	c.key.orig.l4 = rnd(r, UINT32_MAX);
	c.id = 1 + rnd(r, 0x7fffffff);
	return c;
}

struct dir {
	char path[64];
	int fd;
};

static int setup(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	strcpy(d->path, "/tmp/vipsafe-marks.XXXXXX");
	assert_non_null(mkdtemp(d->path));
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY);
	assert_true(d->fd >= 0);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "pins-eth0", "pins-eth0~", "addresses-eth0", "other" };
	struct dir *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlinkat(d->fd, names[i], 0);
	close(d->fd);
	assert_int_equal(rmdir(d->path), 0);
	free(d);
	return 0;
}

static struct addr as_of(const struct conn *c)
{
	return tuple_dst(&c->reply, c->key.family);
}

static uint64_t mark(const struct marks *m, const struct conn *c)
{
	struct addr as = as_of(c);

	return marks_of(m, &c->key, c->id, &as);
}

/* A file with the marks of CONNS. */
static void write_marks(const struct dir *d, const struct conn conns[N])
{
	struct marks m = { .fd = -1 };

	assert_int_equal(marks_create(d->fd, "eth0", BOOT, 77, &m), 0);
	for (size_t i = 0; i < N; i++) {
		uint64_t one = mark(&m, &conns[i]);

		assert_int_equal(marks_add(&m, &one, 1), 0);
	}
	assert_int_equal(marks_publish(d->fd, "eth0"), 0);
	marks_close(&m);
}

static void fill(struct rnd *r, struct conn conns[N])
{
	for (size_t i = 0; i < N; i++)
		conns[i] = any_conn(r);
}

static void what_is_written_is_read(void **state)
{
	struct rnd r = rnd_begin("what_is_written_is_read");
	struct markset set = { 0 };
	struct dir *d = *state;
	struct conn conns[N];
	struct marks m;
	struct stat st;

	fill(&r, conns);
	write_marks(d, conns);
	assert_int_equal(fstatat(d->fd, "pins-eth0", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &m), 0);
	assert_int_equal(m.n, N);
	assert_int_equal(marks_read(&m, &set), 0);
	for (size_t i = 0; i < N; i++) {
		struct conn other = conns[i];

		assert_true(markset_has(&set, mark(&m, &conns[i])));
		other.id ^= 1u << rnd(&r, 32);
		assert_false(markset_has(&set, mark(&m, &other)));
		other = conns[i];
		other.key.orig.src[rnd(&r, 16)] ^= (uint8_t)(1 + rnd(&r, 255));
		assert_false(markset_has(&set, mark(&m, &other)));
		other = conns[i];
		other.reply.dst[0] ^= 1;
		assert_false(markset_has(&set, mark(&m, &other)));
	}
	markset_done(&set);
	marks_close(&m);
}

static void some_are_kept(void **state _unused_)
{
	struct rnd r = rnd_begin("some_are_kept");
	struct markset set = { 0 };
	uint8_t *keep;
	uint64_t at[N];

	for (size_t i = 0; i < N; i++) /* many in one chain */
		at[i] = (uint64_t)rnd(&r, UINT32_MAX) << 32 | (i + 2) << 8 | 77;
	assert_int_equal(markset_fill(&set, at, N), 0);
	assert_int_equal(set.n, N);
	keep = calloc(set.n_slots, 1);
	for (size_t i = 0; i < N; i += 3)
		keep[markset_find(&set, at[i])] = 1;
	markset_keep(&set, keep);
	for (size_t i = 0; i < N; i++)
		assert_true(markset_has(&set, at[i]) == (i % 3 == 0));
	memset(keep, 0, set.n_slots);
	markset_keep(&set, keep);
	assert_null(set.at);
	assert_false(markset_has(&set, at[0]));
	free(keep);
	assert_int_equal(markset_fill(&set, at, 0), 0);
	assert_false(markset_has(&set, at[0]));
}

static void one_guard_at_a_time(void **state)
{
	struct dir *d = *state;
	struct conn conns[N];
	struct rnd r = rnd_begin("one_guard_at_a_time");
	struct marks a, b;

	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &a), -ENOENT);
	fill(&r, conns);
	write_marks(d, conns);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &a), 0);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &b), -EBUSY);
	assert_true(marks_is_there(&a));
	assert_int_equal(unlinkat(d->fd, "pins-eth0", 0), 0);
	assert_false(marks_is_there(&a));
	marks_close(&a);
}

static void others_files_are_refused(void **state)
{
	struct rnd r = rnd_begin("others_files_are_refused");
	struct dir *d = *state;
	struct conn conns[N];
	struct marks m;

	fill(&r, conns);
	write_marks(d, conns);
	assert_int_equal(marks_open(d->fd, "eth0", "another-boot", &m), -EBADMSG);
	assert_int_equal(fchmodat(d->fd, "pins-eth0", 0620, 0), 0);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &m), -EPERM);
	assert_int_equal(fchmodat(d->fd, "pins-eth0", 0600, 0), 0);
	assert_int_equal(linkat(d->fd, "pins-eth0", d->fd, "other", 0), 0);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &m), -EPERM);
	assert_int_equal(unlinkat(d->fd, "pins-eth0", 0), 0);
	assert_int_equal(symlinkat("other", d->fd, "pins-eth0"), 0);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &m), -ELOOP);
	assert_int_equal(unlinkat(d->fd, "pins-eth0", 0), 0);
	assert_int_equal(mkfifoat(d->fd, "pins-eth0", 0600), 0);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &m), -EPERM);
}

/* A kill in the midst of a write: what is whole counts, and what follows is whole. */
static void a_half_written_mark_is_cut_off(void **state)
{
	struct rnd r = rnd_begin("a_half_written_mark_is_cut_off");
	struct markset set = { 0 };
	struct dir *d = *state;
	uint64_t one = 12345;
	struct conn conns[N];
	struct marks m;
	int fd;

	fill(&r, conns);
	write_marks(d, conns);
	fd = openat(d->fd, "pins-eth0", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "half", 4), 4);
	close(fd);
	assert_int_equal(marks_open(d->fd, "eth0", BOOT, &m), 0);
	assert_int_equal(m.n, N);
	assert_int_equal(marks_add(&m, &one, 1), 0);
	assert_int_equal(marks_read(&m, &set), 0);
	assert_int_equal(set.n, N + 1);
	assert_true(markset_has(&set, one));
	assert_true(markset_has(&set, mark(&m, &conns[N - 1])));
	markset_done(&set);
	marks_close(&m);
}

static size_t load(const struct dir *d, const char *name, uint8_t *buf)
{
	int fd = openat(d->fd, name, O_RDONLY);
	ssize_t n = read(fd, buf, SIZE);

	close(fd);
	assert_true(n > 0);
	return (size_t)n;
}

static void store(const struct dir *d, const char *name, const uint8_t *buf, size_t n)
{
	int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, buf, n), (ssize_t)n);
	close(fd);
}

/* Some bytes other than they were, more of them, or fewer. */
static size_t spoil(struct rnd *r, uint8_t *buf, size_t n)
{
	uint32_t times = 1 + rnd(r, 8);

	if (rnd(r, 3) == 0)
		n = rnd(r, (uint32_t)n + 1);
	while (n && times--)
		buf[rnd(r, rnd(r, 2) ? (uint32_t)n : (uint32_t)MIN(n, (size_t)96))] =
			(uint8_t)rnd(r, 256);
	if (rnd(r, 4) == 0)
		for (times = rnd(r, 64); times-- && n < SIZE;)
			buf[n++] = (uint8_t)rnd(r, 256);
	return n;
}

static void spoilt_marks_prove_nothing_new(void **state)
{
	struct rnd r = rnd_begin("spoilt_marks_prove_nothing_new");
	uint8_t whole[SIZE], spoilt[SIZE];
	struct dir *d = *state;
	struct conn conns[N], others[N];
	size_t size;

	fill(&r, conns);
	fill(&r, others);
	write_marks(d, conns);
	size = load(d, "pins-eth0", whole);
	for (int i = 0; i < ROUNDS; i++) {
		struct markset set = { 0 };
		struct marks m;
		size_t n;
		int e;

		memcpy(spoilt, whole, size);
		n = spoil(&r, spoilt, size);
		store(d, "pins-eth0", spoilt, n);
		e = marks_open(d->fd, "eth0", BOOT, &m);
		assert_true(e == 0 || e == -EBADMSG);
		if (e < 0)
			continue;
		assert_true(m.n <= n / sizeof(uint64_t));
		assert_int_equal(marks_read(&m, &set), 0);
		assert_true(set.n <= m.n && set.n + 8 >= m.n);
		for (size_t k = 0; k < N; k++)
			assert_false(markset_has(&set, mark(&m, &others[k])));
		markset_done(&set);
		marks_close(&m);
	}
}

static void addresses_come_back(void **state)
{
	struct addrset set = { 0 }, got = { 0 };
	struct dir *d = *state;
	struct addr a;

	assert_int_equal(addr_parse(HOST4, &a), 0);
	assert_int_equal(addrset_add(&set, &a), 0);
	assert_int_equal(addr_parse(VIP6, &a), 0);
	assert_int_equal(addrset_add(&set, &a), 0);
	assert_int_equal(marks_write_addresses(d->fd, "eth0", BOOT, &set), 0);
	assert_int_equal(marks_read_addresses(d->fd, "eth0", "another-boot", &got), -EBADMSG);
	assert_int_equal(marks_read_addresses(d->fd, "eth0", BOOT, &got), 0);
	assert_int_equal(got.n, 2);
	assert_memory_equal(got.addrs, set.addrs, 2 * sizeof(a));
	addrset_done(&got);
	assert_int_equal(fchmodat(d->fd, "addresses-eth0", 0602, 0), 0);
	assert_int_equal(marks_read_addresses(d->fd, "eth0", BOOT, &got), -EPERM);
	addrset_done(&set);
	assert_int_equal(marks_write_addresses(d->fd, "eth0", BOOT, &set), 0);
	assert_int_equal(faccessat(d->fd, "addresses-eth0", F_OK, 0), -1);
	assert_int_equal(marks_write_addresses(d->fd, "eth0", BOOT, &set), 0);
}

static void what_is_away_comes_back(void **state)
{
	struct marks_away list[2] = { { .since = 4711 }, { .since = USEC_NEVER - 1 } }, *got = NULL;
	struct dir *d = *state;
	size_t n = 0;

	assert_int_equal(addr_parse(HOST4, &list[0].addr), 0);
	assert_int_equal(addr_parse(VIP6, &list[1].addr), 0);
	assert_int_equal(marks_write_away(d->fd, "eth0", BOOT, list, 2), 0);
	assert_int_equal(marks_read_away(d->fd, "eth0", "another-boot", &got, &n), -EBADMSG);
	assert_int_equal(marks_read_away(d->fd, "eth0", BOOT, &got, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_true(addr_equal(&got[i].addr, &list[i].addr));
		assert_true(got[i].since == list[i].since);
	}
	free(got);
	assert_int_equal(fchmodat(d->fd, "away-eth0", 0602, 0), 0);
	assert_int_equal(marks_read_away(d->fd, "eth0", BOOT, &got, &n), -EPERM);
	assert_int_equal(marks_write_away(d->fd, "eth0", BOOT, NULL, 0), 0);
	assert_int_equal(faccessat(d->fd, "away-eth0", F_OK, 0), -1);
	assert_int_equal(marks_write_away(d->fd, "eth0", BOOT, NULL, 0), 0);
}

static void what_is_spoilt_is_not_away(void **state)
{
	struct rnd r = rnd_begin("what_is_spoilt_is_not_away");
	uint8_t whole[SIZE], spoilt[SIZE];
	struct marks_away list[40];
	struct dir *d = *state;
	size_t size;

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		struct conn c = any_conn(&r);

		list[i] = (struct marks_away){ .addr = as_of(&c), .since = i };
	}
	assert_int_equal(marks_write_away(d->fd, "eth0", BOOT, list, ARRAY_SIZE(list)), 0);
	size = load(d, "away-eth0", whole);
	for (int i = 0; i < ROUNDS; i++) {
		struct marks_away *got = NULL;
		size_t n = 0;
		int e;

		memcpy(spoilt, whole, size);
		store(d, "away-eth0", spoilt, spoil(&r, spoilt, size));
		e = marks_read_away(d->fd, "eth0", BOOT, &got, &n);
		assert_true(e == 0 || (e == -EBADMSG && !n && !got));
		for (size_t k = 0; k < n; k++)
			assert_true(addr_size(got[k].addr.family));
		free(got);
	}
	assert_int_equal(unlinkat(d->fd, "away-eth0", 0), 0);
}

static void spoilt_addresses_are_addresses_or_nothing(void **state)
{
	struct rnd r = rnd_begin("spoilt_addresses_are_addresses_or_nothing");
	uint8_t whole[SIZE], spoilt[SIZE];
	struct addrset set = { 0 };
	struct dir *d = *state;
	size_t size;

	for (int i = 0; i < 40; i++) {
		struct conn c = any_conn(&r);
		struct addr a = as_of(&c);

		assert_int_equal(addrset_add(&set, &a), 0);
	}
	assert_int_equal(marks_write_addresses(d->fd, "eth0", BOOT, &set), 0);
	addrset_done(&set);
	size = load(d, "addresses-eth0", whole);
	for (int i = 0; i < ROUNDS; i++) {
		int e;

		memcpy(spoilt, whole, size);
		store(d, "addresses-eth0", spoilt, spoil(&r, spoilt, size));
		e = marks_read_addresses(d->fd, "eth0", BOOT, &set);
		assert_true(e == 0 || e == -EBADMSG);
		assert_true(e == 0 || !set.n);
		for (size_t k = 0; k < set.n; k++)
			assert_true(addr_size(set.addrs[k].family));
		addrset_done(&set);
	}
}

static void names(void **state _unused_)
{
	assert_string_equal(marks_device("addresses-br-mgmt"), "br-mgmt");
	assert_null(marks_device("addresses-br-mgmt~"));
	assert_null(marks_device(".addresses-br-mgmt.1.2"));
	assert_null(marks_device("pins-br-mgmt"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_written_is_read),
		cmocka_unit_test(some_are_kept),
		CASE(one_guard_at_a_time),
		CASE(others_files_are_refused),
		CASE(a_half_written_mark_is_cut_off),
		CASE(spoilt_marks_prove_nothing_new),
		CASE(addresses_come_back),
		CASE(what_is_away_comes_back),
		CASE(what_is_spoilt_is_not_away),
		CASE(spoilt_addresses_are_addresses_or_nothing),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
