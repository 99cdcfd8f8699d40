/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, operations and warnings of a status. */
#include "show/status_part.h"

#include <string.h>

#include "base/text.h"
#include "show/finding_show.h"
#include "show/history.h"
#include "show/report_json.h"
#include "show/table.h"

/* How full the conntrack table is, in percent, when a warning is given. */
#define FILL_WARNING 80
#define FILL_CRITICAL 95

/* ---- addresses ------------------------------------------------------------------------ */

static bool operation_names_address(json_t *operation, const struct survey_address *a)
{
	json_t *list = json_object_get(operation, "addresses");
	const char *device = json_string_value(json_object_get(operation, "device"));
	char text[PREFIX_TEXT_MAX];
	size_t i;

	if (!device || strcmp(device, a->device) != 0)
		return false;
	prefix_format(&a->prefix, text);
	for (i = 0; i < json_array_size(list); i++) {
		const char *one = json_string_value(json_array_get(list, i));

		if (one && !strcmp(one, text))
			return true;
	}
	return false;
}

/* Who put the address there: vipsafe, if its last operation on it was to add it. */
static const char *owner(const struct status *s, const struct survey_address *a)
{
	size_t i;

	for (i = 0; i < json_array_size(s->operations); i++) {
		json_t *o = json_array_get(s->operations, i);
		const char *op = json_string_value(json_object_get(o, "op"));

		if (operation_names_address(o, a) && json_is_true(json_object_get(o, "changed")))
			return op && !strcmp(op, "add") ? "vipsafe" : "other";
	}
	return s->operations ? "other" : "unknown";
}

static const char *const usable_words[] = {
	[USABLE_YES] = "present",
	[USABLE_TENTATIVE] = "tentative",
	[USABLE_DUPLICATE] = "duplicate",
	NULL,
};

json_t *status_addresses_json(const struct status *s)
{
	char text[PREFIX_TEXT_MAX];
	json_t *list = json_array();
	size_t i;

	if (!s->survey || !s->survey->addresses_known) {
		json_decref(list);
		return json_null();
	}
	for (i = 0; i < s->survey->n_addresses; i++) {
		const struct survey_address *a = &s->survey->addresses[i];
		json_t *o =
			json_pack("{s:s, s:s, s:s}", "address", prefix_format(&a->prefix, text),
				  "owner", owner(s, a), "state", word_of(usable_words, a->usable));

		if (json_object_set_new(o, "device", object_string(a->device)) < 0 ||
		    json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

void status_addresses_print(const struct status *s, bool verbose _unused_, FILE *out)
{
	static const char *const heads[] = { "ADDRESS", "DEVICE", "OWNER", "STATE", NULL };
	_cleanup_(table_freep) struct table *t = NULL;
	char text[PREFIX_TEXT_MAX];
	size_t i;

	if (!s->survey || !s->survey->n_addresses)
		return;
	t = table_new(heads);
	for (i = 0; i < s->survey->n_addresses; i++) {
		const struct survey_address *a = &s->survey->addresses[i];

		table_cell(t, "%s", prefix_format(&a->prefix, text));
		table_cell(t, "%s", a->device);
		table_cell(t, "%s", owner(s, a));
		table_cell(t, "%s", word_of(usable_words, a->usable));
	}
	fputc('\n', out);
	table_print(t, s->columns, out);
	if (s->survey->n_addresses_more)
		fprintf(out, "and %zu more addresses\n", s->survey->n_addresses_more);
}

/* ---- operations ------------------------------------------------------------------------ */

/* The newest operations; more are searched for the owner of an address. */
static json_t *newest(const struct status *s)
{
	json_t *list = json_array();
	size_t i, n = MIN(json_array_size(s->operations), (size_t)STATUS_OPERATIONS_MAX);
	int failed = 0;

	for (i = 0; i < n; i++)
		failed |= json_array_append(list, json_array_get(s->operations, i));
	if (failed) {
		json_decref(list);
		return NULL;
	}
	return list;
}

json_t *status_operations_json(const struct status *s)
{
	return s->operations ? newest(s) : json_null();
}

void status_operations_print(const struct status *s, bool verbose _unused_, FILE *out)
{
	json_t *list = newest(s);

	if (json_array_size(list)) {
		fputc('\n', out);
		history_print(list, (struct history_now){ s->now, s->wall }, s->columns, false,
			      out);
	}
	json_decref(list);
}

/* ---- warnings ---------------------------------------------------------------------------- */

/* Find entries and addresses left behind, and state that was not written. */
static void find_left(const struct status_device *d, struct findings *f)
{
	if (d->unproven)
		findings_add(
			f, SEVERITY_WARNING, "unproven",
			"conntrack -L --reply-dst ADDRESS shows them: delete those that "
			"nobody else looks after",
			"%s: an address went while nobody guarded it, and %llu entries are "
			"translated to it that are not proved to be vipsafe's: as long as they "
			"are used they stay, and stall their connections",
			d->device, (unsigned long long)d->unproven);
	if (d->unsaved)
		findings_add(f, SEVERITY_WARNING, "not-saved", NULL,
			     "%s: %llu times the state for a restart after a kill could not be "
			     "written to the run directory (%s)",
			     d->device, (unsigned long long)d->unsaved,
			     strerror(-d->unsaved_error));
}

static void find_devices(const struct status *s, struct findings *f)
{
	size_t i;

	for (i = 0; i < s->n_devices && !s->absent; i++) {
		const struct status_device *d = &s->devices[i];

		find_left(d, f);
		if (status_fails(d) && (*d->reason || !d->quarantined))
			findings_add(f, SEVERITY_WARNING, "not-in-force", NULL, "%s: %s%s%s",
				     d->device, d->state, *d->reason ? ": " : "", d->reason);
		else if (d->quarantined)
			findings_add(
				f, SEVERITY_WARNING, "quarantined",
				"find out who deletes it: ip monitor address",
				"%s: an address comes and goes again and again: its deletes are "
				"not repaired for a minute, what dies of them counts as lost "
				"(%llu so far)",
				d->device, (unsigned long long)d->lost);
		else if (d->full)
			findings_add(f, SEVERITY_WARNING, "limit-reached", NULL,
				     "%s: there are more connections than may be known%s%s",
				     d->device, *d->reason ? ": " : "", d->reason);
		else if (d->refused)
			findings_add(f, SEVERITY_WARNING, "mismatch", NULL, "%s: %s", d->device,
				     d->reason);
		else if (d->hold == HOLD_OFF && d->mode == PIN_CONTINUOUS &&
			 strcmp(d->state, "unguarded") != 0)
			findings_add(f, SEVERITY_WARNING, "no-hold", "vipsafe doctor",
				     "%s: no packet can be held back: a busy connection may break "
				     "while it is pinned%s%s",
				     d->device, *d->reason ? ": " : "", d->reason);
	}
}

static void find_conntrack(const struct survey *survey, struct findings *f)
{
	uint64_t fill;
	char fix[96];

	if (!survey->conntrack_known || !survey->entries_max)
		return;
	fill = 100ULL * survey->entries / survey->entries_max;
	snprintf(fix, sizeof(fix), "sysctl -w net.netfilter.nf_conntrack_max=%llu",
		 2ULL * survey->entries_max);
	if (fill >= FILL_WARNING)
		findings_add(
			f, fill >= FILL_CRITICAL ? SEVERITY_CRITICAL : SEVERITY_WARNING,
			"conntrack-full", fix,
			"the conntrack table is %llu %% full: what is flushed may find no room",
			(unsigned long long)fill);
}

static void find_operation(json_t *last, struct findings *f)
{
	const char *result = json_string_value(json_object_get(last, "result"));
	const char *id = json_string_value(json_object_get(last, "id"));
	char fix[64];

	if (!result || !id || !strcmp(result, "ok"))
		return;
	snprintf(fix, sizeof(fix), "vipsafe history %.20s", id);
	findings_add(f, SEVERITY_WARNING, "last-operation", fix, "the last operation ended \"%s\"",
		     result);
}

void status_findings(const struct status *s, struct findings *ret)
{
	if (s->absent)
		findings_add(ret, SEVERITY_WARNING, "no-daemon", "systemctl start vipsafed",
			     "the daemon is not running: only what vipsafe itself deletes is "
			     "protected");
	if (*s->config_error)
		findings_add(ret, SEVERITY_WARNING, "config", "mend it, then: vipsafe reload",
			     "the configuration was not reloaded: %s", s->config_error);
	if (s->log_unread)
		findings_add(ret, SEVERITY_WARNING, "log-unread", NULL,
			     "nobody reads the log: %llu messages were dropped",
			     (unsigned long long)s->log_dropped);
	if (s->notify.store_problem && *s->notify.store_problem)
		findings_add(ret, SEVERITY_WARNING, "state-not-kept", NULL,
			     "keepalived's last states are not on disk, and are lost if vipsafed "
			     "restarts: %s",
			     s->notify.store_problem);
	find_devices(s, ret);
	status_instances_find(s, ret);
	status_apart_find(s, ret);
	if (s->survey)
		find_conntrack(s->survey, ret);
	find_operation(history_last_move(s->operations), ret);
}

json_t *status_warnings_json(const struct status *s)
{
	struct findings f = { 0 };
	json_t *list;

	status_findings(s, &f);
	list = findings_json_list(&f);
	findings_done(&f);
	return list;
}

void status_warnings_print(const struct status *s, bool verbose _unused_, FILE *out)
{
	struct findings f = { 0 };

	status_findings(s, &f);
	if (f.n) {
		fputc('\n', out);
		findings_print_list(&f, true, s->columns, out);
	}
	findings_done(&f);
}
