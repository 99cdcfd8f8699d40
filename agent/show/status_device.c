/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/status_part.h"

#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "show/report_json.h"
#include "show/table.h"

typedef unsigned long long ull;

static bool status_device_is_guarded(const struct status_device *d)
{
	return strcmp(d->state, "unguarded") != 0;
}

const char *status_protection(const struct status_device *d)
{
	if (!status_device_is_guarded(d))
		return "moves only";
	return d->mode == PIN_CONTINUOUS ? "continuous" : "on demand";
}

bool status_in_force(const struct status_device *d)
{
	return !status_device_is_guarded(d) || (!strcmp(d->state, "live") && !d->quarantined);
}

static json_t *status_device_number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *device_json(const struct status_device *d)
{
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "device", report_json_string(d->device));
	failed |= json_object_set_new(o, "state", json_string(d->state));
	failed |= json_object_set_new(o, "mode", json_string(word_of(pin_words, d->mode)));
	failed |= json_object_set_new(o, "hold", json_string(hold_choice_name(d->hold)));
	failed |= json_object_set_new(o, "quarantined", json_boolean(d->quarantined));
	failed |= json_object_set_new(o, "pinned", status_device_number(d->pinned));
	failed |= json_object_set_new(o, "unpinned", status_device_number(d->unpinned));
	failed |= json_object_set_new(o, "altered", status_device_number(d->altered));
	failed |= json_object_set_new(o, "refused", json_boolean(d->refused));
	failed |= json_object_set_new(o, "pins", status_device_number(d->pins));
	failed |= json_object_set_new(o, "pin_failures", status_device_number(d->pin_failures));
	failed |= json_object_set_new(o, "full", json_boolean(d->full));
	failed |=
		json_object_set_new(o, "foreign_deletes", status_device_number(d->foreign_deletes));
	failed |= json_object_set_new(o, "repairs", status_device_number(d->repairs));
	failed |= json_object_set_new(o, "restored", status_device_number(d->restored));
	failed |= json_object_set_new(o, "lost", status_device_number(d->lost));
	failed |= json_object_set_new(o, "removed", status_device_number(d->removed));
	failed |= json_object_set_new(o, "gone", status_device_number(d->gone));
	failed |= json_object_set_new(o, "unproven", status_device_number(d->unproven));
	failed |= json_object_set_new(o, "unsaved", status_device_number(d->unsaved));
	failed |= json_object_set_new(o, "overruns", status_device_number(d->overruns));
	failed |= json_object_set_new(o, "relists", status_device_number(d->relists));
	failed |= json_object_set_new(o, "holds", status_device_number(d->holds));
	failed |= json_object_set_new(o, "held_us", status_device_number(d->held_usec));
	failed |= json_object_set_new(o, "protection", json_string(status_protection(d)));
	failed |= json_object_set_new(o, "in_force", json_boolean(status_in_force(d)));
	failed |= json_object_set_new(o, "reason", report_json_string(d->reason));
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

json_t *status_devices_json(const struct status *s)
{
	json_t *list = json_array();
	int failed = 0;
	size_t i;

	for (i = 0; i < s->n_devices; i++)
		failed |= json_array_append_new(list, device_json(&s->devices[i]));
	if (failed) {
		json_decref(list);
		return NULL;
	}
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
	fprintf(out, "  packets were held back %llu times, for %llu.%03llu s in all\n",
		(ull)d->holds, (ull)(d->held_usec / USEC_PER_SEC),
		(ull)(d->held_usec % USEC_PER_SEC / USEC_PER_MSEC));
}

/* Print what must be visible without --verbose. */
static void print_failings(const struct status_device *d, FILE *out)
{
	char text[4 * DEVICE_NAME_MAX];

	text_escape(d->device, text, sizeof(text));
	if (d->lost)
		fprintf(out, "%s: %llu connections lost since the start\n", text, (ull)d->lost);
	if (d->altered)
		fprintf(out,
			"%s: %llu connections altered by somebody else (as IPVS does) are left "
			"alone\n",
			text, (ull)d->altered);
	if (d->gone)
		fprintf(out,
			"%s: %llu addresses had gone while nobody guarded them; %llu entries "
			"translated to them are left alone, not proved to be ours\n",
			text, (ull)d->gone, (ull)d->unproven);
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
	for (i = 0; i < s->n_devices; i++) {
		const struct status_device *d = &s->devices[i];

		table_cell(t, "%s", d->device);
		table_cell(t, "%s", status_protection(d));
		table_cell(t, "%s", status_in_force(d) ? "yes" : "NO");
		table_cell(t, "%s%s", d->state, d->quarantined ? ", quarantined" : "");
		table_cell(t, "%s", hold_choice_name(d->hold));
		table_cell(t, "%llu", (ull)d->pinned);
		table_cell(t, "%llu", (ull)d->unpinned);
	}
	fputc('\n', out);
	table_print(t, s->columns, out);
	for (i = 0; i < s->n_devices; i++)
		print_failings(&s->devices[i], out);
	for (i = 0; i < s->n_devices && verbose; i++)
		print_counters(&s->devices[i], out);
}
