/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/status_device.h"

#include <string.h>

#include "base/text.h"
#include "show/report_json.h"
#include "show/status_part.h"
#include "show/table.h"

typedef unsigned long long ull;

json_t *status_lvs_json(const struct status *s)
{
	const struct status_lvs *l = &s->lvs;
	json_t *o =
		json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "active", l->active,
			  "stale", l->stale, "services", (json_int_t)l->services, "client_visible",
			  (json_int_t)l->visible, "incomplete_sources", (json_int_t)l->incomplete,
			  "flows", (json_int_t)l->flows, "events", (json_int_t)l->events,
			  "collisions", (json_int_t)l->collisions, "warnings",
			  (json_int_t)l->warnings, "overruns", (json_int_t)l->overruns);

	object_put_number(&o, "looks", l->looks);
	object_put_bool(&o, "sees_entries", l->sees_entries);
	object_put_text(&o, "no_entries", l->no_entries);
	object_put_bool(&o, "sees_sockets", l->sees_sockets);
	object_put_text(&o, "no_sockets", l->no_sockets);
	object_put(&o, "kill_per_day", l->has_rates ? json_real(l->kill) : json_null());
	object_put(&o, "stall_per_day", l->has_rates ? json_real(l->stall) : json_null());
	object_put_bool(&o, "forecast_is_bound", l->is_bound);
	object_put_text(&o, "map_error", l->refused);
	object_put_text(&o, "map_oldest", l->oldest);
	object_put_number(&o, "map_age_s", l->map_age / USEC_PER_SEC);
	return o;
}

/* What is looked at for collisions, and what cannot be and why. */
static void print_sees(const struct status_lvs *l, FILE *out)
{
	fprintf(out, "LVS: %u services, collisions ", l->services);
	if (l->stale)
		fputs("about to be looked for again", out);
	else if (!l->active)
		fputs("NOT looked for", out);
	else
		fprintf(out, "looked for in %s%s%s", l->sees_entries ? "conntrack's entries" : "",
			l->sees_entries && l->sees_sockets ? " and " : "",
			l->sees_sockets ? "this node's sockets" : "");
	fprintf(out, ", %llu found\n", (ull)l->collisions);
	if (!l->visible)
		return;
	if (*l->no_entries)
		fprintf(out, "  conntrack's entries are not seen%s: %s\n",
			l->sees_entries ? " at once" : "", l->no_entries);
	if (*l->no_sockets)
		fprintf(out, "  this node's sockets are not seen: %s\n", l->no_sockets);
}

void status_lvs_print(const struct status *s, bool verbose, FILE *out)
{
	const struct status_lvs *l = &s->lvs;
	const char *bound = l->is_bound ? "up to " : "";

	if (!l->services && !l->incomplete && !l->collisions && !*l->refused)
		return;
	print_sees(l, out);
	if (l->has_rates && l->kill + l->stall > 0)
		fprintf(out,
			"  expected per day: kill %s%.2f (a living direct session is reset), stall "
			"%s%.2f (a new one hangs)\n",
			bound, l->kill, bound, l->stall);
	if (l->incomplete)
		fprintf(out, "  %u sources of the map are incomplete (vipsafe lvs map)\n",
			l->incomplete);
	if (*l->refused)
		fprintf(out, "  the map stays as it was: %s\n", l->refused);
	if (l->map_is_old)
		fprintf(out, "  %s is %llu days old (vipsafe lvs map)\n", l->oldest,
			(ull)(l->map_age / USEC_PER_SEC / 86400));
	if (verbose)
		fprintf(out, "  flows %llu, events %llu, warnings %llu, overruns %llu\n",
			(ull)l->flows, (ull)l->events, (ull)l->warnings, (ull)l->overruns);
}

static bool status_device_is_guarded(const struct status_device *d)
{
	return strcmp(d->state, "unguarded") != 0;
}

const char *status_protection(const struct status_device *d)
{
	if (!status_device_is_guarded(d) && !d->waits)
		return "moves only";
	switch (d->mode) {
	case PIN_CONTINUOUS:
		return "continuous";
	case PIN_ON_DEMAND:
		return "on demand";
	case PIN_OFF:
		break;
	}
	return "observing";
}

bool status_fails(const struct status_device *d)
{
	return status_device_is_guarded(d) && (strcmp(d->state, "live") != 0 || d->quarantined);
}

bool status_in_force(const struct status_device *d)
{
	return d->mode != PIN_OFF && !d->waits && !status_fails(d);
}

/* What is only observed has no protection that could fail. */
static const char *in_force_text(const struct status_device *d)
{
	if (d->mode == PIN_OFF && !status_fails(d))
		return "-";
	return status_in_force(d) ? "yes" : "NO";
}

const char *const status_linger_words[STATUS_LINGER_ENDS] = { "back", "time", "heard", "given" };

static size_t lingering_shown(const struct status_device *d)
{
	return MIN(d->lingering_addresses, (uint64_t)STATUS_LINGERING_MAX);
}

static json_t *lingering_json(const struct status_device *d)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < lingering_shown(d); i++) {
		const struct status_lingering *x = &d->lingering[i];
		char text[PREFIX_TEXT_MAX];
		json_t *o = json_object();

		object_put_text(&o, "address", addr_format(&x->addr, text));
		object_put_number(&o, "entries", x->entries);
		object_put_number(&o, "for_us", x->age);
		object_put_number(&o, "left_us", x->left);
		object_put_bool(&o, "link_down", x->link_down);
		object_append(&list, o);
	}
	return list;
}

static void put_linger(json_t **o, const struct status_device *d)
{
	char key[32];
	size_t i;

	object_put_number(o, "linger_us", d->linger);
	object_put(o, "lingering", lingering_json(d));
	object_put_number(o, "lingering_addresses", d->lingering_addresses);
	object_put_number(o, "lingering_entries", d->lingering_entries);
	for (i = 0; i < STATUS_LINGER_ENDS; i++) {
		snprintf(key, sizeof(key), "linger_%s", status_linger_words[i]);
		object_put_number(o, key, d->linger_ends[i]);
	}
}

/* The filters of "only", or of "except". */
static json_t *selection_json(const struct selection *s, bool except)
{
	json_t *list = json_array();
	char text[PATTERN_WORDS_MAX];
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->filters[i].except == except)
			object_append(&list,
				      json_string(pattern_format(&s->filters[i].pattern, text)));
	return list;
}

/* How many connections ended, by cause. */
static json_t *ends_json(const struct status_device *d)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; i < END_CAUSE_COUNT; i++)
		if (i != END_RETRANSLATED) /* which is no end */
			object_put_number(&o, end_cause_words[i], d->ends[i]);
	return o;
}

static json_t *device_json(const struct status_device *d)
{
	json_t *o = json_object();

	object_put_text(&o, "device", d->device);
	object_put_text(&o, "state", d->state);
	object_put_text(&o, "mode", word_of(pin_words, d->mode));
	object_put_text(&o, "hold", hold_choice_name(d->hold));
	object_put_bool(&o, "quarantined", d->quarantined);
	object_put_number(&o, "pinned", d->pinned);
	object_put_number(&o, "unpinned", d->unpinned);
	object_put_number(&o, "altered", d->altered);
	object_put(&o, "skipped", json_pack("{s:I}", "helper", (json_int_t)d->helpers));
	object_put_number(&o, "not_selected", d->unselected);
	object_put(&o, "only", selection_json(&d->selection, false));
	object_put(&o, "except", selection_json(&d->selection, true));
	object_put_bool(&o, "refused", d->refused);
	object_put_number(&o, "pins", d->pins);
	object_put_number(&o, "pin_failures", d->pin_failures);
	object_put_bool(&o, "full", d->full);
	object_put_number(&o, "foreign_deletes", d->foreign_deletes);
	object_put_number(&o, "repairs", d->repairs);
	object_put_number(&o, "restored", d->restored);
	object_put_number(&o, "superseded", d->superseded);
	object_put_number(&o, "lost", d->lost);
	object_put_number(&o, "removed", d->removed);
	object_put_number(&o, "arrivals", d->arrivals);
	object_put_number(&o, "led_away", d->led_away);
	object_put_number(&o, "committed", d->committed);
	object_put_number(&o, "committed_unsure", d->unsure);
	object_put_number(&o, "gone", d->gone);
	object_put_number(&o, "unproven", d->unproven);
	object_put_number(&o, "unsaved", d->unsaved);
	object_put_number(&o, "overruns", d->overruns);
	object_put_number(&o, "relists", d->relists);
	object_put_number(&o, "holds", d->holds);
	object_put_number(&o, "held_us", d->held_usec);
	put_linger(&o, d);
	object_put(&o, "ends", ends_json(d));
	object_put_number(&o, "retranslated", d->ends[END_RETRANSLATED]);
	object_put_text(&o, "protection", status_protection(d));
	object_put_bool(&o, "in_force", status_in_force(d));
	object_put_text(&o, "reason", d->reason);
	return o;
}

json_t *status_devices_json(const struct status *s)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < s->n_devices; i++)
		object_append(&list, device_json(&s->devices[i]));
	return list;
}

static void print_counters(const struct status_device *d, FILE *out)
{
	char text[4 * DEVICE_NAME_MAX];

	fprintf(out, "%s: %llu pins, %llu failed; %llu repairs, %llu restored, %llu lost\n",
		text_escape(d->device, text, sizeof(text)), (ull)d->pins, (ull)d->pin_failures,
		(ull)d->repairs, (ull)d->restored, (ull)d->lost);
	fprintf(out,
		"  removed with their address: %llu; events lost: %llu times; table read: %llu"
		" times\n",
		(ull)d->removed, (ull)d->overruns, (ull)d->relists);
	fprintf(out,
		"  addresses whose connections lingered: %llu came back, %llu did not, %llu are "
		"another host's, %llu were given up\n",
		(ull)d->linger_ends[0], (ull)d->linger_ends[1], (ull)d->linger_ends[2],
		(ull)d->linger_ends[3]);
	if (d->arrivals)
		fprintf(out,
			"  addresses added by others: %llu; entries to them that led elsewhere and "
			"were removed: %llu\n",
			(ull)d->arrivals, (ull)d->led_away);
	if (d->committed)
		fprintf(out,
			"  connections of another node, committed here: %llu; of protocols whose "
			"port "
			"conntrackd does not tell: %llu\n",
			(ull)d->committed, (ull)d->unsure);
	fprintf(out, "  packets were held back %llu times, for %llu.%03llu s in all\n",
		(ull)d->holds, (ull)(d->held_usec / USEC_PER_SEC),
		(ull)(d->held_usec % USEC_PER_SEC / USEC_PER_MSEC));
}

static void print_lingering(const struct status_device *d, FILE *out)
{
	char text[PREFIX_TEXT_MAX], device[4 * DEVICE_NAME_MAX];
	size_t i, n = lingering_shown(d);

	text_escape(d->device, device, sizeof(device));
	for (i = 0; i < n; i++) {
		const struct status_lingering *x = &d->lingering[i];

		fprintf(out, "%s: %s is gone; its %llu connections linger ", device,
			addr_format(&x->addr, text), (ull)x->entries);
		if (x->link_down)
			fputs("while the link is down\n", out);
		else
			fprintf(out, "for %llu.%llu s more\n", (ull)(x->left / USEC_PER_SEC),
				(ull)(x->left % USEC_PER_SEC / (100 * USEC_PER_MSEC)));
	}
	if (d->lingering_addresses > n)
		fprintf(out, "%s: %llu more addresses are gone, whose connections linger\n", device,
			(ull)(d->lingering_addresses - n));
}

/* Print what must be visible without --verbose. */
static void print_failings(const struct status_device *d, FILE *out)
{
	char text[4 * DEVICE_NAME_MAX];

	text_escape(d->device, text, sizeof(text));
	if (d->mode == PIN_OFF)
		fprintf(out, "%s: only observed (pin = off): its connections are not protected\n",
			text);
	if (d->ends[END_RETRANSLATED])
		fprintf(out,
			"%s: %llu connections came to be translated to another port: "
			"vipsafe explain\n",
			text, (ull)d->ends[END_RETRANSLATED]);
	if (d->lost)
		fprintf(out, "%s: %llu connections lost since the start\n", text, (ull)d->lost);
	if (d->altered)
		fprintf(out,
			"%s: %llu connections altered by somebody else (as IPVS does) are left "
			"alone\n",
			text, (ull)d->altered);
	if (d->helpers)
		fprintf(out,
			"%s: %llu connections skipped: helper (FTP and the like): a pin would cost "
			"them their helper on this kernel; they are restored after a flush\n",
			text, (ull)d->helpers);
	if (d->selection.n)
		fprintf(out,
			"%s: %llu connections are not selected (only, except): they are not "
			"protected\n",
			text, (ull)d->unselected);
	if (d->gone)
		fprintf(out,
			"%s: %llu addresses were deleted while no guard was running; %llu "
			"entries translated to them are left alone: they may not be vipsafe's\n",
			text, (ull)d->gone, (ull)d->unproven);
}

/* Without a daemon: what would protect each device, and does not. */
static void devices_print_waiting(const struct status *s, FILE *out)
{
	static const char *const heads[] = { "DEVICE", "PROTECTION", "IN FORCE", NULL };
	_cleanup_(table_freep) struct table *t = table_new(heads);
	size_t i;

	for (i = 0; i < s->n_devices; i++) {
		const struct status_device *d = &s->devices[i];

		table_cell(t, "%s", d->device);
		table_cell(t, "%s", status_protection(d));
		if (d->mode == PIN_OFF)
			table_cell(t, "-");
		else
			table_cell(t, "NO (%s)", d->reason);
	}
	fputc('\n', out);
	table_print(t, s->columns, out);
}

void status_devices_print(const struct status *s, bool verbose, FILE *out)
{
	static const char *const heads[] = { "DEVICE", "PROTECTION", "IN FORCE",  "STATE",
					     "HOLD",   ">PINNED",    ">UNPINNED", NULL };
	_cleanup_(table_freep) struct table *t = table_new(heads);
	size_t i;

	if (!s->n_devices) {
		fputs("no device is guarded: there is no section [device ...]\n", out);
		return;
	}
	if (s->absent) {
		devices_print_waiting(s, out);
		return;
	}
	for (i = 0; i < s->n_devices; i++) {
		const struct status_device *d = &s->devices[i];

		table_cell(t, "%s", d->device);
		table_cell(t, "%s", status_protection(d));
		table_cell(t, "%s", in_force_text(d));
		table_cell(t, "%s%s", d->state, d->quarantined ? ", quarantined" : "");
		table_cell(t, "%s", hold_choice_name(d->hold));
		table_cell(t, "%llu", (ull)d->pinned);
		table_cell(t, "%llu", (ull)d->unpinned);
	}
	fputc('\n', out);
	table_print(t, s->columns, out);
	for (i = 0; i < s->n_devices; i++)
		print_failings(&s->devices[i], out);
	for (i = 0; i < s->n_devices; i++)
		print_lingering(&s->devices[i], out);
	for (i = 0; i < s->n_devices && verbose; i++)
		print_counters(&s->devices[i], out);
}
