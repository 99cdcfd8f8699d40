/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples, as text or JSON. */
#include <string.h>

#include "base/text.h"
#include "show/metrics_row.h"
#include "show/report_json.h"

/* A plain delete takes tens of microseconds, a big restore seconds. */
const usec_t histogram_bounds[HISTOGRAM_BUCKETS - 1] = {
	100, 1000, 2500, 5000, 10000, 25000, 100000, 250000, 1000000, 2500000, 10000000,
};

/* The format escapes backslash and quote; bytes that are not ASCII are escaped first, as
 * everywhere, and so their backslashes once more. */
static void print_value(const char *value, FILE *out)
{
	char text[4 * REPORT_TEXT_MAX];
	const char *p;

	text_escape(value, text, sizeof(text));
	for (p = text; *p; p++)
		fprintf(out, *p == '\\' || *p == '"' ? "\\%c" : "%c", *p);
}

/* Whole numbers are printed as such: %g would round counters above a million. Seconds since 1970
 * need more than its usual digits. */
static void print_number(double value, FILE *out)
{
	if (value >= 0 && value < 1e15 && value == (double)(uint64_t)value)
		fprintf(out, "%llu", (unsigned long long)value);
	else
		fprintf(out, "%.15g", value);
}

static void print_sample(const struct metric_sink *s, const char *suffix, const char *const *labels,
			 double value)
{
	size_t i;

	fprintf(s->out, "%s%s", s->row->name, suffix);
	for (i = 0; labels && labels[i]; i += 2) {
		fprintf(s->out, "%s%s=\"", i ? "," : "{", labels[i]);
		print_value(labels[i + 1], s->out);
		fputc('"', s->out);
	}
	fputs(i ? "} " : " ", s->out);
	print_number(value, s->out);
	fputc('\n', s->out);
}

static int add_json(struct metric_sink *s, const char *suffix, const char *const *labels,
		    double value, const char *id)
{
	json_t *o = json_object(), *l = json_object();
	char name[96];
	int failed = 0;
	size_t i;

	snprintf(name, sizeof(name), "%s%s", s->row->name, suffix);
	for (i = 0; labels && labels[i]; i += 2)
		failed |= json_object_set_new(l, labels[i], object_string(labels[i + 1]));
	failed |= json_object_set_new(o, "name", json_string(name));
	failed |= json_object_set_new(o, "labels", l);
	failed |= json_object_set_new(o, "value",
				      value == (double)(json_int_t)value
					      ? json_integer((json_int_t)value)
					      : json_real(value));
	if (id && *id)
		failed |= json_object_set_new(o, "id", object_string(id));
	return failed | json_array_append_new(s->list, o);
}

static void sample(struct metric_sink *s, const char *suffix, const char *const *labels,
		   double value, const char *id)
{
	if (s->out)
		print_sample(s, suffix, labels, value);
	else if (add_json(s, suffix, labels, value, id) < 0)
		s->failed = true;
}

void metric_sample(struct metric_sink *s, const char *const *labels, double value)
{
	sample(s, "", labels, value, NULL);
}

void metric_histogram(struct metric_sink *s, const char *const *labels, const struct histogram *h)
{
	const char *with[2 * METRIC_LABELS_MAX + 3];
	uint64_t count = 0;
	char bound[32];
	size_t i, n = 0;

	for (; labels && labels[n] && n < 2 * METRIC_LABELS_MAX; n++)
		with[n] = labels[n];
	with[n] = "le";
	with[n + 1] = bound;
	with[n + 2] = NULL;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += h->buckets[i];
		if (i < ARRAY_SIZE(histogram_bounds))
			snprintf(bound, sizeof(bound), "%g",
				 (double)histogram_bounds[i] / USEC_PER_SEC);
		else
			memcpy(bound, "+Inf", 5);
		sample(s, "_bucket", with, (double)count, h->ids[i]);
	}
	sample(s, "_sum", labels, (double)h->sum / USEC_PER_SEC, NULL);
	sample(s, "_count", labels, (double)count, NULL);
}

/* Metrics of keepalived's instances. */

#define LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

typedef void (*instance_samples)(const struct status_instance *i, struct metric_sink *s);

static void each(const struct metric_source *f, struct metric_sink *s, instance_samples fn)
{
	size_t i;

	for (i = 0; i < f->status->n_instances; i++)
		fn(&f->status->instances[i], s);
}

static void state(const struct status_instance *i, struct metric_sink *s)
{
	metric_sample(s, LABELS(METRIC_INSTANCE, i->name, "state", instance_state_name(i->state)),
		      1);
}

static void metrics_instances_addresses(const struct status_instance *i, struct metric_sink *s)
{
	metric_sample(s, LABELS(METRIC_INSTANCE, i->name, "kind", "configured"),
		      (double)i->addresses);
	metric_sample(s, LABELS(METRIC_INSTANCE, i->name, "kind", "present"), (double)i->present);
}

/* Whether the addresses are where the state wants them. */
static void metrics_instances_in_place(const struct status_instance *i, struct metric_sink *s)
{
	bool is = i->wanted == ACTION_NONE ||
		  i->present == (i->wanted == ACTION_ADD ? i->addresses : 0);

	metric_sample(s, LABELS(METRIC_INSTANCE, i->name), is);
}

static void events(const struct status_instance *i, struct metric_sink *s)
{
	const struct instance_counters *c = &i->counters;

	metric_sample(s, LABELS(METRIC_INSTANCE, i->name, "kind", "change"), (double)c->changes);
	metric_sample(s, LABELS(METRIC_INSTANCE, i->name, "kind", "duplicate"),
		      (double)c->duplicates);
	metric_sample(s, LABELS(METRIC_INSTANCE, i->name, "kind", "late"), (double)c->late);
	metric_sample(s, LABELS(METRIC_INSTANCE, i->name, "kind", "no_state"), (double)c->silent);
}

static void decoy(const struct status_instance *i, struct metric_sink *s)
{
	metric_sample(s, LABELS(METRIC_INSTANCE, i->name),
		      i->has_decoy && !*status_decoy_problem(i));
}

void metric_instance_state(const struct metric_source *f, struct metric_sink *s)
{
	each(f, s, state);
}

void metric_instance_addresses(const struct metric_source *f, struct metric_sink *s)
{
	each(f, s, metrics_instances_addresses);
}

void metric_instance_in_place(const struct metric_source *f, struct metric_sink *s)
{
	each(f, s, metrics_instances_in_place);
}

void metric_instance_events(const struct metric_source *f, struct metric_sink *s)
{
	each(f, s, events);
}

void metric_instance_decoy(const struct metric_source *f, struct metric_sink *s)
{
	each(f, s, decoy);
}

void metric_notify(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, LABELS("by", "hook"), (double)f->status->notify.hooks);
	metric_sample(s, LABELS("by", "fifo"), (double)f->status->notify.lines);
}

void metric_notify_ignored(const struct metric_source *f, struct metric_sink *s)
{
	const struct status_notify *n = &f->status->notify;

	metric_sample(s, LABELS("reason", "bad"), (double)n->bad);
	metric_sample(s, LABELS("reason", "unknown_instance"), (double)n->unknown);
	metric_sample(s, LABELS("reason", "group"), (double)n->groups);
}

void metric_instance_kept(const struct metric_source *f, struct metric_sink *s)
{
	const struct status_notify *n = &f->status->notify;

	if (n->is_used)
		metric_sample(s, NULL, !n->store_problem || !*n->store_problem);
}
