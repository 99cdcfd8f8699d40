/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/collisions.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/os.h"
#include "lvs/said.h"
#include "daemon/log.h"
#include "daemon/notes.h"
#include "lvs/source.h"
#include "lvs/text.h"
#include "lvs/message.h"
#include "kernel/kernel_real.h"
#include "lvs/scan.h"

/* Events alone are not enough: some are never sent (docs/kernel.md 6). */
#define SCAN_EVERY (300 * USEC_PER_SEC)
#define SCAN_AFTER_LOSS (2 * USEC_PER_SEC)

#define EVIDENCE_EVERY USEC_PER_SEC

/* IPVS's times for connections that were reset, and for datagrams. */
#define HOLD_CLOSED (10 * USEC_PER_SEC)
#define HOLD_UDP (300 * USEC_PER_SEC)

/* Pairs whose sockets are looked at again, and how often: what hangs shows it within seconds. */
#define PENDING_MAX 64
#define PENDING_EVERY (5 * USEC_PER_SEC)
#define PENDING_LOOKS 6

/* Log at most LINES_MAX lines of each rank per LINES_EVERY; further pairs are only
 * counted. */
#define LINES_EVERY (60 * USEC_PER_SEC)
#define LINES_MAX 20

struct collisions {
	struct loop *loop;
	const struct run_env *env;
	struct publisher *publisher;
	struct lvs_map *map; /* owned, as is what follows */
	/* MAP if connections of its services can be seen; else NULL: none can collide */
	struct lvs_map *seen;
	struct kernel_real *real;
	struct kernel kernel;
	struct lvs_scan scan;
	struct lvs_said *quiet;
	int fd;			      /* on the loop; -1: none */
	struct loop_timer scan_timer; /* not set: not active */
	struct lvs_message say;
	usec_t lines_from;
	unsigned lines[LVS_RANKS];
	struct status_lvs status;
	struct lvs_evidence *evidence; /* owned */
	usec_t evidence_at;	       /* when it was last looked for; 0: never */
	struct pending {
		struct collision pair;
		unsigned looks; /* left */
	} pending[PENDING_MAX];
	size_t n_pending;
	struct loop_timer pending_timer;
	void (*on_map)(void *ud, const struct lvs_map *map); /* may be NULL */
	void *on_map_ud;
	struct lvs_finding found;
	struct notes notes; /* for the history */
};

static void log_it(struct collisions *c)
{
	const struct finding *f = &c->found.f;
	int priority = f->severity == SEVERITY_CRITICAL ? LOG_ERR
		       : f->severity == SEVERITY_NOTE	? LOG_INFO
							: LOG_WARNING;

	log_line(priority, "msg=%s level=%s text=%s fix=%s", f->code, severity_name(f->severity),
		 f->text, *f->fix ? f->fix : f->advice);
}

/* What the words depend on has changed. */
static void collisions_say(struct collisions *c)
{
	c->say = (struct lvs_message){ .map = c->map,
				       .settings = c->env->settings->lvs,
				       .ports = &c->scan.ports };
	if (c->real)
		c->say.can_destroy = c->kernel.ops->sock_can_destroy(c->kernel.ctx);
}

/* ---- pairs ------------------------------------------------------------------------ */

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

/* What the sockets show now, at most once a second: a new pair is rarely alone. */
static void evidence_refresh(struct collisions *c)
{
	usec_t now = os_now();

	if (c->evidence_at && now - c->evidence_at < EVIDENCE_EVERY)
		return;
	c->evidence_at = now;
	/* without it the map alone speaks */
	(void)lvs_evidence_search(c->evidence, &c->kernel, 0, false);
}

/* PAIR is to be told of. */
static void pair_said(struct collisions *c, const struct collision *pair, uint32_t repeats)
{
	c->status.collisions++;
	lvs_message_pair(&c->say, pair, &c->found);
	note_pair(c, pair, repeats);
	if (!collisions_may_log(c))
		return;
	log_it(c);
	publish_guard(c->publisher, EVENT_COLLISION, true, "", 0, 0, "%s: %s", c->found.f.code,
		      c->found.f.text);
}

static void message_pair(struct collisions *c, const struct collision *found)
{
	struct collision pair = *found;
	uint32_t repeats = 0;

	evidence_refresh(c);
	if (!lvs_verdict(&pair, c->evidence) ||
	    !lvs_said_ask(c->quiet, lvs_print_collision(&pair), os_now(), &repeats))
		return;
	pair_said(c, &pair, repeats);
	if (pair.certainty != COLLIDE_MANIFEST && pair.direct.l4proto == IPPROTO_TCP &&
	    c->n_pending < PENDING_MAX) {
		c->pending[c->n_pending++] = (struct pending){ pair, PENDING_LOOKS };
		if (c->pending_timer.due == USEC_NEVER)
			c->pending_timer.due = os_now() + PENDING_EVERY;
	}
}

/* Whether the sockets of those said to be likely show by now what has become of them. */
static void collisions_on_pending(void *ud)
{
	struct collisions *c = ud;
	size_t i, n = 0;

	evidence_refresh(c);
	for (i = 0; i < c->n_pending; i++) {
		struct pending p = c->pending[i];
		bool there = lvs_verdict(&p.pair, c->evidence);
		uint32_t repeats;

		if (there && p.pair.certainty == COLLIDE_MANIFEST) {
			if (lvs_said_ask(c->quiet, lvs_print_collision(&p.pair), os_now(),
					 &repeats))
				pair_said(c, &p.pair, repeats);
		} else if (there && --p.looks) {
			c->pending[n++] = p;
		}
	}
	c->n_pending = n;
	c->pending_timer.due = n ? os_now() + PENDING_EVERY : USEC_NEVER;
}

static int on_pair(void *ud, const struct collision *pair)
{
	message_pair(ud, pair);
	return 0;
}

/* How long directors remember a connection after what CONN tells of: IPVS's times for its states
 * TIME_WAIT (conn_hold), CLOSE and UDP. */
static usec_t hold_of(const struct lvs_settings *s, const struct conn *conn)
{
	if (!s->conn_hold)
		return 0;
	if (conn->key.l4proto == IPPROTO_UDP)
		return HOLD_UDP;
	return conn->tcp_state == CONN_TCP_CLOSE ? MIN(s->conn_hold, (usec_t)HOLD_CLOSED)
						 : s->conn_hold;
}

/* Directors forget it so long after this, not after its entry goes: that is kept for as long. */
static bool has_closed(const struct conn *conn)
{
	return conn->key.l4proto == IPPROTO_TCP &&
	       (conn->tcp_state == CONN_TCP_TIME_WAIT || conn->tcp_state == CONN_TCP_CLOSE);
}

/* A new or changed entry: compare it with all known ones, then add it to
 * them. */
static int collisions_on_event(void *ud, const struct conn_record *record)
{
	struct collisions *c = ud;

	c->status.events++;
	if (record->gone || has_closed(record->conn)) {
		collide_end_conn(c->scan.flows, record->conn, record->gone, os_now(),
				 hold_of(c->env->settings->lvs, record->conn));
		return 0;
	}
	collide_probe_conn(c->scan.flows, record->conn, true, on_pair, c);
	return collide_add_conn(c->scan.flows, record->conn, FLOW_CONNTRACK, os_now());
}

/* ---- the table --------------------------------------------------------------------- */

static void collisions_forget(struct collisions *c)
{
	if (c->fd >= 0)
		loop_remove(c->loop, c->fd, c);
	c->fd = -1;
	lvs_scan_done(&c->scan);
	c->real = kernel_real_free(c->real);
	c->scan_timer.due = USEC_NEVER;
	c->pending_timer.due = USEC_NEVER;
	c->n_pending = 0; /* they are of a map that goes */
	c->status.active = c->status.stale = false;
}

static void collisions_give_up(struct collisions *c, const char *what, int error)
{
	collisions_forget(c);
	log_line(LOG_WARNING, "msg=\"LVS collisions are not looked for\" what=%s error=%s", what,
		 strerror(-error));
}

static void collisions_on_ready(void *ud, uint32_t events _unused_)
{
	struct collisions *c = ud;
	int r;

	collide_expire(c->scan.flows, os_now());
	r = c->kernel.ops->ct_events(c->kernel.ctx, collisions_on_event, c);
	if (r == -ENOMEM) {
		collisions_give_up(c, "events", r);
		return;
	}
	if (r >= 0 || c->status.stale)
		return;
	c->status.overruns++;
	c->status.stale = true;
	c->scan_timer.due = MIN(c->scan_timer.due, os_now() + SCAN_AFTER_LOSS);
}

static void message_ports(struct collisions *c)
{
	uint32_t repeats;
	size_t i;

	for (i = 0; i < c->scan.own_ports.n; i++) {
		lvs_message_port(&c->say, &c->scan.own_ports.list[i], &c->found);
		if (lvs_said_ask(c->quiet, lvs_print_finding(&c->found), os_now(), &repeats) &&
		    collisions_may_log(c))
			log_it(c);
	}
}

/* Replace what is known by the table as it is now. Sockets are left out: there
 * are no events about their ends. */
static void scan(struct collisions *c)
{
	struct lvs_scan news;
	uint64_t unseen;
	int r;

	r = lvs_scan_run(&c->kernel, c->map, LVS_SCAN_NO_SOCKETS, NULL, c->env->seed, &news);
	if (r < 0) {
		collisions_give_up(c, "reading the table", r);
		return;
	}
	/* directors still remember connections that have ended since */
	r = collide_keep_held(news.flows, c->scan.flows);
	lvs_scan_done(&c->scan);
	c->scan = news;
	if (r < 0) {
		collisions_give_up(c, "reading the table", r);
		return;
	}
	collisions_say(c);
	notes_flush(&c->notes, c->publisher, false);
	c->status.stale = false;
	c->scan_timer.due = os_now() + SCAN_EVERY;
	collide_each(c->scan.flows, on_pair, c, &unseen);
	message_ports(c);
}

static int collisions_watch(struct collisions *c)
{
	int fds[KERNEL_FDS] = { -1, -1, -1, -1 }, r;

	r = kernel_real_new(&c->real);
	if (r < 0)
		return r;
	c->kernel = kernel_real_get(c->real);
	/* before the first listing, so that no entry is missed in between */
	r = c->kernel.ops->ct_watch(c->kernel.ctx, AF_UNSPEC, true);
	if (r < 0)
		return r;
	kernel_real_fds(c->real, fds);
	if (fds[0] < 0)
		return -EIO;
	r = loop_add(c->loop, fds[0], EPOLLIN, false, collisions_on_ready, c);
	if (r == 0)
		c->fd = fds[0];
	return r;
}

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
		log_it(c);
	}
	lvs_message_map(&c->say, &c->found);
	if (concerned)
		log_it(c);
}

void collisions_apply(struct collisions *c, const char *config)
{
	const struct lvs_settings *s = c->env->settings->lvs;
	struct kernel k = c->env->kernel;
	struct lvs_map *map = NULL;
	int r;

	r = lvs_load(s, config, &k, &map);
	if (r < 0) {
		log_line(LOG_WARNING, "msg=\"the map of LVS services stays as it was\" error=%s",
			 strerror(-r));
		return;
	}
	collisions_forget(c);
	lvs_map_free(c->map);
	c->map = map;
	c->seen = lvs_map_summary(map).visible ? map : NULL;
	collisions_message_map(c);
	if (c->on_map)
		c->on_map(c->on_map_ud, map);
	if (!c->status.services)
		return;
	r = collisions_watch(c);
	if (r < 0) {
		collisions_give_up(c, "events of conntrack", r);
		return;
	}
	c->status.active = c->status.visible > 0;
	scan(c);
}

static void collisions_on_timer(void *ud)
{
	scan(ud);
}

int collisions_new(struct loop *l, const struct run_env *env, struct publisher *publisher,
		   struct collisions **ret)
{
	struct collisions *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->loop = l;
	c->env = env;
	c->publisher = publisher;
	c->fd = -1;
	c->scan_timer =
		(struct loop_timer){ .due = USEC_NEVER, .fn = collisions_on_timer, .ud = c };
	c->quiet = lvs_said_new();
	c->evidence = lvs_evidence_new();
	if (!c->quiet || !c->evidence) {
		lvs_said_free(c->quiet);
		lvs_evidence_free(c->evidence);
		free(c);
		return -ENOMEM;
	}
	c->pending_timer =
		(struct loop_timer){ .due = USEC_NEVER, .fn = collisions_on_pending, .ud = c };
	loop_add_timer(l, &c->scan_timer);
	loop_add_timer(l, &c->pending_timer);
	*ret = c;
	return 0;
}

struct collisions *collisions_free(struct collisions *c)
{
	if (!c)
		return NULL;
	loop_remove_timer(c->loop, &c->scan_timer);
	notes_flush(&c->notes, c->publisher, true);
	loop_remove_timer(c->loop, &c->pending_timer);
	collisions_forget(c);
	lvs_map_free(c->map);
	lvs_said_free(c->quiet);
	lvs_evidence_free(c->evidence);
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

void collisions_status(const struct collisions *c, struct status_lvs *ret)
{
	*ret = c->status;
	ret->flows = c->scan.flows ? collide_count(c->scan.flows) : 0;
}
