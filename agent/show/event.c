/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/event.h"

#include <stdio.h>

#include "base/text.h"
#include "base/words.h"
#include "show/object.h"
#include "show/report_json.h"
#include "show/report_text.h"

typedef unsigned long long ull;

static const char *const event_words[] = {
	[EVENT_MOVE] = "move",		 [EVENT_STATE] = "state",
	[EVENT_ADDRESS] = "address",	 [EVENT_REPAIR] = "repair",
	[EVENT_REMOVED] = "removed",	 [EVENT_QUARANTINE] = "quarantine",
	[EVENT_COLLISION] = "collision", [EVENT_INSTANCE] = "instance",
	[EVENT_CONFIG] = "config",	 NULL,
};

const char *event_name(enum event_kind k)
{
	return word_of(event_words, k);
}

static int add_number(json_t *o, const char *key, uint64_t n)
{
	return json_object_set_new(o, key, json_integer((json_int_t)n));
}

json_t *event_json_new(const struct event *e)
{
	char text[EVENT_LINE_MAX];
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "event", json_string(event_name(e->kind)));
	failed |= add_number(o, "at_us", e->at);
	failed |= json_object_set_new(o, "severity", json_string(severity_name(e->severity)));
	failed |= json_object_set_new(o, "device", object_string(e->device));
	if (e->report)
		failed |= json_object_set_new(o, "report", report_json_new(e->report));
	else
		failed |= json_object_set_new(
			o, "text", json_string(text_escape(e->text, text, sizeof(text))));
	if (e->kind == EVENT_REPAIR) {
		failed |= add_number(o, "restored", e->restored);
		failed |= add_number(o, "lost", e->lost);
	}
	if (e->kind == EVENT_REMOVED)
		failed |= add_number(o, "removed", e->removed);
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static void format_move(const struct report *r, char *buf, size_t size)
{
	char first[PREFIX_TEXT_MAX] = "-", more[32] = "", took[32];

	if (r->n_addresses)
		prefix_format(&r->addresses[0], first);
	if (r->n_addresses > 1)
		snprintf(more, sizeof(more), " +%zu", r->n_addresses - 1);
	snprintf(buf, size,
		 "%s %s%s: %s, %llu at risk, %llu pinned, %llu restored, %llu lost, %s, id %s%s%s",
		 op_name(r->op), first, more, result_name(r->result), (ull)r->entries.candidates,
		 (ull)r->entries.pinned, (ull)r->entries.restored, (ull)r->entries.lost,
		 report_text_duration(r->timing.total, took), r->id, *r->error ? ": " : "",
		 r->error);
}

const char *event_line(const struct event *e, char buf[EVENT_LINE_MAX])
{
	char move[EVENT_LINE_MAX], device[4 * DEVICE_NAME_MAX];
	const char *text = e->text;

	if (e->report) {
		format_move(e->report, move, sizeof(move));
		text = move;
	}
	text_line(buf, EVENT_LINE_MAX, "[%5llu.%06llu] %s%s%s%s: %s", (ull)(e->at / USEC_PER_SEC),
		  (ull)(e->at % USEC_PER_SEC), text_escape(e->device, device, sizeof(device)),
		  *e->device ? " " : "", e->severity == SEVERITY_NOTE ? "" : "! ",
		  event_name(e->kind), text);
	return buf;
}
