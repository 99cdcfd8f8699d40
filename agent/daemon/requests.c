/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/requests.h"

#include <string.h>
#include <syslog.h>

#include "daemon/answer.h"
#include "daemon/log.h"

/* Lines about clients turned away, at most. */
#define REFUSED_LOG_EVERY (10 * USEC_PER_SEC)

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

static void on_request(void *ud, struct client *c, const struct wire_request *r)
{
	struct daemon *d = ud;

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
	usec_t now = loop_now();

	d->refused++;
	if (d->refused_told && now - d->refused_told < REFUSED_LOG_EVERY)
		return;
	d->refused_told = now;
	log_line(LOG_WARNING,
		 "control socket: process %ld of user %ld is not permitted (%llu so far)",
		 (long)pid, (long)uid, (unsigned long long)d->refused);
}

struct control_handler requests_handler(struct daemon *d)
{
	return (struct control_handler){
		.request = on_request, .gone = on_gone, .refused = on_refused, .ud = d
	};
}
