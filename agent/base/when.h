/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instants as people write and read them, in the time zone of the node. Wall clock is for showing
 * only: nothing is decided by it, and what is kept is the monotonic time. */
#pragma once

#include <stdbool.h>

#include <vipsafe/base.h>

#include "base/request.h"

/* An instant as somebody said it: "02:58" is a whole minute. In microseconds since 1970. */
struct when {
	usec_t at;
	usec_t span; /* how long what was said lasts; 0: an instant */
	bool is_ago; /* counted back from now: SPAN is how exact it was meant */
};

/* Read "2026-11-30T02:58:31Z" and the rest of RFC 3339 (the zone may be missing, and seconds, and
 * the time of day), "02:58" or "02:58:31" (the last one there was), "yesterday 02:58",
 * "today 02:58", "-10m" or "10m ago" (s, m, h, d, w, or in words), "@1796007511", or "now". What
 * names no zone is local time. NOW: the wall clock. 0 or -EINVAL. */
int when_parse(const char *text, usec_t now, struct when *ret, struct request_error *ret_error);

#define WHEN_TEXT_MAX 40

/* RFC 3339 with milliseconds and local time's distance from UTC: for programs. Returns BUF. */
const char *when_format(usec_t wall, char buf[WHEN_TEXT_MAX]);

/* "02:58:31", with the date before it if that is not today's: for people. Returns BUF. */
const char *when_format_short(usec_t wall, usec_t now, char buf[WHEN_TEXT_MAX]);

/* The wall clock's time of the monotonic instant AT, and back (0: before the boot). WALL and MONO:
 * what both clocks show now. */
usec_t when_of(usec_t at, usec_t wall, usec_t mono);
usec_t when_monotonic(usec_t at, usec_t wall, usec_t mono);
