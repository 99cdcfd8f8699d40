/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to and settings from the service manager. Without one (no
 * $NOTIFY_SOCKET, no $LISTEN_FDS, no $WATCHDOG_USEC) nothing here does
 * anything. */
#pragma once

#include <vipsafe/base.h>

#include "daemon/loop.h"

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
	struct loop *loop;
	struct loop_timer again, alive; /* of LOOP */
	usec_t alive_every;
	char pending[SERVICE_STOPPING + 1][SERVICE_TEXT_MAX];
};

/* What a build without libsystemd lacks, for --version; "" if nothing. */
const char *service_without(void);

/* The listening socket that was handed over, or -1 if there was none. -EINVAL:
 * there were several, or it is not a listening SOCK_SEQPACKET unix socket. */
int service_socket(int *ret_fd);

/* From now on what found no room is sent later, and the watchdog hears twice in its timeout
 * that L goes round, if there is a watchdog. */
void service_start(struct service *s, struct loop *l);
void service_stop(struct service *s);

/* Send it now, or when there is room. */
void service_ready(struct service *s);
void service_reloading(struct service *s);
void service_stopping(struct service *s);
void service_status(struct service *s, const char *text);
