/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of keepalived's notify FIFO, out of pieces of any size. */
#pragma once

#include <stdbool.h>

#include "keepalived/instance_event.h"

struct instance_lines {
	char text[INSTANCE_LINE_MAX];
	size_t size;
	bool too_long; /* what there is of the line is left out */
};

struct instance_lines_sink {
	void (*event)(void *ud, const struct instance_event *event);
	void (*bad)(void *ud, const struct request_error *why);
	void *ud;
};

/* Take SIZE bytes; SINK is called for each line that ends in them. Lines of
 * virtual servers are left out. */
void instance_lines_feed(struct instance_lines *l, const char *data, size_t size,
			 const struct instance_lines_sink *sink);
