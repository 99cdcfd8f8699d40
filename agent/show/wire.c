/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/wire.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"
#include "show/report_json.h"

/* The longest that the command line allows. */
#define TIMEOUT_MAX_MS (3600 * (json_int_t)1000)

#define COLUMNS_MAX 10000

/* Words of a notify that are sent: one more than are valid, so that too many
 * are noticed. */
#define NOTIFY_WORDS_MAX 5

static const char *const text_words[] = { "none", "short", "verbose", NULL };
static const char *const refusal_words[] = {
	"bad-request",	 "other-version", "too-large", "unknown-op",
	"not-permitted", "too-late",	  "too-many",  "bad-config",
	"not-guarded",	 "internal",	  NULL
};

const char *wire_refusal_name(enum wire_refusal why)
{
	return word_of(refusal_words, why);
}

/* ---- ops ------------------------------------------------------------------------ */

static int judge_none(struct wire_request *r _unused_, int argc, char *const argv[],
		      struct request_error *e)
{
	return request_no_words(argc - 1, argv + 1, e);
}

/* Read "--name" or "--name=value" into REQ. */
static int judge_option(struct request *req, const char *word, struct request_error *e)
{
	size_t len = strcspn(word, "=");
	char name[WIRE_WORD_MAX];

	memcpy(name, word + 2, len - 2);
	name[len - 2] = '\0';
	return request_option(req, name, word[len] ? word + len + 1 : NULL, e);
}

/* [plan] add|del [--option …] and what request_parse() understands */
static int judge_move(struct wire_request *r, int argc, char *const argv[], struct request_error *e)
{
	bool plan = !strcmp(argv[0], "plan");
	int i = plan;

	if (i == argc || (strcmp(argv[i], "add") && strcmp(argv[i], "del")))
		return request_error_set(e, "plan what? \"add\" or \"del\" is missing");
	request_init(&r->move, strcmp(argv[i], "del") ? OP_ADD : OP_DEL);
	r->move.plan = plan;
	for (i++; i < argc && !strncmp(argv[i], "--", 2); i++)
		if (judge_option(&r->move, argv[i], e) < 0)
			return -EINVAL;
	return request_parse(&r->move, argc - i, argv + i, e);
}

/* Bad words are no error here: they are passed on, and the daemon counts
 * them. */
static int judge_notify(struct wire_request *r, int argc, char *const argv[],
			struct request_error *e _unused_)
{
	struct wire_notify *n = &r->notify;

	n->is_bad = instance_event_words(&n->event, argc - 1, argv + 1, &n->why) < 0;
	n->event.source = SOURCE_HOOK;
	return 0;
}

static int judge_connections(struct wire_request *r, int argc, char *const argv[],
			     struct request_error *e)
{
	return connections_parse(&r->connections, argc - 1, argv + 1, e);
}

/* "@US" behind "since" or "until". */
static int judge_instant(const char *word, const char *value, usec_t *ret, struct request_error *e)
{
	if (!value)
		return request_error_set(e, QUOTED " has no value", word);
	if (*value != '@' || text_number(value + 1, 0, INT64_MAX, ret) < 0)
		return request_error_set(e, QUOTED " is no instant", value);
	return 0;
}

static int judge_explain(struct wire_request *r, int argc, char *const argv[],
			 struct request_error *e)
{
	int i;

	if (argc < 2)
		return request_error_set(e, "explain what?");
	if (*argv[1] && pattern_tuple(&r->ends.pattern, argv[1], e) < 0)
		return -EINVAL;
	for (i = 2; i < argc; i += 2) {
		const bool since = !strcmp(argv[i], "since");

		if (!since && strcmp(argv[i], "until") != 0)
			return request_error_set(e, "unknown word " QUOTED, argv[i]);
		if (judge_instant(argv[i], i + 1 < argc ? argv[i + 1] : NULL,
				  since ? &r->ends.since : &r->ends.until, e) < 0)
			return -EINVAL;
	}
	return 0;
}

static const struct wire_op_row {
	const char *name;
	enum wire_op op;
	/* Check the words, of which the first is the name. 0 or -EINVAL. */
	int (*judge)(struct wire_request *r, int argc, char *const argv[], struct request_error *e);
} rows[] = {
	{ "add", WIRE_MOVE, judge_move },
	{ "del", WIRE_MOVE, judge_move },
	{ "plan", WIRE_MOVE, judge_move },
	{ "status", WIRE_STATUS, judge_none },
	{ "reload", WIRE_RELOAD, judge_none },
	{ "metrics", WIRE_METRICS, judge_none },
	{ "watch", WIRE_WATCH, judge_none },
	{ "notify", WIRE_NOTIFY, judge_notify },
	{ "connections", WIRE_CONNECTIONS, judge_connections },
	{ "history", WIRE_HISTORY, judge_none },
	{ "explain", WIRE_EXPLAIN, judge_explain },
};

const char *wire_op_name(const struct wire_request *r)
{
	size_t i;

	if (r->op == WIRE_MOVE)
		return r->move.plan ? "plan" : op_name(r->move.op);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].op == r->op)
			return rows[i].name;
	return "?";
}

/* ---- read ----------------------------------------------------------------------- */

static int wire_wrong(const char *key, struct request_error *e)
{
	return request_error_set(e, "key " QUOTED " is missing, of the wrong type or out of range",
				 key);
}

/* Read a number from LEAST to MOST; 0 if absent. */
static int wire_get_number(json_t *o, const char *key, json_int_t least, json_int_t most,
			   json_int_t *ret, struct request_error *e)
{
	json_t *v = json_object_get(o, key);

	*ret = json_integer_value(v);
	if (v && (!json_is_integer(v) || *ret < least || *ret > most))
		return wire_wrong(key, e);
	return 0;
}

static int wire_get_text(json_t *o, enum wire_text *ret, struct request_error *e)
{
	json_t *v = json_object_get(o, "text");
	const char *text = v ? json_string_value(v) : "none";
	int value = text ? word_find(text_words, text) : -EINVAL;

	if (value < 0)
		return wire_wrong("text", e);
	*ret = (enum wire_text)value;
	return 0;
}

static int read_values(json_t *o, struct wire_request *r, struct request_error *e)
{
	const json_int_t any = INT64_MAX;
	json_t *acted = json_object_get(o, "acted");
	json_int_t ms, us, columns, stamp;

	if (wire_get_number(o, "timeout_ms", 0, TIMEOUT_MAX_MS, &ms, e) < 0 ||
	    wire_get_number(o, "deadline_us", 1, any, &us, e) < 0 ||
	    wire_get_number(o, "columns", 0, COLUMNS_MAX, &columns, e) < 0 ||
	    wire_get_number(o, "stamp_us", 0, any, &stamp, e) < 0 ||
	    wire_get_text(o, &r->text, e) < 0)
		return -EINVAL;
	if (acted && !json_is_boolean(acted))
		return wire_wrong("acted", e);
	r->move.timeout = (usec_t)ms * USEC_PER_MSEC;
	r->move.deadline = (usec_t)us;
	r->columns = (unsigned)columns;
	r->notify.event.stamp = (usec_t)stamp;
	r->notify.acted = json_is_true(acted);
	return 0;
}

static int check_keys(json_t *o, enum wire_op op, struct request_error *e)
{
	static const char *const keys[] = { "v",    "words",   "timeout_ms", "deadline_us",
					    "text", "columns", "stamp_us",   "acted" };
	const size_t n = ARRAY_SIZE(keys) - (op == WIRE_NOTIFY ? 0 : 2);
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach(o, name, value)
	{
		for (i = 0; i < n && strcmp(keys[i], name); i++)
			;
		if (i == n)
			return request_error_set(e, "unknown key " QUOTED, name);
	}
	return 0;
}

/* The words belong to O. */
static int read_words(json_t *o, char *ret[WIRE_WORDS_MAX], int *ret_n, struct request_error *e)
{
	json_t *words = json_object_get(o, "words");
	size_t i, n = json_array_size(words);

	if (!n || n > WIRE_WORDS_MAX)
		return wire_wrong("words", e);
	for (i = 0; i < n; i++) {
		ret[i] = (char *)json_string_value(json_array_get(words, i));
		if (!ret[i] || strlen(ret[i]) >= WIRE_WORD_MAX)
			return wire_wrong("words", e);
	}
	*ret_n = (int)n;
	return 0;
}

static int read_request(json_t *o, struct wire_request *ret, enum wire_refusal *ret_refusal,
			struct request_error *e)
{
	struct wire_request r = { .op = WIRE_MOVE };
	json_t *version = json_object_get(o, "v");
	char *words[WIRE_WORDS_MAX];
	size_t i;
	int n = 0;

	if (!json_is_integer(version))
		return wire_wrong("v", e);
	if (json_integer_value(version) != WIRE_VERSION) {
		*ret_refusal = WIRE_OTHER_VERSION;
		return request_error_set(e, "the request is of version %lld, not %d",
					 (long long)json_integer_value(version), WIRE_VERSION);
	}
	if (read_words(o, words, &n, e) < 0)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(rows) && strcmp(rows[i].name, words[0]); i++)
		;
	if (i == ARRAY_SIZE(rows)) {
		*ret_refusal = WIRE_UNKNOWN_OP;
		return request_error_set(e, "unknown op " QUOTED, words[0]);
	}
	r.op = rows[i].op;
	if (check_keys(o, r.op, e) < 0 || rows[i].judge(&r, n, words, e) < 0 ||
	    read_values(o, &r, e) < 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

int wire_request_parse(const char *data, size_t size, struct wire_request *ret,
		       enum wire_refusal *ret_refusal, struct request_error *ret_error)
{
	json_error_t error;
	json_t *o;
	int r;

	if (size > WIRE_REQUEST_MAX) {
		*ret_refusal = WIRE_TOO_LARGE;
		return request_error_set(ret_error, "the request is larger than %zu bytes",
					 WIRE_REQUEST_MAX);
	}
	*ret_refusal = WIRE_BAD_REQUEST;
	o = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(o)) {
		json_decref(o);
		return request_error_set(ret_error, "the request is no JSON object");
	}
	r = read_request(o, ret, ret_refusal, ret_error);
	json_decref(o);
	return r;
}

/* ---- write ---------------------------------------------------------------------- */

/* Non-zero, here and in the functions that follow: out of memory, or not
 * UTF-8. */
static int put_option(json_t *words, const char *name, const char *value)
{
	char word[64];

	snprintf(word, sizeof(word), "--%s=%s", name, value);
	return json_array_append_new(words, json_string(word));
}

static int put_move(json_t *words, const struct wire_request *r)
{
	const struct request *req = &r->move;
	char by[DURATION_TEXT_MAX];
	int failed = 0;

	if (req->plan)
		failed |= json_array_append_new(words, json_string(op_name(req->op)));
	if (req->force)
		failed |= json_array_append_new(words, json_string("--force"));
	failed |= put_option(words, "strategy", strategy_name(req->strategy));
	failed |= put_option(words, "hold", hold_choice_name(req->hold));
	failed |= put_option(words, "vip-flows", vip_flows_name(req->vip_flows));
	if (req->move_by)
		failed |= put_option(words, "move-by", duration_format(req->move_by, by));
	return failed;
}

/* Bad words are sent as well, in any encoding: the beginning, escaped. */
static json_t *notify_word(const char *text)
{
	char word[WIRE_WORD_MAX / 4]; /* each byte may be escaped by four */

	snprintf(word, sizeof(word), "%s", text);
	return object_string(word);
}

static json_t *request_words(const struct wire_request *r)
{
	const bool notify = r->op == WIRE_NOTIFY;
	const int n = notify ? MIN(r->n_words, NOTIFY_WORDS_MAX) : r->n_words;
	json_t *words = json_array();
	int i, failed = json_array_append_new(words, json_string(wire_op_name(r)));

	if (r->op == WIRE_MOVE)
		failed |= put_move(words, r);
	for (i = 0; i < n; i++)
		failed |= json_array_append_new(words, notify ? notify_word(r->words[i])
							      : json_string(r->words[i]));
	if (failed) {
		json_decref(words);
		return NULL;
	}
	return words;
}

static int put_number(json_t *o, const char *key, uint64_t n)
{
	return n ? json_object_set_new(o, key, json_integer((json_int_t)n)) : 0;
}

char *wire_request_line(const struct wire_request *r)
{
	usec_t ms = (r->move.timeout + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "v", json_integer(WIRE_VERSION));
	failed |= json_object_set_new(o, "words", request_words(r));
	failed |= json_object_set_new(o, "text", json_string(word_of(text_words, r->text)));
	failed |= put_number(o, "timeout_ms", ms);
	failed |= put_number(o, "deadline_us", r->move.deadline);
	failed |= put_number(o, "columns", MIN(r->columns, COLUMNS_MAX));
	if (r->op == WIRE_NOTIFY) {
		failed |= put_number(o, "stamp_us", r->notify.event.stamp);
		failed |= json_object_set_new(o, "acted", json_boolean(r->notify.acted));
	}
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return object_line(o);
}
