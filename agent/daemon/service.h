/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a service manager is told and asked. Without one (no $NOTIFY_SOCKET, no
 * $LISTEN_FDS, no $WATCHDOG_USEC) nothing here does anything. */
#pragma once

#include <vipsafe/base.h>

/* The listening socket that was handed over, or -1 when none was. -EINVAL: it
 * was several, or not a listening SOCK_SEQPACKET unix socket. */
int service_socket(int *ret_fd);

/* How often service_alive() has to be called: half the watchdog's time;
 * USEC_NEVER without one. */
usec_t service_alive_every(void);

void service_ready(void);
void service_reloading(void);
void service_stopping(void);
void service_alive(void);
void service_status(const char *text);
