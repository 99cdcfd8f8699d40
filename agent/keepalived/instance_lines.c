/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance_lines.h"

#include <errno.h>
#include <string.h>

static void end_line(struct instance_lines *l, const struct instance_lines_sink *sink)
{
	struct request_error why = { "" };
	struct instance_event event;
	int r;

	if (l->too_long)
		r = request_error_set(&why, "a line is longer than %d bytes", INSTANCE_LINE_MAX);
	else
		r = instance_event_line(&event, l->text, l->size, &why);
	if (r == 0)
		sink->event(sink->ud, &event);
	else if (r != -ENOMSG)
		sink->bad(sink->ud, &why);
	l->size = 0;
	l->too_long = false;
}

void instance_lines_feed(struct instance_lines *l, const char *data, size_t size,
			 const struct instance_lines_sink *sink)
{
	while (size) {
		const char *nl = memchr(data, '\n', size);
		size_t piece = nl ? (size_t)(nl - data) : size;

		if (piece > sizeof(l->text) - l->size)
			l->too_long = true;
		if (!l->too_long) {
			memcpy(l->text + l->size, data, piece);
			l->size += piece;
		}
		if (nl)
			end_line(l, sink);
		piece += nl != NULL;
		data += piece;
		size -= piece;
	}
}
