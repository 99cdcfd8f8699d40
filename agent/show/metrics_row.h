/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A metric is a row: name, type, help, and where its samples are found. Private to metrics*.c. */
#pragma once

#include <jansson.h>

#include "show/metrics.h"

#define METRIC_LABELS_MAX 4

/* Not "instance": Prometheus gives that name to the node. */
#define METRIC_INSTANCE "vrrp_instance"

struct metric_source {
	const struct metrics *metrics;
	const struct status *status;
};

/* Takes samples: prints them or makes JSON of them. */
struct metric_sink {
	const struct metric_row *row;
	FILE *out;    /* text; NULL: JSON */
	json_t *list; /* samples of this row */
	bool failed;
};

/* Upper bounds of all buckets but the last. */
extern const usec_t histogram_bounds[HISTOGRAM_BUCKETS - 1];

/* metrics_sample.c. LABELS: pairs of name and value, ended by NULL; values are escaped. */
void metric_sample(struct metric_sink *sink, const char *const *labels, double value);

/* The samples of histogram H: they have the label "le" besides LABELS. */
void metric_histogram(struct metric_sink *sink, const char *const *labels,
		      const struct histogram *h);

enum metric_place {
	METRIC_BY_SAMPLES,
	/* one number without labels, or one for each device or instance */
	METRIC_OF_STATUS,
	METRIC_OF_METRICS,
	METRIC_OF_DEVICE,
	METRIC_OF_INSTANCE,
};

struct metric_row {
	const char *name;
	const char *type; /* counter, gauge, histogram */
	const char *help;
	void (*samples)(const struct metric_source *from, struct metric_sink *sink);
	enum metric_place place;
	size_t offset;	/* of a uint64_t in what PLACE names */
	bool when_down; /* known also where no daemon runs */
};

/* Pass the samples of ROW to SINK. */
void metric_row_samples(const struct metric_row *row, const struct metric_source *from,
			struct metric_sink *sink);

/* Ends with a row without a name. */
extern const struct metric_row metric_rows[];

/* metrics_sample.c */
void metric_instance_state(const struct metric_source *f, struct metric_sink *s);
void metric_instance_in_place(const struct metric_source *f, struct metric_sink *s);
void metric_instance_addresses(const struct metric_source *f, struct metric_sink *s);
void metric_instance_events(const struct metric_source *f, struct metric_sink *s);
void metric_instance_decoy(const struct metric_source *f, struct metric_sink *s);
void metric_notify(const struct metric_source *f, struct metric_sink *s);
void metric_notify_ignored(const struct metric_source *f, struct metric_sink *s);
void metric_instance_kept(const struct metric_source *f, struct metric_sink *s);
