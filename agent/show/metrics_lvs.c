/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics of the look-out for LVS collisions. */
#include "show/metrics_row.h"

void metric_lvs_active(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, f->status->lvs.active);
}

void metric_lvs_services(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, f->status->lvs.services);
}

void metric_lvs_flows(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, (double)f->status->lvs.flows);
}

void metric_lvs_collisions(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, (double)f->status->lvs.collisions);
}

void metric_lvs_overruns(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, (double)f->status->lvs.overruns);
}
