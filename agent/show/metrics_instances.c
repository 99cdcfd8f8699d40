/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics of keepalived's instances. */
#include "show/metrics_row.h"

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
	metric_sample(s, LABELS("instance", i->name, "state", instance_state_name(i->state)), 1);
}

static void metrics_instances_addresses(const struct status_instance *i, struct metric_sink *s)
{
	metric_sample(s, LABELS("instance", i->name, "kind", "configured"), (double)i->addresses);
	metric_sample(s, LABELS("instance", i->name, "kind", "present"), (double)i->present);
}

/* Whether the addresses are where the state wants them. */
static void metrics_instances_in_place(const struct status_instance *i, struct metric_sink *s)
{
	bool is = i->wanted == ACTION_NONE ||
		  i->present == (i->wanted == ACTION_ADD ? i->addresses : 0);

	metric_sample(s, LABELS("instance", i->name), is);
}

static void events(const struct status_instance *i, struct metric_sink *s)
{
	const struct instance_counters *c = &i->counters;

	metric_sample(s, LABELS("instance", i->name, "kind", "change"), (double)c->changes);
	metric_sample(s, LABELS("instance", i->name, "kind", "duplicate"), (double)c->duplicates);
	metric_sample(s, LABELS("instance", i->name, "kind", "late"), (double)c->late);
	metric_sample(s, LABELS("instance", i->name, "kind", "no_state"), (double)c->silent);
}

static void decoy(const struct status_instance *i, struct metric_sink *s)
{
	metric_sample(s, LABELS("instance", i->name), i->has_decoy && !*status_decoy_problem(i));
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
