/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of the control socket: one request and one answer, each a JSON
 * object in ASCII. Request (unknown keys are errors):
 *   {"v":2, "words":["del","--strategy=pin","192.0.2.1/32","dev","br0"],
 *    "text":"none|short|verbose", "timeout_ms":N,
 *    "deadline_us":N (on CLOCK_MONOTONIC: nothing is begun after it),
 *    "columns":N (of the terminal; 0: no limit),
 *    "stamp_us":N, "acted":B (of a notify only)}
 * The words are those of the command line, and the daemon judges them by the same
 * functions: the command's whole name, for a move its options ("--name" or
 * "--name=value"), and what follows. What depends on the client (its configuration,
 * its terminal, the time) is sent as a value. Only v and words are required. Answer:
 *   {"v":2, "exit_code":N, "report":{…} or "status":{…} or "metrics":[…] or "history":[…],
 *    "out":"…", "err":"…"}
 *   watch: {"v":2, "exit_code":0, "event":{…}, "out":"…"}, one packet each, until
 *   somebody ends the connection
 *   connections: {"v":2, "exit_code":0, "out":"…"}, one packet for some lines, and at the end
 *   {"v":2, "exit_code":0, "listed":{"complete":B}}; with "text":"none" each line is an object
 *   explain, with the words TUPLE ("": all) ["since" "@US"] ["until" "@US"] (on CLOCK_MONOTONIC):
 *   the same, each line an object of show/end_json.h, and at the end
 *   {"v":2, "exit_code":0, "listed":{"complete":B, "since_us":N, "max":N}}
 *   {"v":N, "error":{"code":"…", "text":"…"}}, the same in every version
 * out and err are the texts asked for. An answer may come in several pieces,
 * one per packet; it ends where the connection does. */
#pragma once

#include "keepalived/instance_event.h"
#include "guard/ends.h"
#include "base/report.h"
#include "base/request.h"
#include "show/connections.h"
#include "show/event.h"
#include "show/metrics.h"
#include "show/status.h"

#define WIRE_VERSION 2
#define WIRE_REQUEST_MAX ((size_t)64 * 1024)
#define WIRE_PIECE_MAX ((size_t)32 * 1024)
#define WIRE_ANSWER_MAX ((size_t)4 * 1024 * 1024)

/* Words of a request at most: more than any valid command line has. */
#define WIRE_WORDS_MAX 128
#define WIRE_WORD_MAX 1024 /* bytes, with the NUL */

enum wire_op {
	WIRE_MOVE, /* add, del and plan */
	WIRE_STATUS,
	WIRE_RELOAD,
	WIRE_METRICS,
	WIRE_WATCH,
	WIRE_NOTIFY,
	WIRE_CONNECTIONS,
	WIRE_HISTORY,
	WIRE_EXPLAIN,
};

enum wire_text {
	WIRE_TEXT_NONE,
	WIRE_TEXT_SHORT,
	WIRE_TEXT_VERBOSE,
};

/* The arguments keepalived called a script with. */
struct wire_notify {
	struct instance_event event; /* set by the reader; only the stamp also by the writer */
	bool is_bad;		     /* the words could not be understood: see WHY */
	struct request_error why;
	bool acted; /* the script has acted on it itself, as no daemon answered */
};

struct wire_request {
	enum wire_op op;
	enum wire_text text;
	unsigned columns;
	/* The words after the command's name and its options. Set and owned by
	 * the writer; the reader sets the fields they stand for instead. */
	char *const *words;
	int n_words;
	/* WIRE_MOVE: the writer sets what is not in the words: op, plan and
	 * options. Other requests: only deadline and timeout. */
	struct request move;
	struct wire_notify notify;
	struct connections connections; /* set by the reader */
	struct ends_query ends;		/* set by the reader */
};

enum wire_refusal {
	WIRE_BAD_REQUEST,
	WIRE_OTHER_VERSION, /* of the request, or of the answer */
	WIRE_TOO_LARGE,
	WIRE_UNKNOWN_OP,
	WIRE_NOT_PERMITTED,
	WIRE_TOO_LATE,
	WIRE_TOO_MANY,	  /* requests of this user in a short time */
	WIRE_BAD_CONFIG,  /* reload: the configuration has not changed */
	WIRE_NOT_GUARDED, /* connections: of a device without a guard */
	WIRE_INTERNAL,
};

/* Read a request of SIZE bytes from an untrusted client. 0, or -EINVAL with
 * *RET_ERROR and *RET_REFUSAL filled (and *RET undefined). */
int wire_request_parse(const char *data, size_t size, struct wire_request *ret,
		       enum wire_refusal *ret_refusal, struct request_error *ret_error);

/* R as a line that wire_request_parse() reads as the same request, with the
 * timeout rounded up to a millisecond. The caller frees it. NULL: out of
 * memory, or a word is not UTF-8. */
char *wire_request_line(const struct wire_request *r);

/* The command's name: "add", "plan", "status" … */
const char *wire_op_name(const struct wire_request *r);

/* The answers; the caller frees them. NULL: out of memory. */
char *wire_answer_report(const struct report *r, enum wire_text text);
char *wire_answer_status(const struct status *s, enum wire_text text);
char *wire_answer_metrics(const struct metrics *m, const struct status *s, enum wire_text text);
char *wire_answer_event(const struct event *e);
char *wire_answer_history(json_t *list); /* takes over the reference, also if it is NULL */
char *wire_answer_lines(const char *lines);
char *wire_answer_listed(bool complete);
/* The same of ends: those since SINCE are remembered, MAX at most. */
char *wire_answer_told(bool complete, usec_t since, size_t max);
char *wire_answer_success(void);
char *wire_answer_refusal(enum wire_refusal why, const char *text);

const char *wire_refusal_name(enum wire_refusal why);

/* An answer for the client. All strings are owned and may be NULL. */
struct wire_answer {
	int exit_code;
	char *result; /* report, status, metrics or event as one line of JSON */
	char *out, *err;
	char *error_code; /* set if it was refused */
	char *error_text;
};

/* 0, -EBADMSG if it is not an answer (cut short, for example), or -ENOMEM. An
 * answer of another version, or one that says that the daemon does not understand
 * the request, is returned as a refusal with WIRE_OTHER_VERSION. */
int wire_answer_parse(const char *data, size_t size, struct wire_answer *ret);
void wire_answer_done(struct wire_answer *a);
