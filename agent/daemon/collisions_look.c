/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is looked at for collisions: events and entries of conntrack, and this node's sockets, of
 * whose beginnings there are no events. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/collisions_part.h"
#include "daemon/log.h"

/* Events alone are not enough: some are never sent (docs/kernel.md 6). Without any the table is
 * read more often. */
#define SCAN_EVERY (300 * USEC_PER_SEC)
#define SCAN_WITHOUT_EVENTS (60 * USEC_PER_SEC)
#define SCAN_AFTER_LOSS (2 * USEC_PER_SEC)

/* Sockets are looked at so often; on a node that has very many, no longer than one SHARE of the
 * time. */
#define LOOK_EVERY (3 * USEC_PER_SEC)
#define SHARE 50

#define EVIDENCE_EVERY USEC_PER_SEC
#define FORECAST_EVERY (10 * USEC_PER_SEC)

/* IPVS's times for connections that were reset, and for datagrams. */
#define HOLD_CLOSED (10 * USEC_PER_SEC)
#define HOLD_UDP (300 * USEC_PER_SEC)

static const struct lvs_settings *look_settings(const struct collisions *c)
{
	return c->env->settings->lvs;
}

/* ---- events ------------------------------------------------------------------------ */

static int on_pair(void *ud, const struct collision *pair)
{
	struct collisions *c = ud;

	collisions_refresh(c);
	collisions_tell_pair(c, pair);
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
				 hold_of(look_settings(c), record->conn));
		return 0;
	}
	collide_probe_conn(c->scan.flows, record->conn, true, on_pair, c);
	return collide_add_conn(c->scan.flows, record->conn, FLOW_CONNTRACK, os_now());
}

static void look_give_up(struct collisions *c, const char *what, int error)
{
	collisions_look_stop(c);
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
		look_give_up(c, "events", r);
		return;
	}
	if (r >= 0 || c->status.stale)
		return;
	c->status.overruns++;
	c->status.stale = true;
	c->scan_timer.due = MIN(c->scan_timer.due, os_now() + SCAN_AFTER_LOSS);
}

static int look_subscribe(struct collisions *c)
{
	int fds[KERNEL_FDS] = { -1, -1, -1, -1 }, r;

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

/* ---- the whole table --------------------------------------------------------------- */

/* Replace what is known by what is there now. Directors still remember connections that have
 * ended since. */
static int look_scan(struct collisions *c, struct lvs_scan *old, bool same_map)
{
	struct lvs_scan news;
	int r;

	r = lvs_scan_run(&c->kernel, c->map, LVS_SCAN_ALL, NULL, c->env->seed, &news);
	if (r < 0)
		return r;
	if (old->flows)
		r = collide_keep_held(news.flows, old->flows);
	if (r >= 0 && same_map && old->flows)
		r = forecast_compare(c->forecast, old->flows, news.flows);
	c->scan = news;
	collide_on_open(c->scan.flows, forecast_open, c->forecast);
	return r;
}

static void look_scanned(struct collisions *c)
{
	uint64_t unseen;

	collisions_say(c);
	notes_flush(&c->notes, c->publisher, false);
	c->status.stale = false;
	c->scan_timer.due = os_now() + (c->fd >= 0 ? SCAN_EVERY : SCAN_WITHOUT_EVENTS);
	collide_each(c->scan.flows, on_pair, c, &unseen);
	collisions_tell_ports(c);
}

void collisions_on_scan(void *ud)
{
	struct collisions *c = ud;
	struct lvs_scan old = c->scan;
	int r;

	c->scan = (struct lvs_scan){ .flows = NULL };
	r = look_scan(c, &old, true);
	lvs_scan_done(&old);
	if (r < 0)
		look_give_up(c, "reading the table", r);
	else
		look_scanned(c);
}

/* ---- sockets ------------------------------------------------------------------------ */

void collisions_refresh(struct collisions *c)
{
	usec_t now = os_now(), next;

	if (c->evidence_at && now - c->evidence_at < EVIDENCE_EVERY)
		return;
	c->evidence_at = now;
	/* without it the map alone speaks */
	(void)lvs_evidence_look(c->evidence, &c->kernel, false, &next);
}

/* A socket that conntrack does not see was opened. */
static int collisions_on_socket(void *ud, const struct flow *f)
{
	struct collisions *c = ud;

	return collide_probe(c->scan.flows, f, true, on_pair, c);
}

struct crossing_look {
	struct collisions *c;
	const struct lvs_crossing *x;
	bool is_known; /* the map explains it */
};

static int on_crossing_pair(void *ud, const struct collision *pair)
{
	struct crossing_look *l = ud;

	l->is_known |= collisions_tell_pair(l->c, pair);
	return 0;
}

static int on_crossing(void *ud, const struct lvs_crossing *x)
{
	struct crossing_look l = { ud, x, false };

	if (l.c->scan.flows)
		collide_probe(l.c->scan.flows, &x->hung, false, on_crossing_pair, &l);
	if (!l.is_known)
		collisions_tell_crossing(l.c, x);
	return 0;
}

struct sums {
	struct collisions *c;
	bool has_rates, is_bound;
	double kill, stall;
};

static int look_on_risk(void *ud, const struct risk_row *row)
{
	struct sums *s = ud;

	s->kill += row->risk.kill;
	s->stall += row->risk.stall;
	s->is_bound |= row->is_bound;
	s->has_rates |= row->has_rates;
	collisions_tell_risk(s->c, row);
	return 0;
}

static void look_forecast(struct collisions *c)
{
	usec_t now = os_now();
	struct sums s = { .c = c };
	uint64_t unseen;

	if (now - c->forecast_at < FORECAST_EVERY)
		return;
	c->forecast_at = now;
	/* out of memory: as before */
	if (forecast_each(c->forecast, c->map, c->scan.flows, look_settings(c)->conn_hold, now,
			  look_on_risk, &s, &unseen) < 0)
		return;
	c->status.has_rates = s.has_rates;
	c->status.is_bound = s.is_bound;
	c->status.kill = s.kill;
	c->status.stall = s.stall;
}

/* What can be seen now, and what cannot and why. */
static void look_sees(struct collisions *c, int sockets)
{
	struct status_lvs *s = &c->status;
	uint32_t count = 0, max;
	int r = c->kernel.ops->ct_usage(c->kernel.ctx, &count, &max);
	const char *why = r == -EPROTONOSUPPORT ? "this kernel has no connection tracking"
			  : r < 0		? strerror(-r)
			  : !count		? "nothing is tracked on this node"
			  : c->events_error == -ENODATA
				  ? "there are no events (net.netfilter.nf_conntrack_events is 0)"
			  : c->events_error < 0 ? strerror(-c->events_error)
						: "";

	s->sees_entries = r == 0 && count;
	snprintf(s->no_entries, sizeof(s->no_entries), "%s", why);
	s->sees_sockets = sockets >= 0;
	snprintf(s->no_sockets, sizeof(s->no_sockets), "%s",
		 sockets == -EOPNOTSUPP ? "this kernel cannot list them"
		 : sockets < 0		? strerror(-sockets)
					: "");
	s->active = s->visible && (s->sees_entries || s->sees_sockets);
}

void collisions_on_look(void *ud)
{
	struct collisions *c = ud;
	usec_t begin = os_now(), next = USEC_NEVER, now;
	int r = 0;

	if (c->scan.flows) {
		collide_expire(c->scan.flows, begin);
		r = lvs_untracked_look(c->untracked, &c->kernel, c->map, c->scan.flows,
				       look_settings(c)->conn_hold, collisions_on_socket, c);
		if (r == -ENOMEM) {
			look_give_up(c, "sockets", r);
			return;
		}
		look_forecast(c);
	}
	if (r >= 0)
		r = lvs_evidence_look(c->evidence, &c->kernel, false, &next);
	c->evidence_at = os_now();
	if (r >= 0)
		lvs_evidence_each(c->evidence, on_crossing, c);
	look_sees(c, r);
	c->status.looks++;
	notes_flush(&c->notes, c->publisher, false);
	now = os_now();
	c->look_timer.due = MAX(MIN(next, now + LOOK_EVERY), now + SHARE * (now - begin));
}

/* ---- begin and end ------------------------------------------------------------------ */

static int look_begin(struct collisions *c, struct lvs_scan *old)
{
	int r = c->real ? 0 : kernel_real_new(&c->real);

	if (r < 0)
		return r;
	c->kernel = kernel_real_get(c->real);
	collisions_say(c);
	if (!c->status.services)
		return 0;
	/* before the first list, so that nothing is missed in between */
	(void)c->kernel.ops->sock_watch(c->kernel.ctx);
	if (c->fd < 0)
		c->events_error = look_subscribe(c);
	r = look_scan(c, old, false);
	if (r < 0)
		return r;
	forecast_begin(c->forecast, os_now(), &c->scan.ports);
	look_scanned(c);
	return 0;
}

void collisions_look_begin(struct collisions *c, struct lvs_scan *old)
{
	int r;

	if (!c->status.services)
		collisions_look_stop(c);
	lvs_untracked_forget(c->untracked);
	c->status.has_rates = false;
	c->status.kill = c->status.stall = 0;
	r = look_begin(c, old);
	lvs_scan_done(old);
	if (r < 0)
		look_give_up(c, "the kernel", r);
	else
		collisions_on_look(c);
}

void collisions_look_stop(struct collisions *c)
{
	if (c->fd >= 0)
		loop_remove(c->loop, c->fd, c);
	c->fd = -1;
	lvs_scan_done(&c->scan);
	c->real = kernel_real_free(c->real);
	c->scan_timer.due = c->look_timer.due = USEC_NEVER;
	c->status.active = c->status.stale = false;
}
