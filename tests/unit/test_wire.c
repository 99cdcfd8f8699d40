/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What passes over the control socket: what one side writes the other reads as
 * the same, and nothing but what is meant is read at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/option.h"
#include "show/wire.h"
#include "../lib/random.h"

/* What a user may have typed behind "add" or "del": good or bad, in any order. */
static const char *const pool[] = {
	"192.0.2.1/32",
	"192.0.2.1/24",
	"192.0.2.2",
	"fd00::1/64",
	"fd00::2",
	"127.0.0.1/8",
	"192.0.2.9/33",
	"dev br-mgmt",
	"dev br-mgmt",
	"dev br-mgmt",
	"de an-alt",
	"dev a/b",
	"dev \"q\\",
	"label br0:1",
	"label a/b",
	"scope link",
	"scope 256",
	"brd +",
	"br 10.255.0.1",
	"noprefixroute",
	"dad",
	"nodad",
	"metric 7",
	"metric -1",
	"preferred_lft forever",
	"pref 30",
	"valid_lft 60",
	"n",
	"nonsense",
	"dev --force",
	"dev",
	"valid forever",
	"scope",
	"",
	"brd fd00::3",
};

#define WORDS_MAX 32

struct line {
	char text[1024];
	char *words[WORDS_MAX];
	int n;
};

static void random_line(struct rnd *r, struct line *l)
{
	int n = (int)rnd(r, 7), i;
	char *save = NULL, *word;

	l->text[0] = '\0';
	l->n = 0;
	for (i = 0; i < n; i++) {
		strcat(l->text, pool[rnd(r, rnd(r, 2) ? 10 : ARRAY_SIZE(pool))]);
		strcat(l->text, " ");
	}
	for (word = strtok_r(l->text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		l->words[l->n++] = word;
}

/* All but what the words say. */
static struct wire_request random_request(struct rnd *r)
{
	struct wire_request w;

	memset(&w, 0, sizeof(w));
	w.op = (enum wire_op)rnd(r, WIRE_NOTIFY);
	w.text = (enum wire_text)rnd(r, 3);
	w.columns = rnd(r, 2) ? (unsigned)rnd(r, 300) : 0;
	if (w.op == WIRE_MOVE) {
		request_init(&w.move, rnd(r, 2) ? OP_ADD : OP_DEL);
		w.move.plan = rnd(r, 2);
		w.move.force = rnd(r, 2);
		w.move.strategy = (enum strategy)rnd(r, 4);
		w.move.hold = (enum hold_choice)rnd(r, 4);
		w.move.vip_flows = (enum vip_flows)rnd(r, 3);
		if (w.move.op == OP_DEL && rnd(r, 2))
			w.move.move_by = MOVE_BY_MIN + rnd(r, 1000) * USEC_PER_MSEC;
	}
	w.move.timeout = rnd(r, 3600000) * USEC_PER_MSEC;
	w.move.deadline = rnd(r, 2) ? 1 + rnd(r, UINT32_MAX) * 1000 : 0;
	return w;
}

static int parse(const char *text, struct wire_request *ret, enum wire_refusal *ret_why)
{
	struct request_error e = { "" };
	int r = wire_request_parse(text, strlen(text), ret, ret_why, &e);

	if (r < 0)
		assert_true(*e.text); /* it says why */
	return r;
}

static void vip_is(const struct vip *a, const struct vip *b)
{
	assert_true(prefix_equal(&a->prefix, &b->prefix));
	assert_string_equal(a->label, b->label);
	assert_int_equal(a->scope, b->scope);
	assert_int_equal(a->broadcast_mode, b->broadcast_mode);
	assert_true(addr_equal(&a->broadcast, &b->broadcast));
	assert_int_equal(a->noprefixroute, b->noprefixroute);
	assert_int_equal(a->dad, b->dad);
	assert_int_equal(a->has_preferred_lft, b->has_preferred_lft);
	assert_int_equal(a->preferred_lft, b->preferred_lft);
	assert_int_equal(a->metric, b->metric);
}

static void request_is(const struct wire_request *a, const struct wire_request *b)
{
	size_t i;

	assert_int_equal(a->op, b->op);
	assert_int_equal(a->text, b->text);
	assert_int_equal(a->columns, b->columns);
	assert_int_equal(a->move.timeout, b->move.timeout);
	assert_int_equal(a->move.deadline, b->move.deadline);
	assert_int_equal(a->move.op, b->move.op);
	assert_int_equal(a->move.plan, b->move.plan);
	assert_string_equal(a->move.device, b->move.device);
	assert_int_equal(a->move.n_vips, b->move.n_vips);
	for (i = 0; i < a->move.n_vips; i++)
		vip_is(&a->move.vips[i], &b->move.vips[i]);
	assert_int_equal(a->move.force, b->move.force);
	assert_int_equal(a->move.strategy, b->move.strategy);
	assert_int_equal(a->move.hold, b->move.hold);
	assert_int_equal(a->move.vip_flows, b->move.vip_flows);
	assert_int_equal(a->move.move_by, b->move.move_by);
}

/* The daemon takes what the command line takes, understands the same by it, and
 * says the same of what it does not take. */
static void words_are_judged_as_on_the_command_line(void **state _unused_)
{
	struct rnd r = rnd_begin("words_are_judged_as_on_the_command_line");
	unsigned good = 0, bad = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		struct wire_request a = random_request(&r), b;
		_cleanup_free_ char *line = NULL;
		struct request_error here = { "" }, there = { "" };
		enum wire_refusal why;
		struct line words;
		int ret = 0;

		if (a.op == WIRE_MOVE) {
			random_line(&r, &words);
			a.words = words.words;
			a.n_words = words.n;
			ret = request_parse(&a.move, words.n, words.words, &here);
		}
		line = wire_request_line(&a);
		assert_non_null(line);
		assert_true(strlen(line) <= WIRE_REQUEST_MAX);
		assert_null(strchr(line, '\n'));
		assert_int_equal(wire_request_parse(line, strlen(line), &b, &why, &there), ret);
		if (ret < 0) {
			assert_int_equal(why, WIRE_BAD_REQUEST);
			assert_string_equal(here.text, there.text);
			bad++;
			continue;
		}
		request_is(&a, &b);
		good += a.op == WIRE_MOVE;
	}
	assert_true(good > 100 && bad > 100);
}

static void as_many_as_the_command_line_takes(void **state _unused_)
{
	static char text[VIPS_MAX][32];
	struct wire_request a = { .op = WIRE_MOVE }, b;
	char *words[VIPS_MAX + 2 * OPTION_COUNT];
	_cleanup_free_ char *line = NULL;
	enum wire_refusal why;

	for (a.n_words = 0; a.n_words < VIPS_MAX; a.n_words++) {
		snprintf(text[a.n_words], sizeof(text[0]), "192.0.2.%d/32", 1 + a.n_words);
		words[a.n_words] = text[a.n_words];
	}
	words[a.n_words++] = (char *)"dev";
	words[a.n_words++] = (char *)"e0";
	a.words = words;
	line = wire_request_line(&a);
	assert_non_null(line);
	assert_int_equal(parse(line, &b, &why), 0);
	assert_int_equal(b.move.n_vips, VIPS_MAX);
	assert_true(ARRAY_SIZE(words) + 8 <= WIRE_WORDS_MAX);
}

/* What JSON cannot carry is not sent: the client does it without the daemon. */
static void no_utf8_is_not_sent(void **state _unused_)
{
	char *words[] = { (char *)"192.0.2.1/32", (char *)"dev", (char *)"\xff" };
	struct wire_request a = { .op = WIRE_MOVE, .words = words, .n_words = 3 };

	assert_null(wire_request_line(&a));
}

static void timeout_is_rounded_up(void **state _unused_)
{
	struct wire_request a = { .op = WIRE_STATUS, .move.timeout = 1 }, b;
	_cleanup_free_ char *line = wire_request_line(&a);
	enum wire_refusal why;

	assert_int_equal(parse(line, &b, &why), 0);
	assert_int_equal(b.move.timeout, USEC_PER_MSEC);
}

static const char *const bad[] = {
	"",
	"null",
	"1",
	"[]",
	"{}",
	"{\"words\":[\"status\"]}",
	"{\"v\":\"2\",\"words\":[\"status\"]}",
	"{\"v\":2}",
	"{\"v\":2,\"words\":1}",
	"{\"v\":2,\"words\":[]}",
	"{\"v\":2,\"words\":\"status\"}",
	"{\"v\":2,\"words\":[1]}",
	"{\"v\":2,\"words\":[\"status\",\"all\"]}",
	"{\"v\":2,\"words\":[\"status\"]} x",
	"{\"v\":2,\"words\":[\"status\"],\"words\":[\"status\"]}",
	"{\"v\":2,\"words\":[\"status\"],\"more\":1}",
	"{\"v\":2,\"words\":[\"status\"],\"stamp_us\":1}",
	"{\"v\":2,\"words\":[\"status\"],\"acted\":true}",
	"{\"v\":2,\"words\":[\"status\"],\"timeout_ms\":-1}",
	"{\"v\":2,\"words\":[\"status\"],\"timeout_ms\":3600001}",
	"{\"v\":2,\"words\":[\"status\"],\"timeout_ms\":1.5}",
	"{\"v\":2,\"words\":[\"status\"],\"timeout_ms\":99999999999999999999}",
	"{\"v\":2,\"words\":[\"status\"],\"deadline_us\":0}",
	"{\"v\":2,\"words\":[\"status\"],\"deadline_us\":-5}",
	"{\"v\":2,\"words\":[\"status\"],\"deadline_us\":\"5\"}",
	"{\"v\":2,\"words\":[\"status\"],\"text\":\"loud\"}",
	"{\"v\":2,\"words\":[\"status\"],\"text\":null}",
	"{\"v\":2,\"words\":[\"status\"],\"columns\":-1}",
	"{\"v\":2,\"words\":[\"status\"],\"columns\":\"80\"}",
	"{\"v\":2,\"words\":[\"add\"]}",
	"{\"v\":2,\"words\":[\"plan\"]}",
	"{\"v\":2,\"words\":[\"plan\",\"plan\",\"add\",\"192.0.2.1/32\",\"dev\",\"br0\"]}",
	"{\"v\":2,\"words\":[\"del\",\"192.0.2.1\",\"dev\",\"br0\"]}",
	"{\"v\":2,\"words\":[\"add\",\"192.0.2.1/32\",\"--force\",\"dev\",\"br0\"]}",
	"{\"v\":2,\"words\":[\"add\",\"--force=1\",\"192.0.2.1/32\",\"dev\",\"br0\"]}",
	"{\"v\":2,\"words\":[\"add\",\"--hold\",\"192.0.2.1/32\",\"dev\",\"br0\"]}",
	"{\"v\":2,\"words\":[\"add\",\"--hold=maybe\",\"192.0.2.1/32\",\"dev\",\"br0\"]}",
	"{\"v\":2,\"words\":[\"add\",\"--is_instance\",\"192.0.2.1/32\",\"dev\",\"br0\"]}",
	"{\"v\":2,\"words\":[\"add\",\"--=\",\"192.0.2.1/32\",\"dev\",\"br0\"]}",
	"{\"v\":2,\"words\":[\"add\",\"--\",\"192.0.2.1/32\",\"dev\",\"br0\"]}",
};

#define GOOD "{\"v\":2,\"words\":[\"add\",\"--force\",\"192.0.2.1/32\",\"dev\",\"br0\"]}"

static void bad_requests_are_refused(void **state _unused_)
{
	struct wire_request r;
	enum wire_refusal why;
	size_t i;

	/* that they are bad in one respect only */
	assert_int_equal(parse(GOOD, &r, &why), 0);
	assert_true(r.move.force);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i], &r, &why) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(why, WIRE_BAD_REQUEST);
	}
	assert_true(parse("{\"v\":2,\"words\":[\"dance\"]}", &r, &why) < 0);
	assert_int_equal(why, WIRE_UNKNOWN_OP);
}

/* Whatever else another version may have in it. */
static void other_versions_are_told_so(void **state _unused_)
{
	struct wire_request r;
	enum wire_refusal why;

	assert_true(parse("{\"v\":1,\"op\":\"status\"}", &r, &why) < 0);
	assert_int_equal(why, WIRE_OTHER_VERSION);
	assert_true(parse("{\"v\":3,\"ask\":\"status\"}", &r, &why) < 0);
	assert_int_equal(why, WIRE_OTHER_VERSION);
}

static void words_are_bounded(void **state _unused_)
{
	static char word[WIRE_WORD_MAX + 1], text[16 * WIRE_WORDS_MAX];
	struct wire_request r;
	enum wire_refusal why;
	int i;

	memset(word, 'x', WIRE_WORD_MAX);
	snprintf(text, sizeof(text), "{\"v\":2,\"words\":[\"notify\",\"%s\"]}", word);
	assert_true(parse(text, &r, &why) < 0);
	word[WIRE_WORD_MAX - 1] = '\0';
	snprintf(text, sizeof(text), "{\"v\":2,\"words\":[\"notify\",\"%s\"]}", word);
	assert_int_equal(parse(text, &r, &why), 0);

	strcpy(text, "{\"v\":2,\"words\":[\"notify\"");
	for (i = 1; i < WIRE_WORDS_MAX; i++)
		strcat(text, ",\"x\"");
	i = (int)strlen(text);
	strcpy(text + i, "]}");
	assert_int_equal(parse(text, &r, &why), 0);
	strcpy(text + i, ",\"x\"]}");
	assert_true(parse(text, &r, &why) < 0);
}

static void size_is_bounded(void **state _unused_)
{
	struct request_error e;
	struct wire_request r;
	enum wire_refusal why;
	char *text = malloc(WIRE_REQUEST_MAX + 1);

	assert_non_null(text);
	memset(text, ' ', WIRE_REQUEST_MAX + 1);
	memcpy(text, "{\"v\":2,\"words\":[\"status\"]}", 26);
	assert_int_equal(wire_request_parse(text, WIRE_REQUEST_MAX, &r, &why, &e), 0);
	assert_true(wire_request_parse(text, WIRE_REQUEST_MAX + 1, &r, &why, &e) < 0);
	assert_int_equal(why, WIRE_TOO_LARGE);
	memset(text, '[', WIRE_REQUEST_MAX); /* nested as deep as it goes */
	assert_true(wire_request_parse(text, WIRE_REQUEST_MAX, &r, &why, &e) < 0);
	free(text);
}

/* Whatever is done to a request, what is taken is a request. */
static void damaged_requests_do_no_harm(void **state _unused_)
{
	struct rnd r = rnd_begin("damaged_requests_do_no_harm");
	unsigned taken = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		struct wire_request a = random_request(&r), b;
		char *words[] = { (char *)"192.0.2.1/32", (char *)"fd00::1/64", (char *)"dev",
				  (char *)"br0" };
		_cleanup_free_ char *line = NULL;
		size_t size, n = 1 + rnd(&r, 4);
		struct request_error e;
		enum wire_refusal why;

		if (a.op == WIRE_MOVE) {
			a.words = words;
			a.n_words = ARRAY_SIZE(words);
		}
		line = wire_request_line(&a);
		size = strlen(line);
		while (n--) {
			if (rnd(&r, 8))
				line[rnd(&r, (uint32_t)size)] =
					(char)(rnd(&r, 4) ? rnd(&r, 128) : rnd(&r, 256));
			else
				size = 1 + rnd(&r, (uint32_t)size);
		}
		if (wire_request_parse(line, size, &b, &why, &e) < 0) {
			assert_true(*e.text);
			continue;
		}
		taken++;
		if (b.op != WIRE_MOVE)
			continue;
		assert_in_range(b.move.n_vips, 1, VIPS_MAX);
		assert_true(*b.move.device);
		assert_false(b.move.is_instance || b.move.any_label);
	}
	assert_true(taken > 0); /* a changed digit is another request */
}

/* The words of explain, as its client writes them. */
static void ends_are_asked_for(void **state _unused_)
{
	static const struct {
		const char *words[6];
		int n;
		bool good;
		usec_t since, until;
	} rows[] = {
		{ { "10.0.0.1:5 10.0.0.2:80", "since", "@7", "until", "@9" }, 5, true, 7, 9 },
		{ { "", "until", "@9" }, 3, true, 0, 9 },
		{ { "" }, 1, true, 0, 0 },
		{ { NULL }, 0, false, 0, 0 },
		{ { "host" }, 1, false, 0, 0 },
		{ { "10.0.0.1", "since" }, 2, false, 0, 0 },
		{ { "10.0.0.1", "since", "7" }, 3, false, 0, 0 },
		{ { "10.0.0.1", "since", "@" }, 3, false, 0, 0 },
		{ { "10.0.0.1", "since", "@99999999999999999999" }, 3, false, 0, 0 },
		{ { "10.0.0.1", "at", "@7" }, 3, false, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct wire_request a = { .op = WIRE_EXPLAIN,
						.words = (char *const *)rows[i].words,
						.n_words = rows[i].n };
		_cleanup_free_ char *line = wire_request_line(&a);
		struct wire_request b;
		enum wire_refusal why;

		if ((parse(line, &b, &why) == 0) != rows[i].good)
			fail_msg("%s", line);
		if (!rows[i].good)
			continue;
		assert_int_equal(b.op, WIRE_EXPLAIN);
		assert_int_equal(b.ends.since, rows[i].since);
		assert_int_equal(b.ends.until, rows[i].until);
		assert_int_equal(!b.ends.pattern.parts, !*rows[i].words[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_judged_as_on_the_command_line),
		cmocka_unit_test(as_many_as_the_command_line_takes),
		cmocka_unit_test(no_utf8_is_not_sent),
		cmocka_unit_test(timeout_is_rounded_up),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(other_versions_are_told_so),
		cmocka_unit_test(words_are_bounded),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(ends_are_asked_for),
		cmocka_unit_test(damaged_requests_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
