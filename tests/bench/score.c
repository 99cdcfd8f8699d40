/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "score.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include <jansson.h>

#include <vipsafe/base.h>

struct score *scores_add(struct scores *r, const struct score *item)
{
	struct score *to = &r->items[MIN(r->n, (size_t)SCORES_MAX - 1)];

	*to = *item;
	r->n = MIN(r->n + 1, (size_t)SCORES_MAX);
	return to;
}

void sample_add(struct sample *s, double ours, double theirs)
{
	if (s->n == ROUNDS_MAX)
		return;
	s->ours[s->n] = ours;
	s->theirs[s->n] = theirs;
	s->n++;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *v, size_t n)
{
	double sorted[ROUNDS_MAX];

	if (!n)
		return 0;
	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), compare);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double round_value(const struct score *r, size_t i)
{
	double ours = r->sample.ours[i], theirs = r->sample.theirs[i];

	if (!r->peer)
		return ours;
	return r->bound == BOUND_AT_MOST ? ours / theirs : theirs / ours;
}

double score_ours(const struct score *r)
{
	return median(r->sample.ours, r->sample.n);
}

double score_theirs(const struct score *r)
{
	return median(r->sample.theirs, r->sample.n);
}

double score_value(const struct score *r)
{
	double v[ROUNDS_MAX];
	size_t i;

	for (i = 0; i < r->sample.n; i++)
		v[i] = round_value(r, i);
	return median(v, r->sample.n);
}

static size_t values_of(const struct score *r, double v[ROUNDS_MAX])
{
	size_t i;

	for (i = 0; i < r->sample.n; i++)
		v[i] = round_value(r, i);
	qsort(v, r->sample.n, sizeof(*v), compare);
	return r->sample.n;
}

void score_spread(const struct score *r, double *ret_low, double *ret_high)
{
	double v[ROUNDS_MAX] = { 0 };
	size_t n = values_of(r, v);

	*ret_low = n ? v[n / 4] : 0;
	*ret_high = n ? v[n - 1 - n / 4] : 0;
}

static bool meets(const struct score *r, double value)
{
	switch (r->bound) {
	case BOUND_NONE:
		return true;
	case BOUND_AT_LEAST:
		return r->sample.n && value >= r->limit;
	case BOUND_AT_MOST:
		return r->sample.n && value <= r->limit;
	}
	return false;
}

enum verdict score_verdict(const struct score *r)
{
	double low, high;

	if (meets(r, score_value(r)))
		return VERDICT_HOLDS;
	score_spread(r, &low, &high);
	return meets(r, low) || meets(r, high) ? VERDICT_NOISE : VERDICT_FAILS;
}

bool scores_hold(const struct scores *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (score_verdict(&r->items[i]) == VERDICT_FAILS)
			return false;
	return true;
}

static const char *verdict_words(const struct score *r)
{
	if (r->bound == BOUND_NONE)
		return "-";
	switch (score_verdict(r)) {
	case VERDICT_HOLDS:
		return "holds";
	case VERDICT_NOISE:
		return "noise";
	case VERDICT_FAILS:
		return "fails";
	}
	return "?";
}

static bool is_kind(const struct score *a, const struct score *b)
{
	return !strcmp(a->what, b->what) && !strcmp(a->unit, b->unit) && !a->peer == !b->peer &&
	       (!a->peer || !strcmp(a->peer, b->peer));
}

/* Medians of all that is done, not of one entry's share. */
static double total_of(const struct score *r)
{
	return score_ours(r) * (strstr(r->unit, "/entry") ? (double)r->entries : 1);
}

bool scores_growth(const struct scores *all, const struct score *r, double *ret_exponent)
{
	double n = 0, x = 0, y = 0, xx = 0, xy = 0;
	size_t i;

	for (i = 0; i < all->n; i++) {
		const struct score *one = &all->items[i];
		double at, cost;

		if (!is_kind(one, r))
			continue;
		if (one < r)
			return false;
		if (!one->entries || total_of(one) <= 0)
			continue;
		at = log((double)one->entries);
		cost = log(total_of(one));
		n++, x += at, y += cost, xx += at * at, xy += at * cost;
	}
	if (n < 2 || n * xx - x * x < 1e-9)
		return false;
	*ret_exponent = (n * xy - x * y) / (n * xx - x * x);
	return true;
}

static const char *bound_words(enum bound bound)
{
	switch (bound) {
	case BOUND_NONE:
		return "";
	case BOUND_AT_LEAST:
		return ">=";
	case BOUND_AT_MOST:
		return "<=";
	}
	return "";
}

static void print_one(const struct score *r, FILE *f)
{
	char theirs[32] = "-", ratio[32] = "-", bound[32] = "-", spread[48];
	double low, high;

	if (r->peer) {
		snprintf(theirs, sizeof(theirs), "%.1f", score_theirs(r));
		snprintf(ratio, sizeof(ratio), "%.2f", score_value(r));
	}
	if (r->bound != BOUND_NONE)
		snprintf(bound, sizeof(bound), "%s %g", bound_words(r->bound), r->limit);
	score_spread(r, &low, &high);
	snprintf(spread, sizeof(spread), "%.3g-%.3g of %zu", low, high, r->sample.n);
	fprintf(f, "%-10s %8zu  %-13s %9.1f %9s  %-24s %6s  %-18s  %-7s  %s\n", r->what, r->entries,
		r->unit, score_ours(r), theirs, r->peer ? r->peer : "-", ratio, spread, bound,
		verdict_words(r));
}

void scores_print(const struct scores *r, FILE *f)
{
	double exponent;
	size_t i;

	fprintf(f, "%-10s %8s  %-13s %9s %9s  %-24s %6s  %-18s  %-7s  %s\n", "what", "entries",
		"unit", "vipsafe", "other", "the other", "ratio", "spread", "bound", "verdict");
	for (i = 0; i < r->n; i++)
		print_one(&r->items[i], f);
	fprintf(f, "Medians of rounds in turns. Ratio: how many times faster than the other; with "
		   "<=: slower. Spread: quartiles of the ratio, or of vipsafe without one.\n");
	for (i = 0; i < r->n; i++)
		if (scores_growth(r, &r->items[i], &exponent))
			fprintf(f, "%-10s %-13s grows with the entries to the power of %.2f\n",
				r->items[i].what, r->items[i].unit, exponent);
}

static json_t *numbers(const double *v, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(a, json_real(v[i]));
	return a;
}

static json_t *score_json(const struct scores *all, const struct score *r)
{
	double low, high, exponent;
	json_t *o = json_pack("{s:s, s:I, s:s, s:f}", "what", r->what, "entries",
			      (json_int_t)r->entries, "unit", r->unit, "vipsafe", score_ours(r));

	score_spread(r, &low, &high);
	json_object_set_new(o, "spread", json_pack("[f,f]", low, high));
	if (scores_growth(all, r, &exponent))
		json_object_set_new(o, "exponent", json_real(exponent));
	json_object_set_new(o, "vipsafe_rounds", numbers(r->sample.ours, r->sample.n));
	if (r->peer) {
		json_object_set_new(o, "peer", json_string(r->peer));
		json_object_set_new(o, "other", json_real(score_theirs(r)));
		json_object_set_new(o, "other_rounds", numbers(r->sample.theirs, r->sample.n));
		json_object_set_new(o, "ratio", json_real(score_value(r)));
	}
	if (r->bound != BOUND_NONE) {
		json_object_set_new(
			o, "bound",
			json_pack("{s:s, s:f}", "is", bound_words(r->bound), "limit", r->limit));
		json_object_set_new(o, "verdict", json_string(verdict_words(r)));
	}
	return o;
}

static void cpu_name(char *buf, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256], *p;

	snprintf(buf, size, "unknown");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "model name", 10) == 0 && (p = strchr(line, ':'))) {
			p[strcspn(p, "\n")] = '\0';
			snprintf(buf, size, "%s", p[1] ? p + 2 : "unknown");
			break;
		}
	if (f)
		fclose(f);
}

static void date_text(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

/* Without what only this machine's vendor can say: "6.18.44-vendor-7", not "3.10.0-1160.el7". */
static void cut_vendor(char *release)
{
	char *p = strchr(release, '-');

	if (p && (p[1] < '0' || p[1] > '9'))
		*p = '\0';
}

int scores_write(const struct scores *r, double others, const char *path)
{
	const char *commit = getenv("BENCH_COMMIT");
	json_t *list = json_array(), *root;
	double load;
	char date[32], cpu[128];
	struct utsname host;
	size_t i;
	int error;

	if (getloadavg(&load, 1) < 1)
		load = -1;
	date_text(date, sizeof(date));
	cpu_name(cpu, sizeof(cpu));

	for (i = 0; i < r->n; i++)
		json_array_append_new(list, score_json(r, &r->items[i]));
	if (uname(&host) < 0)
		memset(&host, 0, sizeof(host));
	cut_vendor(host.release);
	root = json_pack("{s:s, s:s, s:f, s:s, s:s, s:s, s:I, s:f, s:b, s:o}", "date", date,
			 "commit", commit ? commit : "", "load", load, "cpu", cpu, "kernel",
			 host.release, "machine", host.machine, "cpus",
			 (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "others_percent", others,
			 "holds", scores_hold(r), "results", list);
	if (!root)
		return -ENOMEM;
	error = json_dump_file(root, path, JSON_INDENT(1) | JSON_PRESERVE_ORDER) < 0 ? -EIO : 0;
	json_decref(root);
	return error;
}
