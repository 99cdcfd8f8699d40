/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics, as documented in docs/metrics.md. */
#include "show/metrics_row.h"

#include <string.h>

#include "show/history.h"
#include "show/report_json.h"

#define SECONDS(usec) ((double)(usec) / USEC_PER_SEC)

#define LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- the daemon --------------------------------------------------------------------------- */

static void up(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, !f->status->absent);
}

static void build_info(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, LABELS("version", f->status->version), 1);
}

/* The instant AGO before now, in seconds since 1970. */
static void metrics_rows_instant(const struct metric_source *f, struct metric_sink *s, usec_t ago)
{
	usec_t at = f->status->wall - MIN(ago, f->status->wall);

	/* the two clocks are not read at once: the same value each time */
	metric_sample(s, NULL, (double)((at + USEC_PER_MSEC / 2) / USEC_PER_MSEC) / 1000);
}

static void started(const struct metric_source *f, struct metric_sink *s)
{
	metrics_rows_instant(f, s, f->status->uptime);
}

static void config_error(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, *f->status->config_error != '\0');
}

/* ---- operations ---------------------------------------------------------------------------- */

static void metrics_rows_operations(const struct metric_source *f, struct metric_sink *s)
{
	const struct metrics *m = f->metrics;
	unsigned op, result;

	for (op = 0; op < ARRAY_SIZE(m->operations); op++)
		for (result = 0; result < ARRAY_SIZE(m->operations[0]); result++)
			metric_sample(s,
				      LABELS("op", op_name((enum op)op), "result",
					     result_name((enum result)result)),
				      (double)m->operations[op][result]);
}

static void duration(const struct metric_source *f, struct metric_sink *s)
{
	unsigned op;

	for (op = 0; op < ARRAY_SIZE(f->metrics->duration); op++)
		metric_histogram(s, LABELS("op", op_name((enum op)op)), &f->metrics->duration[op]);
}

static void hold(const struct metric_source *f, struct metric_sink *s)
{
	metric_histogram(s, NULL, &f->metrics->hold);
}

static double entries_of(const struct metrics *m, const char *key)
{
	return (double)m->entries[report_count_find(key)];
}

static void metrics_rows_connections(const struct metric_source *f, struct metric_sink *s)
{
	static const char *const outcomes[] = { "untouched", "pinned",	"restored",    "superseded",
						"lost",	     "altered", "not_selected" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(outcomes); i++)
		metric_sample(s, LABELS("outcome", outcomes[i]),
			      entries_of(f->metrics, outcomes[i]));
}

static void mismatch(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, entries_of(f->metrics, "mismatch"));
}

static void last_info(const struct metric_source *f, struct metric_sink *s)
{
	json_t *last = history_last_move(f->status->operations);

	if (last)
		metric_sample(s,
			      LABELS("op", object_text(last, "op"), "device",
				     object_text(last, "device"), "result",
				     object_text(last, "result")),
			      1);
}

static void last_instant(const struct metric_source *f, struct metric_sink *s)
{
	json_t *last = history_last_move(f->status->operations);
	json_int_t at = json_integer_value(json_object_get(last, "at_us"));

	if (last && at >= 0 && (usec_t)at <= f->status->now)
		metrics_rows_instant(f, s, f->status->now - (usec_t)at);
}

/* ---- devices ---------------------------------------------------------------------- */

static void device_in_force(const struct metric_source *f, struct metric_sink *s)
{
	size_t i;

	for (i = 0; i < f->status->n_devices; i++) {
		const struct status_device *d = &f->status->devices[i];

		if (d->mode == PIN_OFF) /* there is none */
			continue;
		metric_sample(s, LABELS("device", d->device, "protection", status_protection(d)),
			      status_in_force(d));
	}
}

static void device_state(const struct metric_source *f, struct metric_sink *s)
{
	size_t i;

	for (i = 0; i < f->status->n_devices; i++)
		metric_sample(s,
			      LABELS("device", f->status->devices[i].device, "state",
				     f->status->devices[i].state),
			      1);
}

static void device_quarantined(const struct metric_source *f, struct metric_sink *s)
{
	size_t i;

	for (i = 0; i < f->status->n_devices; i++)
		metric_sample(s, LABELS("device", f->status->devices[i].device),
			      f->status->devices[i].quarantined);
}

static void device_entries(const struct metric_source *f, struct metric_sink *s)
{
	size_t i;

	for (i = 0; i < f->status->n_devices; i++) {
		const struct status_device *d = &f->status->devices[i];

		metric_sample(s, LABELS("device", d->device, "kind", "pinned"), (double)d->pinned);
		metric_sample(s, LABELS("device", d->device, "kind", "unpinned"),
			      (double)d->unpinned);
	}
}

static void device_linger_ends(const struct metric_source *f, struct metric_sink *s)
{
	size_t i, why;

	for (i = 0; i < f->status->n_devices; i++) {
		const struct status_device *d = &f->status->devices[i];

		for (why = 0; why < STATUS_LINGER_ENDS; why++)
			metric_sample(s,
				      LABELS("device", d->device, "why", status_linger_words[why]),
				      (double)d->linger_ends[why]);
	}
}

static void device_held(const struct metric_source *f, struct metric_sink *s)
{
	for (size_t i = 0; i < f->status->n_devices; i++) {
		const struct status_device *d = &f->status->devices[i];

		metric_sample(s, LABELS("device", d->device),
			      (double)d->held_usec / (double)USEC_PER_SEC);
	}
}

static void ends_total(const struct metric_source *f, struct metric_sink *s)
{
	size_t i;

	for (i = 0; i < END_CAUSE_COUNT; i++)
		if (i != END_RETRANSLATED)
			metric_sample(s, LABELS("cause", end_cause_words[i]),
				      (double)f->status->ends[i]);
}

/* ---- the node ---------------------------------------------------------------------- */

static void kernel_affected(const struct metric_source *f, struct metric_sink *s)
{
	const struct survey *v = f->status->survey;

	if (v && v->ipv4 != KERNEL_UNKNOWN)
		metric_sample(s, LABELS("family", "ipv4"), v->ipv4 == KERNEL_AFFECTED);
	if (v && v->ipv6 != KERNEL_UNKNOWN)
		metric_sample(s, LABELS("family", "ipv6"), v->ipv6 == KERNEL_AFFECTED);
}

static void conntrack_entries(const struct metric_source *f, struct metric_sink *s)
{
	if (f->status->survey && f->status->survey->conntrack_known)
		metric_sample(s, NULL, f->status->survey->entries);
}

static void conntrack_limit(const struct metric_source *f, struct metric_sink *s)
{
	if (f->status->survey && f->status->survey->conntrack_known)
		metric_sample(s, NULL, f->status->survey->entries_max);
}

static void lvs_active(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, f->status->lvs.active);
}

static void lvs_apart(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, f->status->apart.in_force);
}

static void lvs_apart_services(const struct metric_source *f, struct metric_sink *s)
{
	const struct status_apart *a = &f->status->apart;

	metric_sample(s, LABELS("kept", "yes"), a->in_force ? a->kept : 0);
	metric_sample(s, LABELS("kept", "no"), a->in_force ? a->left : a->kept + a->left);
}

static void lvs_services(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, f->status->lvs.services);
}

static void lvs_expected(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, LABELS("effect", "kill"), f->status->lvs.kill);
	metric_sample(s, LABELS("effect", "stall"), f->status->lvs.stall);
}

static void lvs_map_instant(const struct metric_source *f, struct metric_sink *s)
{
	metric_sample(s, NULL, (double)f->status->lvs.map_wall / USEC_PER_SEC);
}

/* The last members of a row whose samples are one number. */
#define STATUS(member) NULL, METRIC_OF_STATUS, offsetof(struct status, member)
#define METRICS(member) NULL, METRIC_OF_METRICS, offsetof(struct metrics, member)
#define DEVICE(member) NULL, METRIC_OF_DEVICE, offsetof(struct status_device, member)
#define INSTANCE(member) NULL, METRIC_OF_INSTANCE, offsetof(struct status_instance, member)

const struct metric_row metric_rows[] = {
	{ "vipsafe_up", "gauge", "Whether the daemon is running.", up, .when_down = true },
	{ "vipsafe_build_info", "gauge", "The version, always 1.", build_info, .when_down = true },
	{ "vipsafe_start_timestamp_seconds", "gauge",
	  "When the daemon was started, in seconds since 1970.", started },
	{ "vipsafe_config_error", "gauge",
	  "Whether the last reload failed and the old configuration is in force.", config_error },
	{ "vipsafe_clients_refused_total", "counter",
	  "Clients of the control socket that were refused because they are not permitted.",
	  STATUS(refused) },
	{ "vipsafe_watchers", "gauge", "Clients that watch events at this moment.",
	  METRICS(watchers) },
	{ "vipsafe_watchers_dropped_total", "counter",
	  "Watchers that read too slowly and were dropped.", METRICS(watchers_dropped) },
	{ "vipsafe_log_dropped_total", "counter",
	  "Messages that were dropped because the log did not accept them.", STATUS(log_dropped) },
	{ "vipsafe_operations_total", "counter", "Address changes by the daemon.",
	  metrics_rows_operations },
	{ "vipsafe_operation_duration_seconds", "histogram",
	  "How long address changes took as a whole.", duration },
	{ "vipsafe_hold_duration_seconds", "histogram",
	  "How long packets were held in an operation.", hold },
	{ "vipsafe_connections_total", "counter",
	  "What happened to the connections that an operation could have broken.",
	  metrics_rows_connections },
	{ "vipsafe_connections_mismatch_total", "counter",
	  "Entries that the kernel created differently than asked; they also count as lost.",
	  mismatch },
	{ "vipsafe_vip_flows_removed_total", "counter",
	  "Entries removed because they belong to an address that was deleted.",
	  METRICS(vip_flows) },
	{ "vipsafe_vip_clients_reset_total", "counter",
	  "Clients reset because their connection had ended with another node.",
	  METRICS(clients_reset) },
	{ "vipsafe_arrivals_removed_total", "counter",
	  "Entries removed because they led elsewhere when their destination was added here.",
	  METRICS(arrivals) },
	{ "vipsafe_operation_warnings_total", "counter", "Warnings in reports of operations.",
	  METRICS(warnings) },
	{ "vipsafe_last_operation_info", "gauge",
	  "The last address change on this node, by daemon or command, always 1.", last_info },
	{ "vipsafe_last_operation_timestamp_seconds", "gauge",
	  "When the last address change on this node ended, in seconds since 1970.", last_instant },
	{ "vipsafe_device_in_force", "gauge",
	  "Whether the protection of the device works at this moment.", device_in_force },
	{ "vipsafe_device_state", "gauge", "The state of a device's guard, always 1.",
	  device_state },
	{ "vipsafe_device_quarantined", "gauge",
	  "Whether an address comes and goes again and again, and its deletes are not repaired.",
	  device_quarantined },
	{ "vipsafe_device_entries", "gauge", "Masqueraded connections of a device.",
	  device_entries },
	{ "vipsafe_device_altered", "gauge",
	  "Unpinned connections that another program has altered; they are left alone.",
	  DEVICE(altered) },
	{ "vipsafe_device_not_selected", "gauge",
	  "Connections that the settings of the device do not select; they are left alone.",
	  DEVICE(unselected) },
	{ "vipsafe_device_pins_total", "counter", "Entries pinned by the guard.", DEVICE(pins) },
	{ "vipsafe_device_pin_failures_total", "counter", "Entries that could not be pinned.",
	  DEVICE(pin_failures) },
	{ "vipsafe_device_foreign_deletes_total", "counter",
	  "Addresses of a device that somebody else has deleted.", DEVICE(foreign_deletes) },
	{ "vipsafe_device_repairs_total", "counter",
	  "Repairs after somebody else deleted an address.", DEVICE(repairs) },
	{ "vipsafe_device_restored_total", "counter", "Connections restored by repairs.",
	  DEVICE(restored) },
	{ "vipsafe_device_superseded_total", "counter",
	  "Connections not restored because their client had begun anew.", DEVICE(superseded) },
	{ "vipsafe_device_lost_total", "counter",
	  "Connections lost: pinned wrongly, not restored, or by a delete that is not repaired.",
	  DEVICE(lost) },
	{ "vipsafe_device_removed_total", "counter",
	  "Pinned entries removed because their address is gone.", DEVICE(removed) },
	{ "vipsafe_device_lingering_addresses", "gauge",
	  "Addresses that vanished and whose connections stay in case they come back.",
	  DEVICE(lingering_addresses) },
	{ "vipsafe_device_lingering_entries", "gauge", "Connections of such addresses.",
	  DEVICE(lingering_entries) },
	{ "vipsafe_device_linger_ends_total", "counter",
	  "Such addresses, by how it ended: back, time over, heard of another host, given up.",
	  device_linger_ends },
	{ "vipsafe_device_arrivals_total", "counter",
	  "Addresses of a device that somebody else has added.", DEVICE(arrivals) },
	{ "vipsafe_device_arrivals_removed_total", "counter",
	  "Entries to such addresses that led elsewhere and were removed.", DEVICE(led_away) },
	{ "vipsafe_device_committed_total", "counter",
	  "Connections of another node that conntrackd has written here.", DEVICE(committed) },
	{ "vipsafe_device_committed_unsure_total", "counter",
	  "Connections of these whose port conntrackd does not tell, as of SCTP.", DEVICE(unsure) },
	{ "vipsafe_device_gone_total", "counter",
	  "Addresses that went while no vipsafed guarded them.", DEVICE(gone) },
	{ "vipsafe_device_unproven_total", "counter",
	  "Entries of such addresses that were left, as they are not proved to be vipsafe's.",
	  DEVICE(unproven) },
	{ "vipsafe_device_unsaved_total", "counter",
	  "How often files that are needed after a kill could not be written.", DEVICE(unsaved) },
	{ "vipsafe_device_event_overruns_total", "counter",
	  "How often events of the kernel were lost.", DEVICE(overruns) },
	{ "vipsafe_device_relists_total", "counter",
	  "How often the guard read the whole table again.", DEVICE(relists) },
	{ "vipsafe_device_holds_total", "counter", "How often packets were held for pins.",
	  DEVICE(holds) },
	{ "vipsafe_device_held_seconds_total", "counter",
	  "For how long packets were held for pins, in total.", device_held },
	{ "vipsafe_ends_total", "counter",
	  "Connections of guarded or observed devices that ended, by cause.", ends_total },
	{ "vipsafe_retranslated_total", "counter",
	  "Connections that came to be translated to another port while they lasted.",
	  STATUS(ends[END_RETRANSLATED]) },
	{ "vipsafe_instance_state", "gauge",
	  "The state of an instance that keepalived reported last, always 1.",
	  metric_instance_state },
	{ "vipsafe_instance_in_place", "gauge",
	  "Whether the addresses of an instance are where its state wants them.",
	  metric_instance_in_place },
	{ "vipsafe_instance_addresses", "gauge",
	  "Addresses of an instance, configured and present.", metric_instance_addresses },
	{ "vipsafe_instance_events_total", "counter",
	  "Reports about an instance, by what they caused.", metric_instance_events },
	{ "vipsafe_instance_operations_total", "counter",
	  "Rounds of address changes for an instance.", INSTANCE(counters.operations) },
	{ "vipsafe_instance_failures_total", "counter",
	  "Rounds after which an address of the instance was not where it should be.",
	  INSTANCE(counters.failures) },
	{ "vipsafe_instance_decoy_works", "gauge",
	  "Whether an instance has a decoy that agrees with what keepalived says.",
	  metric_instance_decoy },
	{ "vipsafe_instance_stale_decoys_total", "counter",
	  "Decoys that a killed keepalived left behind.", INSTANCE(counters.stale) },
	{ "vipsafe_instance_foreign_deletes_total", "counter",
	  "How often somebody else deleted addresses of a MASTER.", INSTANCE(counters.foreign) },
	{ "vipsafe_notify_total", "counter", "Calls of hooks, and lines of the FIFO.",
	  metric_notify },
	{ "vipsafe_notify_ignored_total", "counter",
	  "Calls and lines that were ignored; duplicates are not counted here.",
	  metric_notify_ignored },
	{ "vipsafe_notify_overruns_total", "counter",
	  "How often lines of the FIFO may have been lost.", STATUS(notify.overruns) },
	{ "vipsafe_instance_states_kept", "gauge",
	  "Whether the states of keepalived are on disk for the next start.",
	  metric_instance_kept },
	{ "vipsafe_kernel_affected", "gauge",
	  "Whether deleting one address flushes the connections of its device.", kernel_affected },
	{ "vipsafe_conntrack_entries", "gauge", "Entries of the conntrack table.",
	  conntrack_entries },
	{ "vipsafe_conntrack_entries_limit", "gauge", "Entries that the conntrack table may have.",
	  conntrack_limit },
	{ "vipsafe_lvs_active", "gauge", "Whether connections are compared for LVS collisions.",
	  lvs_active },
	{ "vipsafe_lvs_services", "gauge", "Services in the map.", lvs_services },
	{ "vipsafe_lvs_apart", "gauge",
	  "Whether connections through services are kept apart from direct ones (keep_apart).",
	  lvs_apart },
	{ "vipsafe_lvs_apart_services", "gauge",
	  "Services by whether that is done for them (keep_apart).", lvs_apart_services },
	{ "vipsafe_lvs_map_timestamp_seconds", "gauge",
	  "When the oldest source of the map was true, in seconds since 1970; 0: none has an age.",
	  lvs_map_instant },
	{ "vipsafe_lvs_expected_per_day", "gauge",
	  "LVS collisions to be expected per day, by their effect; 0 while nothing is known.",
	  lvs_expected },
	{ "vipsafe_lvs_flows", "gauge", "Connections that involve a service.", STATUS(lvs.flows) },
	{ "vipsafe_lvs_collisions_total", "counter", "Collisions found.", STATUS(lvs.collisions) },
	{ "vipsafe_lvs_overruns_total", "counter",
	  "How often events of the kernel were lost while looking for collisions.",
	  STATUS(lvs.overruns) },
	{ NULL },
};

static double number_at(const void *base, size_t offset)
{
	uint64_t n;

	memcpy(&n, (const char *)base + offset, sizeof(n));
	return (double)n;
}

void metric_row_samples(const struct metric_row *row, const struct metric_source *f,
			struct metric_sink *s)
{
	size_t i;

	switch (row->place) {
	case METRIC_BY_SAMPLES:
		row->samples(f, s);
		break;
	case METRIC_OF_STATUS:
		metric_sample(s, NULL, number_at(f->status, row->offset));
		break;
	case METRIC_OF_METRICS:
		metric_sample(s, NULL, number_at(f->metrics, row->offset));
		break;
	case METRIC_OF_DEVICE:
		for (i = 0; i < f->status->n_devices; i++)
			metric_sample(s, LABELS("device", f->status->devices[i].device),
				      number_at(&f->status->devices[i], row->offset));
		break;
	case METRIC_OF_INSTANCE:
		for (i = 0; i < f->status->n_instances; i++)
			metric_sample(s, LABELS(METRIC_INSTANCE, f->status->instances[i].name),
				      number_at(&f->status->instances[i], row->offset));
		break;
	}
}
