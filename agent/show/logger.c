/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speaks the journal's own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) and that of syslog(3),
 * because libsystemd and libc block when there is no room. */
#include "show/logger.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET "/dev/log"

/* Every syslog daemon accepts that much in one message. */
#define SYSLOG_MAX 8192

void log_record_add(struct log_record *m, const char *name, const char *fmt, ...)
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
	bool journal = r == 0 || has_no_room(r);

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
	l->untold++;
}

void logger_done(struct logger *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
