/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/requests.h"

#include <string.h>
#include <syslog.h>

#include "daemon/answer.h"
#include "daemon/log.h"

/* Lines about clients turned away, at most. */
#define REFUSED_LOG_EVERY (10 * USEC_PER_SEC)

/* No deadline is further away than what the command line allows. */
#define UNTIL_MAX (3660 * USEC_PER_SEC)

static void answer_notify(struct daemon *d, struct client *c, const struct wire_notify *n)
{
	if (n->is_bad) {
		instances_misheard(d->instances, n->why.text);
		control_answer(c, wire_answer_refusal(WIRE_BAD_REQUEST, n->why.text));
		return;
	}
	instances_hear(d->instances, &n->event, n->acted);
	control_answer(c, wire_answer_done()); /* what is to be done comes after */
}

static void answer_reload(struct daemon *d, struct client *c)
{
	struct request_error e;

	if (daemon_reload(d, &e) < 0)
		control_answer(c, wire_answer_refusal(WIRE_BAD_CONFIG, e.text));
	else
		control_answer(c, wire_answer_done());
}

/* Whoever asked has given up by now, or is about to, and may do it himself: done
 * late it would undo what is newer. The clock is the boot's, the same for all
 * processes but those in a time namespace of their own. */
static bool is_too_late(struct daemon *d, struct client *c, const struct wire_request *r)
{
	usec_t now = loop_now(), until = r->move.until;
	struct request_error e;

	if (!until || (now < until && until - now <= UNTIL_MAX))
		return false;
	if (now < until) {
		control_answer(c, wire_answer_refusal(WIRE_BAD_REQUEST,
						      "until_us is too far away: is the client "
						      "in another time namespace?"));
		return true;
	}
	request_error_set(&e, "it came %llu ms after its deadline",
			  (unsigned long long)((now - until) / USEC_PER_MSEC));
	d->late++;
	if (ratelimit_take(&d->late_log, now, 1, REFUSED_LOG_EVERY))
		log_line(LOG_WARNING, "asked to %s, but %s: not done (%llu so far)",
			 wire_op_name(r), e.text, (unsigned long long)d->late);
	control_answer(c, wire_answer_refusal(WIRE_TOO_LATE, e.text));
	return true;
}

static void on_request(void *ud, struct client *c, const struct wire_request *r)
{
	struct daemon *d = ud;

	if (is_too_late(d, c, r))
		return;
	if (d->verbose)
		log_line(LOG_INFO, "asked to %s", wire_op_name(r));
	switch (r->op) {
	case WIRE_MOVE:
		moves_ask(d->moves, c, r);
		break;
	case WIRE_STATUS:
		answer_status(d, c, r);
		break;
	case WIRE_RELOAD:
		answer_reload(d, c);
		break;
	case WIRE_METRICS:
		answer_metrics(d, c, r);
		break;
	case WIRE_WATCH:
		answer_watch(d, c);
		break;
	case WIRE_NOTIFY:
		answer_notify(d, c, &r->notify);
		break;
	}
}

static void on_gone(void *ud, struct client *c)
{
	struct daemon *d = ud;

	moves_forget(d->moves, c);
}

static void on_refused(void *ud, pid_t pid, uid_t uid)
{
	struct daemon *d = ud;

	d->refused++;
	if (!ratelimit_take(&d->refused_log, loop_now(), 1, REFUSED_LOG_EVERY))
		return;
	log_line(LOG_WARNING,
		 "control socket: process %ld of user %ld is not permitted (%llu so far)",
		 (long)pid, (long)uid, (unsigned long long)d->refused);
}

static void on_abandoned(void *ud)
{
	struct daemon *d = ud;

	d->abandoned++;
	if (ratelimit_take(&d->abandoned_log, loop_now(), 1, REFUSED_LOG_EVERY))
		log_line(LOG_NOTICE,
			 "who sent a request has gone without waiting: not done (%llu so far)",
			 (unsigned long long)d->abandoned);
}

struct control_handler requests_handler(struct daemon *d)
{
	return (struct control_handler){ .request = on_request,
					 .gone = on_gone,
					 .refused = on_refused,
					 .abandoned = on_abandoned,
					 .ud = d };
}
