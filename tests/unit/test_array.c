/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow: what is in them stays, and a size that overflows is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

#include <vipsafe/base.h>

#include "base/array.h"

static void appends_zeroed_elements(void **state _unused_)
{
	_cleanup_free_ struct pair {
		uint32_t number;
		uint64_t zero;
	} *list = NULL;
	size_t n = 0, i;

	for (i = 0; i < 1000; i++) {
		struct pair *one = array_append(&list, &n, sizeof(*one));

		assert_non_null(one);
		assert_ptr_equal(one, &list[i]);
		assert_int_equal(one->zero, 0);
		one->number = (uint32_t)i;
		/* taken back and put again, as after an error */
		if (i % 7 == 0) {
			n--;
			one = array_append(&list, &n, sizeof(*one));
			assert_non_null(one);
			one->number = (uint32_t)i;
		}
	}
	assert_int_equal(n, 1000);
	for (i = 0; i < n; i++)
		assert_int_equal(list[i].number, i);
}

static void reserves_what_is_needed(void **state _unused_)
{
	_cleanup_free_ uint16_t *list = NULL;
	size_t cap = 0, had, i;

	assert_int_equal(array_reserve(&list, &cap, 0, sizeof(*list)), 0);
	assert_null(list);
	for (i = 0; i < 1000; i++) {
		had = cap;
		assert_int_equal(array_reserve(&list, &cap, i + 1, sizeof(*list)), 0);
		assert_true(cap == had || cap >= had + had / 2);
		list[i] = (uint16_t)i;
	}
	assert_int_equal(array_reserve(&list, &cap, 100000, sizeof(*list)), 0);
	assert_true(cap >= 100000);
	for (i = 0; i < 1000; i++)
		assert_int_equal(list[i], i);
}

static void refuses_a_size_that_overflows(void **state _unused_)
{
	_cleanup_free_ uint64_t *list = NULL;
	size_t cap = 0, had;

	assert_int_equal(array_reserve(&list, &cap, 4, sizeof(*list)), 0);
	had = cap;
	assert_int_equal(array_reserve(&list, &cap, SIZE_MAX / 8 + 1, sizeof(*list)), -ENOMEM);
	assert_int_equal(array_reserve(&list, &cap, SIZE_MAX, sizeof(*list)), -ENOMEM);
	assert_int_equal(cap, had);
	assert_non_null(list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_zeroed_elements),
		cmocka_unit_test(reserves_what_is_needed),
		cmocka_unit_test(refuses_a_size_that_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
