/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Splits what is read from keepalived's notify FIFO, in pieces of any size, into lines. */
#pragma once

#include <stdbool.h>

#include "keepalived/instance_event.h"

struct instance_lines {
	char text[INSTANCE_LINE_MAX];
	size_t size;
	bool too_long; /* the rest of the line is skipped */
};

struct instance_lines_sink {
	void (*event)(void *ud, const struct instance_event *event);
	void (*bad)(void *ud, const struct request_error *why);
	void *ud;
};

/* Take SIZE bytes of DATA; SINK is called for each line that ends in them. Lines about virtual
 * servers are skipped. */
void instance_lines_feed(struct instance_lines *l, const char *data, size_t size,
			 const struct instance_lines_sink *sink);
