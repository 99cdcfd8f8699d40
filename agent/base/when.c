/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/when.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/option.h"
#include "base/text.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* ---- what is left of a text --------------------------------------------------------- */

static void when_space(const char **p)
{
	*p += strspn(*p, " \t");
}

static bool when_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* A word that ends where it should: "ago", but not "agog". */
static bool when_word(const char **p, const char *word)
{
	const size_t len = strlen(word);
	const char next = strncmp(*p, word, len) ? 'x' : (*p)[len];

	if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'))
		return false;
	*p += len;
	when_space(p);
	return true;
}

/* A number of MIN digits at least, of which it takes MAX. */
static bool when_digits(const char **p, size_t min, size_t max, uint64_t *ret)
{
	const size_t n = MIN(strspn(*p, "0123456789"), max);
	char digits[20];

	if (n < min || n >= sizeof(digits))
		return false;
	memcpy(digits, *p, n);
	digits[n] = '\0';
	*p += n;
	return text_number(digits, 0, UINT64_MAX, ret) == 0;
}

static bool when_int(const char **p, size_t digits, int *ret)
{
	uint64_t n = 0;

	if (!when_digits(p, digits, digits, &n))
		return false;
	*ret = (int)n;
	return true;
}

/* ".25" of a second; there may be none. */
static bool when_fraction(const char **p, usec_t *ret, usec_t *span)
{
	usec_t unit = USEC_PER_SEC;

	*ret = 0;
	if (**p != '.' && **p != ',')
		return true;
	for ((*p)++; **p >= '0' && **p <= '9'; (*p)++) {
		unit /= 10;
		*ret += unit * (usec_t)(**p - '0');
	}
	*span = unit;
	return unit < USEC_PER_SEC;
}

/* ---- dates and times of day --------------------------------------------------------- */

/* "02:58", "02:58:31" or "02:58:31.25" */
static bool when_clock(const char **p, struct tm *tm, usec_t *fraction, usec_t *span)
{
	*fraction = 0;
	if (!when_int(p, 2, &tm->tm_hour) || !when_char(p, ':') || !when_int(p, 2, &tm->tm_min))
		return false;
	*span = MINUTE;
	if (when_char(p, ':')) {
		*span = USEC_PER_SEC;
		if (!when_int(p, 2, &tm->tm_sec) || !when_fraction(p, fraction, span))
			return false;
	}
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

/* "Z" or "+01:00": how far it is ahead of UTC, in seconds. */
static bool when_zone(const char **p, bool *ret_given, int *ret)
{
	const char sign = **p;
	int hours, minutes;

	*ret_given = true;
	*ret = 0;
	if (when_char(p, 'Z') || when_char(p, 'z'))
		return true;
	*ret_given = sign == '+' || sign == '-';
	if (!*ret_given)
		return true;
	(*p)++;
	if (!when_int(p, 2, &hours))
		return false;
	(void)when_char(p, ':');
	if (!when_int(p, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret = (sign == '-' ? -60 : 60) * (hours * 60 + minutes);
	return true;
}

/* TM as microseconds; false: there is no such day, or it was before 1970. */
static bool when_make(const struct tm *tm, bool utc, int ahead, usec_t *ret)
{
	struct tm copy = *tm;
	time_t t;

	copy.tm_isdst = -1;
	t = utc ? timegm(&copy) : mktime(&copy);
	if (tm->tm_sec < 60 && tm->tm_mday > 0 && copy.tm_mday != tm->tm_mday)
		return false;
	t -= ahead;
	if (t < 0)
		return false;
	*ret = (usec_t)t * USEC_PER_SEC;
	return true;
}

/* "2026-11-30", with a time of day and a zone after "T" or a space */
static bool when_date(const char **p, struct when *ret)
{
	struct tm tm = { 0 };
	usec_t fraction = 0;
	bool utc = false;
	int ahead = 0;

	if (!when_int(p, 4, &tm.tm_year) || !when_char(p, '-') || !when_int(p, 2, &tm.tm_mon) ||
	    !when_char(p, '-') || !when_int(p, 2, &tm.tm_mday) || tm.tm_mon < 1 || tm.tm_mon > 12 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_year < 1970)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	ret->span = DAY;
	if (**p) {
		if (!when_char(p, 'T') && !when_char(p, 't') && !when_char(p, ' '))
			return false;
		when_space(p);
		if (!when_clock(p, &tm, &fraction, &ret->span))
			return false;
		when_space(p);
		if (!when_zone(p, &utc, &ahead))
			return false;
	}
	if (!when_make(&tm, utc, ahead, &ret->at))
		return false;
	ret->at += fraction;
	return true;
}

/* A time of day, DAYS before today; DAYS < 0: the last one that has been. */
static bool when_day(const char **p, usec_t now, int days, struct when *ret)
{
	const time_t t = (time_t)(now / USEC_PER_SEC);
	usec_t fraction = 0;
	struct tm tm;

	if (!localtime_r(&t, &tm))
		return false;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= MAX(days, 0);
	ret->span = DAY;
	if ((**p || days < 0) && !when_clock(p, &tm, &fraction, &ret->span))
		return false;
	if (!when_make(&tm, false, 0, &ret->at))
		return false;
	if (days < 0 && ret->at + fraction > now) {
		tm.tm_mday--;
		if (!when_make(&tm, false, 0, &ret->at))
			return false;
	}
	ret->at += fraction;
	return true;
}

/* ---- durations ---------------------------------------------------------------------- */

/* "10m", "1h30m", "10 minutes" */
static bool when_duration(const char **p, usec_t *ret, usec_t *ret_unit)
{
	static const struct {
		const char *name;
		usec_t unit;
	} units[] = {
		{ "s", USEC_PER_SEC },
		{ "sec", USEC_PER_SEC },
		{ "secs", USEC_PER_SEC },
		{ "second", USEC_PER_SEC },
		{ "m", MINUTE },
		{ "min", MINUTE },
		{ "seconds", USEC_PER_SEC },
		{ "mins", MINUTE },
		{ "minute", MINUTE },
		{ "minutes", MINUTE },
		{ "h", HOUR },
		{ "hour", HOUR },
		{ "hours", HOUR },
		{ "d", DAY },
		{ "day", DAY },
		{ "days", DAY },
		{ "w", 7 * DAY },
		{ "week", 7 * DAY },
		{ "weeks", 7 * DAY },
	};
	uint64_t n;
	size_t i;

	*ret = 0;
	do {
		if (!when_digits(p, 1, 9, &n))
			return false;
		when_space(p);
		for (i = 0; i < ARRAY_SIZE(units) && !when_word(p, units[i].name); i++)
			;
		if (i == ARRAY_SIZE(units) || n > (USEC_NEVER - *ret) / units[i].unit)
			return false;
		*ret += n * units[i].unit;
		*ret_unit = units[i].unit;
	} while (**p >= '0' && **p <= '9');
	return true;
}

static bool when_ago(const char **p, usec_t now, struct when *ret)
{
	const bool minus = when_char(p, '-');
	usec_t ago;

	when_space(p);
	if (!when_duration(p, &ago, &ret->span) || (!when_word(p, "ago") && !minus) || ago > now)
		return false;
	ret->at = now - ago;
	ret->is_ago = true;
	return true;
}

/* "@1796007511.25" */
static bool when_epoch(const char **p, struct when *ret)
{
	usec_t fraction;
	uint64_t s;

	ret->span = USEC_PER_SEC;
	if (!when_digits(p, 1, 12, &s) || !when_fraction(p, &fraction, &ret->span))
		return false;
	ret->at = s * USEC_PER_SEC + fraction;
	return true;
}

/* ---- all ---------------------------------------------------------------------------- */

static bool when_any(const char **p, usec_t now, struct when *ret)
{
	if (when_word(p, "now")) {
		*ret = (struct when){ .at = now };
		return true;
	}
	if (when_word(p, "today"))
		return when_day(p, now, 0, ret);
	if (when_word(p, "yesterday"))
		return when_day(p, now, 1, ret);
	if (when_char(p, '@'))
		return when_epoch(p, ret);
	if ((*p)[0] && (*p)[1] && (*p)[2] == ':')
		return when_day(p, now, -1, ret);
	if (strspn(*p, "0123456789") == 4 && (*p)[4] == '-')
		return when_date(p, ret);
	return when_ago(p, now, ret);
}

int when_parse(const char *text, usec_t now, struct when *ret, struct request_error *e)
{
	struct when w = { 0 };
	const char *p = text;
	bool read;

	when_space(&p);
	read = when_any(&p, now, &w);
	when_space(&p);
	if (!read || *p)
		return request_error_set(e,
					 QUOTED " is no time: say 02:58, \"yesterday 02:58\", "
						"2026-11-30T02:58:31Z, \"10m ago\" or @SECONDS",
					 text);
	*ret = w;
	return 0;
}

const char *when_format(usec_t wall, char buf[WHEN_TEXT_MAX])
{
	const time_t t = (time_t)(wall / USEC_PER_SEC);
	char day[24], zone[8];
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    strftime(zone, sizeof(zone), "%z", &tm) != 5)
		*day = *zone = '\0';
	snprintf(buf, WHEN_TEXT_MAX, "%s.%03u%.3s:%.2s", day,
		 (unsigned)(wall % USEC_PER_SEC / USEC_PER_MSEC), zone, zone + (*zone ? 3 : 0));
	return buf;
}

const char *when_format_short(usec_t wall, usec_t now, char buf[WHEN_TEXT_MAX])
{
	const time_t t = (time_t)(wall / USEC_PER_SEC), n = (time_t)(now / USEC_PER_SEC);
	struct tm tm, today;
	bool same;

	*buf = '\0';
	if (!localtime_r(&t, &tm) || !localtime_r(&n, &today))
		return buf;
	same = tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday;
	if (!strftime(buf, WHEN_TEXT_MAX, same ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm))
		*buf = '\0';
	return buf;
}

usec_t when_of(usec_t at, usec_t wall, usec_t mono)
{
	return at < mono ? wall - MIN(mono - at, wall) : wall + (at - mono);
}

usec_t when_monotonic(usec_t at, usec_t wall, usec_t mono)
{
	return at < wall ? mono - MIN(wall - at, mono) : mono + (at - wall);
}
