/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A conntrackd.conf, and the same text as what "conntrackd -s" prints. */
#include "lib/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "keepalived/conntrackd_check.h"

static void take_lines(const char *text)
{
	struct conntrackd_stats_reader r = { .stats = { .answered = false } };
	char line[256], why[CONNTRACKD_WHY_MAX];

	while (*text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)MIN(n, sizeof(line) - 1), text);
		conntrackd_stats_line(&r, line);
		text += n + (text[n] != '\0');
	}
	CLAIM(conntrackd_in_sync(&r.stats, false, why) == !*why);
	CLAIM(!conntrackd_in_sync(&r.stats, false, why) || conntrackd_in_sync(&r.stats, true, why));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conntrackd_conf *c = malloc(sizeof(*c));
	char *text = input_text(data, size);
	struct settings settings = { .n_instances = 0 };
	struct conntrackd_check check = { .settings = &settings,
					  .driven = true,
					  .file = "/x",
					  .problem = "y",
					  .others = "",
					  .lock_there = true,
					  .established = 432000 };
	struct addr a = addr_make(2, "\12\0\0\1"), b = addr_make(2, "\12\0\0\2");
	struct findings f = { 0 };
	size_t i, k;

	if (conntrackd_conf_read(text, c) == 0)
		check.conf = c;
	CLAIM(c->filter.n_addresses <= CONNTRACKD_ADDRESSES_MAX);
	CLAIM(strlen(c->lock) < sizeof(c->lock) && strlen(c->socket) < sizeof(c->socket));
	CLAIM(conntrackd_conf_passes(c, &a, &b) == conntrackd_conf_passes(c, &b, &a));
	conntrackd_check(&check, &f);
	for (i = 0; i < f.n; i++)
		for (k = 0; f.list[i].advice[k]; k++)
			CLAIM(f.list[i].advice[k] != '\n' && f.list[i].advice[k] != '\33');
	findings_done(&f);
	take_lines(text);
	free(text);
	free(c);
	return 0;
}
