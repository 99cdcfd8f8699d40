/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/service.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "daemon/loop.h"

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

usec_t service_alive_every(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 && usec ? MAX(usec / 2, (usec_t)1) : USEC_NEVER;
}

void service_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

/* The time is for Type=notify-reload (systemd 253); others ignore it. */
void service_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)loop_now());
}

void service_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void service_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

void service_status(const char *text)
{
	(void)sd_notifyf(0, "STATUS=%s", text);
}
