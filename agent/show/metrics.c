/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/metrics.h"

#include <string.h>

#include "base/text.h"
#include "show/metrics_row.h"
#include "show/report_json.h"

static void histogram_add(struct histogram *h, usec_t value, const char *id)
{
	size_t i = 0;

	while (i < (size_t)HISTOGRAM_BUCKETS - 1 && value > histogram_bounds[i])
		i++;
	h->buckets[i]++;
	h->sum += value;
	snprintf(h->ids[i], sizeof(h->ids[i]), "%s", id);
}

void metrics_count(struct metrics *m, const struct report *r)
{
	size_t i;

	if (r->plan || (unsigned)r->op >= ARRAY_SIZE(m->operations) ||
	    (unsigned)r->result >= ARRAY_SIZE(m->operations[0]))
		return;
	m->operations[r->op][r->result]++;
	histogram_add(&m->duration[r->op], r->timing.total, r->id);
	if (r->timing.hold)
		histogram_add(&m->hold, r->timing.hold, r->id);
	for (i = 0; i < REPORT_COUNTS; i++)
		m->entries[i] += report_row_value(r, &report_counts[i]);
	m->vip_flows += r->vip_flows.removed;
	m->clients_reset += r->vip_flows.reset;
	m->arrivals += r->arrivals.removed;
	m->warnings += r->n_warnings + r->warnings_dropped;
}

/* ---- rendering ------------------------------------------------------------------------ */

/* The row at or after ROW that is known of S, or the last one, which has no name. */
static const struct metric_row *metric_row_known(const struct metric_row *row,
						 const struct status *s)
{
	while (row->name && s->absent && !row->when_down)
		row++;
	return row;
}

void metrics_print(const struct metrics *m, const struct status *s, FILE *out)
{
	const struct metric_source from = { .metrics = m, .status = s };
	const struct metric_row *row;

	for (row = metric_rows; (row = metric_row_known(row, s))->name; row++) {
		struct metric_sink sink = { .row = row, .out = out };

		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
			row->type);
		metric_row_samples(row, &from, &sink);
	}
}

json_t *metrics_json_new(const struct metrics *m, const struct status *s)
{
	const struct metric_source from = { .metrics = m, .status = s };
	const struct metric_row *row;
	json_t *list = json_array();
	int failed = 0;

	for (row = metric_rows; (row = metric_row_known(row, s))->name; row++) {
		struct metric_sink sink = { .row = row, .list = json_array() };
		json_t *o = json_pack("{s:s, s:s, s:s}", "name", row->name, "type", row->type,
				      "help", row->help);

		metric_row_samples(row, &from, &sink);
		failed |= sink.failed | json_object_set_new(o, "samples", sink.list);
		failed |= json_array_append_new(list, o);
	}
	if (failed) {
		json_decref(list);
		return NULL;
	}
	return list;
}
