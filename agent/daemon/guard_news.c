/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/guard_news.h"

#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "base/text.h"
#include "daemon/log.h"
#include "daemon/loop.h"

/* At most one line about lost events per device in this time. */
#define STALE_LOG_EVERY (60 * USEC_PER_SEC)

/* Repairs within this time are logged in one line. */
#define REPAIR_LOG_AFTER USEC_PER_SEC

void guard_news_init(struct guard_news *w)
{
	memset(w, 0, sizeof(*w));
	w->state_logged = w->seen.state = GUARD_SYNCING;
}

/* Send watchers what has changed since the last call. */
static void publish_events(struct guard_news *w, struct publisher *t, const struct guard_status *s)
{
	const struct guard_status *was = &w->seen;
	char text[PREFIX_TEXT_MAX];

	if (s->state != was->state || strcmp(s->reason, was->reason) != 0)
		publish_guard(t, EVENT_STATE, s->state != GUARD_LIVE || *s->reason, s->device, 0, 0,
			      "%s%s%s", guard_state_name(s->state), *s->reason ? ": " : "",
			      s->reason);
	if (s->foreign_deletes != was->foreign_deletes)
		publish_guard(t, EVENT_ADDRESS, false, s->device, 0, 0,
			      "somebody else has deleted %s%s",
			      prefix_format(&s->foreign_last, text),
			      s->foreign_deletes - was->foreign_deletes > 1 ? " and more" : "");
	if (s->restored != was->restored || s->lost != was->lost)
		publish_guard(t, EVENT_REPAIR, s->lost != was->lost, s->device,
			      s->restored - was->restored, s->lost - was->lost,
			      "%llu connections restored, %llu lost",
			      (unsigned long long)(s->restored - was->restored),
			      (unsigned long long)(s->lost - was->lost));
	if (s->removed != was->removed)
		publish_guard(t, EVENT_REMOVED, false, s->device, s->removed - was->removed, 0,
			      "an address is gone, and %llu entries pinned to it",
			      (unsigned long long)(s->removed - was->removed));
	if (s->led_away != was->led_away)
		publish_guard(t, EVENT_ADDRESS, false, s->device, 0, 0,
			      "somebody else has added an address: %llu entries to it that led "
			      "elsewhere are removed",
			      (unsigned long long)(s->led_away - was->led_away));
	if (s->quarantined != was->quarantined)
		publish_guard(t, EVENT_QUARANTINE, s->quarantined, s->device, 0, 0, "%s",
			      s->quarantined ? "flushed again and again: repairs are suspended"
					     : "repairs are taken up again");
	w->seen = *s;
}

static void tell_lost(struct guard *g, struct publisher *t, const char *device)
{
	char lost[GUARD_NAMED_MAX][CONN_LINE_MAX];
	size_t i, n = guard_take_lost(g, lost);

	for (i = 0; i < n; i++) {
		log_line(LOG_WARNING, "msg=\"connection lost\" dev=%s connection=%s", device,
			 lost[i]);
		publish_lost(t, device, lost[i]);
	}
}

/* Log other processes' deletes and their effects, after a delay so that one
 * line has all of it. */
static void log_repairs(struct guard_news *w, struct guard *g, struct publisher *t,
			const struct guard_status *s)
{
	const struct guard_status *was = &w->logged;
	usec_t now = os_now();

	if (s->foreign_deletes == was->foreign_deletes && s->restored == was->restored &&
	    s->lost == was->lost)
		return;
	if (!w->log_at)
		w->log_at = now + REPAIR_LOG_AFTER;
	if (now < w->log_at)
		return;
	if (s->foreign_deletes == was->foreign_deletes && s->restored == was->restored)
		log_line(LOG_WARNING, "msg=\"connections lost\" dev=%s lost=%llu", s->device,
			 (unsigned long long)(s->lost - was->lost));
	else
		log_line(s->lost == was->lost ? LOG_INFO : LOG_WARNING,
			 "msg=\"somebody else deleted addresses\" dev=%s addresses=%llu "
			 "restored=%llu lost=%llu",
			 s->device, (unsigned long long)(s->foreign_deletes - was->foreign_deletes),
			 (unsigned long long)(s->restored - was->restored),
			 (unsigned long long)(s->lost - was->lost));
	tell_lost(g, t, s->device);
	w->logged = *s;
	w->log_at = 0;
}

/* Log addresses that were deleted, and what happens to the entries pinned to
 * them. */
static void log_gone(const struct guard_status *s, const struct guard_status *was)
{
	uint64_t removed = s->removed - was->removed, unproven = s->unproven - was->unproven;

	if (s->gone != was->gone && s->linger)
		log_line(LOG_WARNING,
			 "msg=\"addresses went while nobody guarded them: what is pinned to them "
			 "lingers from now on\" dev=%s addresses=%llu left_alone=%llu",
			 s->device, (unsigned long long)(s->gone - was->gone),
			 (unsigned long long)unproven);
	else if (s->gone != was->gone)
		log_line(LOG_WARNING,
			 "msg=\"addresses went while nobody guarded them\" dev=%s addresses=%llu "
			 "removed=%llu left_alone=%llu",
			 s->device, (unsigned long long)(s->gone - was->gone),
			 (unsigned long long)removed, (unsigned long long)unproven);
	else if (removed)
		log_line(
			LOG_NOTICE,
			"msg=\"an address is gone, and what was pinned to it\" dev=%s removed=%llu",
			s->device, (unsigned long long)removed);
}

static void log_left(struct guard_news *w, const struct guard_status *s)
{
	struct guard_status *was = &w->left;
	usec_t now = os_now();

	if (s->gone == was->gone && s->removed == was->removed && s->unsaved == was->unsaved &&
	    s->led_away == was->led_away && s->committed == was->committed)
		return;
	if (!w->left_at)
		w->left_at = now + REPAIR_LOG_AFTER;
	if (now < w->left_at)
		return;
	log_gone(s, was);
	if (s->led_away != was->led_away)
		log_line(LOG_NOTICE,
			 "msg=\"somebody else added an address: entries to it that led elsewhere "
			 "are removed\" dev=%s led_away=%llu",
			 s->device, (unsigned long long)(s->led_away - was->led_away));
	if (s->committed != was->committed)
		log_line(s->unsure != was->unsure ? LOG_WARNING : LOG_NOTICE,
			 "msg=\"connections of another node are committed here\" dev=%s "
			 "committed=%llu "
			 "perhaps_with_another_port=%llu",
			 s->device, (unsigned long long)(s->committed - was->committed),
			 (unsigned long long)(s->unsure - was->unsure));
	if (s->unsaved != was->unsaved)
		log_line(LOG_WARNING,
			 "msg=\"the state for a restart after a kill cannot be written to the run "
			 "directory\" dev=%s error=%s",
			 s->device, strerror(-s->unsaved_error));
	*was = *s;
	w->left_at = 0;
}

/* Log the state if it is not the one logged last; whether it was another. */
static bool log_state(struct guard_news *w, const struct guard_status *s)
{
	usec_t now = os_now();

	if (s->quarantined != w->quarantined)
		log_line(s->quarantined ? LOG_WARNING : LOG_NOTICE, "msg=%s dev=%s",
			 s->quarantined
				 ? "an address comes and goes again and again: its deletes are not "
				   "repaired for a minute, what dies of them counts as lost"
				 : "repairs are taken up again",
			 s->device);
	w->quarantined = s->quarantined;
	if (s->refused && !w->refused)
		log_line(LOG_WARNING, "msg=%s dev=%s", s->reason, s->device);
	w->refused = s->refused;
	if (s->state == w->state_logged)
		return false;
	switch (s->state) {
	case GUARD_SYNCING:
		return false;
	case GUARD_STALE:
		if (!w->stale_logged || now - w->stale_logged >= STALE_LOG_EVERY)
			log_line(LOG_WARNING,
				 "msg=\"events were lost, reading the table again\" dev=%s",
				 s->device);
		w->stale_logged = now;
		break;
	case GUARD_LIVE:
		if (w->state_logged != GUARD_STALE && s->mode == PIN_OFF)
			log_line(LOG_NOTICE, "msg=\"observed, not protected\" dev=%s", s->device);
		else if (w->state_logged != GUARD_STALE)
			log_line(LOG_NOTICE, "msg=guarded dev=%s hold=%s reason=%s", s->device,
				 hold_choice_name(s->hold), s->reason);
		break;
	case GUARD_ABSENT:
		log_line(LOG_NOTICE, "msg=\"there is no such device; waiting for it\" dev=%s",
			 s->device);
		break;
	case GUARD_DEGRADED:
		log_line(LOG_WARNING, "msg=\"not guarded\" dev=%s reason=%s", s->device, s->reason);
		break;
	}
	w->state_logged = s->state;
	return true;
}

static const char *linger_text(const struct guard_linger_news *n, usec_t linger, char *buf,
			       size_t size)
{
	unsigned long long s = n->after / USEC_PER_SEC, entries = n->entries;
	unsigned ms = (unsigned)(n->after % USEC_PER_SEC / USEC_PER_MSEC);
	char a[PREFIX_TEXT_MAX], d[DURATION_TEXT_MAX];

	addr_format(&n->addr, a);
	switch (n->what) {
	case LINGER_BEGUN:
		snprintf(buf, size, "%s is gone: its %llu connections linger for %s", a, entries,
			 duration_format(linger, d));
		break;
	case LINGER_BACK:
		snprintf(buf, size, "%s is back after %llu.%03u s: %llu connections kept", a, s, ms,
			 entries);
		break;
	case LINGER_TIME:
		snprintf(buf, size,
			 "%s did not come back within %llu.%03u s: %llu connections removed", a, s,
			 ms, entries);
		break;
	case LINGER_HEARD:
		snprintf(buf, size,
			 "another host has %s (heard after %llu.%03u s): %llu connections removed",
			 a, s, ms, entries);
		break;
	case LINGER_GIVEN:
		snprintf(buf, size, "%s was given up on purpose: %llu connections removed", a,
			 entries);
		break;
	case LINGER_WHAT_COUNT:
		break;
	}
	return buf;
}

/* An address that comes and goes is told of so many times, and then once in this time. */
#define LINGER_BURST 20
#define LINGER_LOG_EVERY (5 * USEC_PER_SEC)

static bool linger_is_told(struct guard_news *w, const struct guard_linger_news *n)
{
	usec_t now = os_now();

	if (n->what != LINGER_BEGUN && n->what != LINGER_BACK)
		return true;
	return ratelimit_take(&w->lingering, now, LINGER_BURST, LINGER_LOG_EVERY);
}

static void linger_tell(struct publisher *t, const struct guard_status *s,
			const struct guard_linger_news *n)
{
	char text[REPORT_TEXT_MAX];

	linger_text(n, s->linger, text, sizeof(text));
	log_line(LOG_NOTICE, "msg=%s dev=%s", text, s->device);
	publish_guard(t, EVENT_LINGER, n->what >= LINGER_TIME, s->device, 0, 0, "%s", text);
}

static void linger_tell_beyond(struct guard_news *w, const struct guard_status *s, uint64_t beyond)
{
	uint64_t flaps = w->lingering.suppressed;

	if (beyond)
		log_line(LOG_NOTICE, "msg=\"the same of more addresses\" dev=%s addresses=%llu",
			 s->device, (unsigned long long)beyond);
	if (!flaps || !ratelimit_take(&w->lingering, os_now(), LINGER_BURST, LINGER_LOG_EVERY)) {
		w->lingering.suppressed = flaps;
		return;
	}
	log_line(LOG_NOTICE, "msg=\"addresses went or came back more times\" dev=%s times=%llu",
		 s->device, (unsigned long long)ratelimit_take_suppressed(&w->lingering));
}

/* What has become of addresses that vanished is told at once. */
static void tell_linger(struct guard_news *w, struct guard *g, struct publisher *t,
			const struct guard_status *s)
{
	struct guard_linger_news list[GUARD_LINGER_NEWS];
	uint64_t beyond;
	size_t i, n = guard_take_linger_news(g, list, &beyond);

	guard_history_linger(&w->history, t, s->device, list, n);
	for (i = 0; i < n; i++) {
		if (list[i].what >= LINGER_TIME)
			w->left.removed += list[i].entries; /* told here */
		if (!linger_is_told(w, &list[i]))
			continue;
		linger_tell(t, s, &list[i]);
	}
	linger_tell_beyond(w, s, beyond);
	if (s->deaf != w->deaf && s->deaf)
		log_line(LOG_WARNING,
			 "msg=\"whether another host takes an address that lingers is not heard\" "
			 "dev=%s error=%s",
			 s->device, strerror(-s->deaf));
	w->deaf = s->deaf;
}

bool guard_news_changes(struct guard_news *w, struct guard *g, struct publisher *t,
			const struct guard_status *s)
{
	publish_events(w, t, s);
	guard_history_tell(&w->history, g, t, s);
	log_repairs(w, g, t, s);
	tell_linger(w, g, t, s);
	log_left(w, s);
	return log_state(w, s);
}

void guard_news_end(struct guard_news *w, struct guard *g, struct publisher *t, const char *device)
{
	uint64_t left = guard_unfinished(g);
	struct guard_status s;

	guard_get_status(g, &s);
	w->log_at = w->left_at = 1; /* log at once what was delayed */
	guard_history_end(&w->history, g, t, &s);
	log_repairs(w, g, NULL, &s);
	log_left(w, &s);
	if (left)
		log_line(LOG_WARNING,
			 "msg=\"flushed connections are not put back yet: the next vipsafed does "
			 "it\" dev=%s connections=%llu fix=\"vipsafe recover\"",
			 device, (unsigned long long)left);
}
