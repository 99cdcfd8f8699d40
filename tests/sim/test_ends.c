/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of how connections ended: bounded, kept, and not trusted when it is read. */
#include "lib/ending.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/random.h"

static struct end numbered(unsigned n)
{
	struct conn c = scene_tcp((uint16_t)(n % 60000 + 1));
	struct end e;

	end_init(&e, &c, n + 1);
	e.cause = END_TIMEOUT;
	return e;
}

static void bounded(void **state)
{
	const struct scene *s = *state;
	struct ends *ends = ending_memory(s, 100);
	struct end e, found;
	struct ending_told t;
	struct conn c;
	unsigned i;

	for (i = 0; i < 1234; i++) {
		e = numbered(i);
		ends_add(ends, &e);
		if (i % 7 == 0)
			ends_write(ends, i * USEC_PER_SEC);
	}
	ends_write_all(ends, 9999 * USEC_PER_SEC);
	t = ending_told(s, NULL);
	assert_int_equal(t.n, 100);
	for (i = 0; i < 100; i++)
		assert_int_equal(t.items[i].end.at, 1234 - i);
	c = scene_tcp(1234);
	assert_true(ends_find(ends, &c.key, &found));
	assert_int_equal(found.at, 1234);
	c = scene_tcp(1000);
	assert_false(ends_find(ends, &c.key, &found));
	ends_set(ends, s->dir, 10, 1);
	assert_int_equal(ending_told(s, NULL).n, 10);
	assert_int_equal(ending_told(s, NULL).items[0].end.at, 1234);
	ends_set(ends, s->dir, 200, 1);
	e = numbered(5000);
	ends_add(ends, &e);
	ends_write_all(ends, 10000 * USEC_PER_SEC);
	assert_int_equal(ending_told(s, NULL).n, 11);
	ends_set(ends, s->dir, 0, 1);
	ends_free(ends);
	assert_int_equal(ends_list_new(s->dir, s->env.boot_id, &(struct ends_query){ 0 },
				       &(struct ends_list *){ NULL }),
			 -ENOENT);
}

/* What somebody has put there, or another boot, is not taken for ours. */
static void refused(void **state)
{
	const struct scene *s = *state;
	struct ends *ends = ending_memory(s, 100);
	struct ends_query q = { .since = 0 };
	struct end e = numbered(1);
	struct ends_list *l;
	char path[128];
	FILE *f;

	ends_add(ends, &e);
	ends_free(ends);
	assert_int_equal(ending_told(s, NULL).n, 1);
	assert_int_equal(ends_list_new(s->dir, "another boot", &q, &l), -ENOENT);
	snprintf(path, sizeof(path), "%s/ends", s->dir);
	f = fopen(path, "r+");
	fseek(f, -(long)sizeof(e), SEEK_END);
	for (size_t i = 0; i < sizeof(e); i++)
		fputc(0xff, f);
	fclose(f);
	assert_int_equal(ending_told(s, NULL).n, 0);
	chmod(path, 0666);
	assert_int_equal(ends_list_new(s->dir, s->env.boot_id, &q, &l), -EPERM);
	chmod(path, 0600);
	f = fopen(path, "w"); /* cut to nothing */
	fclose(f);
	assert_true(ends_list_new(s->dir, s->env.boot_id, &q, &l) < 0);
	ends = ending_memory(s, 100);
	ends_add(ends, &e);
	ends_free(ends);
	assert_int_equal(ending_told(s, NULL).n, 1);
}

/* Whatever is in the file: reading it ends, and so does going on with it. */
static void garbled(void **state)
{
	const struct scene *s = *state;
	struct rnd r = rnd_begin("garbled");
	char path[128];
	unsigned i, k;

	snprintf(path, sizeof(path), "%s/ends", s->dir);
	for (i = 0; i < 200; i++) {
		struct ends *ends = ending_memory(s, 50);
		struct ends_query q = { .since = 0 };
		struct ending_told t = { .n = 0 };
		struct ends_list *l;
		struct end e = numbered(i), found;
		FILE *f = fopen(path, "r+");
		struct conn c = end_conn(&e);

		/* now and then in the head */
		for (k = 0; f && k < 20; k++) {
			fseek(f, (long)rnd(&r, rnd(&r, 4) ? 410000 : 160), SEEK_SET);
			fputc((int)rnd(&r, 256), f);
		}
		if (f)
			fclose(f);
		ends_add(ends, &e);
		(void)ends_find(ends, &c.key, &found);
		ends_free(ends);
		if (ends_list_new(s->dir, s->env.boot_id, &q, &l) < 0)
			continue;
		while (ends_list_step(l, ending_take, &t) > 0 && t.n < 200)
			;
		ends_list_free(l);
		if (i % 10 == 9)
			unlink(path);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		CASE(bounded),
		CASE(refused),
		CASE(garbled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
