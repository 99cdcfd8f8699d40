/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instants as people write them, by a clock that stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/when.h"

/* 2026-11-30 02:58:31.5 UTC */
#define NOW_S 1796007511
#define NOW ((usec_t)NOW_S * USEC_PER_SEC + USEC_PER_SEC / 2)
#define MIDNIGHT (NOW_S - (2 * 3600 + 58 * 60 + 31))

static void local_zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

struct read {
	const char *text;
	int64_t s; /* since MIDNIGHT */
	usec_t us, span;
};

static void expect_reads(const struct read *rows, size_t n)
{
	struct request_error e;
	struct when w;
	size_t i;

	for (i = 0; i < n; i++) {
		if (when_parse(rows[i].text, NOW, &w, &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.text);
		if (w.at != (usec_t)(MIDNIGHT + rows[i].s) * USEC_PER_SEC + rows[i].us ||
		    w.span != rows[i].span)
			fail_msg("%s: %lld + %llu", rows[i].text,
				 (long long)(w.at / USEC_PER_SEC) - MIDNIGHT,
				 (unsigned long long)w.span);
	}
}

static void reads_times_of_day_and_dates(void **state _unused_)
{
	static const struct read rows[] = {
		{ "02:58", 10680, 0, 60000000 },
		{ "02:58:31", 10711, 0, 1000000 },
		{ "02:58:31.25", 10711, 250000, 10000 },
		/* not yet today: the last one was yesterday's */
		{ "02:58:32", 10712 - 86400, 0, 1000000 },
		{ "23:59", 86340 - 86400, 0, 60000000 },
		{ "today 23:59", 86340, 0, 60000000 },
		{ "yesterday 02:58", 10680 - 86400, 0, 60000000 },
		{ "yesterday", -86400, 0, 86400000000 },
		{ " yesterday  00:00 ", -86400, 0, 60000000 },
		{ "2026-11-30T02:58:31Z", 10711, 0, 1000000 },
		{ "2026-11-30t02:58:31z", 10711, 0, 1000000 },
		{ "2026-11-30T02:58:31.125+00:00", 10711, 125000, 1000 },
		{ "2026-11-30T03:58:31+01:00", 10711, 0, 1000000 },
		{ "2026-11-29T23:58:31-0300", 10711, 0, 1000000 },
		{ "2026-11-30 02:58:31", 10711, 0, 1000000 },
		{ "2026-11-30 02:58", 10680, 0, 60000000 },
		{ "2026-11-30", 0, 0, 86400000000 },
		{ "2026-12-01T00:00:60Z", 86400 + 60, 0, 1000000 },
		{ "@1796007511", 10711, 0, 1000000 },
		{ "@1796007511.75", 10711, 750000, 10000 },
	};

	local_zone("UTC0");
	expect_reads(rows, ARRAY_SIZE(rows));
}

static void reads_how_long_ago(void **state _unused_)
{
	static const struct read rows[] = {
		{ "now", 10711, 500000, 0 },
		{ "-10m", 10711 - 600, 500000, 60000000 },
		{ "- 10 min", 10711 - 600, 500000, 60000000 },
		{ "10m ago", 10711 - 600, 500000, 60000000 },
		{ "10 minutes ago", 10711 - 600, 500000, 60000000 },
		{ "-1h30m", 10711 - 5400, 500000, 60000000 },
		{ "1h 30m 5s ago", 10711 - 5405, 500000, 1000000 },
		{ "90s ago", 10711 - 90, 500000, 1000000 },
		{ "2 days ago", 10711 - 2 * 86400, 500000, 86400000000 },
		{ "-1w", 10711 - 7 * 86400, 500000, 7 * 86400000000 },
	};

	local_zone("UTC0");
	expect_reads(rows, ARRAY_SIZE(rows));
}

static void refuses_what_is_no_time(void **state _unused_)
{
	static const char *const texts[] = {
		"",
		" ",
		"2:58",
		"02:58:",
		"24:00",
		"02:60",
		"02:58:61",
		"02:58 x",
		"02:58Z",
		"2026-02-30",
		"2026-13-01",
		"2026-11-30T",
		"2026-11-30T02:58+1",
		"2026-11-30T02:58:31.",
		"2026-11-30T02:58:31+25:00",
		"1969-12-31T23:59:59Z",
		"tomorrow 02:58",
		"10m",
		"10 ago",
		"10x ago",
		"10m agog",
		"-",
		"--10m",
		"9999999999m ago",
		"999999999w ago",
		"30500569w 1d ago", /* beyond 64 bits, and a little more */
		"-30500570w",
		"@",
		"@x",
		"@-5",
		"@9999999999999",
		"yesterdayx",
		"nows",
		"\033[31m",
	};
	struct request_error e;
	struct when w;
	size_t i;

	local_zone("UTC0");
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		if (when_parse(texts[i], NOW, &w, &e) == 0)
			fail_msg("\"%s\" was read", texts[i]);
		assert_null(strchr(e.text, '\033'));
	}
}

static void what_names_no_zone_is_local(void **state _unused_)
{
	struct request_error e;
	char buf[WHEN_TEXT_MAX];
	struct when w;

	local_zone("XXX-05:30"); /* 08:28:31 there */
	assert_int_equal(when_parse("08:28:31", NOW, &w, &e), 0);
	assert_int_equal(w.at, (usec_t)NOW_S * USEC_PER_SEC);
	assert_int_equal(when_parse("2026-11-30 08:28:31", NOW, &w, &e), 0);
	assert_int_equal(w.at, (usec_t)NOW_S * USEC_PER_SEC);
	assert_int_equal(when_parse("2026-11-30T02:58:31Z", NOW, &w, &e), 0);
	assert_int_equal(w.at, (usec_t)NOW_S * USEC_PER_SEC);
	assert_string_equal(when_format(NOW, buf), "2026-11-30T08:28:31.500+05:30");
}

/* Yesterday is the day before in the calendar, also where that had 23 hours. */
static void yesterday_is_a_day_of_the_calendar(void **state _unused_)
{
	struct request_error e;
	struct when w, then;

	local_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	assert_int_equal(when_parse("2026-03-29T12:00:00+02:00", NOW, &then, &e), 0);
	assert_int_equal(when_parse("yesterday 12:00", then.at, &w, &e), 0);
	assert_int_equal(then.at - w.at, (usec_t)23 * 3600 * USEC_PER_SEC);
	local_zone("UTC0");
}

static void formats_for_programs_and_people(void **state _unused_)
{
	char buf[WHEN_TEXT_MAX];
	struct request_error e;
	struct when w;

	local_zone("UTC0");
	assert_string_equal(when_format(NOW, buf), "2026-11-30T02:58:31.500+00:00");
	assert_int_equal(when_parse(buf, 0, &w, &e), 0);
	assert_int_equal(w.at, NOW);
	assert_string_equal(when_format_short(NOW, NOW + USEC_PER_SEC, buf), "02:58:31");
	assert_string_equal(when_format_short(NOW - 86400 * USEC_PER_SEC, NOW, buf),
			    "2026-11-29 02:58:31");
}

static void converts_between_both_clocks(void **state _unused_)
{
	assert_int_equal(when_of(5, 1000, 100), 905);
	assert_int_equal(when_of(150, 1000, 100), 1050);
	assert_int_equal(when_monotonic(905, 1000, 100), 5);
	assert_int_equal(when_monotonic(1050, 1000, 100), 150);
	assert_int_equal(when_monotonic(5, 1000, 100), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_times_of_day_and_dates),
		cmocka_unit_test(reads_how_long_ago),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(what_names_no_zone_is_local),
		cmocka_unit_test(yesterday_is_a_day_of_the_calendar),
		cmocka_unit_test(formats_for_programs_and_people),
		cmocka_unit_test(converts_between_both_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
