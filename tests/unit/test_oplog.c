/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log is told of an operation: one INFO line each, a second one for
 * what needs attention and not too many of those; to the journal where there is
 * one, else to syslog. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include <cmocka.h>

#include "base/logfmt.h"
#include "show/oplog.h"

/* ---- the log, replaced ------------------------------------------------------------- */

#define LINES_MAX 64
#define FIELDS_MAX 8192

static struct {
	bool journal; /* there is one */
	bool full;    /* nobody reads it */
	int n;
	int priority[LINES_MAX];
	char line[LINES_MAX][OPLOG_LINE_MAX];
	char fields[LINES_MAX][FIELDS_MAX]; /* "" for syslog */
} said;

ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
		      socklen_t to_size);

/* NAME=value lines; the message is the first one. */
static void to_journal(const char *data, size_t size)
{
	const char *end = memchr(data, '\n', size), *priority;

	assert_non_null(end);
	assert_int_equal(data[size - 1], '\n');
	assert_memory_equal(data, "MESSAGE=", 8);
	snprintf(said.line[said.n], OPLOG_LINE_MAX, "%.*s", (int)(end - data - 8), data + 8);
	snprintf(said.fields[said.n], FIELDS_MAX, "%.*s", (int)(size - (size_t)(end + 1 - data)),
		 end + 1);
	priority = strstr(said.fields[said.n], "PRIORITY=");
	assert_non_null(priority);
	said.priority[said.n++] = priority[9] - '0';
}

/* "<30>vipsafe[1]: text" */
static void to_syslog(const char *data, size_t size)
{
	char *text;

	assert_true(size < OPLOG_LINE_MAX);
	memcpy(said.line[said.n], data, size);
	said.line[said.n][size] = '\0';
	assert_int_equal(data[0], '<');
	said.priority[said.n] = (int)strtol(data + 1, &text, 10) & LOG_PRIMASK;
	assert_memory_equal(text, ">vipsafe[", 9);
	text = strstr(said.line[said.n], "]: ");
	assert_non_null(text);
	memmove(said.line[said.n], text + 3, strlen(text + 3) + 1);
	said.n++;
}

ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
		      socklen_t to_size _unused_)
{
	const struct sockaddr_un *a = (const struct sockaddr_un *)to;
	bool journal = !strcmp(a->sun_path, "/run/systemd/journal/socket");

	assert_true(fd >= 0);
	assert_true(flags & MSG_DONTWAIT); /* it must never be waited for */
	if (journal && !said.journal) {
		errno = ENOENT;
		return -1;
	}
	if (said.full) {
		errno = EAGAIN;
		return -1;
	}
	if (journal) {
		to_journal(data, size);
	} else {
		assert_string_equal(a->sun_path, "/dev/log");
		to_syslog(data, size);
	}
	return (ssize_t)size;
}

/* ---- key=value ------------------------------------------------------------------------ */

static const char *__attribute__((format(printf, 1, 2))) formatted(const char *fmt, ...)
{
	static char text[128];
	struct logfmt l = { .buf = text, .size = sizeof(text) };
	va_list ap;

	text[0] = '\0';
	va_start(ap, fmt);
	logfmt_add_va(&l, fmt, ap);
	va_end(ap);
	return text;
}

static void a_value_is_quoted_where_needed(void **state _unused_)
{
	char x[200];

	assert_string_equal(formatted("msg=ready"), "msg=ready");
	assert_string_equal(formatted("msg=\"it is so\" dev=%s error=%s", "br0", "a b=\"c\"\n"),
			    "msg=\"it is so\" dev=br0 error=\"a b=\\x22c\\x22\\x0a\"");
	assert_string_equal(formatted("a=%s b=%s c=%s", "k=v", "", "x"), "a=\"k=v\" c=x");
	assert_string_equal(formatted("a=%d b=%u c=%lld d=%llu e=%zu f=%ld g=%lu", -1, 4000000000U,
				      -5000000000LL, ~0ULL, (size_t)7, -8L, 9UL),
			    "a=-1 b=4000000000 c=-5000000000 d=18446744073709551615 e=7 f=-8 g=9");
	/* nor does a long one go beyond the buffer */
	memset(x, 'x', sizeof(x) - 1);
	x[sizeof(x) - 1] = '\0';
	assert_int_equal(strlen(formatted("a=%s b=%s", x, x)), 127);
}

/* What the operation's lines are given besides, as in a container. */
static struct {
	int n;
	bool journal;
	char line[OPLOG_LINE_MAX];
} console;

static int to_console(const char *ident, const char *line, bool journal)
{
	assert_string_equal(ident, "vipsafe");
	console.n++;
	console.journal = journal;
	snprintf(console.line, sizeof(console.line), "%s", line);
	return said.full ? -EAGAIN : 0;
}

/* ---- reports -------------------------------------------------------------------------- */

static struct report make_del(void)
{
	static const uint8_t ip[4] = { 192, 168, 11, 100 };
	struct report r;

	memset(&said, 0, sizeof(said));
	memset(&r, 0, sizeof(r));
	r.op = OP_DEL;
	strcpy(r.id, "0123456789ab");
	strcpy(r.device, "br-mgmt");
	r.addresses[0].addr = addr_make(AF_INET, ip);
	r.addresses[0].len = 32;
	r.n_addresses = 1;
	r.changed = true;
	r.kernel = KERNEL_AFFECTED;
	r.strategy = STRATEGY_RESTORE;
	r.hold = HOLD_OFF;
	r.timing.total = 3200;
	r.entries.snapshot = 1500;
	r.entries.candidates = 1432;
	r.entries.flushed = 12;
	r.entries.restored = 12;
	return r;
}

static void lose(struct report *r)
{
	int i;

	r->entries.restored = 3;
	r->entries.lost = 9;
	for (i = 0; i < REPORT_TUPLES_MAX; i++)
		snprintf(r->lost[i], sizeof(r->lost[i]), "tcp a:%d -> b", i);
	r->n_lost = REPORT_TUPLES_MAX;
	report_conclude(r);
}

#define INFO_LINE                                                                          \
	"op=del vip=192.168.11.100/32 dev=br-mgmt result=ok changed=yes kernel=affected "  \
	"strategy=restore hold=off snap=1500 candidates=1432 pinned=0 flushed=12 "         \
	"restored=12 superseded=0 mismatch=0 failed=0 hold_us=0 total_us=3200 warnings=0 " \
	"id=0123456789ab"

static void what_went_well_is_one_line(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };

	oplog_write(&o, &r, 1);
	assert_int_equal(said.n, 1);
	assert_int_equal(said.priority[0], LOG_INFO);
	assert_string_equal(said.line[0], INFO_LINE);
	r.plan = true;
	oplog_write(&o, &r, 2);
	assert_int_equal(said.n, 1);
}

static void without_a_log_the_console_has_it(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l, .console = to_console };

	memset(&console, 0, sizeof(console));
	oplog_write(&o, &r, 1);
	assert_int_equal(console.n, 1);
	assert_false(console.journal);
	assert_string_equal(console.line, INFO_LINE);
	said.journal = true;
	oplog_write(&o, &r, 2);
	assert_true(console.journal);
	/* what neither of them takes is one message that was dropped */
	said.full = true;
	oplog_write(&o, &r, 3);
	assert_int_equal(l.dropped, 1);
}

/* It may be the last that can be said, and nobody counts what was dropped then. */
static void without_a_descriptor_the_console_has_it(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l, .console = to_console };
	struct rlimit before, none;

	memset(&console, 0, sizeof(console));
	said.journal = true;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	oplog_write(&o, &r, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(console.n, 1);
	assert_false(console.journal);
	assert_string_equal(console.line, INFO_LINE);
	assert_int_equal(said.n, 0);
}

static void what_was_lost_is_a_second_one(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };

	lose(&r);
	oplog_write(&o, &r, 1);
	assert_int_equal(said.n, 2);
	assert_int_equal(said.priority[0], LOG_INFO);
	assert_non_null(strstr(said.line[0], " result=partial "));
	assert_non_null(strstr(said.line[0], " failed=9 "));
	assert_null(strstr(said.line[0], "lost1="));
	assert_int_equal(said.priority[1], LOG_WARNING);
	assert_string_equal(
		said.line[1],
		"op=del vip=192.168.11.100/32 dev=br-mgmt result=partial id=0123456789ab lost=9 "
		"lost1=\"tcp a:0 -> b\" lost2=\"tcp a:1 -> b\" lost3=\"tcp a:2 -> b\" "
		"lost4=\"tcp a:3 -> b\" lost5=\"tcp a:4 -> b\" more_lost=4");
}

static void what_failed_is_an_error(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };

	report_fail(&r, RESULT_FAILED, EXIT_KERNEL_REFUSED, "it is \"so\"\n");
	oplog_write(&o, &r, 1);
	assert_int_equal(said.n, 2);
	assert_int_equal(said.priority[1], LOG_ERR);
	assert_string_equal(said.line[1], "op=del vip=192.168.11.100/32 dev=br-mgmt result=failed "
					  "id=0123456789ab error=\"it is \\x22so\\x22\\x0a\"");
	r = make_del();
	r.result = RESULT_UNPROTECTED;
	report_warn(&r, "a", "", "no conntrack");
	oplog_write(&o, &r, 1);
	assert_int_equal(said.priority[1], LOG_WARNING);
	assert_non_null(strstr(said.line[1], " error=\"no conntrack\""));
}

static void the_journal_gets_fields(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };

	said.journal = true;
	lose(&r);
	oplog_write(&o, &r, 1);
	assert_int_equal(said.n, 2);
	assert_string_equal(said.fields[0], "PRIORITY=6\n"
					    "SYSLOG_IDENTIFIER=vipsafe\n"
					    "SYSLOG_FACILITY=3\n"
					    "VIPSAFE_ID=0123456789ab\n"
					    "VIPSAFE_OP=del\n"
					    "VIPSAFE_VIP=192.168.11.100/32\n"
					    "VIPSAFE_DEVICE=br-mgmt\n"
					    "VIPSAFE_RESULT=partial\n"
					    "VIPSAFE_EXIT_CODE=3\n"
					    "VIPSAFE_KERNEL=affected\n"
					    "VIPSAFE_STRATEGY=restore\n"
					    "VIPSAFE_HOLD=off\n"
					    "VIPSAFE_SNAPSHOT=1500\n"
					    "VIPSAFE_CANDIDATES=1432\n"
					    "VIPSAFE_PINNED=0\n"
					    "VIPSAFE_FLUSHED=12\n"
					    "VIPSAFE_RESTORED=3\n"
					    "VIPSAFE_LOST=9\n"
					    "VIPSAFE_LED_AWAY=0\n"
					    "VIPSAFE_TOTAL_USEC=3200\n");
	/* the same ones go with the second line, so that either is found by them */
	assert_string_equal(strchr(said.fields[0], '\n'), strchr(said.fields[1], '\n'));
}

/* Messages that nobody takes are gone, and counted: the run goes on at once. */
static void what_finds_no_room_is_counted(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };

	lose(&r);
	said.full = true;
	oplog_write(&o, &r, 1);
	assert_int_equal(said.n, 0);
	assert_int_equal(l.dropped, 2);
	said.journal = true;
	oplog_write(&o, &r, 1);
	assert_int_equal(l.dropped, 4);
	assert_int_equal(l.unreported, 4);
	said.full = false;
	oplog_write(&o, &r, 1);
	assert_int_equal(said.n, 2);
	assert_int_equal(l.dropped, 4);
	logger_done(&l);
}

static int count(int priority)
{
	int i, n = 0;

	for (i = 0; i < said.n; i++)
		n += said.priority[i] == priority;
	return n;
}

static void second_lines_are_limited_first_ones_are_not(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };
	int i;

	lose(&r);
	for (i = 0; i < OPLOG_PROBLEMS_MAX + 7; i++)
		oplog_write(&o, &r, 100);
	assert_int_equal(count(LOG_INFO), OPLOG_PROBLEMS_MAX + 7);
	assert_int_equal(count(LOG_WARNING), OPLOG_PROBLEMS_MAX);
	oplog_write(&o, &r, 100 + 60 * USEC_PER_SEC);
	assert_int_equal(count(LOG_WARNING), OPLOG_PROBLEMS_MAX + 1);
	assert_non_null(strstr(said.line[said.n - 1], " more_lost=4 suppressed=7"));
	oplog_write(&o, &r, 100 + 60 * USEC_PER_SEC);
	assert_null(strstr(said.line[said.n - 1], "suppressed"));
}

/* A member of the group may ask as often as he likes for what changes nothing. */
static void runs_that_change_nothing_are_limited(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };
	unsigned i, told = 0;

	r.changed = false;
	for (i = 0; i < 1000; i++) {
		said.n = 0;
		told += oplog_write(&o, &r, 1000);
		assert_int_equal(said.n, told == i + 1);
	}
	assert_in_range(told, 10, 200);
	r.changed = true;
	assert_true(oplog_write(&o, &r, 1000));
	assert_non_null(strstr(said.line[0], " left_out="));
	said.n = 0;
	assert_true(oplog_write(&o, &r, 1000));
	assert_null(strstr(said.line[0], " left_out="));
	logger_done(&l);
}

static void who_asked_is_told(void **state _unused_)
{
	struct report r = make_del();
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };

	r.by = (struct asker){ .is_known = true, .uid = 12, .pid = 4711, .command = "a \x1b\"b" };
	lose(&r);
	oplog_write(&o, &r, 1);
	assert_int_equal(said.n, 2);
	assert_non_null(strstr(said.line[0], " by_uid=12 by_pid=4711 by=\"a \\x1b\\x22b\""));
	assert_non_null(strstr(said.line[1], " by_uid=12 by_pid=4711 by=\"a \\x1b\\x22b\""));
	assert_null(strstr(said.line[0], "vrrp_instance="));
	strcpy(r.by.instance, "VI 1");
	strcpy(r.by.source, "fifo");
	oplog_write(&o, &r, 2);
	assert_non_null(strstr(said.line[2], " vrrp_instance=\"VI 1\" source=fifo "));
	logger_done(&l);
}

static void lines_are_bounded(void **state _unused_)
{
	struct report r = make_del();
	char line[OPLOG_LINE_MAX];
	struct logger l = { .fd = -1 };
	struct oplog o = { .to = &l };
	int i;

	for (i = 0; i < VIPS_MAX; i++) {
		r.addresses[i].addr.family = AF_INET6;
		memset(r.addresses[i].addr.bytes, 0xfe, 16);
		r.addresses[i].len = 128;
	}
	r.n_addresses = VIPS_MAX;
	memset(r.device, 0x1b, sizeof(r.device) - 1);
	memset(r.error, 0x1b, sizeof(r.error) - 1);
	for (i = 0; i < REPORT_TUPLES_MAX; i++)
		memset(r.lost[i], 0x1b, sizeof(r.lost[i]) - 1);
	r.n_lost = REPORT_TUPLES_MAX;
	r.entries.lost = 1000;
	oplog_format(&r, line);
	assert_true(strlen(line) > 2500 && strlen(line) < sizeof(line));
	oplog_format_problem(&r, UINT64_MAX, line);
	assert_true(strlen(line) > 4000 && strlen(line) < sizeof(line));
	said.journal = true;
	oplog_write(&o, &r, 1); /* and its fields */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_well_is_one_line),
		cmocka_unit_test(a_value_is_quoted_where_needed),
		cmocka_unit_test(without_a_log_the_console_has_it),
		cmocka_unit_test(without_a_descriptor_the_console_has_it),
		cmocka_unit_test(what_was_lost_is_a_second_one),
		cmocka_unit_test(what_failed_is_an_error),
		cmocka_unit_test(the_journal_gets_fields),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(second_lines_are_limited_first_ones_are_not),
		cmocka_unit_test(runs_that_change_nothing_are_limited),
		cmocka_unit_test(who_asked_is_told),
		cmocka_unit_test(lines_are_bounded),
	};

	return cmocka_run_group_tests_name("oplog", tests, NULL, NULL);
}
