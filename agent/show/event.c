/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/event.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "show/report_json.h"
#include "show/report_text.h"

typedef unsigned long long ull;

static const char *const event_words[] = {
	[EVENT_MOVE] = "move",		 [EVENT_STATE] = "state",
	[EVENT_ADDRESS] = "address",	 [EVENT_REPAIR] = "repair",
	[EVENT_LOST] = "lost",		 [EVENT_REMOVED] = "removed",
	[EVENT_LINGER] = "linger",	 [EVENT_QUARANTINE] = "quarantine",
	[EVENT_COLLISION] = "collision", [EVENT_INSTANCE] = "instance",
	[EVENT_CONFIG] = "config",	 NULL,
};

json_t *event_json_new(const struct event *e)
{
	char text[EVENT_LINE_MAX], when[WHEN_TEXT_MAX];
	json_t *o = json_object();

	object_put_text(&o, "event", word_of(event_words, e->kind));
	object_put_text(&o, "when", when_format(e->wall, when));
	object_put_number(&o, "at_us", e->at);
	object_put_text(&o, "severity", severity_name(e->severity));
	object_put_text(&o, "device", e->device);
	if (e->report)
		object_put(&o, "report", report_json_new(e->report));
	else
		object_put_text(&o, "text", text_escape(e->text, text, sizeof(text)));
	if (e->kind == EVENT_REPAIR) {
		object_put_number(&o, "restored", e->restored);
		object_put_number(&o, "lost", e->lost);
	}
	if (e->kind == EVENT_REMOVED)
		object_put_number(&o, "removed", e->removed);
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
	char move[EVENT_LINE_MAX], device[4 * DEVICE_NAME_MAX], when[WHEN_TEXT_MAX];
	const char *text = e->text;

	if (e->report) {
		format_move(e->report, move, sizeof(move));
		text = move;
	}
	when_format(e->wall, when);
	when[strcspn(when, "T")] = ' ';
	when[strcspn(when, "+Z")] = '\0';
	text_line(buf, EVENT_LINE_MAX, "%s %s%s%s%s: %s", when,
		  text_escape(e->device, device, sizeof(device)), *e->device ? " " : "",
		  e->severity == SEVERITY_NOTE ? "" : "! ", word_of(event_words, e->kind), text);
	return buf;
}
