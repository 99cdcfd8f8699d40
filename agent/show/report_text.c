/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/report_text.h"

#include <string.h>

#include "base/text.h"

#define NAMED_MAX 4 /* addresses named in a line; the others are counted */
#define ESCAPED_MAX 1024

typedef unsigned long long ull;

const char *report_text_duration(usec_t d, char buf[32])
{
	if (d < USEC_PER_MSEC)
		snprintf(buf, 32, "%llu us", (ull)d);
	else if (d < 10 * USEC_PER_MSEC)
		snprintf(buf, 32, "%.1f ms", (double)d / USEC_PER_MSEC);
	else if (d < USEC_PER_SEC)
		snprintf(buf, 32, "%llu ms", (ull)(d / USEC_PER_MSEC));
	else
		snprintf(buf, 32, "%.2f s", (double)d / USEC_PER_SEC);
	return buf;
}

static const char *report_text_connections(uint64_t n, char buf[48])
{
	snprintf(buf, 48, "%llu connection%s", (ull)n, n == 1 ? "" : "s");
	return buf;
}

static size_t count_outcome(const struct report *r, enum vip_outcome outcome)
{
	size_t i, n = 0;

	for (i = 0; i < r->n_addresses; i++)
		n += r->outcomes[i] == outcome;
	return n;
}

/* Print "A", "A and B", "A, B, C and 5 more": the addresses with OUTCOME, or (-1) all. */
static void print_addresses(const struct report *r, int outcome, FILE *out)
{
	size_t n = outcome < 0 ? r->n_addresses : count_outcome(r, (enum vip_outcome)outcome);
	size_t named = n > NAMED_MAX ? NAMED_MAX - 1 : n, i, k = 0;
	char text[PREFIX_TEXT_MAX];

	for (i = 0; i < r->n_addresses && k < named; i++) {
		if (outcome >= 0 && r->outcomes[i] != (enum vip_outcome)outcome)
			continue;
		if (k)
			fputs(k + 1 == n ? " and " : ", ", out);
		fputs(prefix_format(&r->addresses[i], text), out);
		if (r->extra[i].peer.family)
			fprintf(out, " peer %s", addr_format(&r->extra[i].peer, text));
		k++;
	}
	if (n > named)
		fprintf(out, " and %zu more", n - named);
}

static void print_device(const struct report *r, FILE *out)
{
	char device[4 * DEVICE_NAME_MAX];

	fputs(text_escape(r->device, device, sizeof(device)), out);
}

/* Print what happened to the connections; nothing if none was looked at. */
static void print_connections(const struct report *r, FILE *out)
{
	char n[48];

	if (r->result == RESULT_UNPROTECTED) {
		fputs(", connections were not protected", out);
		return;
	}
	if (!r->entries.candidates) {
		if (r->entries.reasons[SKIP_ALTERED])
			fprintf(out, ": %s altered by somebody else left alone",
				report_text_connections(r->entries.reasons[SKIP_ALTERED], n));
		else if (r->entries.reasons[SKIP_UNSELECTED])
			fprintf(out, ": %s not selected",
				report_text_connections(r->entries.reasons[SKIP_UNSELECTED], n));
		else if (r->op == OP_DEL && r->entries.snapshot)
			fputs(": no connection was at risk", out);
		return;
	}
	fprintf(out, ": %s kept", report_text_connections(report_kept(r), n));
	if (r->kernel == KERNEL_FIXED && !r->entries.flushed)
		fputs(" (this kernel flushes no others)", out);
	else if (r->entries.pinned)
		fprintf(out, " (%llu pinned, %llu restored, %llu lost)", (ull)r->entries.pinned,
			(ull)r->entries.restored, (ull)r->entries.lost);
	else
		fprintf(out, " (%llu restored, %llu lost)", (ull)r->entries.restored,
			(ull)r->entries.lost);
	if (r->entries.reasons[SKIP_ALTERED])
		fprintf(out, ", %llu altered by somebody else left alone",
			(ull)r->entries.reasons[SKIP_ALTERED]);
	if (r->entries.reasons[SKIP_UNSELECTED] + r->entries.lost_unselected)
		fprintf(out, ", %llu not selected",
			(ull)(r->entries.reasons[SKIP_UNSELECTED] + r->entries.lost_unselected));
	if (r->entries.lost_unselected)
		fprintf(out, " (%llu of them lost)", (ull)r->entries.lost_unselected);
}

static void print_done(const struct report *r, FILE *out)
{
	size_t already = count_outcome(r, VIP_ALREADY);
	char took[32];

	if (!r->changed) {
		print_addresses(r, -1, out);
		fprintf(out, " %s %s on ", r->n_addresses == 1 ? "is" : "are",
			r->op == OP_ADD ? "already" : "not");
		print_device(r, out);
		if (r->recovered && r->op == OP_DEL)
			print_connections(r, out);
		else
			fputs(": nothing to do", out);
		fputc('\n', out);
		return;
	}
	fputs(r->op == OP_ADD ? "added " : "deleted ", out);
	print_addresses(r, VIP_CHANGED, out);
	fputs(r->op == OP_ADD ? " to " : " from ", out);
	print_device(r, out);
	print_connections(r, out);
	fprintf(out, " in %s", report_text_duration(r->timing.total, took));
	if (already) {
		fputs("; ", out);
		print_addresses(r, VIP_ALREADY, out);
		fprintf(out, " %s %s", already == 1 ? "was" : "were",
			r->op == OP_ADD ? "already there" : "not there");
	}
	if (r->vip_flows.removed)
		fprintf(out, "; %llu of its own flows removed", (ull)r->vip_flows.removed);
	if (r->vip_flows.tickled)
		fprintf(out, "; %llu of %llu clients of connections that had ended are reset",
			(ull)r->vip_flows.reset, (ull)r->vip_flows.tickled);
	if (r->arrivals.removed)
		fprintf(out, "; %llu entries to it that led elsewhere removed",
			(ull)r->arrivals.removed);
	fputc('\n', out);
}

static void print_skipped(const struct report *r, FILE *out)
{
	const char *between = "  (";
	int i;

	fprintf(out, "  %-14s %llu", "skipped", (ull)r->entries.skipped);
	for (i = SKIP_NONE + 1; i < SKIP_REASON_COUNT; i++) {
		if (!r->entries.reasons[i])
			continue;
		fprintf(out, "%s%llu %s", between, (ull)r->entries.reasons[i],
			skip_reason_name((enum skip_reason)i));
		between = ", ";
	}
	fputs(*between == ',' ? ")\n" : "\n", out);
}

/* Print what there is to the added addresses. */
static void print_arrivals(const struct report *r, FILE *out)
{
	const char *between = "  (";
	int i;

	fprintf(out, "  %-14s %llu", "left alone", (ull)r->arrivals.left);
	for (i = ARRIVAL_LED_AWAY; i < ARRIVAL_COUNT; i++) {
		if (!r->arrivals.reasons[i])
			continue;
		fprintf(out, "%s%llu %s", between, (ull)r->arrivals.reasons[i],
			arrival_name((enum arrival)i));
		between = ", ";
	}
	fputs(*between == ',' ? ")\n" : "\n", out);
}

static void row_count(FILE *out, const char *name, uint64_t n, const char *note)
{
	fprintf(out, "  %-14s %llu%s%s\n", name, (ull)n, note ? "  " : "", note ? note : "");
}

static void row_time(FILE *out, const char *name, usec_t d)
{
	char text[32];

	fprintf(out, "  %-14s %s\n", name, report_text_duration(d, text));
}

/* The hold, and why it is not the one that was tried first. */
static void print_hold(const struct report *r, FILE *out)
{
	char text[ESCAPED_MAX];

	fprintf(out, "  %-14s %s", "hold", hold_choice_name(r->hold));
	if (r->hold != HOLD_OFF && *r->hold_why)
		fprintf(out, " (%s)", text_escape(r->hold_why, text, sizeof(text)));
	fputc('\n', out);
}

/* The hold that would be used, or none and why. */
static void print_plan_hold(const struct report *r, FILE *out)
{
	char text[ESCAPED_MAX];

	if (r->hold != HOLD_OFF)
		print_hold(r, out);
	else
		fprintf(out, "  %-14s none%s%s\n", "hold", *r->hold_why ? ": " : "",
			text_escape(r->hold_why, text, sizeof(text)));
}

/* What is at stake. What is pinned already no flush finds. */
static void print_plan_risk(const struct report *r, FILE *out)
{
	uint64_t at_risk = r->entries.candidates - MIN(r->entries.pinned, r->entries.candidates);
	bool is_fixed = r->kernel == KERNEL_FIXED;

	row_count(out, "connections", r->entries.snapshot, "tracked now");
	row_count(out, "at risk", at_risk,
		  is_fixed && !r->preview.exposed ? "but this kernel leaves them alone"
						  : "would be flushed without protection");
	row_count(out, "pinned", r->entries.pinned, "already: no flush takes them");
	if (r->entries.reasons[SKIP_UNSELECTED])
		row_count(out, "not selected", r->entries.reasons[SKIP_UNSELECTED],
			  is_fixed ? "but this kernel leaves them alone"
				   : "not protected, would be lost");
	print_skipped(r, out);
	row_count(out, "would be lost", r->preview.exposed, "with --strategy none");
	row_time(out, "expected gap", r->timing.expected_gap);
}

static void print_plan(const struct report *r, FILE *out)
{
	size_t already = count_outcome(r, VIP_ALREADY);

	fprintf(out, "plan: %s ", r->op == OP_ADD ? "add" : "delete");
	print_addresses(r, -1, out);
	fputs(r->op == OP_ADD ? " to " : " from ", out);
	print_device(r, out);
	fputs(" (nothing was changed)\n", out);
	if (already)
		row_count(out, "nothing to do", already,
			  r->op == OP_ADD ? "already there" : "not there: planned as if it were");
	fprintf(out, "  %-14s %s\n", "kernel", kernel_kind_name(r->kernel));
	fprintf(out, "  %-14s %s\n", "strategy", strategy_name(r->strategy));
	if (r->op == OP_ADD) {
		row_count(out, "led elsewhere", r->arrivals.removed,
			  "entries to it, to be removed when it is here");
		print_arrivals(r, out);
	} else {
		print_plan_hold(r, out);
		print_plan_risk(r, out);
	}
}

static void print_details(const struct report *r, FILE *out)
{
	const struct report_row *row;
	char id[4 * sizeof(r->id)];

	fprintf(out, "  %-14s %s\n", "id", text_escape(r->id, id, sizeof(id)));
	fprintf(out, "  %-14s %s\n", "kernel", kernel_kind_name(r->kernel));
	fprintf(out, "  %-14s %s\n", "strategy", strategy_name(r->strategy));
	print_hold(r, out);
	for (row = report_counts; row->key; row++) {
		if (row->label)
			row_count(out, row->label, report_row_value(r, row), row->note);
		if (row->offset == offsetof(struct report, entries.candidates))
			print_skipped(r, out);
	}
	if (r->op == OP_ADD)
		print_arrivals(r, out);
	for (row = report_times; row->key; row++)
		if (row->label)
			row_time(out, row->label, report_row_value(r, row));
}

static const char *verb(const struct report *r)
{
	switch (r->result) {
	case RESULT_OK:
		return "ok";
	case RESULT_PARTIAL:
		return "incomplete";
	case RESULT_UNPROTECTED:
		return r->plan ? "would be unprotected" : "unprotected";
	case RESULT_REFUSED:
		return r->plan ? "would be refused" : "refused";
	case RESULT_FAILED:
		return r->plan ? "would fail" : "failed";
	}
	return "?";
}

static void print_error(const struct report *r, FILE *err)
{
	char text[ESCAPED_MAX];

	if (!*r->error)
		return;
	fprintf(err, "vipsafe: %s%s ", r->plan ? "plan " : "", op_name(r->op));
	print_addresses(r, -1, err);
	fputs(" dev ", err);
	print_device(r, err);
	fprintf(err, ": %s: %s", verb(r), text_escape(r->error, text, sizeof(text)));
	fputc('\n', err);
}

static void print_lost(const struct report *r, FILE *err)
{
	char text[ESCAPED_MAX], n[48];
	size_t i;

	if (!r->entries.lost)
		return;
	fprintf(err, "vipsafe: warning: %s lost", report_text_connections(r->entries.lost, n));
	if (r->entries.lost_unselected)
		fprintf(err, " (%llu not selected)", (ull)r->entries.lost_unselected);
	fputs(":\n", err);
	for (i = 0; i < r->n_lost; i++)
		fprintf(err, "  %s\n", text_escape(r->lost[i], text, sizeof(text)));
	if (r->entries.lost > r->n_lost)
		fprintf(err, "  and %llu more\n", (ull)(r->entries.lost - r->n_lost));
}

static void print_warnings(const struct report *r, FILE *err)
{
	char text[ESCAPED_MAX];
	size_t i;

	for (i = 0; i < r->n_warnings; i++) {
		const struct report_warning *w = &r->warnings[i];

		fprintf(err, "vipsafe: warning: %s\n", text_escape(w->text, text, sizeof(text)));
		if (*w->fix)
			fprintf(err, "  fix: %s\n", text_escape(w->fix, text, sizeof(text)));
	}
	if (r->warnings_dropped)
		fprintf(err, "vipsafe: warning: and %u more\n", r->warnings_dropped);
}

void report_text_print(const struct report *r, bool verbose, FILE *out, FILE *err)
{
	bool done = r->result != RESULT_REFUSED && r->result != RESULT_FAILED;

	if (r->plan && r->result != RESULT_FAILED) /* otherwise there is nothing to show */
		print_plan(r, out);
	if (!r->plan && (done || r->changed))
		print_done(r, out);
	if (verbose && !r->plan)
		print_details(r, out);
	print_error(r, err);
	print_lost(r, err);
	print_warnings(r, err);
}
