/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/publish.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "daemon/loop.h"
#include "show/history.h"
#include "show/wire.h"
#include "show/history_file.h"

void publish_event(struct publisher *t, const struct event *e)
{
	_cleanup_free_ char *line = NULL;

	if (!t || !t->publish || !t->is_watched(t->ud))
		return;
	line = wire_answer_event(e);
	if (line && strlen(line) <= WIRE_PIECE_MAX)
		t->publish(t->ud, line);
}

void publish_report(struct publisher *t, const struct report *r)
{
	struct event e = { .kind = EVENT_MOVE,
			   .severity = r->result == RESULT_OK ? SEVERITY_NOTE : SEVERITY_WARNING,
			   .at = os_now(),
			   .report = r };
	_cleanup_free_ char *line = NULL;

	if (r->plan)
		return;
	metrics_count(&t->metrics, r);
	if (oplog_write(&t->log, r, e.at))
		line = history_line(r, e.at);
	if (line)
		(void)history_append(t->env->settings->run_dir, t->env->boot_id, line);
	memcpy(e.device, r->device, sizeof(e.device));
	publish_event(t, &e);
}

void publish_guard(struct publisher *t, enum event_kind kind, bool is_bad, const char *device,
		   uint64_t restored, uint64_t lost, const char *fmt, ...)
{
	struct event e = { .kind = kind,
			   .severity = is_bad ? SEVERITY_WARNING : SEVERITY_NOTE,
			   .at = os_now(),
			   .restored = restored,
			   .lost = lost,
			   .removed = restored };
	va_list ap;

	snprintf(e.device, sizeof(e.device), "%s", device);
	va_start(ap, fmt);
	if (vsnprintf(e.text, sizeof(e.text), fmt, ap) < 0)
		e.text[0] = '\0';
	va_end(ap);
	publish_event(t, &e);
}

void publish_config(struct publisher *t, const char *error)
{
	publish_guard(t, EVENT_CONFIG, error != NULL, "", 0, 0, "%s%s",
		      error ? "not reloaded: " : "reloaded", error ? error : "");
}
