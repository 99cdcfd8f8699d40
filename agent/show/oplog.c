/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speaks the journal's own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) and that of syslog(3),
 * because libsystemd and libc block when there is no room. */
#include "show/oplog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include "base/logfmt.h"
#include "base/text.h"
#include "show/report_text.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET "/dev/log"

/* Every syslog daemon accepts that much in one message. */
#define SYSLOG_MAX 8192

/* Add a field for the journal: NAME of upper case letters, digits and "_"; characters of the
 * value that are not printable become spaces. */
static void _printf_(3, 4)
	log_record_add(struct log_record *m, const char *name, const char *fmt, ...)
{
	size_t room = sizeof(m->data) - m->size, head = strlen(name) + 1, i;
	char *at = m->data + m->size;
	va_list ap;
	int n;

	if (room < head + 2) /* the value may be empty; '\n' or a NUL follows */
		return;
	memcpy(at, name, head - 1);
	at[head - 1] = '=';
	va_start(ap, fmt);
	n = vsnprintf(at + head, room - head, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n = MIN(n, (int)(room - head) - 1);
	for (i = 0; i < (size_t)n; i++)
		if ((unsigned char)at[head + i] < ' ' || at[head + i] == 0x7f)
			at[head + i] = ' ';
	at[head + (size_t)n] = '\n';
	m->size += head + (size_t)n + 1;
}

void log_record_init(struct log_record *m, const char *ident, int priority, const char *line)
{
	m->ident = ident;
	m->line = line;
	m->priority = priority;
	m->size = 0;
	log_record_add(m, "MESSAGE", "%s", line);
	log_record_add(m, "PRIORITY", "%d", priority);
	log_record_add(m, "SYSLOG_IDENTIFIER", "%s", ident);
	log_record_add(m, "SYSLOG_FACILITY", "%d", LOG_DAEMON >> 3);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memcpy(a.sun_path, path, strlen(path) + 1);
	return a;
}

static int logger_open_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

static int send_datagram(struct logger *l, const char *path, const void *data, size_t size)
{
	struct sockaddr_un a = address_of(path);

	if (l->fd < 0) {
		l->fd = logger_open_socket(SOCK_DGRAM);
		if (l->fd < 0)
			return l->fd;
	}
	return sendto(l->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&a,
		      sizeof(a)) < 0
		       ? -errno
		       : 0;
}

/* Some daemons listen on a stream socket; a NUL ends a message there. */
static int send_stream(const char *path, const char *text)
{
	_cleanup_close_ int fd = logger_open_socket(SOCK_STREAM);
	struct sockaddr_un a = address_of(path);
	ssize_t n;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	n = send(fd, text, strlen(text) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? -errno : (size_t)n < strlen(text) + 1 ? -EAGAIN : 0;
}

/* Whether somebody listens but there is no room, there or here. Any other error: nobody listens. */
static bool has_no_room(int r)
{
	switch (-r) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EMSGSIZE:
	case EINTR:
		return true;
	default: /* errno */
		return false;
	}
}

/* Send without a time: the receiver adds it. */
static int send_syslog(struct logger *l, const struct log_record *m)
{
	char text[SYSLOG_MAX];
	int n, r;

	n = snprintf(text, sizeof(text), "<%d>%s[%ld]: %s", LOG_DAEMON | m->priority, m->ident,
		     (long)getpid(), m->line);
	if (n < 0)
		return -EINVAL;
	r = send_datagram(l, SYSLOG_SOCKET, text, MIN((size_t)n, sizeof(text) - 1));
	return r == -EPROTOTYPE ? send_stream(SYSLOG_SOCKET, text) : r;
}

int logger_send(struct logger *l, const struct log_record *m, bool *ret_journal)
{
	int r = send_datagram(l, JOURNAL_SOCKET, m->data, m->size);
	bool journal = r == 0 || (l->fd >= 0 && has_no_room(r));

	if (ret_journal)
		*ret_journal = journal;
	if (!journal)
		r = send_syslog(l, m);
	if (r == 0)
		return 0;
	if (!has_no_room(r))
		return -ENOENT;
	logger_dropped(l);
	return -EAGAIN;
}

void logger_dropped(struct logger *l)
{
	l->dropped++;
	l->unreported++;
}

void logger_done(struct logger *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

#define IDENT "vipsafe"

#define PROBLEMS_WINDOW (60 * USEC_PER_SEC)

#define ADDRESSES_MAX (VIPS_MAX * PREFIX_TEXT_MAX)

typedef unsigned long long ull;

static void line_add_addresses(struct logfmt *l, const struct report *r)
{
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < r->n_addresses; i++)
		logfmt_add(l, "%s%s", i ? "," : "", prefix_format(&r->addresses[i], text));
}

static void line_add_lost(struct logfmt *l, const struct report *r)
{
	char key[32];
	size_t i;

	for (i = 0; i < r->n_lost; i++) {
		snprintf(key, sizeof(key), "lost%zu", i + 1);
		logfmt_add_text(l, key, r->lost[i]);
	}
	if (r->entries.lost > r->n_lost)
		logfmt_add(l, " more_lost=%llu", (ull)(r->entries.lost - r->n_lost));
}

/* Add what both lines begin with. */
static void line_add_operation(struct logfmt *l, const struct report *r)
{
	logfmt_add(l, "op=%s vip=", op_name(r->op));
	line_add_addresses(l, r);
	logfmt_add_text(l, "dev", r->device);
	logfmt_add(l, " result=%s", result_name(r->result));
}

/* Add who asked for it. */
static void line_add_asker(struct logfmt *l, const struct report *r)
{
	if (!r->by.is_known)
		return;
	logfmt_add(l, " by_uid=%lu by_pid=%lld", (unsigned long)r->by.uid, (long long)r->by.pid);
	logfmt_add_text(l, "by", r->by.command);
	if (!*r->by.instance)
		return;
	logfmt_add_text(l, "vrrp_instance", r->by.instance);
	logfmt_add_text(l, "source", r->by.source);
}

const char *oplog_format(const struct report *r, char buf[OPLOG_LINE_MAX])
{
	struct logfmt l = { .buf = buf, .size = OPLOG_LINE_MAX };
	const struct report_row *row;

	line_add_operation(&l, r);
	logfmt_add(&l, " changed=%s kernel=%s strategy=%s hold=%s", r->changed ? "yes" : "no",
		   kernel_kind_name(r->kernel), strategy_name(r->strategy),
		   hold_choice_name(r->hold));
	for (row = report_counts; row->key; row++)
		if (row->log)
			logfmt_add(&l, " %s=%llu", row->log, (ull)report_row_value(r, row));
	if (r->arrivals.removed)
		logfmt_add(&l, " led_away=%llu", (ull)r->arrivals.removed);
	logfmt_add(&l, " failed=%llu", (ull)r->entries.lost);
	logfmt_add(&l, " hold_us=%llu total_us=%llu warnings=%zu", (ull)r->timing.hold,
		   (ull)r->timing.total, r->n_warnings + r->warnings_dropped);
	line_add_asker(&l, r);
	logfmt_add_text(&l, "id", r->id);
	return buf;
}

const char *oplog_format_problem(const struct report *r, uint64_t suppressed,
				 char buf[OPLOG_LINE_MAX])
{
	struct logfmt l = { .buf = buf, .size = OPLOG_LINE_MAX };

	line_add_operation(&l, r);
	line_add_asker(&l, r);
	logfmt_add_text(&l, "id", r->id);
	if (*r->error)
		logfmt_add_text(&l, "error", r->error);
	else if (r->result == RESULT_UNPROTECTED && r->n_warnings)
		logfmt_add_text(&l, "error", r->warnings[0].text);
	if (r->entries.lost)
		logfmt_add(&l, " lost=%llu", (ull)r->entries.lost);
	line_add_lost(&l, r);
	if (suppressed)
		logfmt_add(&l, " suppressed=%llu", (ull)suppressed);
	return buf;
}

/* The priority of the second line: LOG_WARNING or LOG_ERR, or LOG_INFO if no second line is
 * needed. */
static int oplog_priority(const struct report *r)
{
	switch (r->result) {
	case RESULT_OK:
		return LOG_INFO;
	case RESULT_PARTIAL:
	case RESULT_UNPROTECTED:
		return LOG_WARNING;
	case RESULT_REFUSED: /* the VIP is not where it was asked to be */
	case RESULT_FAILED:
		return LOG_ERR;
	}
	return LOG_ERR;
}

static void add_rows(struct log_record *m, const struct report *r, const struct report_row *row)
{
	for (; row->key; row++)
		if (row->journal)
			log_record_add(m, row->journal, "%llu", (ull)report_row_value(r, row));
}

static void add_fields(struct log_record *m, const struct report *r)
{
	char device[4 * DEVICE_NAME_MAX], id[4 * sizeof(r->id)], vips[ADDRESSES_MAX] = "";
	struct logfmt l = { .buf = vips, .size = sizeof(vips) };

	line_add_addresses(&l, r);
	log_record_add(m, "VIPSAFE_ID", "%s", text_escape(r->id, id, sizeof(id)));
	log_record_add(m, "VIPSAFE_OP", "%s", op_name(r->op));
	log_record_add(m, "VIPSAFE_VIP", "%s", vips);
	log_record_add(m, "VIPSAFE_DEVICE", "%s", text_escape(r->device, device, sizeof(device)));
	log_record_add(m, "VIPSAFE_RESULT", "%s", result_name(r->result));
	log_record_add(m, "VIPSAFE_EXIT_CODE", "%d", (int)r->exit_code);
	log_record_add(m, "VIPSAFE_KERNEL", "%s", kernel_kind_name(r->kernel));
	log_record_add(m, "VIPSAFE_STRATEGY", "%s", strategy_name(r->strategy));
	log_record_add(m, "VIPSAFE_HOLD", "%s", hold_choice_name(r->hold));
	add_rows(m, r, report_counts);
	add_rows(m, r, report_times);
}

static void oplog_send_line(struct oplog *o, const struct report *r, int priority, const char *line)
{
	struct log_record m;
	bool journal;
	int sent;

	log_record_init(&m, IDENT, priority, line);
	add_fields(&m, r);
	sent = logger_send(o->to, &m, &journal);
	if (o->console && o->console(m.ident, line, journal) == -EAGAIN && sent != -EAGAIN)
		logger_dropped(o->to);
}

/* Moves that fail for the same reason are not all logged. */
static bool oplog_may_log(struct oplog *o, usec_t now)
{
	if (!o->problems || now - o->since >= PROBLEMS_WINDOW) {
		o->since = now;
		o->problems = 0;
	}
	if (o->problems == OPLOG_PROBLEMS_MAX) {
		o->suppressed++;
		return false;
	}
	o->problems++;
	return true;
}

/* Add how many lines were left out before LINE. */
static void line_add_left_out(char line[OPLOG_LINE_MAX], uint64_t n)
{
	struct logfmt l = { .buf = line, .size = OPLOG_LINE_MAX, .n = strlen(line) };

	if (n)
		logfmt_add(&l, " left_out=%llu", (ull)n);
}

bool oplog_write(struct oplog *o, const struct report *r, usec_t now)
{
	char line[OPLOG_LINE_MAX];

	if (r->plan)
		return true;
	if (!r->changed && !ratelimit_take(&o->idle, now, OPLOG_IDLE_BURST, OPLOG_IDLE_EVERY))
		return false;
	oplog_format(r, line);
	if (o->idle.suppressed)
		line_add_left_out(line, ratelimit_take_suppressed(&o->idle));
	oplog_send_line(o, r, LOG_INFO, line);
	if (oplog_priority(r) == LOG_INFO || !oplog_may_log(o, now))
		return true;
	oplog_send_line(o, r, oplog_priority(r), oplog_format_problem(r, o->suppressed, line));
	o->suppressed = 0;
	return true;
}
