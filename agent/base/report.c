/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const result_words[] = {
	[RESULT_OK] = "ok",
	[RESULT_PARTIAL] = "partial",
	[RESULT_UNPROTECTED] = "unprotected",
	[RESULT_REFUSED] = "refused",
	[RESULT_FAILED] = "failed",
	NULL,
};

static const char *const kernel_words[] = {
	[KERNEL_UNKNOWN] = "unknown",
	[KERNEL_AFFECTED] = "affected",
	[KERNEL_FIXED] = "fixed",
	NULL,
};

static const char *const reason_words[] = {
	[SKIP_NONE] = "none",
	[SKIP_NOT_NAT] = "not-nat",
	[SKIP_OF_VIP] = "of-vip",
	[SKIP_CLOSING] = "closing",
	[SKIP_EXPIRED] = "expired",
	[SKIP_NOT_LOCAL] = "not-local",
	[SKIP_DYING] = "dying",
	[SKIP_ENDED] = "ended",
	[SKIP_ALTERED] = "altered",
	[SKIP_LEFT] = "left-to-guard",
	[SKIP_UNVERIFIED] = "unverified",
	[SKIP_UNSELECTED] = "not-selected",
	NULL,
};

static const char *const arrival_words[] = {
	[ARRIVAL_LED_AWAY] = "led-away",
	[ARRIVAL_PLAIN] = "plain",
	[ARRIVAL_SERVICE] = "service",
	[ARRIVAL_ALTERED] = "altered",
	[ARRIVAL_FOREIGN] = "foreign",
	[ARRIVAL_STREAM] = "stream",
	[ARRIVAL_ANSWERED] = "answered",
	[ARRIVAL_REFUSED] = "refused",
	NULL,
};

static const char *const before_words[] = {
	[BEFORE_NONE] = "none",
	[BEFORE_DUMP] = "dump",
	[BEFORE_SHADOW] = "shadow",
	NULL,
};

static const char *const outcome_words[] = {
	[VIP_UNTOUCHED] = "untouched",
	[VIP_CHANGED] = "changed",
	[VIP_ALREADY] = "already",
	[VIP_FAILED] = "failed",
	NULL,
};

/* a new reason without a name must not compile */
typedef char reason_words_complete[ARRAY_SIZE(reason_words) == SKIP_REASON_COUNT + 1 ? 1 : -1];

typedef char arrival_words_complete[ARRAY_SIZE(arrival_words) == ARRIVAL_COUNT + 1 ? 1 : -1];

uint64_t report_kept(const struct report *r)
{
	uint64_t gone = r->entries.lost + r->entries.superseded;

	return r->entries.candidates > gone ? r->entries.candidates - gone : 0;
}

bool report_would_change(const struct report *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->n_addresses; i++)
		n += r->outcomes[i] != VIP_ALREADY;
	return n && r->result != RESULT_REFUSED && r->result != RESULT_FAILED;
}

bool report_is_placed(const struct report *r)
{
	size_t i;

	for (i = 0; i < r->n_addresses; i++)
		if (r->outcomes[i] != VIP_CHANGED && r->outcomes[i] != VIP_ALREADY)
			return false;
	return r->n_addresses > 0;
}

const char *result_name(enum result r)
{
	return word_of(result_words, r);
}

const char *kernel_kind_name(enum kernel_kind k)
{
	return word_of(kernel_words, k);
}

const char *helper_kind_name(enum helper_kind h)
{
	switch (h) {
	case HELPERS_UNKNOWN:
		break;
	case HELPERS_KEPT:
		return "kept";
	case HELPERS_FORGOTTEN:
		return "lost";
	}
	return "unknown";
}

const char *skip_reason_name(enum skip_reason s)
{
	return word_of(reason_words, s);
}

const char *arrival_name(enum arrival a)
{
	return word_of(arrival_words, a);
}

const char *before_name(enum before b)
{
	return word_of(before_words, b);
}

const char *vip_outcome_name(enum vip_outcome o)
{
	return word_of(outcome_words, o);
}

void report_init(struct report *r, const struct request *req)
{
	size_t i;

	memset(r, 0, sizeof(*r));
	r->op = req->op;
	r->plan = req->plan;
	r->by = req->by;
	r->n_addresses = MIN(req->n_vips, (size_t)VIPS_MAX);
	for (i = 0; i < r->n_addresses; i++) {
		r->addresses[i] = req->vips[i].prefix;
		r->extra[i].peer = req->vips[i].extra.peer;
		if (req->op == OP_ADD)
			r->extra[i] = req->vips[i].extra;
	}
	snprintf(r->device, sizeof(r->device), "%s", req->device);
	r->strategy = STRATEGY_NONE;
	r->hold = HOLD_OFF;
	r->vip_flows.policy = req->vip_flows;
}

static bool report_already_said(const struct report *r, const char *code, const char *text)
{
	size_t i;

	for (i = 0; i < r->n_warnings; i++) {
		if (!strcmp(r->warnings[i].code, code) && !strcmp(r->warnings[i].text, text))
			return true;
	}
	return false;
}

void report_warn(struct report *r, const char *code, const char *fix, const char *fmt, ...)
{
	struct report_warning w;
	va_list ap;

	snprintf(w.code, sizeof(w.code), "%s", code);
	snprintf(w.fix, sizeof(w.fix), "%s", fix ? fix : "");
	va_start(ap, fmt);
	if (vsnprintf(w.text, sizeof(w.text), fmt, ap) < 0)
		w.text[0] = '\0';
	va_end(ap);
	if (report_already_said(r, w.code, w.text))
		return;
	if (r->n_warnings == REPORT_WARNINGS_MAX) {
		r->warnings_dropped++;
		return;
	}
	r->warnings[r->n_warnings++] = w;
}

void report_fail(struct report *r, enum result result, enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	r->result = result;
	r->exit_code = code;
	va_start(ap, fmt);
	if (vsnprintf(r->error, sizeof(r->error), fmt, ap) < 0)
		r->error[0] = '\0';
	va_end(ap);
}

void report_degrade(struct report *r, enum result result)
{
	if (!*r->error && result > r->result)
		r->result = result;
}

void report_conclude(struct report *r)
{
	if (r->result == RESULT_OK && r->entries.lost > r->entries.lost_unselected)
		r->result = RESULT_PARTIAL;
	switch (r->result) {
	case RESULT_OK:
		r->exit_code = EXIT_DONE;
		break;
	case RESULT_PARTIAL:
		r->exit_code = EXIT_PARTIAL;
		break;
	case RESULT_UNPROTECTED:
		r->exit_code = EXIT_UNPROTECTED;
		break;
	case RESULT_REFUSED:
	case RESULT_FAILED:
		/* the error that report_fail() has set is worse than any count */
		break;
	}
}

void report_add_lost(struct report *r, const char *line)
{
	if (r->n_lost < REPORT_TUPLES_MAX)
		snprintf(r->lost[r->n_lost++], CONN_LINE_MAX, "%s", line);
}

#define ENTRIES(member) offsetof(struct report, entries.member)
#define TIMING(member) offsetof(struct report, timing.member)

const struct report_row report_counts[] = {
	{ "snapshot", ENTRIES(snapshot), "snapshot", NULL, "snap", "VIPSAFE_SNAPSHOT" },
	{ "candidates", ENTRIES(candidates), "candidates", NULL, "candidates",
	  "VIPSAFE_CANDIDATES" },
	{ "kept", 0, "kept", "untouched, pinned or restored" },
	{ "untouched", ENTRIES(untouched), "untouched" },
	{ "pinned", ENTRIES(pinned), "pinned", NULL, "pinned", "VIPSAFE_PINNED" },
	{ "altered", ENTRIES(reasons[SKIP_ALTERED]) },
	{ "not_selected", ENTRIES(reasons[SKIP_UNSELECTED]) },
	{ "flushed", ENTRIES(flushed), "flushed", NULL, "flushed", "VIPSAFE_FLUSHED" },
	{ "restored", ENTRIES(restored), "restored", NULL, "restored", "VIPSAFE_RESTORED" },
	{ "superseded", ENTRIES(superseded), "superseded", NULL, "superseded" },
	{ "lost", ENTRIES(lost), "lost", NULL, NULL, "VIPSAFE_LOST" },
	{ "lost_not_selected", ENTRIES(lost_unselected), "not selected", "part of lost" },
	{ "skipped", ENTRIES(skipped) },
	{ "mismatch", ENTRIES(mismatch), "mismatch", "part of lost", "mismatch" },
	{ "led_away", offsetof(struct report, arrivals.removed), "led elsewhere",
	  "removed: they were on their way to an added address", NULL, "VIPSAFE_LED_AWAY" },
	{ NULL },
};

const struct report_row report_times[] = {
	{ "snapshot", TIMING(snapshot), "snapshot took" },
	{ "hold", TIMING(hold) },
	{ "pin", TIMING(pin), "pin took" },
	{ "move", TIMING(move), "move took" },
	{ "arrive", TIMING(arrive) },
	{ "verify", TIMING(verify), "verify took" },
	{ "restore", TIMING(restore), "restore took" },
	{ "until_moved", TIMING(until_moved) },
	{ "total", TIMING(total), "total", NULL, NULL, "VIPSAFE_TOTAL_USEC" },
	{ NULL },
};

typedef char report_counts_complete[ARRAY_SIZE(report_counts) == REPORT_COUNTS + 1 ? 1 : -1];

size_t report_count_find(const char *key)
{
	size_t i;

	for (i = 0; strcmp(report_counts[i].key, key); i++)
		;
	return i;
}

uint64_t report_row_value(const struct report *r, const struct report_row *row)
{
	uint64_t value;

	if (!row->offset)
		return report_kept(r);
	memcpy(&value, (const char *)r + row->offset, sizeof(value));
	return value;
}
