/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What passes over the control socket: what one side writes the other reads as
 * the same, and nothing but what is meant is read at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "show/report_json.h"
#include "show/wire.h"
#include "../lib/random.h"

static void random_label(struct rnd *r, char label[LABEL_MAX])
{
	size_t i, n = 1 + rnd(r, LABEL_MAX - 1);

	for (i = 0; i < n; i++) {
		label[i] = (char)(0x21 + rnd(r, 0x7f - 0x21));
		if (label[i] == '/')
			label[i] = '"';
	}
	label[n] = '\0';
}

/* The Ith address of a request; all differ. */
static struct vip random_vip(struct rnd *r, enum op op, size_t i)
{
	uint8_t family = rnd(r, 2) ? AF_INET : AF_INET6, bytes[16] = { 0 };
	struct vip v;

	memset(&v, 0, sizeof(v));
	bytes[0] = family == AF_INET ? 10 : 0xfd;
	bytes[1] = (uint8_t)i;
	bytes[addr_size(family) - 1] = (uint8_t)(1 + rnd(r, 250));
	v.prefix.addr = addr_make(family, bytes);
	v.prefix.len = (uint8_t)rnd(r, addr_size(family) * 8 + 1);
	v.scope = -1;
	if (op == OP_DEL)
		return v;
	if (rnd(r, 2))
		v.scope = (int)rnd(r, 256);
	v.noprefixroute = rnd(r, 2);
	v.has_preferred_lft = rnd(r, 2);
	if (v.has_preferred_lft)
		v.preferred_lft = rnd(r, 3) ? rnd(r, UINT32_MAX) : UINT32_MAX;
	v.metric = rnd(r, 2) ? rnd(r, UINT32_MAX) : 0;
	if (family == AF_INET6) {
		v.dad = rnd(r, 2);
		return v;
	}
	if (rnd(r, 2))
		random_label(r, v.label);
	v.broadcast_mode = (enum vip_broadcast)rnd(r, 3);
	if (v.broadcast_mode == BROADCAST_GIVEN)
		v.broadcast = addr_make(AF_INET, "\x0a\xff\xff\xff");
	return v;
}

static struct wire_request random_request(struct rnd *r)
{
	struct wire_request w;
	size_t i;

	memset(&w, 0, sizeof(w));
	w.op = (enum wire_op)rnd(r, 3);
	w.text = (enum wire_text)rnd(r, 3);
	w.columns = rnd(r, 2) ? (unsigned)rnd(r, 300) : 0;
	w.move.deadline = rnd(r, 3600000) * USEC_PER_MSEC;
	w.move.until = rnd(r, 2) ? 1 + rnd(r, UINT32_MAX) * 1000 : 0;
	if (w.op != WIRE_MOVE)
		return w;
	w.move.op = rnd(r, 2) ? OP_ADD : OP_DEL;
	w.move.plan = rnd(r, 2);
	snprintf(w.move.device, sizeof(w.move.device), "%s",
		 rnd(r, 2) ? "br-mgmt" : "an-alternative-name-\"quoted\"-and-\\long");
	w.move.n_vips = 1 + rnd(r, rnd(r, 10) ? 4 : VIPS_MAX);
	for (i = 0; i < w.move.n_vips; i++)
		w.move.vips[i] = random_vip(r, w.move.op, i);
	w.move.force = rnd(r, 2);
	w.move.strategy = (enum strategy)rnd(r, 4);
	w.move.hold = (enum hold_choice)rnd(r, 4);
	w.move.vip_flows = (enum vip_flows)rnd(r, 3);
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
	assert_int_equal(a->move.deadline, b->move.deadline);
	assert_int_equal(a->move.until, b->move.until);
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
}

static void what_is_written_is_read(void **state _unused_)
{
	struct rnd r = rnd_begin("what_is_written_is_read");
	enum wire_refusal why;
	int i;

	for (i = 0; i < 3000; i++) {
		struct wire_request a = random_request(&r), b;
		_cleanup_free_ char *line = wire_request_line(&a);

		assert_non_null(line);
		assert_true(strlen(line) <= WIRE_REQUEST_MAX);
		assert_null(strchr(line, '\n'));
		assert_int_equal(parse(line, &b, &why), 0);
		request_is(&a, &b);
	}
}

static void deadline_is_rounded_up(void **state _unused_)
{
	struct wire_request a = { .op = WIRE_STATUS, .move.deadline = 1 }, b;
	_cleanup_free_ char *line = wire_request_line(&a);
	enum wire_refusal why;

	assert_int_equal(parse(line, &b, &why), 0);
	assert_int_equal(b.move.deadline, USEC_PER_MSEC);
}

#define ADD "\"v\":1,\"op\":\"add\",\"device\":\"br0\""
#define VIPS "\"addresses\":[{\"address\":\"192.0.2.1/32\"}]"

static const char *const bad[] = {
	"",
	"null",
	"1",
	"[]",
	"{}",
	"{\"op\":\"status\"}",
	"{\"v\":2,\"op\":\"status\"}",
	"{\"v\":\"1\",\"op\":\"status\"}",
	"{\"v\":1}",
	"{\"v\":1,\"op\":1}",
	"{\"v\":1,\"op\":\"status\"} x",
	"{\"v\":1,\"op\":\"status\",\"op\":\"status\"}",
	"{\"v\":1,\"op\":\"status\",\"more\":1}",
	"{\"v\":1,\"op\":\"status\",\"device\":\"br0\"}",
	"{\"v\":1,\"op\":\"status\",\"deadline_ms\":-1}",
	"{\"v\":1,\"op\":\"status\",\"deadline_ms\":3600001}",
	"{\"v\":1,\"op\":\"status\",\"deadline_ms\":1.5}",
	"{\"v\":1,\"op\":\"status\",\"until_us\":0}",
	"{\"v\":1,\"op\":\"status\",\"until_us\":-5}",
	"{\"v\":1,\"op\":\"status\",\"until_us\":\"5\"}",
	"{\"v\":1,\"op\":\"status\",\"deadline_ms\":99999999999999999999}",
	"{\"v\":1,\"op\":\"status\",\"text\":\"loud\"}",
	"{\"v\":1,\"op\":\"status\",\"text\":null}",
	"{\"v\":1,\"op\":\"status\",\"columns\":-1}",
	"{\"v\":1,\"op\":\"status\",\"columns\":\"80\"}",
	"{" ADD "}",
	"{" ADD ",\"addresses\":{}}",
	"{" ADD ",\"addresses\":[]}",
	"{" ADD ",\"addresses\":[\"192.0.2.1/32\"]}",
	"{" ADD ",\"addresses\":[{}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1\"}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1/33\"}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"127.0.0.1/8\"}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"label/1\"}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1/32\",\"lab\":\"x\"}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1/32\",\"label\":\"\"}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1/32\",\"label\":7}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1/32\",\"dad\":true}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1/32\",\"scope\":256}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1/32\",\"metric\":-1}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"192.0.2.1/32\"},{\"address\":\"192.0.2.1/32\"}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"fd00::1/64\"},{\"address\":\"fd00::1/128\"}]}",
	"{" ADD ",\"addresses\":[{\"address\":\"fd00::1/64\",\"brd\":\"+\"}]}",
	"{" ADD "," VIPS ",\"is_instance\":true}",
	"{" ADD "," VIPS ",\"of\":\"add\"}",
	"{" ADD "," VIPS ",\"hold\":\"maybe\"}",
	"{" ADD "," VIPS ",\"strategy\":0}",
	"{" ADD "," VIPS ",\"vip_flows\":\"lose\"}",
	"{\"v\":1,\"op\":\"plan\",\"device\":\"br0\"," VIPS "}",
	"{\"v\":1,\"op\":\"plan\",\"of\":\"plan\",\"device\":\"br0\"," VIPS "}",
	"{\"v\":1,\"op\":\"del\",\"device\":\"a/b\"," VIPS "}",
	("{\"v\":1,\"op\":\"del\",\"device\":\"br0\",\"addresses\":"
	 "[{\"address\":\"192.0.2.1/32\",\"metric\":1}]}"),
};

static void bad_requests_are_refused(void **state _unused_)
{
	struct wire_request r;
	enum wire_refusal why;
	size_t i;

	/* that they are bad in one respect only */
	assert_int_equal(parse("{" ADD "," VIPS "}", &r, &why), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i], &r, &why) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(why, WIRE_BAD_REQUEST);
	}
	assert_true(parse("{\"v\":1,\"op\":\"dance\"}", &r, &why) < 0);
	assert_int_equal(why, WIRE_UNKNOWN_OP);
}

static void size_is_bounded(void **state _unused_)
{
	struct request_error e;
	struct wire_request r;
	enum wire_refusal why;
	char *text = malloc(WIRE_REQUEST_MAX + 1);

	assert_non_null(text);
	memset(text, ' ', WIRE_REQUEST_MAX + 1);
	memcpy(text, "{\"v\":1,\"op\":\"status\"}", 21);
	assert_int_equal(wire_request_parse(text, WIRE_REQUEST_MAX, &r, &why, &e), 0);
	assert_true(wire_request_parse(text, WIRE_REQUEST_MAX + 1, &r, &why, &e) < 0);
	assert_int_equal(why, WIRE_TOO_LARGE);
	memset(text, '[', WIRE_REQUEST_MAX); /* nested as deep as it goes */
	assert_true(wire_request_parse(text, WIRE_REQUEST_MAX, &r, &why, &e) < 0);
	free(text);
}

/* Whatever is done to a request, what is read from it can be written and read
 * again: it is a request. */
static void damaged_requests_do_no_harm(void **state _unused_)
{
	struct rnd r = rnd_begin("damaged_requests_do_no_harm");
	unsigned taken = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		struct wire_request a = random_request(&r), b, c;
		_cleanup_free_ char *line = wire_request_line(&a), *again = NULL;
		size_t size = strlen(line), n = 1 + rnd(&r, 4);
		struct request_error e;
		enum wire_refusal why;

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
		again = wire_request_line(&b);
		assert_non_null(again);
		assert_int_equal(parse(again, &c, &why), 0);
		request_is(&b, &c);
	}
	assert_true(taken > 0); /* a changed digit is another request */
}

static void answers_arrive_whole(void **state _unused_)
{
	struct report *report = calloc(1, sizeof(*report));
	struct wire_request w = { .op = WIRE_MOVE };
	struct wire_answer a;
	char *line, *json;

	assert_non_null(report);
	w.move.op = OP_DEL;
	snprintf(w.move.device, sizeof(w.move.device), "br0");
	report_init(report, &w.move);
	report_warn(report, "code", "fix it", "text with \"quotes\" and \x01");
	report_fail(report, RESULT_PARTIAL, EXIT_PARTIAL, "lost some");
	json = report_json_line(report_json_new(report));

	line = wire_answer_report(report, WIRE_TEXT_NONE);
	assert_int_equal(wire_answer_parse(line, strlen(line), &a), 0);
	assert_int_equal(a.exit_code, EXIT_PARTIAL);
	assert_string_equal(a.result, json); /* to the last byte */
	assert_null(a.out);
	wire_answer_done_with(&a);
	free(line);

	line = wire_answer_report(report, WIRE_TEXT_VERBOSE);
	assert_int_equal(wire_answer_parse(line, strlen(line), &a), 0);
	assert_non_null(strstr(a.err, "fix it"));
	assert_non_null(a.out);
	wire_answer_done_with(&a);
	/* cut anywhere it is none */
	for (size_t n = 0; n < strlen(line); n++)
		assert_true(wire_answer_parse(line, n, &a) < 0);
	free(line);
	free(json);
	free(report);
}

static void refusals_arrive(void **state _unused_)
{
	char *line = wire_answer_refusal(WIRE_NOT_PERMITTED, "because \xff");
	struct wire_answer a;

	assert_int_equal(wire_answer_parse(line, strlen(line), &a), 0);
	assert_string_equal(a.error_code, "not-permitted");
	assert_non_null(a.error_text);
	wire_answer_done_with(&a);
	free(line);
}

static void strange_answers_are_none(void **state _unused_)
{
	static const char *const strange[] = {
		"{}",
		"[]",
		"{\"v\":1}",
		"{\"v\":2,\"exit_code\":0}",
		"{\"v\":1,\"exit_code\":256}",
		"{\"v\":1,\"exit_code\":-1}",
		"{\"v\":1,\"exit_code\":0,\"out\":1}",
		"{\"v\":1,\"error\":{}}",
		"{\"v\":1,\"error\":\"x\"}",
		"{\"v\":1,\"error\":{\"code\":\"x\"}}",
	};
	struct wire_answer a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strange); i++)
		assert_true(wire_answer_parse(strange[i], strlen(strange[i]), &a) < 0);
}

static void status_says_all(void **state _unused_)
{
	struct status_device d = { .device = "br0",
				   .state = "degraded",
				   .mode = PIN_ON_DEMAND,
				   .hold = HOLD_IPTABLES,
				   .quarantined = true,
				   .pinned = 11,
				   .unpinned = 12,
				   .overruns = 13,
				   .reason = "no conntrack" };
	struct status s = { .version = "1.2", .pid = 4711, .devices = &d, .n_devices = 1 };
	char *line = wire_answer_status(&s, WIRE_TEXT_VERBOSE);
	struct wire_answer a;

	assert_int_equal(wire_answer_parse(line, strlen(line), &a), 0);
	assert_int_equal(a.exit_code, 0);
	assert_non_null(strstr(a.result, "\"device\":\"br0\",\"state\":\"degraded\","
					 "\"mode\":\"on-demand\",\"hold\":\"iptables\","
					 "\"quarantined\":true,\"pinned\":11,\"unpinned\":12"));
	assert_non_null(strstr(a.out, "br0     on demand   NO        degraded, quarantined  "
				      "iptables      11        12\n"));
	assert_non_null(strstr(a.out, "not-in-force: br0: degraded: no conntrack\n"));
	assert_non_null(strstr(a.out, "events lost: 13 times"));
	wire_answer_done_with(&a);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(deadline_is_rounded_up),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(damaged_requests_do_no_harm),
		cmocka_unit_test(answers_arrive_whole),
		cmocka_unit_test(refusals_arrive),
		cmocka_unit_test(strange_answers_are_none),
		cmocka_unit_test(status_says_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
