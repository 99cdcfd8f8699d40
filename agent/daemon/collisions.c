/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/collisions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/collisions_part.h"
#include "daemon/log.h"
#include "lvs/source.h"
#include "lvs/text.h"

/* ---- the map ------------------------------------------------------------------------ */

static void collisions_message_map(struct collisions *c)
{
	struct lvs_summary m = lvs_map_summary(c->map);
	/* a node that has never heard of LVS need not hear of it now */
	bool concerned = m.services || c->status.services || c->env->settings->lvs->n_sources;
	size_t i;

	collisions_say(c);
	c->status.services = m.services;
	c->status.visible = m.visible;
	c->status.incomplete = 0;
	for (i = 0; i < LVS_SOURCES_MAX; i++) {
		if (!lvs_message_source(&c->say, i, &c->found))
			continue;
		c->status.incomplete++;
		collisions_log(c);
	}
	lvs_message_map(&c->say, &c->found);
	if (concerned)
		collisions_log(c);
}

/* Put MAP in force. */
static void map_take(struct collisions *c, struct lvs_map *map)
{
	struct lvs_map *old = c->map;
	struct lvs_scan scan = c->scan;

	c->scan = (struct lvs_scan){ .flows = NULL };
	c->map = map;
	c->seen = lvs_map_summary(map).visible ? map : NULL;
	collisions_message_map(c);
	if (c->on_map)
		c->on_map(c->on_map_ud, map);
	collisions_look_begin(c, &scan);
	lvs_map_free(old);
}

static int map_load(struct collisions *c, struct lvs_map **ret)
{
	const struct lvs_settings *s = c->env->settings->lvs;
	struct kernel k = c->env->kernel;

	/* what changes while it is read is read once more */
	lvs_renew_begin(&c->renew, s, os_now());
	return lvs_load(s, c->config, &k, ret);
}

/* SOURCE (NULL: memory) is why the map stays as it was. */
static void map_refused(struct collisions *c, const struct lvs_source *source)
{
	char why[sizeof(c->status.refused)] = "out of memory", text[LVS_SOURCE_TEXT_MAX];

	if (source)
		snprintf(why, sizeof(why), "%s %s", lvs_source_text(source, text),
			 source->failed ? "cannot be read" : "is empty");
	if (strcmp(why, c->status.refused))
		log_line(LOG_WARNING, "msg=\"the map of LVS services stays as it was\" error=%s",
			 why);
	snprintf(c->status.refused, sizeof(c->status.refused), "%s", why);
}

static void map_renew(struct collisions *c)
{
	_cleanup_(lvs_map_freep) struct lvs_map *news = NULL;
	const struct lvs_source *sources;
	enum lvs_renewal renewal;
	size_t source;

	if (map_load(c, &news) < 0) {
		map_refused(c, NULL);
		return;
	}
	renewal = lvs_renew_compare(c->map, news, &source);
	if (renewal == LVS_REFUSED) {
		lvs_map_sources(news, &sources);
		map_refused(c, &sources[source]);
		return;
	}
	c->status.refused[0] = '\0';
	c->renew.read_at = os_now();
	if (renewal == LVS_RENEWED)
		map_take(c, TAKE_PTR(news));
}

static void collisions_on_renew(void *ud)
{
	struct collisions *c = ud;

	if (lvs_renew_is_due(&c->renew, c->env->settings->lvs, os_now()))
		map_renew(c);
	collisions_tell_old(c);
	c->renew_timer.due = os_now() + LVS_LOOK_EVERY;
}

void collisions_apply(struct collisions *c, const char *config)
{
	struct lvs_map *map = NULL;
	int r;

	snprintf(c->config, sizeof(c->config), "%s", config);
	r = map_load(c, &map);
	if (r < 0) {
		log_line(LOG_WARNING, "msg=\"the map of LVS services stays as it was\" error=%s",
			 strerror(-r));
		return;
	}
	c->status.refused[0] = '\0';
	c->renew.read_at = os_now();
	c->told_old = 0;
	map_take(c, map);
	collisions_tell_old(c);
	c->renew_timer.due = os_now() + LVS_LOOK_EVERY;
}

/* ---- life --------------------------------------------------------------------------- */

int collisions_new(struct loop *l, const struct run_env *env, struct publisher *publisher,
		   struct collisions **ret)
{
	struct collisions *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct collisions){
		.loop = l,
		.env = env,
		.publisher = publisher,
		.fd = -1,
		.renew_timer = { .due = USEC_NEVER, .fn = collisions_on_renew, .ud = c },
		.scan_timer = { .due = USEC_NEVER, .fn = collisions_on_scan, .ud = c },
		.look_timer = { .due = USEC_NEVER, .fn = collisions_on_look, .ud = c },
		.quiet = lvs_said_new(),
		.evidence = lvs_evidence_new(),
		.untracked = lvs_untracked_new(),
		.forecast = forecast_new(),
	};
	loop_add_timer(l, &c->renew_timer);
	loop_add_timer(l, &c->scan_timer);
	loop_add_timer(l, &c->look_timer);
	if (!c->quiet || !c->evidence || !c->untracked || !c->forecast) {
		collisions_free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

struct collisions *collisions_free(struct collisions *c)
{
	if (!c)
		return NULL;
	loop_remove_timer(c->loop, &c->renew_timer);
	loop_remove_timer(c->loop, &c->scan_timer);
	loop_remove_timer(c->loop, &c->look_timer);
	notes_flush(&c->notes, c->publisher, true);
	collisions_look_stop(c);
	lvs_map_free(c->map);
	lvs_said_free(c->quiet);
	lvs_evidence_free(c->evidence);
	lvs_untracked_free(c->untracked);
	forecast_free(c->forecast);
	free(c);
	return NULL;
}

struct lvs_map *const *collisions_map(const struct collisions *c)
{
	return &c->seen;
}

const struct collide *collisions_flows(const struct collisions *c)
{
	return c->scan.flows;
}

void collisions_on_map(struct collisions *c, void (*fn)(void *ud, const struct lvs_map *map),
		       void *ud)
{
	c->on_map = fn;
	c->on_map_ud = ud;
}

/* Which source of the map is the oldest; an age of 0: none has one. */
static usec_t oldest_source(const struct collisions *c, const struct lvs_source **ret)
{
	usec_t elapsed = os_now() - c->renew.read_at, oldest = 0, age;
	const struct lvs_source *sources;
	size_t i, n = c->map ? lvs_map_sources(c->map, &sources) : 0;

	for (i = 0; i < n; i++) {
		age = lvs_source_age(&sources[i], elapsed);
		if (age <= oldest)
			continue;
		oldest = age;
		*ret = &sources[i];
	}
	return oldest;
}

void collisions_status(const struct collisions *c, struct status_lvs *ret)
{
	const struct lvs_source *source = NULL;
	char text[LVS_SOURCE_TEXT_MAX];
	usec_t age = oldest_source(c, &source);

	*ret = c->status;
	ret->flows = c->scan.flows ? collide_count(c->scan.flows) : 0;
	if (!source)
		return;
	ret->map_age = age;
	ret->map_wall = os_wall() - age;
	ret->map_is_old = age >= LVS_OLD;
	snprintf(ret->oldest, sizeof(ret->oldest), "%s", lvs_source_text(source, text));
}
