/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/client.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/array.h"
#include "base/os.h"
#include "base/text.h"

/* A listener that does not accept within this time counts as absent. */
#define CONNECT_PATIENCE_MS 1000

#define BARRED "not permitted to ask the daemon"

const char *client_barred_text(const char *path, char buf[CLIENT_TEXT_MAX])
{
	const struct group *g = NULL;
	struct stat st;
	bool seen = stat(path, &st) == 0;

	if (seen && st.st_gid && st.st_mode & S_IWGRP)
		g = getgrgid(st.st_gid);
	if (g)
		text_line(buf, CLIENT_TEXT_MAX, BARRED ": only root and the group %.64s may",
			  g->gr_name);
	else if (seen && st.st_gid && st.st_mode & S_IWGRP)
		text_line(buf, CLIENT_TEXT_MAX, BARRED ": only root and the group %llu may",
			  (unsigned long long)st.st_gid);
	else if (seen)
		text_line(buf, CLIENT_TEXT_MAX, BARRED ": only root may");
	else
		text_line(buf, CLIENT_TEXT_MAX, BARRED ": only root and the configured group may");
	return buf;
}

/* Whether the listener is root or our own user: another one could claim that an
 * address was moved. */
static bool client_is_trusted(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && len == sizeof(cred) &&
	       (cred.uid == 0 || cred.uid == geteuid());
}

static int connect_to(const char *path, usec_t patience, int *ret_fd)
{
	usec_t most = MIN(patience, CONNECT_PATIENCE_MS * USEC_PER_MSEC);
	/* limits connect() as well, when the listener's queue is full */
	struct timeval limit = { .tv_sec = (time_t)(most / USEC_PER_SEC),
				 .tv_usec = (suseconds_t)(most % USEC_PER_SEC) };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	if (!client_is_trusted(fd))
		return -EPERM;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* All pieces up to the end. A daemon that refuses before reading our request
 * resets the connection; what it sent before can still be read. */
static int client_receive(int fd, usec_t deadline, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *buf = NULL;
	size_t size = 0, cap = 0;
	bool reset = false;

	for (;;) {
		int r = array_reserve(&buf, &cap, size + WIRE_PIECE_MAX, 1);
		ssize_t n;

		if (r == 0)
			r = os_wait_readable(fd, deadline);
		if (r < 0)
			return r;
		n = recv(fd, buf + size, WIRE_PIECE_MAX, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0 && errno == ECONNRESET && !reset) {
			reset = true;
			continue;
		}
		if (n < 0)
			return -errno;
		if (!n)
			break;
		size += (size_t)n;
		if (size > WIRE_ANSWER_MAX)
			return -EMSGSIZE;
	}
	*ret = TAKE_PTR(buf);
	*ret_size = size;
	return 0;
}

static int client_exchange(int fd, const char *line, usec_t deadline, struct wire_answer *ret)
{
	_cleanup_free_ char *buf = NULL;
	size_t size = 0;
	ssize_t n;
	int r;

	do
		n = send(fd, line, strlen(line), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return -errno;
	r = client_receive(fd, deadline, &buf, &size);
	return r < 0 ? r : wire_answer_parse(buf, size, ret);
}

void client_ask(const char *path, const struct wire_request *request, usec_t patience,
		struct wire_answer *ret, enum client_outcome *ret_outcome)
{
	struct wire_request timed = *request;
	_cleanup_free_ char *line = NULL;
	_cleanup_close_ int fd = -1;
	char barred[CLIENT_TEXT_MAX];
	int r;

	if (!timed.move.deadline)
		timed.move.deadline = os_now() + patience;
	line = wire_request_line(&timed);
	*ret_outcome = CLIENT_ABSENT;
	if (!line || strlen(line) > WIRE_REQUEST_MAX)
		return;
	r = connect_to(path, patience, &fd);
	if (r < 0) {
		*ret_outcome = r == -EACCES ? CLIENT_BARRED : CLIENT_ABSENT;
		if (r == -EACCES)
			ret->error_text = strdup(client_barred_text(path, barred));
		return;
	}
	if (client_exchange(fd, line, os_now() + patience, ret) < 0)
		*ret_outcome = CLIENT_BROKEN;
	else
		*ret_outcome = ret->error_code ? CLIENT_REFUSED : CLIENT_ANSWERED;
}

const char *client_failure_text(enum client_outcome outcome, const struct wire_answer *a)
{
	switch (outcome) {
	case CLIENT_ABSENT:
		return "the daemon is not running";
	case CLIENT_BARRED:
		return a->error_text ? a->error_text : BARRED;
	case CLIENT_REFUSED:
		return a->error_text;
	case CLIENT_BROKEN:
		return "the daemon does not answer";
	case CLIENT_ANSWERED:
		break;
	}
	return "";
}

int client_failure_code(enum client_outcome outcome, const struct wire_answer *a)
{
	const char *why = outcome == CLIENT_REFUSED ? a->error_code : "";

	if (!strcmp(why, wire_refusal_name(WIRE_BAD_CONFIG)))
		return EXIT_CONFIG;
	if (outcome == CLIENT_BARRED || !strcmp(why, wire_refusal_name(WIRE_NOT_PERMITTED)))
		return EXIT_NOT_PERMITTED;
	return EXIT_UNREACHABLE;
}

/* Receive one packet, a whole answer. 0; -EAGAIN: none is there; -EPIPE: the
 * daemon has closed the connection; or another negative errno. */
static int next_packet(int fd, char *buf, struct wire_answer *ret)
{
	ssize_t n = recv(fd, buf, WIRE_PIECE_MAX, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return -EAGAIN;
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (!n)
		return -EPIPE;
	return (size_t)n > WIRE_PIECE_MAX ? -EBADMSG : wire_answer_parse(buf, (size_t)n, ret);
}

/* Wait for a packet. 1: one is there; 0: call again; -ECANCELED: a signal asks
 * to end, standard output has no reader, or DEADLINE is over. */
static int wait_packet(int fd, int signals, usec_t deadline)
{
	struct pollfd p[3] = { { .fd = fd, .events = POLLIN },
			       { .fd = signals, .events = POLLIN },
			       { .fd = STDOUT_FILENO } };
	usec_t now = os_now(), left = deadline > now ? (deadline - now) / USEC_PER_MSEC + 1 : 0;
	int r = poll(p, 3, deadline == USEC_NEVER ? -1 : (int)MIN(left, (usec_t)60000));

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[1].revents || p[2].revents & (POLLERR | POLLNVAL) || os_now() >= deadline)
		return -ECANCELED;
	return p[0].revents ? 1 : 0;
}

static int listen_until(int fd, int signals, usec_t deadline, client_packet fn, void *ud)
{
	_cleanup_free_ char *buf = malloc(WIRE_PIECE_MAX);
	bool more = true;
	int r = buf ? 0 : -ENOMEM;

	while (r >= 0 && more) {
		struct wire_answer a = { 0 };

		r = wait_packet(fd, signals, deadline);
		if (r <= 0)
			continue;
		r = next_packet(fd, buf, &a);
		if (r == 0)
			more = fn(ud, &a);
		wire_answer_done(&a);
		r = r == -EAGAIN ? 0 : r;
	}
	return r == -ECANCELED ? 0 : r;
}

int client_listen(const char *path, const struct wire_request *request, usec_t patience,
		  client_packet fn, void *ud)
{
	_cleanup_free_ char *line = wire_request_line(request);
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int signals = -1;
	sigset_t set;
	int r;

	if (!line)
		return -ENOMEM;
	r = connect_to(path, patience ? patience : USEC_NEVER, &fd);
	if (r < 0)
		return r;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0 || send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		return -errno;
	return listen_until(fd, signals, patience ? os_now() + patience : USEC_NEVER, fn, ud);
}
