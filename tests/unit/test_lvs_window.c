/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ports the connections through a service are to leave from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "lvs/window.h"

/* A window is above the ports of connect() if they leave room there, and no direct session has a
 * port of it. */
static void chooses_a_window(void **state _unused_)
{
	static const struct {
		const char *range, *reserved;
		uint16_t in_use[3];
		uint16_t low, high;
		uint32_t taken, direct;
	} rows[] = {
		{ "32768 60999", "", { 0 }, 61000, 65535, 0, 0 },
		{ "32768 60999", "", { 40000 }, 61000, 65535, 0, 0 },
		{ "32768 60999", "", { 61913 }, 61914, 65535, 0, 0 },
		{ "32768 60999", "", { 65000 }, 61000, 64999, 0, 0 },
		/* too few beside these */
		{ "32768 60999", "", { 61900, 62800, 63700 }, 63701, 65535, 0, 0 },
		{ "32768 63000", "", { 63900, 64800 }, 59392, 63487, 3609, 0 },
		{ "1024 20000", "", { 0 }, 49152, 65535, 0, 0 },
		{ "1024 65535", "", { 0 }, 61440, 65535, 4096, 0 },
		{ "1024 65535", "", { 65000, 62000 }, 57344, 61439, 4096, 0 },
		/* what is reserved for something else is left alone; the window itself is not
		 * taken twice */
		{ "1024 65535", "61500", { 0 }, 57344, 61439, 4096, 0 },
		{ "1024 65535", "61440-65535", { 0 }, 61440, 65535, 0, 0 },
	};
	struct lvs_live *live;
	struct lvs_window w;
	struct ports p;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(&p, 0, sizeof(p));
		live = calloc(1, sizeof(*live));
		assert_int_equal(ports_read_range(&p, rows[i].range), 0);
		assert_int_equal(ports_read_reserved(&p, rows[i].reserved), 0);
		for (k = 0; k < ARRAY_SIZE(rows[i].in_use); k++)
			live->direct[rows[i].in_use[k]]++;
		assert_true(lvs_window_choose(&p, live->direct, &w));
		if (w.low != rows[i].low || w.high != rows[i].high || w.taken != rows[i].taken ||
		    w.direct != rows[i].direct)
			fail_msg("row %zu: %u-%u, taken %u, direct %u", i, w.low, w.high, w.taken,
				 w.direct);
		free(live);
	}
	/* every window is in use: that with the fewest, and how many they are */
	memset(&p, 0, sizeof(p));
	live = calloc(1, sizeof(*live));
	assert_int_equal(ports_read_range(&p, "1024 65535"), 0);
	for (i = 1024; i < 65536; i += 512)
		live->direct[i] = i == 30720 ? 0 : 2;
	assert_true(lvs_window_choose(&p, live->direct, &w));
	assert_int_equal(w.direct, 14);
	assert_true(w.low <= 30720 && w.high >= 30720);
	/* unknown ports: nothing is said */
	memset(&p, 0, sizeof(p));
	assert_false(lvs_window_choose(&p, live->direct, &w));
	free(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_a_window),
	};

	return cmocka_run_group_tests_name("lvs_window", tests, NULL, NULL);
}
