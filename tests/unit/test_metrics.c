/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics: what is counted of operations, the text format, JSON with ids; the
 * textfile; events and the queue they wait in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "daemon/loop.h"
#include "daemon/log.h"
#include "show/event.h"
#include "show/metrics.h"

static struct report make(enum op op, enum result result, usec_t total, const char *id)
{
	static const uint8_t ip[4] = { 192, 168, 11, 100 };
	struct report r;

	memset(&r, 0, sizeof(r));
	r.op = op;
	r.result = result;
	r.timing.total = total;
	snprintf(r.id, sizeof(r.id), "%s", id);
	strcpy(r.device, "br-mgmt");
	r.addresses[0].addr = addr_make(AF_INET, ip);
	r.addresses[0].len = 32;
	r.n_addresses = 1;
	return r;
}

static __attribute__((noinline)) char *text_of(const struct metrics *m, const struct status *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	metrics_print(m, s, out);
	fclose(out);
	return text;
}

static void has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no %s in:\n%s", line, text);
}

static void operations_are_counted(void **state _unused_)
{
	const struct status s = { .version = "1" };
	struct metrics m = { { { 0 } } };
	struct report r = make(OP_DEL, RESULT_OK, 3000, "a1");
	_cleanup_free_ char *text = NULL;

	r.entries.pinned = 100;
	r.entries.untouched = 7;
	metrics_count(&m, &r);
	r = make(OP_DEL, RESULT_PARTIAL, 20 * USEC_PER_SEC, "a2");
	r.entries.restored = 5;
	r.entries.superseded = 2;
	r.entries.lost = 3;
	r.entries.mismatch = 1;
	r.timing.hold = 900;
	r.vip_flows.removed = 4;
	report_warn(&r, "x", "", "x");
	metrics_count(&m, &r);
	r = make(OP_ADD, RESULT_FAILED, 50, "a3");
	metrics_count(&m, &r);
	r.plan = true;
	metrics_count(&m, &r);
	text = text_of(&m, &s);
	has(text, "\nvipsafe_operations_total{op=\"del\",result=\"ok\"} 1\n");
	has(text, "\nvipsafe_operations_total{op=\"del\",result=\"partial\"} 1\n");
	has(text, "\nvipsafe_operations_total{op=\"add\",result=\"failed\"} 1\n");
	has(text, "\nvipsafe_operations_total{op=\"add\",result=\"ok\"} 0\n");
	has(text, "\nvipsafe_connections_total{outcome=\"pinned\"} 100\n");
	has(text, "\nvipsafe_connections_total{outcome=\"untouched\"} 7\n");
	has(text, "\nvipsafe_connections_total{outcome=\"restored\"} 5\n");
	has(text, "\nvipsafe_connections_total{outcome=\"superseded\"} 2\n");
	has(text, "\nvipsafe_connections_total{outcome=\"lost\"} 3\n");
	has(text, "\nvipsafe_connections_mismatch_total 1\n");
	has(text, "\nvipsafe_vip_flows_removed_total 4\n");
	has(text, "\nvipsafe_operation_warnings_total 1\n");
	/* buckets hold what is below, too */
	has(text, "_duration_seconds_bucket{op=\"del\",le=\"0.0025\"} 0\n");
	has(text, "_duration_seconds_bucket{op=\"del\",le=\"0.005\"} 1\n");
	has(text, "_duration_seconds_bucket{op=\"del\",le=\"10\"} 1\n");
	has(text, "_duration_seconds_bucket{op=\"del\",le=\"+Inf\"} 2\n");
	has(text, "\nvipsafe_operation_duration_seconds_sum{op=\"del\"} 20.003\n");
	has(text, "\nvipsafe_operation_duration_seconds_count{op=\"del\"} 2\n");
	has(text, "\nvipsafe_hold_duration_seconds_bucket{le=\"0.001\"} 1\n");
	has(text, "\nvipsafe_hold_duration_seconds_count 1\n");
}

static void the_moment_is_told(void **state _unused_)
{
	struct status_device d = { .device = "br\"0\\",
				   .state = "live",
				   .mode = PIN_CONTINUOUS,
				   .hold = HOLD_NFT,
				   .pinned = 12345678,
				   .unpinned = 2,
				   .lingering_addresses = 3,
				   .lingering_entries = 300,
				   .linger_ends = { 1, 2, 3, 4 },
				   .pins = 3,
				   .pin_failures = 4,
				   .foreign_deletes = 11,
				   .repairs = 5,
				   .restored = 6,
				   .lost = 7,
				   .removed = 8,
				   .overruns = 9,
				   .relists = 10 };
	const struct survey survey = { .conntrack_known = true,
				       .entries = 11,
				       .entries_max = 262144,
				       .ipv4 = KERNEL_AFFECTED,
				       .ipv6 = KERNEL_UNKNOWN };
	json_t *operations = json_pack("[{s:s, s:s, s:s, s:s, s:i}]", "id", "abc", "op", "del",
				       "device", "br0", "result", "ok", "at_us", 1000000);
	const struct status s = { .version = "0.1.0",
				  .uptime = 1500000,
				  .wall = 1796007511250000,
				  .refused = 2,
				  .config_error = "x",
				  .devices = &d,
				  .n_devices = 1,
				  .survey = &survey,
				  .operations = operations,
				  .ends = { [END_FLUSH] = 5, [END_RETRANSLATED] = 6 },
				  .now = 3500000 };
	const struct metrics m = { .watchers = 1, .watchers_dropped = 13 };
	_cleanup_free_ char *text = text_of(&m, &s);

	has(text, "\nvipsafe_up 1\n");
	has(text, "\nvipsafe_build_info{version=\"0.1.0\"} 1\n");
	has(text, "\nvipsafe_start_timestamp_seconds 1796007509.75\n");
	has(text, "\nvipsafe_config_error 1\n");
	has(text, "\nvipsafe_clients_refused_total 2\n");
	has(text, "\nvipsafe_watchers 1\n");
	has(text, "\nvipsafe_watchers_dropped_total 13\n");
	has(text, "\nvipsafe_last_operation_info{op=\"del\",device=\"br0\",result=\"ok\"} 1\n");
	has(text, "\nvipsafe_last_operation_timestamp_seconds 1796007508.75\n");
	has(text, "_device_in_force{device=\"br\\\"0\\\\\",protection=\"continuous\"} 1\n");
	has(text, "_device_state{device=\"br\\\"0\\\\\",state=\"live\"} 1\n");
	has(text, "\nvipsafe_ends_total{cause=\"flush\"} 5\n");
	has(text, "\nvipsafe_ends_total{cause=\"reset-by-server\"} 0\n");
	assert_null(strstr(text, "cause=\"retranslated\"")); /* which is no end */
	has(text, "\nvipsafe_retranslated_total 6\n");
	has(text, "_device_quarantined{device=\"br\\\"0\\\\\"} 0\n");
	has(text, "_device_entries{device=\"br\\\"0\\\\\",kind=\"pinned\"} 12345678\n");
	has(text, "_device_entries{device=\"br\\\"0\\\\\",kind=\"unpinned\"} 2\n");
	has(text, "_device_lingering_addresses{device=\"br\\\"0\\\\\"} 3\n");
	has(text, "_device_lingering_entries{device=\"br\\\"0\\\\\"} 300\n");
	has(text, "_device_linger_ends_total{device=\"br\\\"0\\\\\",why=\"back\"} 1\n");
	has(text, "_device_linger_ends_total{device=\"br\\\"0\\\\\",why=\"given\"} 4\n");
	has(text, "_device_pins_total{device=\"br\\\"0\\\\\"} 3\n");
	has(text, "_device_pin_failures_total{device=\"br\\\"0\\\\\"} 4\n");
	has(text, "_device_foreign_deletes_total{device=\"br\\\"0\\\\\"} 11\n");
	has(text, "_device_repairs_total{device=\"br\\\"0\\\\\"} 5\n");
	has(text, "_device_restored_total{device=\"br\\\"0\\\\\"} 6\n");
	has(text, "_device_lost_total{device=\"br\\\"0\\\\\"} 7\n");
	has(text, "_device_removed_total{device=\"br\\\"0\\\\\"} 8\n");
	has(text, "_device_event_overruns_total{device=\"br\\\"0\\\\\"} 9\n");
	has(text, "_device_relists_total{device=\"br\\\"0\\\\\"} 10\n");
	has(text, "\nvipsafe_kernel_affected{family=\"ipv4\"} 1\n");
	assert_null(strstr(text, "family=\"ipv6\""));
	has(text, "\nvipsafe_conntrack_entries 11\n");
	has(text, "\nvipsafe_conntrack_entries_limit 262144\n");
	json_decref(operations);
}

static json_t *metric_named(json_t *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);

		if (!strcmp(json_string_value(json_object_get(o, "name")), name))
			return o;
	}
	fail_msg("no metric %s", name);
	return NULL;
}

static void json_names_the_operation_of_a_bucket(void **state _unused_)
{
	struct status s = { .version = "1" };
	struct metrics m = { { { 0 } } };
	struct report r = make(OP_DEL, RESULT_OK, 3000, "a1");
	json_t *list, *o, *one;
	size_t i, found = 0;

	metrics_count(&m, &r);
	list = metrics_json_new(&m, &s);
	assert_non_null(list);
	o = metric_named(list, "vipsafe_operation_duration_seconds");
	assert_string_equal(json_string_value(json_object_get(o, "type")), "histogram");
	o = json_object_get(o, "samples");
	for (i = 0; i < json_array_size(o); i++) {
		const char *id;

		one = json_array_get(o, i);
		id = json_string_value(json_object_get(one, "id"));
		found += id && !strcmp(id, "a1");
	}
	assert_int_equal(found, 1);
	json_decref(list);
	/* nothing else is known without a daemon */
	s.absent = true;
	list = metrics_json_new(&m, &s);
	assert_int_equal(json_array_size(list), 2);
	metric_named(list, "vipsafe_build_info");
	one = json_array_get(json_object_get(metric_named(list, "vipsafe_up"), "samples"), 0);
	assert_int_equal(json_integer_value(json_object_get(one, "value")), 0);
	json_decref(list);
}

/* ---- textfile -------------------------------------------------------------------------- */

static void the_file_is_replaced_whole(void **state _unused_)
{
	char dir[] = "/tmp/vipsafe-textfile-XXXXXX", path[64], aside[72], text[64] = "";
	struct stat st;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/vipsafe.prom", dir);
	snprintf(aside, sizeof(aside), "%s.new", path);
	assert_int_equal(textfile_write(path, "one\n"), 0);
	/* somebody was killed at it, or means harm */
	assert_int_equal(symlink("/dev/null", aside), 0);
	assert_int_equal(textfile_write(path, "two\n"), 0);
	assert_int_equal(access(aside, F_OK), -1);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0644);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), 4);
	fclose(f);
	assert_string_equal(text, "two\n");
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(textfile_write(path, "x"), -ENOENT);
}

/* 2026-11-30 02:58:00 UTC */
#define WALL ((usec_t)1796007480 * USEC_PER_SEC)

/* ---- events ------------------------------------------------------------------------------ */

static void an_event_is_one_line(void **state _unused_)
{
	struct report r = make(OP_DEL, RESULT_PARTIAL, 3200, "abc");
	struct event e = { .kind = EVENT_REPAIR,
			   .severity = SEVERITY_WARNING,
			   .at = 123456789,
			   .wall = WALL + 123456,
			   .device = "br\033[0m",
			   .text = "two\nlines",
			   .restored = 4,
			   .lost = 1 };
	char line[EVENT_LINE_MAX];
	json_t *o = event_json_new(&e);

	assert_string_equal(event_line(&e, line),
			    "2026-11-30 02:58:00.123 br\\x1b[0m ! repair: two\\x0alines");
	assert_string_equal(json_string_value(json_object_get(o, "event")), "repair");
	assert_string_equal(json_string_value(json_object_get(o, "when")),
			    "2026-11-30T02:58:00.123+00:00");
	assert_int_equal(json_integer_value(json_object_get(o, "at_us")), 123456789);
	assert_int_equal(json_integer_value(json_object_get(o, "restored")), 4);
	assert_int_equal(json_integer_value(json_object_get(o, "lost")), 1);
	assert_null(json_object_get(o, "report"));
	json_decref(o);
	e = (struct event){ .kind = EVENT_LOST,
			    .severity = SEVERITY_WARNING,
			    .at = 2 * USEC_PER_SEC,
			    .wall = WALL,
			    .device = "br0",
			    .text = "tcp      6 86135 ESTABLISHED src=10.0.0.1" };
	assert_string_equal(
		event_line(&e, line),
		"2026-11-30 02:58:00.000 br0 ! lost: tcp      6 86135 ESTABLISHED src=10.0.0.1");
	r.entries.candidates = 9;
	r.entries.lost = 2;
	e = (struct event){
		.kind = EVENT_MOVE, .at = 1, .wall = WALL, .device = "br0", .report = &r
	};
	assert_string_equal(
		event_line(&e, line),
		"2026-11-30 02:58:00.000 br0 move: del 192.168.11.100/32: partial, 9 at risk, "
		"0 pinned, 0 restored, 2 lost, 3.2 ms, id abc");
	o = event_json_new(&e);
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "report"), "id")),
			    "abc");
	json_decref(o);
}

static void a_slow_reader_is_bounded(void **state _unused_)
{
	char text[1001], buf[2048];
	struct stream s = { NULL };
	size_t pushed = 0, got = 0;
	int fds[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	memset(text, 'x', 1000);
	text[1000] = '\0';
	do {
		r = stream_push(&s, text);
		pushed += r == 0;
		if (r == 0)
			assert_true(stream_send(&s, fds[0]) >= 0);
	} while (r == 0 && pushed < 100000);
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(s.queued, STREAM_QUEUE_MAX / 1000 * 1000);
	/* what was taken arrives, whole and in full */
	while (got < pushed) {
		while (recv(fds[1], buf, sizeof(buf), 0) == 1000)
			got++;
		assert_int_equal(errno, EAGAIN);
		assert_true(stream_send(&s, fds[0]) >= 0);
	}
	assert_int_equal(got, pushed);
	assert_int_equal(stream_send(&s, fds[0]), 0);
	assert_int_equal(stream_push(&s, text), 0);
	close(fds[1]);
	assert_int_equal(stream_send(&s, fds[0]), -EPIPE);
	stream_done(&s);
	assert_int_equal(s.queued, 0);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_are_counted),
		cmocka_unit_test(the_moment_is_told),
		cmocka_unit_test(json_names_the_operation_of_a_bucket),
		cmocka_unit_test(the_file_is_replaced_whole),
		cmocka_unit_test(an_event_is_one_line),
		cmocka_unit_test(a_slow_reader_is_bounded),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
