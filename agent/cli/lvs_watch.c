/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs check --watch: connections are counted from one look to the next. */
#include <errno.h>
#include <poll.h>

#include "cli/lvs.h"

/* How often --watch looks at everything; at the sockets, to count those that come and go
 * meanwhile; and how much of the time that may take: one in SHARE. */
#define WATCH_EVERY (10 * USEC_PER_SEC)
#define SOCKETS_EVERY (2 * USEC_PER_SEC)
#define SHARE 20

int lvs_watch_init(struct lvs_watch *w)
{
	*w = (struct lvs_watch){ .evidence = lvs_evidence_new(),
				 .untracked = lvs_untracked_new(),
				 .forecast = forecast_new() };
	return w->evidence && w->untracked && w->forecast ? 0 : -ENOMEM;
}

void lvs_watch_done(struct lvs_watch *w)
{
	lvs_said_free(w->said);
	lvs_evidence_free(w->evidence);
	lvs_untracked_free(w->untracked);
	forecast_free(w->forecast);
}

void lvs_round_done(struct lvs_round *r)
{
	lvs_scan_done(&r->scan);
	r->map = lvs_map_free(r->map);
}

int lvs_watch_count(struct lvs_watch *w, const struct kernel *k, const struct lvs_settings *s,
		    const struct lvs_round *before, struct lvs_round *now)
{
	int r = 0;

	if (!before || before->map != now->map) {
		forecast_begin(w->forecast, k->ops->now(k->ctx), &now->scan.ports);
		lvs_untracked_forget(w->untracked);
	} else {
		r = collide_keep_held(now->scan.flows, before->scan.flows);
		collide_expire(now->scan.flows, k->ops->now(k->ctx));
		if (r >= 0)
			r = forecast_compare(w->forecast, before->scan.flows, now->scan.flows);
	}
	collide_on_open(now->scan.flows, forecast_open, w->forecast);
	if (r >= 0 && w->said) {
		r = lvs_untracked_look(w->untracked, k, now->map, now->scan.flows, s->conn_hold,
				       NULL, NULL);
		r = r == -ENOMEM ? r : 0;
	}
	return r;
}

int lvs_watch_wait(struct lvs_watch *w, const struct kernel *k, const struct lvs_settings *s,
		   int fd, struct lvs_round *now)
{
	usec_t begin = k->ops->now(k->ctx), end = begin + WATCH_EVERY, took, left;
	usec_t every = SOCKETS_EVERY;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r = 0;

	while (r >= 0) {
		begin = k->ops->now(k->ctx);
		if (begin >= end)
			return 0;
		left = MIN(every, end - begin);
		if (poll(&p, 1, (int)(left / USEC_PER_MSEC) + 1) > 0)
			return 1;
		begin = k->ops->now(k->ctx);
		r = lvs_untracked_look(w->untracked, k, now->map, now->scan.flows, s->conn_hold,
				       NULL, NULL);
		took = k->ops->now(k->ctx) - begin;
		every = MAX((usec_t)SOCKETS_EVERY, SHARE * took);
		/* the next look at everything says why */
		r = r == -ENOMEM ? r : 0;
	}
	return r;
}
