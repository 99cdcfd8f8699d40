/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/conntrackd_stats.h"

#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/text.h"

#define NUMBER_MAX 24

/* The decimal number at the start of TEXT, after white space; 0: there is none. */
static uint64_t stats_number(const char *text)
{
	char digits[NUMBER_MAX];
	uint64_t n = 0;
	size_t len;

	text += strspn(text, " \t");
	len = strspn(text, "0123456789");
	if (len && len < sizeof(digits)) {
		snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
		(void)text_number(digits, 0, UINT64_MAX, &n);
	}
	return n;
}

static bool stats_begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* "UDP traffic (active device=eth2):"; "-s link" has "UDP traffic device=eth2 status=RUNNING
 * role=ACTIVE:" for each link. */
static void stats_take_link(struct conntrackd_stats_reader *r, const char *line)
{
	r->part = STATS_LINK;
	if (!strstr(line, "role=ACTIVE"))
		return;
	r->stats.link_seen = true;
	r->stats.link_runs = strstr(line, "status=RUNNING") != NULL;
}

static bool stats_take_head(struct conntrackd_stats_reader *r, const char *line)
{
	struct conntrackd_stats *s = &r->stats;

	if (stats_begins(line, "cache internal:") || stats_begins(line, "internal bypass:")) {
		s->internal = true;
		r->part = STATS_INTERNAL;
	} else if (stats_begins(line, "cache external:")) {
		s->external = true;
		r->part = STATS_EXTERNAL;
	} else if (stats_begins(line, "external inject:")) {
		s->external = s->injects = true;
		r->part = STATS_INJECT;
	} else if (strstr(line, " traffic ") && strstr(line, "device=")) {
		stats_take_link(r, line);
	} else if (stats_begins(line, "traffic processed:") ||
		   stats_begins(line, "message tracking:") || stats_begins(line, "cache stats:")) {
		r->part = STATS_NOWHERE;
	} else {
		return false;
	}
	s->answered = true;
	return true;
}

void conntrackd_stats_line(struct conntrackd_stats_reader *r, const char *line)
{
	static const char active[] = "current active connections:";
	static const char created[] = "connections created:";
	struct conntrackd_stats *s = &r->stats;
	const char *sent;

	if (stats_take_head(r, line))
		return;
	switch (r->part) {
	case STATS_INTERNAL:
		if (stats_begins(line, active))
			s->own = stats_number(line + strlen(active));
		break;
	case STATS_EXTERNAL:
	case STATS_INJECT:
		if (stats_begins(line, active))
			s->others = stats_number(line + strlen(active));
		if (stats_begins(line, created))
			s->learned = stats_number(line + strlen(created));
		break;
	case STATS_LINK:
		sent = strstr(line, "Pckts sent");
		if (sent)
			s->received += stats_number(sent + strlen("Pckts sent"));
		break;
	case STATS_NOWHERE:
		break;
	}
}

bool conntrackd_in_sync(const struct conntrackd_stats *s, bool is_master,
			char ret_why[CONNTRACKD_WHY_MAX])
{
	const char *why = NULL;

	if (!s->answered)
		why = "conntrackd does not answer";
	else if (!s->internal || !s->external)
		why = "conntrackd does not synchronize: its file has no section Sync";
	else if (s->link_seen && !s->link_runs && !is_master)
		why = "the dedicated link of conntrackd is down";
	else if (!s->received && !is_master)
		why = "conntrackd has heard nothing of the other node";
	else if (!s->learned && !is_master)
		why = "conntrackd knows no connection of the other node";
	snprintf(ret_why, CONNTRACKD_WHY_MAX, "%s", why ? why : "");
	return !why;
}
