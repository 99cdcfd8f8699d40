/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few calls that everybody needs, on pipes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/os.h"

static void all_is_written_and_read(void **state _unused_)
{
	char buf[32] = "";
	size_t n = 99;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(os_write_all(p[1], "one", 3), 0);
	assert_int_equal(os_write_all(p[1], "two", 3), 0);
	close(p[1]);
	assert_int_equal(os_read_all(p[0], buf, 4, &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(buf, "onet", 4);
	assert_int_equal(os_read_all(p[0], buf, sizeof(buf), &n), 0);
	assert_int_equal(n, 2); /* the end */
	close(p[0]);
	assert_int_equal(os_read_all(p[0], buf, sizeof(buf), &n), -EBADF);
	assert_int_equal(n, 0);
	assert_int_equal(os_write_all(p[1], "x", 1), -EBADF);
}

static void a_wait_ends_at_its_deadline(void **state _unused_)
{
	usec_t began = os_now();
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(os_wait_readable(p[0], began), -ETIMEDOUT);
	assert_int_equal(os_wait_readable(p[0], began + 2 * USEC_PER_MSEC), -ETIMEDOUT);
	assert_true(os_now() >= began + 2 * USEC_PER_MSEC);
	assert_int_equal(os_write_all(p[1], "x", 1), 0);
	assert_int_equal(os_wait_readable(p[0], os_now() + 3600 * USEC_PER_SEC), 0);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_written_and_read),
		cmocka_unit_test(a_wait_ends_at_its_deadline),
	};

	return cmocka_run_group_tests_name("os", tests, NULL, NULL);
}
