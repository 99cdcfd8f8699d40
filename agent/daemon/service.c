/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/os.h"

/* How soon to try again when the socket was full. */
#define AGAIN_AFTER (100 * USEC_PER_MSEC)

#ifdef HAVE_SYSTEMD
const char *service_without(void)
{
	return "";
}

static usec_t service_watchdog(void)
{
	uint64_t timeout = 0;

	return sd_watchdog_enabled(0, &timeout) > 0 ? timeout : 0;
}

int service_socket(int *ret_fd)
{
	int fd = SD_LISTEN_FDS_START, n = sd_listen_fds(1), flags;

	*ret_fd = -1;
	if (n <= 0)
		return n;
	if (n > 1 || sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) <= 0)
		return -EINVAL;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}
#else
const char *service_without(void)
{
	return " (built without libsystemd: no socket activation, no watchdog)";
}

static usec_t service_watchdog(void)
{
	return 0;
}

int service_socket(int *ret_fd)
{
	*ret_fd = -1;
	return 0;
}
#endif

/* Like sd_notify(3), but does not block: -EAGAIN when the socket is full. 0
 * when it was sent or cannot be. */
static int send_word(const char *text)
{
	_cleanup_close_ int fd = -1;
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t size;

	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(a.sun_path))
		return 0;
	memcpy(a.sun_path, path, strlen(path));
	if (*path == '@')
		a.sun_path[0] = '\0';
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -EAGAIN;
	if (sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&a,
		   size) >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? -EAGAIN : 0;
}

/* In order: a message that found no room delays the next ones. */
static void service_send(void *ud)
{
	struct service *s = ud;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(s->pending); i++) {
		if (!*s->pending[i])
			continue;
		if (send_word(s->pending[i]) < 0) {
			s->again.due = os_now() + AGAIN_AFTER;
			return;
		}
		*s->pending[i] = '\0';
	}
}

static void notify(struct service *s, enum service_word word, const char *text)
{
	snprintf(s->pending[word], sizeof(s->pending[word]), "%s", text);
	service_send(s);
}

void service_ready(struct service *s)
{
	notify(s, SERVICE_READY, "READY=1");
}

/* The timestamp is for Type=notify-reload (systemd 253); others ignore it. */
void service_reloading(struct service *s)
{
	char text[SERVICE_TEXT_MAX];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)os_now());
	notify(s, SERVICE_RELOADING, text);
}

void service_stopping(struct service *s)
{
	notify(s, SERVICE_STOPPING, "STOPPING=1");
}

static void service_on_alive(void *ud)
{
	struct service *s = ud;

	notify(s, SERVICE_ALIVE, "WATCHDOG=1");
	s->alive.due = os_now() + s->alive_every;
}

void service_start(struct service *s, struct loop *l)
{
	usec_t timeout = service_watchdog();

	s->loop = l;
	s->again = (struct loop_timer){ .due = USEC_NEVER, .fn = service_send, .ud = s };
	s->alive = (struct loop_timer){ .due = timeout ? os_now() : USEC_NEVER,
					.fn = service_on_alive,
					.ud = s };
	s->alive_every = MAX(timeout / 2, (usec_t)1);
	loop_add_timer(l, &s->again);
	loop_add_timer(l, &s->alive);
}

void service_stop(struct service *s)
{
	if (!s->loop)
		return;
	loop_remove_timer(s->loop, &s->again);
	loop_remove_timer(s->loop, &s->alive);
	s->loop = NULL;
}

void service_status(struct service *s, const char *text)
{
	char line[SERVICE_TEXT_MAX];

	snprintf(line, sizeof(line), "STATUS=%s", text);
	notify(s, SERVICE_STATUS, line);
}
