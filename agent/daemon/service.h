/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to and settings from the service manager. Without one (no
 * $NOTIFY_SOCKET, no $LISTEN_FDS, no $WATCHDOG_USEC) nothing here does
 * anything. */
#pragma once

#include <vipsafe/base.h>

#define SERVICE_TEXT_MAX 256

enum service_word { /* in the order in which they are sent */
		    SERVICE_RELOADING,
		    SERVICE_READY,
		    SERVICE_STATUS,
		    SERVICE_ALIVE,
		    SERVICE_STOPPING,
};

/* Messages still to be sent: the manager's socket may be full, and is not
 * waited for. Initially zero. */
struct service {
	char pending[SERVICE_STOPPING + 1][SERVICE_TEXT_MAX];
};

/* The listening socket that was handed over, or -1 if there was none. -EINVAL:
 * there were several, or it is not a listening SOCK_SEQPACKET unix socket. */
int service_socket(int *ret_fd);

/* How often service_alive() has to be called: half the watchdog timeout;
 * USEC_NEVER without a watchdog. */
usec_t service_alive_every(void);

/* Send it now, or in one of the next ticks. */
void service_ready(struct service *s);
void service_reloading(struct service *s);
void service_stopping(struct service *s);
void service_alive(struct service *s);
void service_status(struct service *s, const char *text);

/* Send what found no room before. Returns when to call again. */
usec_t service_tick(struct service *s, usec_t now);
