/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of collisions: in the log, to those who watch, and in the history. */
#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/collisions_part.h"
#include "daemon/log.h"
#include "lvs/text.h"

void collisions_log(struct collisions *c)
{
	const struct finding *f = &c->found.f;
	int priority = f->severity == SEVERITY_CRITICAL ? LOG_ERR
		       : f->severity == SEVERITY_NOTE	? LOG_INFO
							: LOG_WARNING;

	log_line(priority, "msg=%s level=%s text=%s fix=%s", f->code, severity_name(f->severity),
		 f->text, *f->fix ? f->fix : f->advice);
}

void collisions_say(struct collisions *c)
{
	c->say = (struct lvs_message){ .map = c->map,
				       .settings = c->env->settings->lvs,
				       .ports = &c->scan.ports };
	if (c->real)
		c->say.can_destroy = c->kernel.ops->sock_can_destroy(c->kernel.ctx);
}

/* Whether one more line of this severity may be logged now; counts it. What is certain is not
 * kept quiet for what is possible. */
static bool collisions_may_log(struct collisions *c)
{
	enum lvs_rank rank = lvs_finding_rank(&c->found);
	usec_t now = os_now();

	if (now - c->lines_from >= LINES_EVERY) {
		c->lines_from = now;
		memset(c->lines, 0, sizeof(c->lines));
	}
	if (++c->lines[rank] > LINES_MAX)
		return false;
	c->status.warnings++;
	return true;
}

/* Two connections that are one for the real server, for the history. */
static void note_pair(struct collisions *c, const struct collision *pair, uint32_t repeats)
{
	char server[LVS_ENDPOINT_MAX];
	const char *list = lvs_bytes_format(pair->direct.family, pair->direct.dest,
					    pair->direct.dport, server);
	usec_t now = os_now();
	const struct history_note n = {
		.op = HISTORY_COLLISION,
		.addresses = &list,
		.n_addresses = 1,
		.result = collide_certainty_name(pair->certainty),
		.text = c->found.f.text,
		.candidates = 2,
		.times = (uint64_t)repeats + 1,
	};

	notes_put(&c->notes, c->publisher, &n, (struct history_time){ now, os_wall() });
}

/* C->found is a pair that is told of for the first time in an hour. */
static void pair_said(struct collisions *c, uint32_t repeats)
{
	c->status.collisions++;
	note_pair(c, &c->found.pair, repeats);
	if (!collisions_may_log(c))
		return;
	collisions_log(c);
	publish_guard(c->publisher, EVENT_COLLISION, true, "", 0, 0, "%s: %s", c->found.f.code,
		      c->found.f.text);
}

bool collisions_tell_pair(struct collisions *c, const struct collision *found)
{
	struct collision pair = *found;
	uint32_t repeats = 0;

	if (!lvs_verdict(&pair, c->evidence))
		return false;
	if (lvs_said_ask(c->quiet, lvs_print_collision(&pair), os_now(), &repeats)) {
		lvs_message_pair(&c->say, &pair, &c->found);
		pair_said(c, repeats);
	}
	return pair.certainty == COLLIDE_MANIFEST;
}

void collisions_tell_crossing(struct collisions *c, const struct lvs_crossing *x)
{
	uint32_t repeats = 0;

	lvs_message_crossing(&c->say, x, &c->found);
	if (lvs_said_ask(c->quiet, lvs_print_finding(&c->found), os_now(), &repeats))
		pair_said(c, repeats);
}

/* C->found, unless it was said within the hour. */
static void tell_finding(struct collisions *c)
{
	uint32_t repeats;

	if (lvs_said_ask(c->quiet, lvs_print_finding(&c->found), os_now(), &repeats) &&
	    collisions_may_log(c))
		collisions_log(c);
}

void collisions_tell_risk(struct collisions *c, const struct risk_row *row)
{
	if (row->has_rates && lvs_message_risk(&c->say, row, &c->found) &&
	    c->found.f.severity != SEVERITY_NOTE)
		tell_finding(c);
}

void collisions_tell_ports(struct collisions *c)
{
	size_t i;

	for (i = 0; i < c->scan.own_ports.n; i++) {
		lvs_message_port(&c->say, &c->scan.own_ports.list[i], &c->found);
		tell_finding(c);
	}
}

void collisions_tell_old(struct collisions *c)
{
	usec_t now = os_now();
	size_t i;

	if (c->told_old && now - c->told_old < LVS_OLD)
		return;
	for (i = 0; i < LVS_SOURCES_MAX; i++) {
		if (!lvs_message_old(&c->say, i, now - c->renew.read_at, &c->found))
			continue;
		c->told_old = now;
		collisions_log(c);
	}
}
