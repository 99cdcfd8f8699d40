/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/requests.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/answer.h"
#include "daemon/log.h"

/* At most one line about clients turned away in this time. */
#define REFUSED_LOG_EVERY (10 * USEC_PER_SEC)

#define DENIED_BURST 10

/* Lines about requests at most, when all of them are logged. */
#define ASKED_BURST 200
#define ASKED_EVERY (100 * USEC_PER_MSEC)

/* The longest that the command line allows. */
#define DEADLINE_MAX (3660 * USEC_PER_SEC)

static void answer_notify(struct daemon *d, struct client *c, const struct wire_notify *n)
{
	if (n->is_bad) {
		instances_reject(d->instances, n->why.text);
		control_refuse(c, WIRE_BAD_REQUEST, n->why.text);
		return;
	}
	instances_receive(d->instances, &n->event, n->acted);
	control_answer(c, wire_answer_success()); /* answer before the work, which may take long */
}

static void answer_reload(struct daemon *d, struct client *c)
{
	struct request_error e;

	if (daemon_reload(d, &e) < 0)
		control_refuse(c, WIRE_BAD_CONFIG, e.text);
	else
		control_answer(c, wire_answer_success());
}

/* Refuse R after its deadline: the client has given up by now and may do it
 * itself, and a late change would undo a newer one. The clock is
 * CLOCK_MONOTONIC, the same for all processes except those in another time
 * namespace. */
static bool is_too_late(struct daemon *d, struct client *c, const struct wire_request *r)
{
	usec_t now = os_now(), deadline = r->move.deadline;
	struct request_error e;

	if (!deadline || (now < deadline && deadline - now <= DEADLINE_MAX))
		return false;
	if (now < deadline) {
		control_refuse(c, WIRE_BAD_REQUEST,
			       "deadline_us is too far away: is the client "
			       "in another time namespace?");
		return true;
	}
	request_error_set(&e, "it came %llu ms after its deadline",
			  (unsigned long long)((now - deadline) / USEC_PER_MSEC));
	d->late++;
	if (ratelimit_take(&d->late_log, now, 1, REFUSED_LOG_EVERY))
		log_line(LOG_WARNING,
			 "msg=\"a request is not done: it came too late\" asked=%s error=%s "
			 "so_far=%llu",
			 wire_op_name(r), e.text, (unsigned long long)d->late);
	control_refuse(c, WIRE_TOO_LATE, e.text);
	return true;
}

/* How many lines like it were left out before; "": none. Returns BUF. */
static const char *requests_left_out(struct ratelimit *l, char buf[48])
{
	uint64_t n = ratelimit_take_suppressed(l);

	snprintf(buf, 48, "%llu", (unsigned long long)n);
	return n ? buf : "";
}

static bool is_permitted(struct daemon *d, struct client *c, const struct wire_request *r,
			 const struct asker *by)
{
	struct request_error e;
	char more[48];

	if (permit_request(&d->settings, control_rights(c), r, &e))
		return true;
	d->refused++;
	if (ratelimit_take(&d->denied_log, os_now(), DENIED_BURST, REFUSED_LOG_EVERY))
		log_line(LOG_WARNING,
			 "msg=\"a request is not permitted\" asked=%s by_uid=%lu by_pid=%lld by=%s "
			 "error=%s left_out=%s",
			 wire_op_name(r), (unsigned long)by->uid, (long long)by->pid, by->command,
			 e.text, requests_left_out(&d->denied_log, more));
	control_refuse(c, WIRE_NOT_PERMITTED, e.text);
	return false;
}

static bool is_too_often(struct daemon *d, struct client *c, const struct wire_request *r,
			 const struct asker *by)
{
	usec_t now = os_now();
	char more[48];

	if (permit_rate(&d->rates, control_peer(c)->uid, control_rights(c), r, now))
		return false;
	if (ratelimit_take(&d->often_log, now, 1, REFUSED_LOG_EVERY))
		log_line(LOG_WARNING,
			 "msg=\"somebody asks too often\" asked=%s by_uid=%lu by_pid=%lld by=%s "
			 "left_out=%s",
			 wire_op_name(r), (unsigned long)by->uid, (long long)by->pid, by->command,
			 requests_left_out(&d->often_log, more));
	control_refuse(c, WIRE_TOO_MANY, "it is asked for this too often");
	return true;
}

static void on_request(void *ud, struct client *c, const struct wire_request *given)
{
	struct wire_request request = *given, *r = &request;
	struct asker *by = &request.move.by;
	struct daemon *d = ud;

	identity_asker(control_peer(c)->pid, control_peer(c)->uid, by);
	if (is_too_late(d, c, r) || is_too_often(d, c, r, by) || !is_permitted(d, c, r, by))
		return;
	if (d->verbose && ratelimit_take(&d->asked_log, os_now(), ASKED_BURST, ASKED_EVERY)) {
		char more[48];

		log_line(LOG_INFO, "msg=asked asked=%s by_uid=%lu by_pid=%lld by=%s left_out=%s",
			 wire_op_name(r), (unsigned long)by->uid, (long long)by->pid, by->command,
			 requests_left_out(&d->asked_log, more));
	}
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
	case WIRE_CONNECTIONS:
		answer_connections(d, c, r);
		break;
	case WIRE_HISTORY:
		answer_history(d, c);
		break;
	case WIRE_EXPLAIN:
		answer_explain(d, c, r);
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
	if (!ratelimit_take(&d->refused_log, os_now(), 1, REFUSED_LOG_EVERY))
		return;
	log_line(LOG_WARNING,
		 "msg=\"a client of the control socket is not permitted\" by_uid=%ld by_pid=%ld "
		 "so_far=%llu",
		 (long)uid, (long)pid, (unsigned long long)d->refused);
}

static void on_abandoned(void *ud)
{
	struct daemon *d = ud;

	d->abandoned++;
	if (ratelimit_take(&d->abandoned_log, os_now(), 1, REFUSED_LOG_EVERY))
		log_line(LOG_NOTICE,
			 "msg=\"a request is not done: its sender has gone without waiting\" "
			 "so_far=%llu",
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
