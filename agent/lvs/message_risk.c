/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may happen: how many collisions are to be expected. */
#include "lvs/message.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "lvs/text.h"

static bool risk_level(const struct lvs_settings *s, const struct risk_row *row, enum severity *ret)
{
	const struct risk *r = &row->risk;
	double expected = row->has_rates ? r->kill + r->stall : r->now;
	bool stalls = row->in.direct + row->in.direct_rate > 0 && r->stall_chance > 0 &&
		      r->stall_chance >= s->warn_p_connect;

	if (row->choice == PORTS_DISJOINT)
		return false;
	if (stalls || (row->has_rates && expected > 0 && expected >= s->warn_per_day))
		*ret = SEVERITY_WARNING;
	else if (expected > 0 && expected >= s->info_per_day)
		*ret = SEVERITY_NOTE;
	else
		return false;
	if (s->nat_beyond)
		*ret = SEVERITY_NOTE;
	return true;
}

static struct flow flow_to(const struct risk_row *row, const struct lvs_side *side, uint8_t origin)
{
	struct flow f = { .family = side->dest.family, .l4proto = row->l4proto, .origin = origin };

	memcpy(f.client, row->client.bytes, sizeof(f.client));
	memcpy(f.dest, side->dest.bytes, sizeof(f.dest));
	f.dport = side->port;
	return f;
}

/* How often, in words. */
static void risk_text(const struct risk_row *row, char *buf, size_t size)
{
	const struct risk *r = &row->risk;
	const char *bound = row->is_bound ? "up to " : "";

	if (!row->has_rates)
		snprintf(buf, size,
			 "chance now %.2f %%; a new direct one does not open with a chance of %.2f "
			 "%%",
			 100 * r->now, 100 * r->stall_chance);
	else
		snprintf(buf, size,
			 "expected per day: kill %s%.2f (a living direct one is reset), stall "
			 "%s%.2f (a new one hangs); opened per second: %.2f and %.2f",
			 bound, r->kill, bound, r->stall, row->in.direct_rate, row->in.via_rate);
}

/* The same risk with other figures is not said again. */
static uint64_t risk_print(const struct risk_row *row)
{
	uint64_t h = hash_long(row->class, &row->client, sizeof(row->client));

	return hash_long(hash_long(h, &row->direct, LVS_SIDE_KEY), &row->via, LVS_SIDE_KEY);
}

bool lvs_message_risk(const struct lvs_message *s, const struct risk_row *row,
		      struct lvs_finding *ret)
{
	char client[LVS_ENDPOINT_MAX], direct[LVS_SERVICE_TEXT_MAX], via[LVS_SERVICE_TEXT_MAX];
	char text[LVS_ENDPOINT_MAX], often[192];
	struct collision pair = { .class = row->class };
	enum severity level;

	if (!risk_level(s->settings, row, &level))
		return false;
	lvs_endpoint_format(&row->direct.dest, row->direct.port, text);
	lvs_service_text(s, row->direct.service, text, direct);
	lvs_endpoint_format(&row->via.dest, row->via.port, text);
	lvs_service_text(s, row->via.service, text, via);
	risk_text(row, often, sizeof(often));
	lvs_finding_init(ret, level, "lvs-risk",
			 "%s may use one port both for %s (%.0f open) and through %s (%.0f): %s",
			 addr_format(&row->client, client), direct, row->in.direct, via,
			 row->in.via, often);
	ret->print = risk_print(row) ^ row->has_rates;
	ret->has_rates = row->has_rates;
	ret->risk = row->risk;
	snprintf(ret->f.advice, sizeof(ret->f.advice), "see vipsafe-lvs(7)");
	if (level == SEVERITY_NOTE)
		return true;
	pair.direct = flow_to(row, &row->direct, row->direct_origin);
	pair.via = flow_to(row, &row->via, row->via_origin);
	lvs_remedy_prevent(s->node, &pair, ret->prevent, ret->note);
	return true;
}
