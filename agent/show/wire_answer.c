/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing an answer (the daemon) and reading it (the client). */
#include "show/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "show/report_json.h"
#include "show/report_text.h"

/* Collects what is printed to OUT and ERR. */
struct texts {
	FILE *out, *err;
	char *out_text, *err_text;
	size_t out_size, err_size;
};

static int texts_open(struct texts *t)
{
	*t = (struct texts){ 0 };
	t->out = open_memstream(&t->out_text, &t->out_size);
	t->err = open_memstream(&t->err_text, &t->err_size);
	return t->out && t->err ? 0 : -1;
}

/* Add the texts to O. Their printers have escaped what is not UTF-8. */
static int texts_close(struct texts *t, json_t *o)
{
	int failed = !t->out || !t->err;

	if (t->out)
		failed |= fclose(t->out);
	if (t->err)
		failed |= fclose(t->err);
	failed = failed || json_object_set_new(o, "out", json_string(t->out_text)) ||
		 json_object_set_new(o, "err", json_string(t->err_text));
	free(t->out_text);
	free(t->err_text);
	return failed;
}

static json_t *answer_new(int exit_code)
{
	return json_pack("{s:i, s:i}", "v", WIRE_VERSION, "exit_code", exit_code);
}

static char *answer_line(json_t *o, int failed)
{
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return object_line(o);
}

char *wire_answer_report(const struct report *r, enum wire_text text)
{
	json_t *o = answer_new(r->exit_code);
	int failed = json_object_set_new(o, "report", report_json_new(r));
	struct texts t;

	if (text != WIRE_TEXT_NONE) {
		if (texts_open(&t) == 0)
			report_text_print(r, text == WIRE_TEXT_VERBOSE, t.out, t.err);
		failed |= texts_close(&t, o);
	}
	return answer_line(o, failed);
}

char *wire_answer_status(const struct status *s, enum wire_text text)
{
	json_t *o = answer_new(status_exit_code(s));
	int failed = json_object_set_new(o, "status", status_json_new(s));
	struct texts t;

	if (text != WIRE_TEXT_NONE) {
		if (texts_open(&t) == 0)
			status_print(s, text == WIRE_TEXT_VERBOSE, t.out);
		failed |= texts_close(&t, o);
	}
	return answer_line(o, failed);
}

char *wire_answer_metrics(const struct metrics *m, const struct status *s, enum wire_text text)
{
	json_t *o = answer_new(0);
	int failed = json_object_set_new(o, "metrics", metrics_json_new(m, s));
	struct texts t;

	if (text != WIRE_TEXT_NONE) {
		if (texts_open(&t) == 0)
			metrics_print(m, s, t.out);
		failed |= texts_close(&t, o);
	}
	return answer_line(o, failed);
}

char *wire_answer_event(const struct event *e)
{
	json_t *o = answer_new(0);
	int failed = json_object_set_new(o, "event", event_json_new(e));
	char line[EVENT_LINE_MAX + 1];

	event_line(e, line);
	memcpy(line + strlen(line), "\n", 2);
	failed |= json_object_set_new(o, "out", json_string(line));
	return answer_line(o, failed);
}

char *wire_answer_history(json_t *list)
{
	json_t *o = answer_new(0);

	return answer_line(o, json_object_set_new(o, "history", list));
}

char *wire_answer_lines(const char *lines)
{
	json_t *o = answer_new(0);

	return answer_line(o, json_object_set_new(o, "out", json_string(lines)));
}

char *wire_answer_listed(bool complete)
{
	json_t *o = answer_new(0);

	return answer_line(
		o, json_object_set_new(o, "listed", json_pack("{s:b}", "complete", complete)));
}

char *wire_answer_told(bool complete, usec_t since, size_t max)
{
	json_t *o = answer_new(0);

	return answer_line(
		o, json_object_set_new(o, "listed",
				       json_pack("{s:b,s:I,s:I}", "complete", complete, "since_us",
						 (json_int_t)since, "max", (json_int_t)max)));
}

char *wire_answer_success(void)
{
	return answer_line(answer_new(0), 0);
}

char *wire_answer_refusal(enum wire_refusal why, const char *text)
{
	json_t *o = json_pack("{s:i}", "v", WIRE_VERSION);
	json_t *error = json_pack("{s:s}", "code", wire_refusal_name(why));
	int failed = json_object_set_new(error, "text", object_string(text));

	failed |= json_object_set_new(o, "error", error);
	return answer_line(o, failed);
}

void wire_answer_done(struct wire_answer *a)
{
	free(a->result);
	free(a->out);
	free(a->err);
	free(a->error_code);
	free(a->error_text);
	*a = (struct wire_answer){ 0 };
}

/* Copy the string KEY of O to *RET; an absent key is no error. */
static int wire_answer_take_text(json_t *o, const char *key, char **ret)
{
	json_t *v = json_object_get(o, key);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return -EBADMSG;
	*ret = strdup(json_string_value(v));
	return *ret ? 0 : -ENOMEM;
}

static int refuse_version(json_int_t version, struct wire_answer *a)
{
	struct request_error e;

	free(a->error_code);
	free(a->error_text);
	request_error_set(&e, "its answer is of version %lld, not %d", (long long)version,
			  WIRE_VERSION);
	a->error_code = strdup(wire_refusal_name(WIRE_OTHER_VERSION));
	a->error_text = strdup(e.text);
	return a->error_code && a->error_text ? 0 : -ENOMEM;
}

static int take_answer(json_t *o, struct wire_answer *a)
{
	json_t *version = json_object_get(o, "v");
	json_t *code = json_object_get(o, "exit_code"), *error = json_object_get(o, "error");
	static const char *const results[] = { "report", "status", "metrics",
					       "event",	 "listed", "history" };
	const bool other = json_integer_value(version) != WIRE_VERSION;
	json_t *result = NULL;
	size_t i;
	int r;

	if (!json_is_integer(version))
		return -EBADMSG;
	if (error) {
		r = wire_answer_take_text(error, "code", &a->error_code);
		if (r == 0)
			r = wire_answer_take_text(error, "text", &a->error_text);
		if (r < 0 || !a->error_code || !a->error_text)
			return r < 0 ? r : -EBADMSG;
		/* what version 1 says to whoever speaks another one */
		if (other && !strcmp(a->error_code, wire_refusal_name(WIRE_BAD_REQUEST)))
			return refuse_version(json_integer_value(version), a);
		return 0;
	}
	if (other)
		return refuse_version(json_integer_value(version), a);
	if (!json_is_integer(code) || json_integer_value(code) < 0 ||
	    json_integer_value(code) > 255)
		return -EBADMSG;
	a->exit_code = (int)json_integer_value(code);
	for (i = 0; i < ARRAY_SIZE(results) && !result; i++)
		result = json_object_get(o, results[i]);
	if (result && !json_is_object(result) && !json_is_array(result))
		return -EBADMSG;
	if (result) {
		a->result = object_line(json_incref(result));
		if (!a->result)
			return -ENOMEM;
	}
	r = wire_answer_take_text(o, "out", &a->out);
	return r == 0 ? wire_answer_take_text(o, "err", &a->err) : r;
}

int wire_answer_parse(const char *data, size_t size, struct wire_answer *ret)
{
	struct wire_answer a = { 0 };
	json_error_t error;
	json_t *o = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
	int r = json_is_object(o) ? take_answer(o, &a) : -EBADMSG;

	json_decref(o);
	if (r < 0) {
		wire_answer_done(&a);
		return r;
	}
	*ret = a;
	return 0;
}
