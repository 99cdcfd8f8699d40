/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of ip_vs_conn, and the settings of local ports. */
#include "lib/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ports.h"
#include "kernel/ipvsconn.h"

static void line_holds(const char *line)
{
	struct flow f;

	if (ipvsconn_parse(line, &f) < 0)
		return;
	CLAIM(f.family == AF_INET || f.family == AF_INET6);
	CLAIM(f.rs.family == AF_INET || f.rs.family == AF_INET6);
	CLAIM(f.l4proto && f.has_rs && f.pin == (f.cport == 0));
}

static void setting_holds(const char *text)
{
	struct ports p = { .low = 1000, .high = 2000 };

	if (ports_read_range(&p, text) < 0)
		CLAIM(p.low == 1000 && p.high == 2000);
	(void)ports_read_reserved(&p, text);
	CLAIM(ports_count(&p, PORTS_ALL) <= (size_t)(p.high - p.low) + 1);
	CLAIM(ports_count(&p, PORTS_FIRST_PASS) <= ports_count(&p, PORTS_ALL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_text(data, size), *line, *end;

	setting_holds(text);
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		char *copy = input_text((uint8_t *)line, (size_t)(end + 1 - line));

		line_holds(copy);
		free(copy);
	}
	line_holds(line);
	free(text);
	return 0;
}
