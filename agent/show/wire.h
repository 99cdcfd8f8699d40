/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What passes over the control socket: one request and one answer, each a JSON
 * object in ASCII. Request (keys that are not meant are errors):
 *   {"v":1, "op":"add|del|plan|status|reload|metrics|watch|notify", "deadline_ms":N,
 *    "until_us":N (on CLOCK_MONOTONIC: nothing is begun after it),
 *    "text":"none|short|verbose", "columns":N (of the terminal; 0: no limit),
 *    add, del, plan: "device":"…", "addresses":[{"address":"A/N", "label":…,
 *    "scope":…, "brd":…, "noprefixroute":true, "dad":true, "preferred_lft":…,
 *    "metric":…}], "force":B, "strategy":…, "hold":…, "vip_flows":…
 *    plan: "of":"add|del"
 *    notify: "words":["INSTANCE","NAME","STATE",…], "stamp_us":N, "acted":B}
 * Only v and op, for a move device and addresses, for notify words are required. Answer:
 *   {"v":1, "exit_code":N, "report":{…} or "status":{…} or "metrics":[…],
 *    "out":"…", "err":"…"}
 *   watch: {"v":1, "exit_code":0, "event":{…}, "out":"…"}, one packet each, until
 *   somebody ends the connection
 *   {"v":1, "error":{"code":"…", "text":"…"}}
 * out and err are the texts asked for. An answer may come in several pieces,
 * one per packet; it ends where the connection does. */
#pragma once

#include "keepalived/instance_event.h"
#include "base/report.h"
#include "base/request.h"
#include "show/event.h"
#include "show/metrics.h"
#include "show/status.h"

#define WIRE_VERSION 1
#define WIRE_REQUEST_MAX ((size_t)64 * 1024)
#define WIRE_PIECE_MAX ((size_t)32 * 1024)
#define WIRE_ANSWER_MAX ((size_t)4 * 1024 * 1024)

enum wire_op {
	WIRE_MOVE, /* add, del and plan */
	WIRE_STATUS,
	WIRE_RELOAD,
	WIRE_METRICS,
	WIRE_WATCH,
	WIRE_NOTIFY,
};

enum wire_text {
	WIRE_TEXT_NONE,
	WIRE_TEXT_SHORT,
	WIRE_TEXT_VERBOSE,
};

#define WIRE_WORDS_MAX 5 /* one more than there may be */

/* What keepalived has called a script with. */
struct wire_notify {
	char *const *words; /* of the writer, who keeps them */
	int n_words;
	struct instance_event event; /* of the reader; the stamp is of both */
	bool is_bad;		     /* the words are none: see WHY */
	struct request_error why;
	bool acted; /* it has been seen to already, as nobody was there */
};

struct wire_request {
	enum wire_op op;
	enum wire_text text;
	unsigned columns;
	struct request move; /* WIRE_MOVE; of others only the deadline and until */
	struct wire_notify notify;
};

enum wire_refusal {
	WIRE_BAD_REQUEST,
	WIRE_TOO_LARGE,
	WIRE_UNKNOWN_OP,
	WIRE_NOT_PERMITTED,
	WIRE_TOO_LATE,
	WIRE_TOO_MANY,	 /* requests of this user, in this time */
	WIRE_BAD_CONFIG, /* reload: the configuration stays as it was */
	WIRE_INTERNAL,
};

/* Read a request of SIZE bytes from whomever. 0, or -EINVAL with *RET_ERROR and
 * *RET_REFUSAL filled (and *RET undefined). */
int wire_request_parse(const char *data, size_t size, struct wire_request *ret,
		       enum wire_refusal *ret_refusal, struct request_error *ret_error);

/* A line, to be freed, that wire_request_parse() reads as the same, its
 * deadline rounded up to a millisecond. NULL: out of memory. */
char *wire_request_line(const struct wire_request *r);

/* "add", "del", "plan", "status", "reload". */
const char *wire_op_name(const struct wire_request *r);

/* The answers, to be freed; NULL: out of memory. */
char *wire_answer_report(const struct report *r, enum wire_text text);
char *wire_answer_status(const struct status *s, enum wire_text text);
char *wire_answer_metrics(const struct metrics *m, const struct status *s, enum wire_text text);
char *wire_answer_event(const struct event *e);
char *wire_answer_done(void);
char *wire_answer_refusal(enum wire_refusal why, const char *text);

const char *wire_refusal_name(enum wire_refusal why);

/* An answer as the client has use for it. All are owned and may be NULL. */
struct wire_answer {
	int exit_code;
	char *result; /* report, status, metrics or event as one line of JSON */
	char *out, *err;
	char *error_code; /* it was refused */
	char *error_text;
};

/* 0, -EBADMSG when it is no answer (cut short, say), or -ENOMEM. */
int wire_answer_parse(const char *data, size_t size, struct wire_answer *ret);
void wire_answer_done_with(struct wire_answer *a);
