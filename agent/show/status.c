/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/status.h"

#include "show/history.h"
#include "show/report_json.h"
#include "show/status_part.h"
#include "base/text.h"

typedef unsigned long long ull;

/* In the order of output. */
static const struct status_part parts[] = {
	{ "devices", status_devices_json, status_devices_print },
	{ "instances", status_instances_json, status_instances_print },
	{ "notify", status_notify_json, status_notify_print },
	{ "lvs", status_lvs_json, status_lvs_print },
	{ "lvs_apart", status_apart_json, status_apart_print },
	{ "addresses", status_addresses_json, status_addresses_print },
	{ "operations", status_operations_json, status_operations_print },
	{ "warnings", status_warnings_json, status_warnings_print },
};

static json_t *kernel_json(const struct status *s)
{
	enum kernel_kind ipv4 = s->survey ? s->survey->ipv4 : KERNEL_UNKNOWN;
	enum kernel_kind ipv6 = s->survey ? s->survey->ipv6 : KERNEL_UNKNOWN;

	return json_pack("{s:s, s:s}", "ipv4", kernel_kind_name(ipv4), "ipv6",
			 kernel_kind_name(ipv6));
}

static json_t *conntrack_json(const struct status *s)
{
	if (!s->survey || !s->survey->conntrack_known)
		return json_null();
	return json_pack("{s:I, s:I}", "entries", (json_int_t)s->survey->entries, "max",
			 (json_int_t)s->survey->entries_max);
}

json_t *status_json_new(const struct status *s)
{
	json_t *o = json_object();
	size_t i;

	object_put(&o, "running", s->absent ? json_false() : json_true());
	object_put_text(&o, "version", s->version);
	if (!s->absent) {
		object_put_number(&o, "pid", s->pid);
		object_put_number(&o, "uptime_us", s->uptime);
		object_put_text(&o, "config", s->config ? s->config : "");
		object_put_number(&o, "moves", s->moves);
		object_put_number(&o, "refused", s->refused);
		object_put(&o, "log",
			   json_pack("{s:I, s:b}", "dropped", (json_int_t)s->log_dropped, "unread",
				     s->log_unread));
		object_put_text(&o, "config_error", s->config_error);
	}
	object_put(&o, "kernel", kernel_json(s));
	object_put(&o, "conntrack", conntrack_json(s));
	if (s->survey)
		object_put_number(&o, "addresses_more", s->survey->n_addresses_more);
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		object_put(&o, parts[i].key, parts[i].json(s));
	return o;
}

static void print_kernel(const struct survey *survey, FILE *out)
{
	fprintf(out, "kernel: IPv4 %s, IPv6 %s\n", kernel_kind_name(survey->ipv4),
		kernel_kind_name(survey->ipv6));
	if (survey->conntrack_known && survey->entries_max)
		fprintf(out, "conntrack: %u of %u entries (%u %%)\n", survey->entries,
			survey->entries_max,
			(unsigned)(100ULL * survey->entries / survey->entries_max));
}

void status_print(const struct status *s, bool verbose, FILE *out)
{
	char age[32], config[512];
	size_t i;

	if (!s->absent)
		fprintf(out, "vipsafed %s is running (pid %lld, for %s)\n", s->version,
			(long long)s->pid, history_age(s->uptime, age));
	if (!s->absent && verbose && s->config)
		fprintf(out, "configuration: %s\n", text_escape(s->config, config, sizeof(config)));
	if (!s->absent && verbose)
		fprintf(out, "moves: %llu, clients refused: %llu\n", (ull)s->moves,
			(ull)s->refused);
	if (s->survey)
		print_kernel(s->survey, out);
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i].print(s, verbose, out);
}
