/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/status_instance.h"

#include <string.h>

#include "base/text.h"
#include "keepalived/instance_set.h"
#include "show/report_json.h"
#include "show/status_part.h"
#include "show/wrap.h"

typedef unsigned long long ull;

static const char *const wanted_words[] = {
	[ACTION_NONE] = "any",
	[ACTION_ADD] = "present",
	[ACTION_DEL] = "absent",
	NULL,
};

static const char *const commit_words[] = {
	[COMMIT_NONE] = "none",
	[COMMIT_DONE] = "done",
	[COMMIT_OVERDUE] = "overdue",
	[COMMIT_LATE] = "late",
	[COMMIT_FAILED] = "failed",
	[COMMIT_SHARED] = "shared",
	NULL,
};

void status_instance_of(const struct instance_set *set, size_t at, usec_t now,
			struct status_instance *ret)
{
	const struct instance_settings *settings = &set->settings->instances[at];
	const struct instance *state = &set->states[at];
	const struct instance_view *view = &set->views[at];
	usec_t when;

	*ret = (struct status_instance){
		.state = state->state,
		.source = state->source,
		.age = state->state == INSTANCE_UNKNOWN || now < state->since ? 0
									      : now - state->since,
		.owner = settings->owner,
		.wanted = instance_set_wants(set, at),
		.present = view->n_there,
		.addresses = settings->n_addresses,
		.error = "",
		.has_decoy = settings->has_decoy,
		.decoy_there = view->decoy_there,
		.decoy_stale = state->left_behind || state->decoy_stale,
		.decoy_missing = instance_decoy_is_missing(state, settings->has_decoy, now, &when),
		.list = settings->addresses,
		.there = view->there,
		.counters = state->counters,
	};
	memcpy(ret->name, settings->name, sizeof(ret->name));
	memcpy(ret->device, settings->device, sizeof(ret->device));
}

const char *status_decoy_problem(const struct status_instance *i)
{
	return i->decoy_stale ? "stale" : i->decoy_missing ? "missing" : "";
}

static bool status_instance_in_place(const struct status_instance *i)
{
	return i->wanted == ACTION_NONE ||
	       i->present == (i->wanted == ACTION_ADD ? i->addresses : 0);
}

/* Whether an attempt was made, and its addresses are not where its state wants them. */
static bool status_instance_failed(const struct status_instance *i)
{
	return i->error && *i->error && !status_instance_in_place(i);
}

int status_exit_code(const struct status *s)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++)
		if (status_instance_failed(&s->instances[i]))
			return STATUS_CODE_UNKNOWN;
	return 0;
}

/* Whether the address AT is not where its state wants it. */
static bool status_instance_misplaced(const struct status_instance *i, size_t at)
{
	return i->list && i->wanted != ACTION_NONE && i->there[at] != (i->wanted == ACTION_ADD);
}

static json_t *misplaced_json(const struct status_instance *i)
{
	json_t *list = json_array();
	char text[PREFIX_TEXT_MAX];
	size_t at;

	for (at = 0; at < i->addresses && i->list; at++)
		if (status_instance_misplaced(i, at))
			object_append(&list,
				      object_string(prefix_format(&i->list[at].vip.prefix, text)));
	return list;
}

static void misplaced_print(const struct status_instance *i, FILE *out)
{
	char text[PREFIX_TEXT_MAX], device[4 * DEVICE_NAME_MAX];
	size_t at;

	for (at = 0; at < i->addresses && i->list && !i->moving; at++)
		if (status_instance_misplaced(i, at))
			fprintf(out, "  %s dev %s is %s\n",
				prefix_format(&i->list[at].vip.prefix, text),
				text_escape(i->list[at].device, device, sizeof(device)),
				i->wanted == ACTION_ADD ? "MISSING" : "STILL THERE");
}

static json_t *commit_json(const struct status_instance *i)
{
	json_t *o = json_object();

	object_put_text(&o, "outcome", word_of(commit_words, i->commit));
	object_put_number(&o, "took_us", i->commit_took);
	return o;
}

static json_t *instance_json(const struct status_instance *i)
{
	json_t *o = json_object();

	object_put_text(&o, "name", i->name);
	object_put_text(&o, "device", i->device);
	object_put_text(&o, "owner", i->owner == OWNER_VIPSAFE ? "vipsafe" : "keepalived");
	object_put_text(&o, "state", instance_state_name(i->state));
	object_put_text(&o, "source", instance_source_name(i->source));
	object_put_number(&o, "age_us", i->age);
	object_put_text(&o, "wanted", word_of(wanted_words, i->wanted));
	object_put_bool(&o, "moving", i->moving);
	object_put_number(&o, "present", i->present);
	object_put_number(&o, "addresses", i->addresses);
	object_put(&o, "decoy", i->has_decoy ? json_boolean(i->decoy_there) : json_null());
	object_put_text(&o, "decoy_problem", status_decoy_problem(i));
	object_put(&o, "misplaced", misplaced_json(i));
	object_put_number(&o, "stale_decoys", i->counters.stale);
	object_put_number(&o, "changes", i->counters.changes);
	object_put_number(&o, "duplicates", i->counters.duplicates);
	object_put_number(&o, "late", i->counters.late);
	object_put_number(&o, "silent", i->counters.silent);
	object_put_number(&o, "operations", i->counters.operations);
	object_put_number(&o, "failures", i->counters.failures);
	object_put_text(&o, "error", status_instance_failed(i) ? i->error : "");
	object_put_number(&o, "foreign", i->counters.foreign);
	object_put(&o, "commit", commit_json(i));
	return o;
}

json_t *status_instances_json(const struct status *s)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < s->n_instances; i++) {
		if (json_array_append_new(list, instance_json(&s->instances[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Whether the addresses are where keepalived's state wants them. */
static const char *verdict(const struct status_instance *i)
{
	if (i->moving)
		return ", moving";
	if (i->wanted == ACTION_ADD && i->present < i->addresses)
		return ", NOT ALL THERE";
	if (i->wanted == ACTION_DEL && i->present)
		return ", NOT ALL GONE";
	return "";
}

/* One line: its state, where its addresses are, and the decoy. */
static void instance_print(const struct status *s, const struct status_instance *i, FILE *out)
{
	char name[4 * INSTANCE_NAME_MAX], line[sizeof(name) + 256], since[32] = "", decoy[48] = "";
	bool known = i->state != INSTANCE_UNKNOWN;

	/* without a daemon, the decoy is looked at only now */
	if (known && (!s->absent || i->age >= USEC_PER_SEC))
		snprintf(since, sizeof(since), " for %llu s", (ull)(i->age / USEC_PER_SEC));
	if (*status_decoy_problem(i))
		snprintf(decoy, sizeof(decoy), ", the decoy is %s", status_decoy_problem(i));
	else if (s->absent && i->has_decoy)
		snprintf(decoy, sizeof(decoy), ", keepalived's decoy is %sthere",
			 i->decoy_there ? "" : "not ");
	snprintf(line, sizeof(line), "instance %s: %s%s%s%s, %zu of %zu addresses there%s%s%s",
		 text_escape(i->name, name, sizeof(name)), instance_state_name(i->state),
		 known ? " by " : "", known ? instance_source_name(i->source) : "", since,
		 i->present, i->addresses, i->owner == OWNER_KEEPALIVED ? ", keepalived's" : "",
		 verdict(i), decoy);
	wrap_print(line, s->columns, 2, out);
}

static void commit_print(const struct status_instance *i, bool verbose, FILE *out)
{
	unsigned long long ms = (ull)(i->commit_took / USEC_PER_MSEC);

	switch (i->commit) {
	case COMMIT_NONE:
		break;
	case COMMIT_DONE:
		if (verbose)
			fprintf(out, "  conntrackd committed before they came, in %llu ms\n", ms);
		break;
	case COMMIT_OVERDUE:
		fputs("  FAILED: conntrackd has not committed in time: they came without\n", out);
		break;
	case COMMIT_LATE:
		fprintf(out, "  conntrackd committed only after they came, in %llu ms\n", ms);
		break;
	case COMMIT_FAILED:
		fputs("  FAILED: conntrackd has not committed\n", out);
		break;
	case COMMIT_SHARED:
		if (verbose)
			fputs("  conntrackd committed for another instance, and for all\n", out);
		break;
	}
}

void status_instances_print(const struct status *s, bool verbose, FILE *out)
{
	char error[REPORT_TEXT_MAX];
	size_t n;

	for (n = 0; n < s->n_instances; n++) {
		const struct status_instance *i = &s->instances[n];

		instance_print(s, i, out);
		misplaced_print(i, out);
		if (status_instance_failed(i))
			fprintf(out, "  FAILED: %s\n", text_escape(i->error, error, sizeof(error)));
		commit_print(i, verbose, out);
		if (verbose)
			fprintf(out,
				"  changes: %llu, duplicates %llu, late %llu, without state %llu\n"
				"  operations: %llu, failed %llu, addresses taken by others: "
				"%llu\n",
				(ull)i->counters.changes, (ull)i->counters.duplicates,
				(ull)i->counters.late, (ull)i->counters.silent,
				(ull)i->counters.operations, (ull)i->counters.failures,
				(ull)i->counters.foreign);
	}
}

void status_instances_find(const struct status *s, struct findings *f)
{
	char name[4 * INSTANCE_NAME_MAX];
	size_t n;

	for (n = 0; n < s->n_instances; n++) {
		const struct status_instance *i = &s->instances[n];

		text_escape(i->name, name, sizeof(name));
		if (status_instance_failed(i))
			findings_add(f, SEVERITY_CRITICAL, "instance-failed", NULL,
				     "%.100s is %s, and %zu of its %zu addresses are there: %s",
				     name, instance_state_name(i->state), i->present, i->addresses,
				     i->error);
		if (i->commit == COMMIT_FAILED && i->wanted == ACTION_ADD)
			findings_add(f, SEVERITY_WARNING, "commit-failed", "vipsafe doctor",
				     "%.100s: \"conntrackd -c\" has failed: connections of the "
				     "other node are not known here",
				     name);
		if ((i->commit == COMMIT_OVERDUE || i->commit == COMMIT_LATE) &&
		    i->wanted == ACTION_ADD)
			findings_add(
				f, i->commit == COMMIT_LATE ? SEVERITY_NOTE : SEVERITY_WARNING,
				"commit-late", NULL,
				"%.100s: its addresses came before \"conntrackd -c\" had "
				"ended: who spoke meanwhile may have been reset, see commit_max",
				name);
		if (i->decoy_missing)
			findings_add(f, SEVERITY_WARNING, "decoy-missing",
				     "vipsafe doctor --keepalived FILE",
				     "%.100s: keepalived is MASTER and its decoy is not there: the "
				     "configured decoy does not work. Is it in virtual_ipaddress? "
				     "keepalived before 1.3.6 refuses addresses of lo",
				     name);
		if (i->decoy_stale)
			findings_add(f, SEVERITY_WARNING, "decoy-stale", NULL,
				     "%.100s: a keepalived that was killed has left the decoy "
				     "behind; %s, as %s says, is believed instead",
				     name, instance_state_name(i->state),
				     instance_source_name(i->source));
	}
}

json_t *status_notify_json(const struct status *s)
{
	const struct status_notify *n = &s->notify;
	json_t *o = json_object();

	object_put_number(&o, "hooks", n->hooks);
	object_put_number(&o, "lines", n->lines);
	object_put_number(&o, "bad", n->bad);
	object_put_number(&o, "unknown", n->unknown);
	object_put_number(&o, "groups", n->groups);
	object_put_number(&o, "overruns", n->overruns);
	object_put_text(&o, "fifo_problem", n->fifo_problem ? n->fifo_problem : "");
	object_put_text(&o, "store_problem", n->store_problem ? n->store_problem : "");
	return o;
}

void status_notify_print(const struct status *s, bool verbose, FILE *out)
{
	const struct status_notify *n = &s->notify;

	if (n->is_used && n->fifo_problem && *n->fifo_problem)
		fprintf(out, "keepalived's FIFO cannot be read: %s\n", n->fifo_problem);
	if (n->is_used && verbose)
		fprintf(out,
			"notified: %llu times by hooks, %llu by lines; bad %llu, unknown %llu, "
			"groups %llu, overruns %llu\n",
			(ull)n->hooks, (ull)n->lines, (ull)n->bad, (ull)n->unknown, (ull)n->groups,
			(ull)n->overruns);
}
